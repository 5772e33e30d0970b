package world

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// TestFreeFlowArrivalsAreDeparturesLater: arrivals(t) = departures(t + travel
// time), for each vehicle at its own speed.
func TestFreeFlowArrivalsAreDeparturesLater(t *testing.T) {
	r := newTestRoad(10, chain([]uint8{2}, []uint32{10_000}), []Station{stationAt(0, 1000), stationAt(0, 9000)})
	r.send(0, 1, 300, 0, 3600)
	for i := range r.trips {
		r.trips[i].factor = uint16(800 + i%5*100)
	}
	got := r.run()
	at := map[int]uint32{}
	for _, c := range got.columns[0] {
		at[c.trip()] = c.at()
	}
	overtaken := 0
	for i, c := range got.columns[1] {
		v := uint32(testFreeKMH * 10 * (800 + c.trip()%5*100) / 1000)
		wait := c.at() - at[c.trip()] - travelTicks(8000, v)
		if uint64(wait) > 4*ticksPerSec {
			t.Errorf("trip %d takes %d ticks more than its way at %d", c.trip(), wait, v)
		}
		if i > 0 && got.columns[1][i-1].trip() > c.trip() {
			overtaken++
		}
	}
	if len(got.columns[1]) != 300 || overtaken < 50 {
		t.Errorf("%d vehicles, %d overtook", len(got.columns[1]), overtaken)
	}
}

// TestQueueGrowsAndDissolvesAtABottleneck: a queue grows by demand less
// discharge, and is gone when the cumulative curves meet.
func TestQueueGrowsAndDissolvesAtABottleneck(t *testing.T) {
	const demand, low, minutes = 3000.0, 800.0, 30.0
	r := newTestRoad(0, chain([]uint8{2, 1}, []uint32{12_000, 2000}), []Station{stationAt(0, 400), stationAt(1, 500)})
	r.send(0, 2, demand, 0, minutes*60)
	r.send(0, 2, low, minutes*60, 3*3600)
	got := r.run()
	// Free-flow content between the stations comes on top of the queue.
	travel := (12_000.0 - 400 + 500) / 1000 / testFreeKMH * 3600
	for _, m := range []float64{15, 25, 30} {
		end := m*60 + travel + 15
		queue := between(got.columns[0], 0, end-travel) - between(got.columns[1], 0, end)
		near(t, fmt.Sprintf("queue after %.0f min", m), float64(queue), (demand-testCapacity)*m/60, 6)
	}
	// (3000−2000)·30 min = (2000−800)·x: the queue dissolves 25 minutes after.
	dissolved := minutes + (demand-testCapacity)/(testCapacity-low)*minutes
	near(t, "discharge while the queue stands", float64(between(got.columns[1], 900, dissolved*60))*3600/(dissolved*60-900), testCapacity, 2)
	near(t, "flow after it has dissolved", float64(between(got.columns[1], dissolved*60+travel+300, dissolved*60+travel+2100))*2, low, 3)
}

// TestShockTravelsAtDeltaQOverDeltaK: the queue's back moves upstream at the
// ratio of the differences of flow and density.
func TestShockTravelsAtDeltaQOverDeltaK(t *testing.T) {
	const demand = 3200.0
	stations := []Station{stationAt(0, 4000), stationAt(0, 6000), stationAt(0, 8000), stationAt(0, 10_000)}
	r := newTestRoad(0, chain([]uint8{2, 1}, []uint32{12_000, 2000}), stations)
	r.send(0, 2, demand, 0, 5400)
	got := r.run()
	// Two lanes at half the bottleneck's flow each.
	queued := 2 * (testJam - testCapacity/2/testWaveKMH)
	shockKMH := (demand - testCapacity) / (demand/testFreeKMH - queued) // negative: upstream
	reached := func(station int) float64 {
		slow := 0
		for _, c := range got.columns[station] {
			if c.tenthKMH() > testFreeKMH*10*7/10 {
				slow = 0
			} else if slow++; slow == 20 {
				return float64(c.at()) / float64(ticksPerSec)
			}
		}
		t.Fatalf("the queue never reaches station %d", station)
		return 0
	}
	seconds := reached(0) - reached(3)
	near(t, "shock speed over 6 km, km/h", -6/(seconds/3600), shockKMH, 6)
}

