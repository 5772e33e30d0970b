package world

import (
	"slices"
	"sync"
	"weak"
)

// keptDays is how many days the cache holds on to. Backfill of one UTC day
// touches two world days; days in use by a cursor live on beside these.
const keptDays = 2

// minHeadway is the least time between two vehicles of a lane.
const minHeadway = uint32(300_000 / tick)

// flowWindow is over how long lane choice looks back at the flow.
const flowWindow = uint32(300 * second / tick)

// day is the field of one world day.
type day struct {
	number  int
	start   Micros
	trips   []trip
	parts   []stretch
	mu      sync.Mutex
	columns [][]crossing // by station; nil until asked for
}

// crossing is one entry of a column: a vehicle at a station.
type crossing struct {
	at   uint32 // ticks since the day's start
	trip uint32 // laneBits of lane, then the index of the trip
}

const laneShift = 27 // above it the lane, below it the trip

func (c crossing) lane() uint8 { return uint8(c.trip >> laneShift) }
func (c crossing) index() int  { return int(c.trip & (1<<laneShift - 1)) }

// dayCache keeps the days asked for last, and finds those still in use.
type dayCache struct {
	mu    sync.Mutex
	known map[int]weak.Pointer[day]
	kept  [keptDays]*day // newest first
}

// dayField is the field of a day. Two goroutines that ask for the same new day
// wait for one computation.
func (w *World) dayField(number int) *day {
	c := &w.days
	c.mu.Lock()
	defer c.mu.Unlock()
	d := c.known[number].Value()
	if d == nil {
		d = &day{number: number, start: w.zone.dayStart(number), columns: make([][]crossing, len(w.net.Stations))}
		d.trips, d.parts = w.planDay(number)
		c.remember(d)
	}
	c.keep(d)
	return d
}

// remember notes a new day and forgets those that are gone.
func (c *dayCache) remember(d *day) {
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

// keep moves a day to the front.
func (c *dayCache) keep(d *day) {
	i := slices.Index(c.kept[:], d)
	if i < 0 {
		i = len(c.kept) - 1
	}
	copy(c.kept[1:i+1], c.kept[:i])
	c.kept[0] = d
}

// column is all crossings of a station on a day, by time.
func (w *World) column(d *day, station int) []crossing {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.columns[station] == nil {
		col := w.arrivals(d, station)
		other, _ := w.scratch.Get().(*[]crossing)
		if other == nil {
			other = new([]crossing)
		}
		*other = sortCrossings(col, *other)
		w.scratch.Put(other)
		w.assignLanes(d, station, col)
		d.columns[station] = col
	}
	return d.columns[station]
}

// arrivals are the times at which vehicles would cross, in no order.
func (w *World) arrivals(d *day, station int) []crossing {
	offset := w.net.Stations[station].OffsetM
	crosses := func(s *stretch) bool {
		return s.line == w.lines[station] && s.fromM <= offset && offset < s.overM
	}
	n := 0
	for i := range d.parts {
		if s := &d.parts[i]; crosses(s) {
			n += s.end - s.first
		}
	}
	col := make([]crossing, 0, n)
	for i := range d.parts {
		s := &d.parts[i]
		if !crosses(s) {
			continue
		}
		// A metre at a tenth of a km/h takes 36 seconds.
		way := uint64(offset-s.fromM) * 36 * ticksPerSec
		for j := s.first; j < s.end; j++ {
			t := &d.trips[j]
			col = append(col, crossing{at: t.entry + uint32(way/uint64(t.speed)), trip: uint32(j)})
		}
	}
	return col
}

// sortCrossings sorts by time, then by trip: a radix sort in three passes, for
// this is where most of a day's cost would go. The scratch is returned, grown
// if need be, to be used again.
func sortCrossings(col, scratch []crossing) []crossing {
	const bits = 11
	scratch = slices.Grow(scratch[:0], len(col))[:len(col)]
	a, b := col, scratch
	for shift := 0; shift < 32; shift += bits {
		var count [1 << bits]uint32
		for _, c := range a {
			count[c.at>>shift&(1<<bits-1)]++
		}
		at := uint32(0)
		for i, n := range count {
			count[i] = at
			at += n
		}
		for _, c := range a {
			k := c.at >> shift & (1<<bits - 1)
			b[count[k]] = c
			count[k]++
		}
		a, b = b, a
	}
	copy(col, a) // three passes end in the scratch
	return scratch
}

// assignLanes gives each crossing its lane, keeps minHeadway in each lane by
// waiting, and restores the order that waiting may have disturbed.
func (w *World) assignLanes(d *day, station int, col []crossing) {
	lanes := int(w.net.Stations[station].Lanes)
	chance := draw(w.lane[station], uint64(d.number))
	var free [17]uint32 // by lane: earliest time of the next front
	oldest := 0
	for i := range col {
		c := &col[i]
		for c.at-col[oldest].at > flowWindow {
			oldest++
		}
		t := &d.trips[c.trip]
		lane := chooseLane(draw(chance, uint64(c.trip)), t, lanes, i-oldest)
		if free[lane] > c.at {
			for l := 1; l <= lanes; l++ {
				if free[l] < free[lane] && !keepsNearside(t.vehicle.Class(), l) {
					lane = l
				}
			}
		}
		c.at = max(c.at, free[lane])
		free[lane] = c.at + minHeadway
		c.trip |= uint32(lane) << laneShift
	}
	restoreOrder(col)
}

// restoreOrder is an insertion sort: waiting moves an entry by a few places.
func restoreOrder(col []crossing) {
	for i := 1; i < len(col); i++ {
		c := col[i]
		j := i
		for ; j > 0 && col[j-1].at > c.at; j-- {
			col[j] = col[j-1]
		}
		col[j] = c
	}
}

// keepsNearside says whether a class stays out of a lane.
func keepsNearside(c Class, lane int) bool {
	return lane > 2 && (c == Truck || c == Bus || c == Other)
}

// chooseLane draws the lane of a vehicle. The more vehicles have crossed in
// the last five minutes, the more use the inner lanes; the faster a vehicle,
// the further in.
func chooseLane(h uint64, t *trip, lanes, recent int) int {
	if lanes == 1 {
		return 1
	}
	// 170 vehicles per lane in five minutes are 2 040 per hour: full.
	full := min(recent*1000/(170*lanes), 1000)
	inner := 140 + 400*full/1000 // per mille of two lanes' flow
	switch c := t.vehicle.Class(); {
	case c == Truck || c == Bus || c == Other:
		inner /= 6
	default:
		inner += (int(t.speed) - 1100) * (1000 - full/2) / 500
	}
	inner = min(max(inner, 20), 960)
	if int(below(h, 1000)) >= inner {
		return 1
	}
	lane := 2
	for lane < lanes && int(h&1023) < inner*3/4 && !keepsNearside(t.vehicle.Class(), lane+1) {
		lane++
		h >>= 10
	}
	return lane
}
