package world

// server hands out places in the lanes at one cross-section, one vehicle after
// the other in each lane. Lanes are numbered from 1.
type server struct {
	free  [maxLanes + 1]uint32 // by lane: when its next vehicle may cross
	debt  [maxLanes + 1]int32  // by lane: how much longer than the mean its headways have been, in ticks
	speed [maxLanes + 1]uint16 // by lane: of the vehicle ahead, tenths of a km/h
	open  uint8                // lanes in use, the rest is closed
	key   uint64               // of its surges
	mean  uint32               // ticks between two cars of a lane at capacity
	// dropping servers lose some capacity while a queue stands before them.
	drops, dropping bool
}

// never is later than any day.
const never = ^uint32(0)

// earliest is when a vehicle that is ready may cross, and in which lane: the
// one it wants, or another it may use that is free sooner. patient vehicles
// rather wait a moment than change lanes.
func (s *server) earliest(ready uint32, want uint8, c Class, patient bool) (uint32, uint8) {
	if s.open == 0 {
		return never, 1
	}
	best := min(want, s.open)
	if s.free[best] <= ready {
		return ready, best
	}
	if patient && s.free[best]-ready < patience {
		return s.free[best], best
	}
	last := s.open
	if last > 2 && keepsNearside(c) {
		last = 2
	}
	for l := uint8(1); l <= last; l++ {
		if s.free[l] < s.free[best] {
			best = l
		}
	}
	return max(ready, s.free[best]), best
}

// patience is how long somebody waits who has no reason to overtake, in ticks.
const patience = uint32(1500 * 1000 / tick)

// Waits at a server, in ticks: from queueWait on there is a queue, from
// breakWait on traffic breaks down, and below freeWait it has recovered.
const (
	queueWait = uint32(8 * second / tick)
	breakWait = uint32(30 * second / tick)
	freeWait  = uint32(1 * second / tick)
)

// take lets a vehicle cross at a time. h says how close the next one follows.
func (s *server) take(at uint32, lane uint8, h uint64, units uint8, waited bool, now *conditions) {
	mean := s.mean * 100 / now.servePercent
	if s.dropping {
		mean = mean * (1000 + surge(s.key, at, now.lost)) / (1000 - now.lost)
	}
	mean = mean * uint32(units) / carUnits
	debt := &s.debt[lane]
	if late := at - s.free[lane]; waited && late < catchUp {
		*debt += int32(late)
	}
	next := followTicks(h, mean, *debt)
	*debt += int32(next) - int32(mean)
	*debt = min(max(*debt, -maxDebt), maxDebt)
	s.free[lane] = at + next
}

// clear keeps a lane busy until the rear of a vehicle has passed, and a tenth of
// a second more; those behind make up for it.
func (s *server) clear(at uint32, lane uint8, lengthCM, tenthKMH uint32) {
	const gap = uint32(100_000 / tick)
	// A centimetre at a tenth of a km/h takes 360 ms.
	passing := uint32(uint64(lengthCM) * 360 * ticksPerSec / 1000 / uint64(tenthKMH))
	// An eighth more, for the speed that is seen strays from this one.
	if passed := at + passing + passing/8 + gap; passed > s.free[lane] {
		s.debt[lane] = min(s.debt[lane]+int32(passed-s.free[lane]), maxDebt)
		s.free[lane] = passed
	}
}

// surgeTicks is how long a surge lasts.
const surgeTicks = uint32(90 * second / tick)

// surge is by how much the headways of a queue's discharge are longer now, per
// mille; it may be negative, and wraps around then. Discharge comes in surges, at
// most as large as what it loses on average, each made up for by the next; they run
// back through the queue as waves.
func surge(key uint64, at, lost uint32) uint32 {
	n := at / surgeTicks
	by := uint32(evenly(draw(key, uint64(n/2)), lost))
	if n%2 == 1 {
		by = -by
	}
	return by
}

// Capacity is what a server passes on over minutes. Independent draws would
// stray from it, and each hindrance elsewhere would cost some of it, so a lane
// keeps account of how much longer than the mean its headways have been, and
// those behind close up. catchUp is how late a vehicle may come and still be
// counted, maxDebt what is remembered, both in ticks.
const (
	catchUp = uint32(2 * second / tick)
	maxDebt = int32(4 * second / tick)
)

// notice tells the server how long a vehicle waited for it alone.
func (s *server) notice(wait uint32, bound bool) {
	switch {
	case !s.drops:
	case wait < freeWait:
		s.dropping = false
	case bound && wait >= breakWait:
		s.dropping = true
	}
}

// keepsNearside says whether a class stays out of the third lane and those
// beyond.
func keepsNearside(c Class) bool { return c == Truck || c == Bus || c == Other }

// wantLane draws the lane that a vehicle chooses where it is free to. The more
// vehicles there are, the more use the inner lanes; the faster a vehicle, the
// further in. perLane is the flow, vehicles per hour and lane; factor the
// desired speed, per mille of what is usual. It takes 20 bits of h.
func wantLane(h uint64, lanes uint8, perLane uint32, factor uint16, c Class) uint8 {
	if lanes == 1 {
		return 1
	}
	full := min(int(perLane)*1000/2000, 1000)
	inner := 50 + 470*full/1000 // per mille of two lanes' flow
	if keepsNearside(c) {
		inner = inner * full / 4000
	} else {
		inner += (int(factor) - 1000) * (1000 - full/2) / 400
	}
	inner = min(max(inner, 10), 970)
	if int(h&1023) >= inner*1024/1000 {
		return 1
	}
	lane := uint8(2)
	for h >>= 10; lane < lanes && int(h&1023) < inner && !keepsNearside(c); lane++ {
		h >>= 5
	}
	return lane
}