// TestCapacityDropsWhileAQueueStands and comes back with its end.
func TestCapacityDropsWhileAQueueStands(t *testing.T) {
	const drop = 12
	r := newTestRoad(drop, chain([]uint8{2, 1}, []uint32{6000, 2000}), []Station{stationAt(1, 500)})
	r.send(0, 2, testCapacity-100, 0, 3600)    // just fits
	r.send(0, 2, testCapacity+600, 3600, 5400) // does not
	r.send(0, 2, 500, 5400, 9000)              // the queue dissolves
	r.send(0, 2, testCapacity-100, 9000, 12_600)
	got := r.run()
	near(t, "flow before", float64(between(got.columns[0], 900, 3600))/0.75, testCapacity-100, 3)
	near(t, "discharge with a queue", float64(between(got.columns[0], 4500, 6000))*2.4, testCapacity*(100-drop)/100, 2)
	near(t, "flow again after", float64(between(got.columns[0], 10_800, 12_600))*2, testCapacity-100, 3)
}

// TestIncidentBlocksAndItsEndTravelsUpstream: nobody passes while all lanes are
// closed, and then the restart wave runs upstream at w.
func TestIncidentBlocksAndItsEndTravelsUpstream(t *testing.T) {
	stations := []Station{stationAt(0, 3000), stationAt(0, 4000), stationAt(0, 5000)}
	r := newTestRoad(0, chain([]uint8{2}, []uint32{6000}), stations)
	r.send(0, 1, 2400, 0, 7200)
	closing := closeLanes(nil, r.w.base.segmentAt(0, 5500), 1800, 1200, 2)
	got := r.run(closing...)
	restart := func(station int) float64 {
		last := uint32(0)
		for _, c := range got.columns[station] {
			if uint64(c.at()-last) > 200*ticksPerSec && last > 0 {
				return float64(c.at()) / float64(ticksPerSec)
			}
			last = c.at()
		}
		t.Fatalf("traffic never stands at station %d", station)
		return 0
	}
	if first := restart(2); first < 3000 {
		t.Errorf("traffic moves at the incident from second %.0f on, and the road is closed until 3000", first)
	}
	near(t, "restart wave, km/h", -1/((restart(1)-restart(2))/3600), -testWaveKMH, 3)
	near(t, "restart wave further up, km/h", -1/((restart(0)-restart(1))/3600), -testWaveKMH, 3)
	if got.left != 0 || len(got.columns[2]) != len(r.trips) {
		t.Errorf("%d of %d pass, %d are left", len(got.columns[2]), len(r.trips), got.left)
	}
}

// merging is a main road of two lanes and a ramp that merge into two lanes.
func merging(mainPriority, rampPriority uint32) *testRoad {
	return newTestRoad(0, []link{
		{from: 0, to: 1, lanes: 2, lengthM: 3000, priority: mainPriority},
		{from: 2, to: 1, lanes: 1, lengthM: 3000, priority: rampPriority},
		{from: 1, to: 3, lanes: 2, lengthM: 3000},
	}, []Station{stationAt(0, 2700), stationAt(1, 2700), stationAt(2, 500)})
}

// TestMergeSharesRoomByPriority where both lines are full, and gives what one
// does not use to the other.
func TestMergeSharesRoomByPriority(t *testing.T) {
	for _, c := range []struct {
		mainPriority, rampPriority uint32
		mainDemand, rampDemand     float64
		wantMain, wantRamp         float64
	}{
		{3, 1, 3900, 1900, 3000, 1000},
		{2, 1, 3900, 1900, 2667, 1333},
		{1, 1, 3900, 1900, 2100, 1900}, // the ramp cannot use its half
		{3, 1, 3900, 500, 3500, 500},
		{1, 3, 1500, 1900, 1500, 1900},
	} {
		r := merging(c.mainPriority, c.rampPriority)
		r.send(0, 3, c.mainDemand, 0, 5400)
		r.send(2, 3, c.rampDemand, 0, 5400)
		got := r.run()
		name := fmt.Sprintf("priority %d:%d, demand %.0f and %.0f: ", c.mainPriority, c.rampPriority, c.mainDemand, c.rampDemand)
		near(t, name+"main road", float64(between(got.columns[0], 1800, 5400)), c.wantMain, 4)
		near(t, name+"ramp", float64(between(got.columns[1], 1800, 5400)), c.wantRamp, 4)
	}
}

