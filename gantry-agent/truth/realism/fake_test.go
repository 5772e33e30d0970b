package realism

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gantry-dev/gantry/gantry-agent/world"
)

// fake is a source of passages with known answers: at UTC, days from 03:00 on.
type fake struct {
	net *world.Network
	// fill gives the passages of a station on the world day that begins at start.
	fill func(station int, start world.Micros) []world.Passage
}

const monday = world.Micros(1767582000) * second // 2026-01-05T03:00:00Z

func (f *fake) Network() *world.Network { return f.net }

func (f *fake) DayStart(t world.Micros) world.Micros {
	day := t - worldDayHour*hour
	return day - day%(24*hour) + worldDayHour*hour
}

func (f *fake) Open(id string, from, to world.Micros) (Passages, bool) {
	i := slices.IndexFunc(f.net.Stations, func(s world.Station) bool { return s.ID == id })
	return &fakeCursor{f: f, station: i, start: f.DayStart(from), from: from, to: to}, i >= 0
}

type fakeCursor struct {
	f               *fake
	station         int
	start, from, to world.Micros
	rest            []world.Passage
}

func (c *fakeCursor) Next(p *world.Passage) bool {
	for len(c.rest) == 0 {
		if c.start >= c.to {
			return false
		}
		c.rest = c.f.fill(c.station, c.start)
		c.start += 24 * hour
	}
	*p = c.rest[0]
	c.rest = c.rest[1:]
	return p.At < c.to
}

// road is a network of n stations, 1.5 km apart, with so many lanes.
func road(n int, lanes uint8) *world.Network {
	net := &world.Network{Name: "road", Zone: "+00:00"}
	for i := range n {
		net.Stations = append(net.Stations, world.Station{
			ID: string(rune('a' + i)), Gantry: string(rune('a' + i)), Road: "R", Direction: "north",
			OffsetM: uint32(1500 * i), Lanes: lanes, LimitKMH: 130,
		})
	}
	return net
}

// poisson is a day of cars that arrive by chance in each lane, veh/h, and drive
// at a mean speed with a deviation.
func poisson(r *rand.Rand, start world.Micros, perHour []float64, speed func(world.Micros) (mean, sd float64)) []world.Passage {
	var all []world.Passage
	for l, q := range perHour {
		at := float64(start)
		for {
			at += r.ExpFloat64() / q * float64(hour)
			if at >= float64(start+24*hour) {
				break
			}
			mean, sd := speed(world.Micros(at))
			v := max(mean+sd*r.NormFloat64(), 5)
			all = append(all, world.Passage{At: world.Micros(at), Class: world.Car, Lane: uint8(l + 1), SpeedTenthKMH: uint16(v*10 + 0.5), Persons: 1})
		}
	}
	slices.SortStableFunc(all, func(a, b world.Passage) int { return int(a.At - b.At) })
	return all
}

// steady is a speed that never changes.
func steady(mean, sd float64) func(world.Micros) (float64, float64) {
	return func(world.Micros) (float64, float64) { return mean, sd }
}

func chance(station int, start world.Micros) *rand.Rand {
	return rand.New(rand.NewPCG(uint64(start), uint64(station)))
}

// measured makes a report and finds rows by property.
func measured(t *testing.T, src Source, o Options) func(property) Row {
	t.Helper()
	if o.From == 0 {
		o.From = monday
	}
	report, err := Measure(context.Background(), src, o)
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Rows) != int(properties) {
		t.Fatalf("%d rows, want %d", len(report.Rows), properties)
	}
	return func(p property) Row {
		r := report.Rows[p]
		if r.Name != bands[p].name || r.How == "" || r.Source == "" {
			t.Fatalf("row %d is %+v, want %s", p, r, bands[p].name)
		}
		if (r.Value == nil) != (r.Pass == nil) || (r.Value == nil) != (r.Reason != "") {
			t.Errorf("%s: value %v, pass %v, reason %q", r.Name, r.Value, r.Pass, r.Reason)
		}
		return r
	}
}

// near demands a value.
func near(t *testing.T, r Row, want, within float64) {
	t.Helper()
	if r.Value == nil {
		t.Errorf("%s: no value (%s), want %v", r.Name, r.Reason, want)
		return
	}
	if math.Abs(*r.Value-want) > within {
		t.Errorf("%s is %v, want %v ± %v", r.Name, *r.Value, want, within)
	}
}

func none(t *testing.T, r Row) {
	t.Helper()
	if r.Value != nil {
		t.Errorf("%s is %v, want none", r.Name, *r.Value)
	}
}
