package realism

import (
	"github.com/gantry-dev/gantry/gantry-agent/world"
)

// day is what all stations saw on one world day.
type day struct {
	start, end world.Micros
	date       int // local date of the start, days since 1970
	detailed   bool
	stations   []stationDay // by station, of a detailed day
	hours      [][]uint32   // by station, then by hour since the start
}

// reader reads days that follow each other. It keeps all stations' cursors
// open from day to day, so that each day's field is made once.
type reader struct {
	stations []world.Station
	cursors  []ahead
	buffer   []world.Passage // of one station's day, used again
}

// ahead is a cursor that has been read one passage too far.
type ahead struct {
	from Passages
	next world.Passage
	ok   bool
}

// newReader reads the stations in [from, to).
func newReader(src Source, stations []world.Station, from, to world.Micros) *reader {
	r := &reader{stations: stations}
	for i := range stations {
		var a ahead
		if c, ok := src.Open(stations[i].ID, from, to); ok {
			a.from = c
			a.ok = c.Next(&a.next)
		}
		r.cursors = append(r.cursors, a)
	}
	return r
}

// day reads up to d.end.
func (r *reader) day(d *day) {
	for i := range r.cursors {
		if !d.detailed {
			d.hours = append(d.hours, r.cursors[i].count(d))
			continue
		}
		r.buffer = r.cursors[i].until(d.end, r.buffer[:0])
		s := newStationDay(&r.stations[i], d.start, d.end, r.buffer)
		d.stations = append(d.stations, s)
		d.hours = append(d.hours, s.hours())
	}
}

// until appends the passages before end.
func (a *ahead) until(end world.Micros, to []world.Passage) []world.Passage {
	for a.ok && a.next.At < end {
		to = append(to, a.next)
		a.ok = a.from.Next(&a.next)
	}
	return to
}

// count counts the passages before the day's end by hour.
func (a *ahead) count(d *day) []uint32 {
	hours := make([]uint32, (d.end-d.start+hour-1)/hour)
	for a.ok && a.next.At < d.end {
		hours[(a.next.At-d.start)/hour]++
		a.ok = a.from.Next(&a.next)
	}
	return hours
}

// hours counts by hour since the day's start.
func (d *stationDay) hours() []uint32 {
	hours := make([]uint32, (len(d.bins)+binsPerHr-1)/binsPerHr)
	for i := range d.bins {
		hours[i/binsPerHr] += d.bins[i].all.n
	}
	return hours
}
