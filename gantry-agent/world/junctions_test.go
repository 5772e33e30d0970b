package world

import (
	"testing"

	"pgregory.net/rapid"
)

// TestJunctionsLoseNobody: on random roads with ramps on and off, with random
// lanes, priorities and demand, each trip arrives, crosses the stations on its way
// in order, and between two stations no more vehicles are than come and go there.
func TestJunctionsLoseNobody(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r, ends := randomRoad(rt)
		for _, origin := range ends {
			for _, destination := range ends {
				if _, ok := r.w.routes.of[pair{origin, destination}]; ok && rapid.Bool().Draw(rt, "demand") {
					from := rapid.Float64Range(0, 3600).Draw(rt, "from")
					r.send(origin, destination, rapid.Float64Range(50, 5000).Draw(rt, "rate"), from, from+rapid.Float64Range(600, 5400).Draw(rt, "for"))
				}
			}
		}
		got := r.run()
		if got.left != 0 || got.totals.Trips != uint64(len(r.trips)) {
			rt.Fatalf("%d trips of %d set out, %d never arrive", got.totals.Trips, len(r.trips), got.left)
		}
		trips := r.byEntry()
		last := make([]uint32, len(trips)) // by trip: its crossing before
		crossed := make([]int, len(trips))
		for station, column := range got.columns { // in the direction of travel
			for i, c := range column {
				if i > 0 && column[i-1].at() > c.at() {
					rt.Fatalf("station %d: out of order", station)
				}
				if c.at() < last[c.trip()] {
					rt.Fatalf("trip %d crosses station %d before the one ahead of it", c.trip(), station)
				}
				last[c.trip()] = c.at()
				crossed[c.trip()]++
			}
		}
		for i := range trips {
			want := 0
			for _, s := range r.w.routes.all[trips[i].route].segments {
				if r.w.base.segments[s].station >= 0 {
					want++
				}
			}
			if crossed[i] != want {
				rt.Fatalf("trip %d crosses %d stations, and %d are on its way", i, crossed[i], want)
			}
		}
	})
}

// randomRoad is a road of some links, at each of whose inner nodes a ramp may
// come in, go out, or both. A station stands on each link of the road.
func randomRoad(rt *rapid.T) (*testRoad, []int) {
	n := rapid.IntRange(2, 6).Draw(rt, "links")
	var links []link
	var stations []Station
	draw := func(name string, from, to int) int { return rapid.IntRange(from, to).Draw(rt, name) }
	add := func(from, to, lanes int) {
		links = append(links, link{
			from: from, to: to, lanes: uint8(lanes), lengthM: uint32(draw("length, 100 m", 5, 40) * 100), priority: uint32(draw("priority", 1, 4)),
		})
	}
	for i := range n {
		add(i, i+1, draw("lanes", 1, 4))
		stations = append(stations, stationAt(i, links[i].lengthM-200))
	}
	ends := []int{0, n}
	next := n + 1
	for i := 1; i < n; i++ {
		for _, in := range []bool{true, false} {
			if !rapid.Bool().Draw(rt, "ramp") {
				continue
			}
			if in {
				add(next, i, 1)
			} else {
				add(i, next, 1)
			}
			ends = append(ends, next)
			next++
		}
	}
	return newTestRoad(uint32(draw("drop", 0, 20)), links, stations), ends
}
