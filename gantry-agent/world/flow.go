package world

import "fmt"

// flow evaluates a day: it moves each vehicle from segment to segment, by
// kinematic-wave theory with a triangular fundamental diagram. A vehicle leaves
// a segment when it has had the time to drive through at its own speed, when a
// lane's following headway has passed since the vehicle ahead, when the next
// segment's gate lets it in and when there is room: that is, when enough
// vehicles have left the next segment one wave's time ago. Nothing is averaged,
// so vehicles are conserved one by one.
//
// Time advances in steps in which nothing can travel from one junction to the
// next, neither vehicle nor gap, so that the junctions of a step are
// independent of each other.
type flow struct {
	w         *World
	grid      *grid
	routes    *routes
	trips     []trip
	stretches []stretch
	entrances []entrance
	junctions []crossroads
	moves     []move // by trip
	sortBuf   []int32

	step    uint32 // ticks
	steps   uint32 // done
	now     uint32 // beginning of the step
	pending int    // trips that have not arrived
	changes []change
	weather conditions
	totals  Totals
}

// conditions hold on the whole network.
type conditions struct {
	speedPercent, servePercent uint32 // of the usual speeds and capacities
	lost                       uint32 // capacity that active bottlenecks lose, per mille
}

// move is where a trip is.
type move struct {
	ready uint32 // when it has reached its segment's end
	next  int32  // the trip behind it in its list
	hop   uint16 // its segment, counted along its route
	own   uint16 // the speed it chose there, tenths of a km/h
}

// entrance are the trips that begin on a segment, by time. They wait without
// taking room until they can enter.
type entrance struct {
	segment int
	trips   []int32
}

// crossroads is a junction with those who want to pass it.
type crossroads struct {
	in, entrances []int
	credit        []uint64 // by entry of in, then of entrances: see contest
	bids          []bid
}

// bid is what the head of a line can do.
type bid struct {
	at         uint32 // when it can pass; never if not yet
	trip       int32  // -1 when the line is empty
	to         int32  // segment it enters, -1 when it arrives
	lane, gate uint8
	bound      bound
}

// bound says what a vehicle waits for.
type bound uint8

const (
	byNothing bound = iota
	byLane
	byGate
	byRoom
)

// prepare makes the flow ready for a day's trips, which are by time. columns
// take who crosses the stations, those that are nil do not.
func (f *flow) prepare(w *World, day int, g *grid, trips []trip, changes []change, columns [][]crossing) {
	*f = flow{
		w: w, grid: g, routes: w.routes, trips: trips, pending: len(trips), changes: changes, weather: conditions{100, 100, w.factors.lost},
		stretches: f.stretches, entrances: f.entrances[:0], junctions: f.junctions, sortBuf: f.sortBuf,
		moves: ofLength(f.moves, len(trips)),
	}
	f.step = never
	for i := range g.segments {
		f.step = min(f.step, travelTicks(g.segments[i].lengthM, maxTenthKMH))
	}
	f.stretches = ofLength(f.stretches, len(g.segments))
	atEnd := draw(key(w.seed, streamCrossing), uint64(day))
	for i := range g.segments {
		s := &g.segments[i]
		f.stretches[i].reset(s, draw(atEnd, uint64(i)), f.step)
		if s.station >= 0 {
			f.stretches[i].column = columns[s.station]
		}
	}
	f.connect()
}

// connect finds the entrances and who meets at which junction.
func (f *flow) connect() {
	by := make([]int, len(f.grid.segments)) // source of a segment, plus one
	for i := range f.trips {
		first := f.routes.all[f.trips[i].route].segments[0]
		if by[first] == 0 {
			f.entrances = append(f.entrances, entrance{segment: int(first)})
			by[first] = len(f.entrances)
		}
		s := &f.entrances[by[first]-1]
		s.trips = append(s.trips, int32(i))
		f.moves[i] = move{ready: f.trips[i].entry}
	}
	f.junctions = ofLength(f.junctions, len(f.grid.junctions))
	for i := range f.grid.junctions {
		j := &f.junctions[i]
		*j = crossroads{in: f.grid.junctions[i].in}
		for _, out := range f.grid.junctions[i].out {
			if by[out] > 0 {
				j.entrances = append(j.entrances, by[out]-1)
			}
		}
		n := len(j.in) + len(j.entrances)
		j.credit, j.bids = make([]uint64, n), make([]bid, n)
	}
}

