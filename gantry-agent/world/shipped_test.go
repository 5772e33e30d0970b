package world

import (
	"strings"
	"testing"
)

// TestShippedNetworks also wants each link to be of use.
func TestShippedNetworks(t *testing.T) {
	for _, c := range []struct {
		network, scenario        string
		stations, devices, zones int
		leastPassages            int // of a Wednesday, in thousands
	}{
		{"corridor", "weekday", 24, 48, 4, 500},
		{"metro", "metro", 60, 180, 10, 1500},
	} {
		w, err := New(Spec{NetworkYAML: shippedText(t, "network", c.network), ScenarioYAML: shippedText(t, "scenario", c.scenario), Seed: 1})
		if err != nil {
			t.Error(err)
			continue
		}
		if s, d, z := len(w.net.Stations), len(w.net.Devices), len(w.graph.zones); s < c.stations || d < c.devices || z != c.zones {
			t.Errorf("%s: %d stations, %d devices, %d zones", c.network, s, d, z)
		}
		used := map[int]bool{}
		for _, r := range w.routes.all {
			for _, s := range r.segments {
				used[w.base.segments[s].link] = true
			}
		}
		for i := range w.graph.links {
			if !used[i] {
				t.Errorf("%s: link %s is on nobody's way", c.network, w.graph.links[i].id)
			}
		}
		if n := w.plannedPassages() / 1000; n < c.leastPassages {
			t.Errorf("%s: %d thousand passages planned", c.network, n)
		}
	}
}

// plannedPassages is how many passages the scenario plans for a day of 100
// percent with commuters.
func (w *World) plannedPassages() int {
	on := func(p pair) (n int) {
		for _, s := range w.routes.all[w.routes.of[p]].segments {
			if w.base.segments[s].station >= 0 {
				n++
			}
		}
		return n
	}
	n := 0
	for _, d := range w.scn.demand {
		n += int(d.vehicles) * on(pair{d.origin, d.destination})
	}
	for _, c := range w.scn.commuters {
		going := int(c.cars) * int(c.present) / 100
		n += going * (on(pair{c.origin, c.destination}) + on(pair{c.destination, c.origin}))
	}
	return n
}

// TestRoadsOfShippedNetworksHaveNoGaps follows each road by its offsets.
func TestRoadsOfShippedNetworksHaveNoGaps(t *testing.T) {
	for _, name := range []string{"corridor", "metro"} {
		_, _, g, err := parseNetwork(shippedText(t, "network", name))
		if err != nil {
			t.Fatal(err)
		}
		type place struct {
			road, direction string
			offsetM         uint32
		}
		starts := map[place]int{} // nodes
		for i := range g.links {
			if l := &g.links[i]; !l.ramp {
				starts[place{l.road, l.direction, l.offsetM}] = l.from
			}
		}
		ends := 0
		for i := range g.links {
			l := &g.links[i]
			if l.ramp {
				continue
			}
			next, ok := starts[place{l.road, l.direction, l.offsetM + l.lengthM}]
			if !ok {
				ends++
			} else if next != l.to {
				t.Errorf("%s: link %s does not end where the next one begins", name, l.id)
			}
		}
		roads := map[string]bool{}
		for i := range g.links {
			roads[g.links[i].road+" "+g.links[i].direction] = true
		}
		if ends != len(roads) {
			t.Errorf("%s: %d roads and directions in %d pieces", name, len(roads), ends)
		}
	}
}

func TestScenariosOfOtherNetworksAreRefused(t *testing.T) {
	for _, c := range []struct{ network, scenario, want string }{
		{"corridor", "metro", `demand[0].from: network "corridor" has no zone "centre" (it has harbour, north-end, riverside, south-end): is the scenario for another network?`},
		{"metro", "weekday", `demand[0].from: network "metro" has no zone "south-end" (it has airport, centre, dockside,`},
	} {
		_, err := New(Spec{NetworkYAML: shippedText(t, "network", c.network), ScenarioYAML: shippedText(t, "scenario", c.scenario), Seed: 1})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s on %s: %v", c.scenario, c.network, err)
		}
	}
}
