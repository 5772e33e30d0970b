package world

import "slices"

// route is a trip's way: its segments, in order.
type route struct {
	segments []int32
	// freeTicks is the way's time at the free-flow speed of cars.
	freeTicks uint64
}

// pair is an origin and a destination, both nodes.
type pair struct{ origin, destination int }

// routes are the ways of all pairs that the scenario names. Each pair has one:
// the quickest in free flow. They depend on links alone, so an intervention
// leaves them as they are.
type routes struct {
	all []route
	of  map[pair]uint16
}

// newRoutes finds the way of each pair.
func newRoutes(g *graph, d *grid, pairs []pair) *routes {
	r := &routes{of: map[pair]uint16{}}
	trees := map[int][]int{}
	for _, p := range pairs {
		if _, done := r.of[p]; done {
			continue
		}
		if trees[p.origin] == nil {
			trees[p.origin] = quickest(g, p.origin)
		}
		r.of[p] = uint16(len(r.all))
		r.all = append(r.all, trace(g, d, trees[p.origin], p))
	}
	return r
}

// trace follows the links back from the destination.
func trace(g *graph, d *grid, into []int, p pair) (r route) {
	var links []int
	for n := p.destination; n != p.origin; n = g.links[into[n]].from {
		links = append(links, into[n])
	}
	slices.Reverse(links)
	for _, l := range links {
		of := d.of(l)
		for i := range of {
			r.segments = append(r.segments, int32(d.first[l]+i))
			r.freeTicks += uint64(travelTicks(of[i].lengthM, of[i].freeTenthKMH))
		}
	}
	return r
}

// quickest is Dijkstra's search from an origin: by node, the link that the
// quickest way arrives on, -1 where there is none. Ways do not pass through
// zones. Networks have some hundred nodes, so a plain scan for the nearest open
// node is quick enough; ties go to the lower index.
func quickest(g *graph, origin int) []int {
	const never = ^uint64(0)
	into := make([]int, len(g.nodes))
	at := make([]uint64, len(g.nodes))
	done := make([]bool, len(g.nodes))
	for n := range at {
		at[n], into[n] = never, -1
	}
	at[origin] = 0
	for {
		best := -1
		for n := range at {
			if !done[n] && at[n] != never && (best < 0 || at[n] < at[best]) {
				best = n
			}
		}
		if best < 0 {
			return into
		}
		done[best] = true
		if g.nodes[best].zone && best != origin {
			continue
		}
		for l := range g.links {
			k := &g.links[l]
			if k.from != best || done[k.to] {
				continue
			}
			if t := at[best] + uint64(travelTicks(k.lengthM, k.freeKMH*10)); t < at[k.to] {
				at[k.to], into[k.to] = t, l
			}
		}
	}
}
