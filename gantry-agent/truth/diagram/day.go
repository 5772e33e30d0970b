package diagram

import (
	"time"

	"github.com/gantry-dev/gantry/gantry-agent/world"
)

// Passages run through what crosses a station, by time.
type Passages interface {
	// Next gives the next passage; it is false at the end.
	Next(*world.Passage) bool
}

// Day is what the stations of one direction of a road saw.
type Day struct {
	// From and To bound the day.
	From, To time.Time
	// Sites are its stations in the direction of travel.
	Sites []Site
}

// Site is a station and what passed it in each minute.
type Site struct {
	// Station that it is.
	Station world.Station
	// Minutes since the day's start.
	Minutes []Minute
}

// Minute is the vehicles of a minute and the sum of 1/speed, h/km.
type Minute struct {
	// N vehicles passed.
	N float64
	// Slowness is the sum of their 1/speed.
	Slowness float64
}

// Add reads the passages of the day at one more station.
func (d *Day) Add(s world.Station, from Passages) {
	site := Site{Station: s, Minutes: make([]Minute, int(d.To.Sub(d.From)/time.Minute))}
	start := d.From.UnixMicro()
	var p world.Passage
	for from.Next(&p) {
		i := int((p.At - start) / time.Minute.Microseconds())
		if 0 <= i && i < len(site.Minutes) {
			site.Minutes[i].add(Minute{1, 10 / float64(max(p.SpeedTenthKMH, 1))})
		}
	}
	d.Sites = append(d.Sites, site)
}

func (m *Minute) add(o Minute) {
	m.N += o.N
	m.Slowness += o.Slowness
}

// speed is the space mean, km/h.
func (m *Minute) speed() float64 { return m.N / m.Slowness }