// run goes on until the last trip has arrived, at most up to a time.
func (f *flow) run(until uint32) {
	for n := f.steps; f.pending > 0 && n*f.step < until; n++ {
		f.now, f.steps = n*f.step, n+1
		for len(f.changes) > 0 && f.changes[0].at <= f.now {
			f.apply(&f.changes[0])
			f.changes = f.changes[1:]
		}
		for i := range f.stretches {
			f.arrive(&f.stretches[i], n)
		}
		for i := range f.junctions {
			j := &f.junctions[i]
			if len(j.in) == 1 && len(j.entrances) == 0 {
				f.file(j.in[0])
			} else {
				f.meet(j)
			}
		}
	}
}

// arrive puts those who reach a segment's end in this step in line, by time.
func (f *flow) arrive(s *stretch, step uint32) {
	slot := &s.due[int(step)&s.mask]
	if *slot < 0 {
		return
	}
	list := f.sortBuf[:0]
	for t := *slot; t >= 0; t = f.moves[t].next {
		at := len(list)
		list = append(list, t)
		for ; at > 0 && f.before(t, list[at-1]); at-- {
			list[at] = list[at-1]
		}
		list[at] = t
	}
	*slot = -1
	for _, t := range list {
		if s.head < 0 {
			s.head = t
		} else {
			f.moves[s.tail].next = t
		}
		s.tail = t
		f.moves[t].next = -1
	}
	f.sortBuf = list
}

func (f *flow) before(a, b int32) bool {
	if f.moves[a].ready != f.moves[b].ready {
		return f.moves[a].ready < f.moves[b].ready
	}
	return f.trips[a].key() < f.trips[b].key()
}

// file passes on those in line at a junction that only one segment leads to.
func (f *flow) file(in int) {
	s := &f.stretches[in]
	for s.head >= 0 {
		b := f.bid(s)
		if b.at >= f.now+f.step {
			return
		}
		f.pass(s, &b)
	}
}

// bid is what the head of a segment's line can do.
func (f *flow) bid(s *stretch) bid {
	t := s.head
	if t < 0 {
		return bid{at: never, trip: -1}
	}
	trip := &f.trips[t]
	class := trip.class()
	if s.want == 0 {
		s.want = wantLane(draw(s.key, trip.key())>>8, s.exit.open, s.perLane, trip.factor, class)
	}
	b := bid{trip: t, to: f.after(t)}
	// On a road that is not busy only those overtake who are faster.
	patient := s.perLane < busyVehH && f.moves[t].own <= s.exit.speed[s.want]+followTenthKMH
	b.at, b.lane = s.exit.earliest(max(f.moves[t].ready, s.lastExit), s.want, class, patient)
	if b.at > f.moves[t].ready {
		b.bound = byLane
	}
	f.enter(&b, class, trip)
	return b
}

// after is the segment behind the one that a trip is on, -1 at its end.
func (f *flow) after(t int32) int32 {
	way := f.routes.all[f.trips[t].route].segments
	if n := int(f.moves[t].hop) + 1; n < len(way) {
		return way[n]
	}
	return -1
}

// enter delays a bid until the next segment takes the vehicle.
func (f *flow) enter(b *bid, class Class, trip *trip) {
	if b.to < 0 || b.at == never {
		return
	}
	to := &f.stretches[b.to]
	if to.gated {
		at, lane := to.gate.earliest(b.at, b.lane, class, false)
		if at > b.at {
			b.bound = byGate
		}
		b.at, b.gate = at, lane
	}
	if at := to.room(trip.units()); at > b.at {
		b.at, b.bound = at, byRoom
	}
}

// pass takes the head of a segment's line to where it goes.
func (f *flow) pass(s *stretch, b *bid) {
	t := b.trip
	trip := &f.trips[t]
	h := draw(s.key, trip.key())
	units := trip.units()
	speed := f.spot(s, b)
	s.exit.notice(b.at-f.moves[t].ready, b.bound == byLane)
	s.exit.take(b.at, b.lane, h, units, b.bound != byNothing, &f.weather)
	s.exit.speed[b.lane] = uint16(speed)
	if f.w.fleet != nil { // theory needs no lengths
		s.exit.clear(b.at, b.lane, uint32(f.w.fleet.prototype(trip.vehicle()).LengthCM), speed)
	}
	s.leave(b.at, units)
	if s.station >= 0 {
		f.observe(s, b, h, speed)
	}
	if s.head = f.moves[t].next; s.head < 0 {
		s.tail = -1
	}
	s.count--
	s.want = 0
	f.move(b, h>>6)
}

