package world

import (
	"fmt"
	"slices"
	"sync"
	"weak"
)

// day is what there is to know of one world day: its trips and, for the
// stations asked for, who crossed.
type day struct {
	number  int
	start   Micros
	riders  []rider      // by trip
	columns [][]crossing // by station; nil where it was not asked for
	totals  Totals
}

// crossing is one entry of a column, a vehicle at a station: from the top 32
// bits of ticks since the day's start, 20 of the trip, 3 of the lane less one, 9
// of the speed.
type crossing uint64

// Bits of a crossing.
const (
	tripBits  = 20
	laneBits  = 3
	speedBits = 9
	// speedStep is what the speed is counted in, tenths of a km/h: 9 bits reach
	// up to 255 km/h.
	speedStep = 5
)

func newCrossing(at uint32, trip int32, lane uint8, tenthKMH uint32) crossing {
	v := min((tenthKMH+speedStep/2)/speedStep, 1<<speedBits-1)
	return crossing(at)<<32 | crossing(trip)<<(laneBits+speedBits) | crossing(lane-1)<<speedBits | crossing(v)
}

func (c crossing) at() uint32       { return uint32(c >> 32) }
func (c crossing) trip() int        { return int(c >> (laneBits + speedBits) & (1<<tripBits - 1)) }
func (c crossing) lane() uint8      { return uint8(c>>speedBits&(1<<laneBits-1)) + 1 }
func (c crossing) tenthKMH() uint16 { return uint16(c&(1<<speedBits-1)) * speedStep }

// dayCache keeps the days asked for last, and finds those still in use.
type dayCache struct {
	mu     sync.Mutex
	wanted []bool // by station
	known  map[int]weak.Pointer[day]
	kept   []*day // newest first
	flow   flow   // memory to evaluate a day in
	fault  error
}

// Expect says that a station's passages will be asked for: evaluating a day
// keeps those of the stations expected by then, and if others are asked for later
// the day is evaluated once more.
func (w *World) Expect(stationID string) {
	if i, ok := w.stations[stationID]; ok {
		w.want(i)
	}
}

func (w *World) want(station int) {
	w.days.mu.Lock()
	defer w.days.mu.Unlock()
	w.days.wanted[station] = true
}

// column is who crosses a station on a day, by time. Two goroutines that ask
// for the same new day wait for one evaluation.
func (w *World) column(number, station int) (*day, []crossing) {
	c := &w.days
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wanted[station] = true
	d := c.known[number].Value()
	if d == nil {
		c.trim(w.keep - 1) // makes room before it is needed
	}
	switch {
	case d == nil:
		d = w.evaluate(number, c.wanted)
	case d.columns[station] == nil:
		// Somebody goes through the stations one by one.
		all := make([]bool, len(c.wanted))
		for i := range all {
			all[i] = true
		}
		d = w.evaluate(number, all)
	}
	c.remember(d, w.keep)
	return d, d.columns[station]
}

// evaluate runs the flow of a day and keeps the columns of some stations. The
// cache is locked.
func (w *World) evaluate(number int, wanted []bool) *day {
	c := &w.days
	d := &day{number: number, start: w.zone.dayStart(number)}
	trips := w.plan(number)
	d.riders = make([]rider, len(trips))
	for i := range trips {
		d.riders[i] = trips[i].rider
	}
	g := w.gridOf(number)
	d.columns = w.columns(trips, g, wanted)
	f := &c.flow
	f.prepare(w, number, g, trips, w.changes(number, g), d.columns)
	end := uint32((w.zone.dayStart(number+1) - d.start) / tick)
	f.run(end)
	w.blame(number, f.standing())
	f.run(end + uint32(w.tail/tick))
	d.totals = f.totals
	d.totals.Unfinished = uint64(f.pending)
	for i, s := range g.at {
		if wanted[i] {
			d.columns[i] = f.stretches[s].column
			f.stretches[s].column = nil
		}
	}
	return d
}

// blame notes the scenario's first fault. The cache is locked.
func (w *World) blame(day int, err error) {
	if err != nil && w.days.fault == nil {
		w.days.fault = fmt.Errorf("scenario: %s: %w", dateOf(day), err)
	}
}

// columns makes room for exactly those who will cross the stations wanted.
func (w *World) columns(trips []trip, g *grid, wanted []bool) [][]crossing {
	byRoute := make([]int, len(w.routes.all))
	for i := range trips {
		byRoute[trips[i].route]++
	}
	bySegment := make([]int, len(g.segments))
	for r, n := range byRoute {
		for _, s := range w.routes.all[r].segments {
			bySegment[s] += n
		}
	}
	columns := make([][]crossing, len(g.at))
	for i, s := range g.at {
		if wanted[i] {
			columns[i] = make([]crossing, 0, bySegment[s])
		}
	}
	return columns
}

// Keep says how many days are kept that no cursor has in use, at least one; 3
// unless it is called, for a UTC day touches as many. A live agent does with one:
// more would cost it their memory for ever, while a day that backfill needs again
// is evaluated in a fraction of a second.
func (w *World) Keep(days int) {
	w.days.mu.Lock()
	defer w.days.mu.Unlock()
	w.keep = max(days, 1)
	w.days.trim(w.keep)
}

// trim lets the oldest days go.
func (c *dayCache) trim(days int) {
	if days = max(days, 0); len(c.kept) > days {
		clear(c.kept[days:])
		c.kept = c.kept[:days]
	}
}

// remember keeps a day in front, and forgets those that are gone.
func (c *dayCache) remember(d *day, keep int) {
	c.kept = slices.DeleteFunc(c.kept, func(k *day) bool { return k.number == d.number })
	c.kept = slices.Insert(c.kept, 0, d)
	c.trim(keep)
	if c.known == nil {
		c.known = map[int]weak.Pointer[day]{}
	}
	for n, p := range c.known {
		if p.Value() == nil {
			delete(c.known, n)
		}
	}
	c.known[d.number] = weak.Make(d)
}

// Fault is the first fault of the scenario that evaluating a day has found:
// a queue that stands when the field begins anew.
func (w *World) Fault() error {
	w.days.mu.Lock()
	defer w.days.mu.Unlock()
	return w.days.fault
}

// DayNumber is the world day that t lies in, counted from 1970-01-01.
func (w *World) DayNumber(t Micros) int { return w.zone.dayOf(t) }

// Totals are what a simulated world's day adds up to. A recording has none: it
// shows stations, not the road between them.
func (w *World) Totals(day int) Totals {
	if w.recorded != nil {
		return Totals{}
	}
	w.days.mu.Lock()
	defer w.days.mu.Unlock()
	d := w.days.known[day].Value()
	if d == nil {
		d = w.evaluate(day, w.days.wanted)
	}
	w.days.remember(d, w.keep)
	return d.totals
}
