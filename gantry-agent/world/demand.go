package world

// ticks are how entries of a day count time: 25 µs, so that 32 bits hold a
// day and what is still on the road at its end.
const (
	tick        Micros = 25
	ticksPerSec        = uint64(second / tick)
	ticksPerHr         = 3600 * ticksPerSec
)

// trip is one vehicle's way through the road on one day.
type trip struct {
	entry     uint32 // ticks since the day's start, at the way's first metre
	vehicle   Vehicle
	fromM     uint32 // where its way begins, metres in direction of travel
	speed     uint16 // desired speed, tenths of a km/h
	persons   uint8
	commuting bool
}

// stretch is a run of trips of the same way.
type stretch struct {
	way
	first, end int // indices into the day's trips
}

// planner draws the trips of one day.
type planner struct {
	w       *World
	day     int
	keys    tripKeys
	next    [classes]uint32 // trips that have drawn a vehicle of the class so far
	trips   []trip
	parts   []stretch
	shifted [classes]uint32
}

// tripKeys are the streams that a trip draws from.
type tripKeys struct{ entry, vehicle, speed, persons, habit uint64 }

// planDay draws all trips of a world day.
func (w *World) planDay(day int) ([]trip, []stretch) {
	p := &planner{w: w, day: day}
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
	totals := make([]int, len(w.scn.demand))
	most := 0
	for i := range w.scn.demand {
		totals[i] = w.dayTotal(day, i)
		most += totals[i]
	}
	workday := w.workday(day)
	if workday {
		most += 2 * int(w.scn.commuting)
	}
	p.trips = make([]trip, 0, most)
	for i := range w.scn.demand {
		p.others(&w.scn.demand[i], totals[i], workday)
	}
	if workday {
		for i := range w.scn.commuters {
			p.commute(&w.scn.commuters[i], &w.scn.commuters[i].out, false)
			p.commute(&w.scn.commuters[i], &w.scn.commuters[i].back, true)
		}
	}
	return p.trips, p.parts
}

// workday says whether commuters go to work.
func (w *World) workday(day int) bool {
	d := weekday(day)
	return d != 0 && d != 6
}

// dayTotal is how many trips of demand i there are on a day.
func (w *World) dayTotal(day, i int) int {
	// One draw per day for the whole network, and one per demand: days are busy
	// or not as a whole.
	h := key(w.seed, streamDayTotal)
	noise := int64(w.scn.noise)
	perMille := 1000 + triangle(draw(h, uint64(day)<<16), noise*20) + triangle(draw(h, uint64(day)<<16+uint64(i)+1), noise*5)
	n := int64(w.scn.demand[i].vehicles) * int64(w.scn.dayPercent[weekday(day)]) * max(perMille, 0)
	return int(n / 100_000)
}

// others draws trips without a particular purpose.
func (p *planner) others(d *demand, total int, workday bool) {
	profile := d.weekend
	if workday {
		profile = d.workday
	}
	first := len(p.trips)
	for range total {
		id := uint64(len(p.trips))
		bin, at := profile.at(draw(p.keys.entry, id)>>32, ticksPerHr)
		hour := (bin + dayStartHour) % hoursOfDay
		h := draw(p.keys.vehicle, id+uint64(classes))
		c := Class(p.w.scn.mix[hour].bin(h >> 32))
		p.add(d.fromM, uint32(at), p.stranger(c), purposeOther, hour)
	}
	p.parts = append(p.parts, stretch{d.way, first, len(p.trips)})
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
func (p *planner) commute(c *commuters, w *way, back bool) {
	first := len(p.trips)
	usual := key(p.w.seed, streamCommuter)
	today := draw(key(p.w.seed, streamCommuteDay), uint64(p.day))
	at, spread, leg := c.outAt, c.outSpread, uint64(0)
	if back {
		at, spread, leg = c.backAt, c.backSpread, 1
	}
	for n := c.first; n < c.first+c.cars; n++ {
		v := makeVehicle(Car, n)
		if below(draw(today, uint64(v)*4), 100) >= c.present {
			continue
		}
		s := at*1_000_000 + triangle(draw(usual, uint64(v)*2+leg), spread*1_000_000) + triangle(draw(today, uint64(v)*4+1+leg), c.jitter*1_000_000)
		s = max(s, 0)
		hour := (int(s/1_000_000/3600) + dayStartHour) % hoursOfDay
		p.add(w.fromM, uint32(s/tick), v, purposeCommute, hour)
	}
	p.parts = append(p.parts, stretch{*w, first, len(p.trips)})
}

// add makes the trip of a vehicle.
func (p *planner) add(fromM, entry uint32, v Vehicle, purpose, hour int) {
	id := uint64(len(p.trips))
	c := v.Class()
	// What the driver is used to counts four, today's mood three: 4² + 3² = 5²
	// keeps the deviation.
	z := (bell(draw(p.keys.habit, uint64(v)))*4 + bell(draw(p.keys.speed, id))*3) / 5
	f := &p.w.scn.speeds[c]
	speed := int64(f.MeanKMH)*10 + z*int64(f.SDKMH)*10/bellSD
	speed = min(max(speed, int64(f.MinKMH)*10), int64(f.MaxKMH)*10)
	// Both ways of a commuter have the same persons aboard on most days.
	seed := id
	if purpose == purposeCommute {
		seed = uint64(v) << 32
	}
	p.trips = append(p.trips, trip{
		entry: entry, vehicle: v, fromM: fromM, speed: uint16(speed), commuting: purpose == purposeCommute,
		persons: p.w.aboard(draw(p.keys.persons, seed), v, purpose, hour),
	})
}

// aboard is how many persons are in a vehicle.
func (w *World) aboard(h uint64, v Vehicle, purpose, hour int) uint8 {
	if purpose == purposeCommute && h&7 != 0 {
		return w.fleet.prototype(v).UsualPersons
	}
	by := w.scn.persons[purpose][v.Class()][hour]
	_, at := by.weights.at(h>>32, uint64(by.step))
	return uint8(1 + at)
}
