package world

import (
	"fmt"
	"slices"
)

// ticks are how entries of a day count time: 25 µs, so that 32 bits hold a
// day and what is still on the road at its end.
const (
	tick        Micros = 25
	ticksPerSec        = uint64(second / tick)
	ticksPerHr         = 3600 * ticksPerSec
)

// trip is one vehicle's way through the network on one day.
type trip struct {
	rider
	entry  uint32 // ticks since the day's start, when it wants to enter
	factor uint16 // desired speed, per mille of what is usual
	route  uint16
}

func (t *trip) units() uint8 { return classUnits[t.class()] }

// key is what a trip draws its chance on the way by: its own among the day's
// trips, the same whatever others there are.
func (t *trip) key() uint64 { return uint64(t.vehicle())<<16 | uint64(t.route) }

// planner draws the trips of one day.
type planner struct {
	w       *World
	day     int
	keys    tripKeys
	length  uint32          // of the day, ticks: clocks may change
	next    [classes]uint32 // trips that have drawn a vehicle of the class so far
	shifted [classes]uint32
	trips   []trip
}

// tripKeys are the streams that a trip draws from.
type tripKeys struct{ entry, vehicle, speed, persons, habit uint64 }

// plan draws all trips of a world day, by time of entry. They are valid until
// the next plan; whoever calls holds w.days.mu.
func (w *World) plan(day int) []trip {
	p := &planner{w: w, day: day, length: uint32((w.zone.dayStart(day+1) - w.zone.dayStart(day)) / tick)}
	k := &p.keys
	for _, s := range []struct {
		to *uint64
		of stream
	}{{&k.entry, streamEntry}, {&k.vehicle, streamVehicle}, {&k.speed, streamTripSpeed}, {&k.persons, streamPersons}} {
		*s.to = draw(key(w.seed, s.of), uint64(day))
	}
	k.habit = key(w.seed, streamHabit)
	for c := Car; c < classes; c++ {
		p.shifted[c] = uint32(draw(k.vehicle, uint64(c)) >> 32)
	}
	workday := w.workday(day)
	p.trips = slices.Grow(w.drafts.trips[:0], p.most(workday))
	for i := range w.scn.demand {
		p.others(i, workday)
	}
	if workday {
		for i := range w.scn.commuters {
			c := &w.scn.commuters[i]
			p.commute(c, pair{c.origin, c.destination}, false)
			p.commute(c, pair{c.destination, c.origin}, true)
		}
	}
	for i := range w.scn.interventions {
		if v := &w.scn.interventions[i]; v.day <= day {
			p.intervene(v)
		}
	}
	if len(p.trips) > maxTrips {
		w.blame(day, fmt.Errorf("%d trips are more than the %d a day can hold: lower growth_permille_per_year", len(p.trips), maxTrips))
		p.trips = p.trips[:maxTrips]
	}
	w.drafts.trips = p.trips
	return w.drafts.byEntry()
}

// drafts is memory to draw trips in, used again for each day.
type drafts struct{ trips, sorted []trip }

// byEntry sorts by time of entry and keeps the order of equals: a radix sort,
// for a day has hundreds of thousands of trips.
func (d *drafts) byEntry() []trip {
	const bits = 11
	d.sorted = ofLength(d.sorted, len(d.trips))
	a, b := d.trips, d.sorted
	for shift := 0; shift < 32; shift += bits {
		var count [1 << bits]uint32
		for i := range a {
			count[a[i].entry>>shift&(1<<bits-1)]++
		}
		at := uint32(0)
		for i, n := range count {
			count[i] = at
			at += n
		}
		for i := range a {
			k := a[i].entry >> shift & (1<<bits - 1)
			b[count[k]] = a[i]
			count[k]++
		}
		a, b = b, a
	}
	return a // three passes end in the other slice
}

// most is how many trips there may be.
func (p *planner) most(workday bool) int {
	n := 0
	for i := range p.w.scn.demand {
		n += p.w.dayTotal(p.day, i)
	}
	if workday {
		n += 2 * int(p.w.scn.commuting)
	}
	return n
}

