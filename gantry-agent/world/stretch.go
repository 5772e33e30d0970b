package world

// stretch is the state of a segment while a day is evaluated: who is on it, who
// has left, and its servers.
type stretch struct {
	*segment
	key uint64 // of the draws made at its end

	// Vehicles on the way are listed by the step in which they reach the end;
	// those that have reached it stand in line. Both lists run through next.
	due        []int32 // ring by step, -1 where none
	mask       int
	head, tail int32
	count      int // on the way or in line
	closed     int // lanes

	// Room: units that have entered, and when which sum of units had left.
	entered, storage uint64
	wave             uint32
	left             []departure // ring
	leftMask         uint32
	leftFrom, leftTo uint32 // first that may still matter, and one past the last

	exit, gate server
	lastExit   uint32
	unitTicks  uint32 // smoothed time per unit leaving
	perLane    uint32 // smoothed flow, vehicles per hour and lane
	want       uint8  // lane that the head wants; 0 before it is drawn
	slow       uint32 // speed limit of road works, tenths of a km/h; 0 for none
	column     []crossing
}

// departure says that all units up to sum had left by at.
type departure struct {
	at  uint32
	sum uint64
}

// reset makes the stretch an empty one.
func (s *stretch) reset(seg *segment, key uint64, step uint32) {
	ring := 1
	for uint32(ring) < travelTicks(seg.lengthM, minTenthKMH)/step+4 {
		ring *= 2
	}
	s.due = ofLength(s.due, ring)
	for i := range s.due {
		s.due[i] = -1
	}
	slots := uint64(1)
	for slots < seg.storage()/uint64(classUnits[Motorcycle])+16 {
		slots *= 2
	}
	*s = stretch{
		segment: seg, key: key, due: s.due, mask: ring - 1, head: -1, tail: -1,
		storage: seg.storage(), wave: seg.waveTicks(), left: ofLength(s.left, int(slots)), leftMask: uint32(slots - 1),
		unitTicks: uint32(60 * second / tick / carUnits),
		exit:      server{key: key + 1, open: uint8(seg.lanes), mean: seg.serveTicks()},
		gate:      server{key: key + 2, open: uint8(seg.lanes), mean: seg.serveTicks(), drops: seg.drops},
	}
}

// ofLength is a slice of n entries, s itself where it is large enough.
func ofLength[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

// leave notes a departure.
func (s *stretch) leave(at uint32, units uint8) {
	sum := uint64(units)
	if s.leftTo > 0 {
		sum += s.left[(s.leftTo-1)&s.leftMask].sum
	}
	s.left[s.leftTo&s.leftMask] = departure{at, sum}
	s.leftTo++
	perUnit := (at - s.lastExit) / uint32(units)
	s.lastExit = at
	s.unitTicks = (7*s.unitTicks + perUnit) / 8
	s.perLane = uint32(ticksPerHr / (uint64(max(s.unitTicks, 1)) * carUnits * uint64(s.lanes)))
}

// room is when there is room for so many units more: gaps that departures leave
// travel upstream at the wave's speed. It is never where the departure that
// makes the room has not happened yet.
func (s *stretch) room(units uint8) uint32 {
	total := s.entered + uint64(units)
	if total <= s.storage {
		return 0
	}
	for need := total - s.storage; s.leftFrom < s.leftTo; s.leftFrom++ {
		if d := s.left[s.leftFrom&s.leftMask]; d.sum >= need {
			return d.at + s.wave
		}
	}
	return never
}
