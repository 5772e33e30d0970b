package world

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

// Constants of the fundamental diagram in these tests, of one lane.
const (
	testFreeKMH  = 100
	testCapacity = 2000 // cars per hour
	testJam      = 140  // cars per km
	// testWaveKMH is w = q / (k_jam − q/v).
	testWaveKMH = testCapacity / (testJam - float64(testCapacity)/testFreeKMH)
)

// roadwork is a small network built in a test, with the trips to run on it.
type testRoad struct {
	w     *World
	trips []trip
}

// newTestRoad makes a world of links; stations are named by link and place.
// Nodes that no link leads to, or none leaves, are zones.
func newTestRoad(dropPercent uint32, links []link, stations []Station) *testRoad {
	g := &graph{zones: map[string]int{}}
	in, out := map[int]bool{}, map[int]bool{}
	for i := range links {
		k := &links[i]
		k.id = fmt.Sprintf("link-%d", i)
		k.limitKMH = 200
		k.freeKMH, k.capacityVehH, k.jamVehKM = testFreeKMH, testCapacity, testJam
		if k.priority == 0 {
			k.priority = uint32(k.lanes)
		}
		in[k.to], out[k.from] = true, true
		for len(g.nodes) <= max(k.from, k.to) {
			g.nodes = append(g.nodes, node{})
		}
	}
	for i := range g.nodes {
		g.nodes[i].zone = !in[i] || !out[i]
	}
	g.links = links
	w := &World{
		net: &Network{Stations: stations}, graph: g, scn: &scenario{dropPercent: dropPercent},
		factors: factors{capacity: 1000, jamDensity: 1000, lost: dropPercent * 10}, zone: zone{fixed: true},
	}
	w.days.wanted = make([]bool, len(stations))
	for i := range w.days.wanted {
		w.days.wanted[i] = true
	}
	w.base = newGrid(w.net, g, w.scn, w.factors, 0)
	var pairs []pair
	for o := range g.nodes {
		into := quickest(g, o)
		for d := range g.nodes {
			if o != d && g.nodes[o].zone && g.nodes[d].zone && into[d] >= 0 {
				pairs = append(pairs, pair{o, d})
			}
		}
	}
	w.routes = newRoutes(g, w.base, pairs)
	return &testRoad{w: w}
}

// chain is links one behind the other, from node 0 on.
func chain(lanes []uint8, lengths []uint32) []link {
	var links []link
	for i := range lanes {
		links = append(links, link{from: i, to: i + 1, lanes: lanes[i], lengthM: lengths[i]})
	}
	return links
}

func stationAt(link int, atM uint32) Station {
	return Station{ID: fmt.Sprintf("s-%d-%d", link, atM), Link: fmt.Sprintf("link-%d", link), AtM: atM}
}

// send lets cars set out evenly at a rate, veh/h, within seconds of the day.
func (r *testRoad) send(origin, destination int, perHour float64, fromS, toS float64) {
	route := r.w.routes.of[pair{origin, destination}]
	for s := fromS; s < toS; s += 3600 / perHour {
		n := uint32(len(r.trips))
		r.trips = append(r.trips, trip{
			rider: newRider(makeVehicle(Car, n), 1, false), entry: uint32(s * float64(ticksPerSec)), factor: 1000, route: route,
		})
	}
}

// result is a day's columns, by station, and its totals.
type result struct {
	columns [][]crossing
	totals  Totals
	left    int
}

// byEntry are the trips as the flow numbers them.
func (r *testRoad) byEntry() []trip { return (&drafts{trips: slices.Clone(r.trips)}).byEntry() }

func (r *testRoad) run(changes ...change) result {
	var f flow
	trips := r.byEntry()
	f.prepare(r.w, 0, r.w.base, trips, changes, r.w.columns(trips, r.w.base, r.w.days.wanted))
	f.run(uint32(hoursOfDay * ticksPerHr))
	out := result{totals: f.totals, left: f.pending}
	for i := range r.w.net.Stations {
		out.columns = append(out.columns, f.stretches[r.w.base.at[i]].column)
	}
	return out
}

// between counts crossings of a station within seconds of the day.
func between(column []crossing, fromS, toS float64) (n int) {
	for _, c := range column {
		if s := float64(c.at()) / float64(ticksPerSec); s >= fromS && s < toS {
			n++
		}
	}
	return n
}

func near(t testing.TB, what string, got, want, percent float64) {
	t.Helper()
	if math.Abs(got-want) > math.Abs(want)*percent/100 {
		t.Errorf("%s is %.3f, want %.3f ± %.0f %%", what, got, want, percent)
	}
}