// dayTotal is how many trips of demand i there are on a day.
func (w *World) dayTotal(day, i int) int {
	// One draw per day for the whole network, and one per demand: days are busy
	// or not as a whole.
	h := key(w.seed, streamDayTotal)
	noise := w.scn.noise * 10
	perMille := 1000 + evenly(draw(h, uint64(day)<<16), noise) + evenly(draw(h, uint64(day)<<16+uint64(i)+1), noise/4)
	n := int64(w.scn.demand[i].vehicles) * int64(w.scn.dayPercent[w.dayKind(day)]) * max(perMille, 0) / 100_000
	return int(n * w.grown(day) / 1000)
}

// others draws trips without a particular purpose.
func (p *planner) others(i int, workday bool) {
	d := &p.w.scn.demand[i]
	profile := p.w.profiles[i].weekend
	if workday {
		profile = p.w.profiles[i].workday
	}
	route := p.w.routes.of[pair{d.origin, d.destination}]
	for n := range p.w.dayTotal(p.day, i) {
		id := uint64(i+1)<<24 | uint64(n)
		at := profile.at(draw(p.keys.entry, id)>>32, ticksPerHr/quartersPerHour)
		hour := (int(at/ticksPerHr) + dayStartHour) % hoursOfDay
		c := Class(p.w.scn.mix[hour].bin(draw(p.keys.vehicle, id+uint64(classes)) >> 32))
		p.add(id, p.stranger(c), trip{entry: uint32(at), route: route}, purposeOther, hour)
	}
}

// strangerStep walks through a class's vehicles so that no vehicle is drawn
// twice in a day: it is a prime above any population.
const strangerStep = 2_147_483_647

// stranger is the next vehicle of a class that has not been on the road today.
func (p *planner) stranger(c Class) Vehicle {
	first := uint32(0)
	if c == Car {
		first = p.w.scn.commuting
	}
	of := uint64(p.w.scn.population[c] - first)
	n := (uint64(p.next[c])*strangerStep + uint64(p.shifted[c])) % of
	p.next[c]++
	return makeVehicle(c, first+uint32(n))
}

// commute draws one way of those who commute today.
func (p *planner) commute(c *commuters, way pair, back bool) {
	usual := key(p.w.seed, streamCommuter)
	today := draw(key(p.w.seed, streamCommuteDay), uint64(p.day))
	at, spread, leg := c.outAt, c.outSpread, uint64(0)
	if back {
		at, spread, leg = c.backAt, c.backSpread, 1
	}
	route := p.w.routes.of[way]
	for n := c.first; n < c.first+c.cars; n++ {
		v := makeVehicle(Car, n)
		if below(draw(today, uint64(v)*4), 100) >= c.present {
			continue
		}
		s := at*1_000_000 + triangle(draw(usual, uint64(v)*2+leg), spread*1_000_000) + triangle(draw(today, uint64(v)*4+1+leg), c.jitter*1_000_000)
		s = max(s, 0)
		hour := (int(s/1_000_000/3600) + dayStartHour) % hoursOfDay
		p.add(1<<63|uint64(v)<<1|leg, v, trip{entry: uint32(s / tick), route: route}, purposeCommute, hour)
	}
}

// add completes the trip of a vehicle; id is its own among the day's trips.
func (p *planner) add(id uint64, v Vehicle, t trip, purpose, hour int) {
	// What the driver is used to counts four, today's mood three: 4² + 3² = 5²
	// keeps the deviation.
	z := (bell(draw(p.keys.habit, uint64(v)))*4 + bell(draw(p.keys.speed, id))*3) / 5
	f := &p.w.scn.speeds[v.Class()]
	t.factor = uint16(min(max(f.meanPerMille+z*f.sdPerMille/bellSD, f.minPerMille), f.maxPerMille))
	// Both ways of a commuter have the same persons aboard on most days.
	aboard := id
	if purpose == purposeCommute {
		aboard = uint64(v) << 32
	}
	t.rider = newRider(v, p.w.aboard(draw(p.keys.persons, aboard), v, purpose, hour), purpose == purposeCommute)
	if t.entry >= p.length { // the day has 23 hours, and lacks the one before its end
		t.entry -= uint32(ticksPerHr)
	}
	p.trips = append(p.trips, t)
}

// aboard is how many persons are in a vehicle.
func (w *World) aboard(h uint64, v Vehicle, purpose, hour int) uint8 {
	if purpose == purposeCommute && h&7 != 0 {
		return w.fleet.prototype(v).UsualPersons
	}
	by := w.scn.persons[purpose][v.Class()][hour]
	at := by.weights.at(h>>32, uint64(by.step))
	return uint8(1 + at)
}