// TestAFullExitHoldsUpThoseBehind: at a diverge nobody passes those who wait for
// the exit.
func TestAFullExitHoldsUpThoseBehind(t *testing.T) {
	r := newTestRoad(0, []link{
		{from: 0, to: 1, lanes: 2, lengthM: 4000},
		{from: 1, to: 2, lanes: 2, lengthM: 3000},
		{from: 1, to: 3, lanes: 1, lengthM: 3000},
	}, []Station{stationAt(1, 500), stationAt(2, 500)})
	r.send(0, 2, 1000, 0, 3600)
	r.send(0, 3, 2500, 0, 3600) // the exit takes 2000
	got := r.run()
	near(t, "through the exit", float64(between(got.columns[1], 900, 3300))*1.5, 2000, 3)
	near(t, "straight on, held up in proportion", float64(between(got.columns[0], 900, 3300))*1.5, 800, 5)
}

// TestVehiclesAreConserved on every link and between every two stations at
// every instant, in random chains with random bottlenecks and demand.
func TestVehiclesAreConserved(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 4).Draw(rt, "links")
		var lanes []uint8
		var lengths []uint32
		var stations []Station
		for i := range n {
			lanes = append(lanes, uint8(rapid.IntRange(1, 3).Draw(rt, "lanes")))
			lengths = append(lengths, uint32(rapid.IntRange(8, 40).Draw(rt, "length, 100 m")*100))
			stations = append(stations, stationAt(i, 300), stationAt(i, lengths[i]-300))
		}
		r := newTestRoad(uint32(rapid.IntRange(0, 20).Draw(rt, "drop")), chain(lanes, lengths), stations)
		for k := range rapid.IntRange(1, 3).Draw(rt, "waves") {
			from := float64(k) * 900
			r.send(0, n, rapid.Float64Range(100, 5000).Draw(rt, "demand"), from, from+900)
		}
		for i := range r.trips {
			c := Class(1 + mix(uint64(i))%6)
			r.trips[i].rider, r.trips[i].factor = newRider(makeVehicle(c, uint32(i)), 1, false), uint16(700+mix(uint64(i)+1)%600)
		}
		var changes []change
		if rapid.Bool().Draw(rt, "incident") {
			changes = closeLanes(nil, rapid.IntRange(0, len(r.w.base.segments)-1).Draw(rt, "where"), 600, 900, 3)
		}
		got := r.run(changes...)
		if got.left != 0 || got.totals.Trips != uint64(len(r.trips)) {
			rt.Fatalf("%d trips of %d set out, %d never arrive", got.totals.Trips, len(r.trips), got.left)
		}
		for s := range got.columns {
			checkColumn(rt, r, got.columns[s])
			if s > 0 {
				checkPair(rt, r, got.columns[s-1], got.columns[s], s-1)
			}
		}
	})
}

// checkColumn: every trip once, by time.
func checkColumn(rt *rapid.T, r *testRoad, column []crossing) {
	seen := make([]bool, len(r.trips))
	for i, c := range column {
		if seen[c.trip()] || i > 0 && column[i-1].at() > c.at() {
			rt.Fatalf("trip %d at %d: twice, or out of order", c.trip(), c.at())
		}
		seen[c.trip()] = true
	}
	if len(column) != len(r.trips) {
		rt.Fatalf("%d of %d trips cross", len(column), len(r.trips))
	}
}

// checkPair: between two neighbouring stations each vehicle takes at least its
// own free time, and never are more of them than there is room for.
func checkPair(rt *rapid.T, r *testRoad, first, second []crossing, index int) {
	a, b := r.w.base.at[index], r.w.base.at[index+1]
	distance, room := uint32(0), uint64(0)
	for s := a + 1; s <= b; s++ {
		distance += r.w.base.segments[s].lengthM
		room += r.w.base.segments[s].storage()
	}
	trips := r.byEntry()
	at := make([]uint32, len(trips))
	for _, c := range first {
		at[c.trip()] = c.at()
	}
	for _, c := range second {
		t := &trips[c.trip()]
		if least := uint64(distance) * 36 * ticksPerSec / (testFreeKMH * uint64(t.factor) / 100); uint64(c.at()-at[c.trip()])+uint64(index)+40 < least {
			rt.Fatalf("trip %d takes %d ticks for %d m", c.trip(), c.at()-at[c.trip()], distance)
		}
	}
	inside, i := int64(0), 0
	for _, c := range second {
		for ; i < len(first) && first[i].at() <= c.at(); i++ {
			inside += int64(trips[first[i].trip()].units())
		}
		if inside > int64(room)+2*carUnits {
			rt.Fatalf("%d units between stations %d and %d, and room for %d", inside, index, index+1, room)
		}
		if inside -= int64(trips[c.trip()].units()); inside < 0 {
			rt.Fatalf("a vehicle leaves before it has come")
		}
	}
}