// spot is the speed at which a vehicle passes the end of a segment: its own, or
// that of the vehicle that it follows, or that of the queue.
func (f *flow) spot(s *stretch, b *bid) uint32 {
	own := uint32(f.moves[b.trip].own)
	wait := b.at - f.moves[b.trip].ready
	switch {
	case b.bound == byNothing:
		return own
	case b.bound == byRoom || wait >= queueWait:
		return min(own, s.queueTenthKMH(s.unitTicks))
	default:
		return min(own, uint32(s.exit.speed[b.lane])+followTenthKMH)
	}
}

// busyVehH is the flow per lane from which on drivers take any gap.
const busyVehH = 1200

// followTenthKMH is how much faster than the vehicle ahead one may be that
// catches up with it, tenths of a km/h.
const followTenthKMH = 30

// drive is the speed that a driver chooses on a segment.
func (f *flow) drive(s *stretch, t *trip) uint32 {
	v := s.freeTenthKMH * uint32(t.factor) / 1000 * f.weather.speedPercent / 100
	for i := range s.habits {
		h := &s.habits[i]
		if below(draw(h.key, t.key()), 100) >= h.sharePercent {
			continue
		}
		if h.atLimit {
			v = min(v, s.limitKMH*10)
		} else {
			v += v * h.overPercent / 100
		}
	}
	if s.slow > 0 {
		v = min(v, s.slow)
	}
	return min(max(v, minTenthKMH), maxTenthKMH)
}

// move puts a vehicle that has left its segment on the next one, or counts it
// as arrived.
func (f *flow) move(b *bid, h uint64) {
	t := b.trip
	trip := &f.trips[t]
	f.totals.wait(trip, b.at-f.moves[t].ready)
	if b.to < 0 {
		f.totals.arrive(trip, b.at)
		f.pending--
		return
	}
	f.moves[t].hop++
	f.admit(b, h)
}

// admit puts a vehicle on the segment that it enters.
func (f *flow) admit(b *bid, h uint64) {
	t := b.trip
	trip := &f.trips[t]
	to := &f.stretches[b.to]
	units := trip.units()
	if to.gated {
		to.gate.notice(b.at-f.moves[t].ready, b.bound == byGate)
		to.gate.take(b.at, b.gate, h, units, b.bound != byNothing, &f.weather)
	}
	to.entered += uint64(units)
	to.count++
	own := f.drive(to, trip)
	m := &f.moves[t]
	m.own, m.ready = uint16(own), b.at+travelTicks(to.lengthM, own)
	slot := &to.due[int(m.ready/f.step)&to.mask]
	m.next = *slot
	*slot = t
}

// observe notes a passage of a station.
func (f *flow) observe(s *stretch, b *bid, h uint64, speed uint32) {
	// Nobody holds a speed: ± 2.5 % around it.
	speed = speed * (975 + below(h<<16, 51)) / 1000
	f.totals.Passages++
	if speed > s.limitKMH*10 {
		f.totals.OverLimit++
	}
	if s.column != nil {
		s.column = append(s.column, newCrossing(b.at, b.trip, b.lane, speed))
	}
}

// standing names a queue, nil where there is none: who has only just come does
// not make one.
func (f *flow) standing() error {
	for i := range f.stretches {
		s := &f.stretches[i]
		if s.head >= 0 && f.now > f.moves[s.head].ready+2*queueWait {
			return fmt.Errorf("a queue stands on link %s, %d vehicles, when the world day ends at 03:00: lower the demand that uses the link, or shorten what closes its lanes", f.w.graph.links[s.link].id, s.count)
		}
	}
	for i := range f.entrances {
		if s := &f.entrances[i]; len(s.trips) > 0 && f.now > f.moves[s.trips[0]].ready+2*queueWait {
			return fmt.Errorf("%d vehicles still wait to enter link %s when the world day ends at 03:00: lower the demand that begins there", len(s.trips), f.w.graph.links[f.stretches[s.segment].link].id)
		}
	}
	return nil
}
