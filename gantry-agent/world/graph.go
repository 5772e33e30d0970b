package world

// graph is the roads that vehicles drive on.
type graph struct {
	nodes []node
	links []link
	zones map[string]int // nodes where trips begin and end, by id
	byID  map[string]int // links
}

// node is where links meet.
type node struct {
	id           string
	zone         bool
	lonE7, latE7 int32
}

// link is a stretch of one direction with uniform attributes.
type link struct {
	id, road, direction string
	ramp                bool
	offsetM, lengthM    uint32 // offset along the road, in direction of travel
	from, to            int    // nodes
	lanes               uint8
	limitKMH            uint8
	freeKMH             uint32 // mean speed of cars alone on the road
	capacityVehH        uint32 // cars per hour and lane
	jamVehKM            uint32 // cars per km and lane
	priority            uint32 // share of scarce room where links merge
	lonLatE7            [][2]int32
}

// inventory gives a network the nodes and links of a graph, without what the
// roadside does not show.
func (g *graph) inventory(n *Network) {
	for _, o := range g.nodes {
		n.Nodes = append(n.Nodes, Node{ID: o.id, Zone: o.zone, LongitudeE7: o.lonE7, LatitudeE7: o.latE7})
	}
	for i := range g.links {
		l := &g.links[i]
		n.Links = append(n.Links, Link{
			ID: l.id, Ramp: l.ramp, Road: l.road, Direction: l.direction, OffsetM: l.offsetM, LengthM: l.lengthM,
			Lanes: l.lanes, LimitKMH: l.limitKMH, From: g.nodes[l.from].id, To: g.nodes[l.to].id, LonLatE7: l.lonLatE7,
		})
	}
}

// reach says for each node whether trips from an origin can end there: over
// links, and through no other zone.
func (g *graph) reach(origin int) []bool {
	out := make([][]int, len(g.nodes))
	for i := range g.links {
		out[g.links[i].from] = append(out[g.links[i].from], g.links[i].to)
	}
	reached := make([]bool, len(g.nodes))
	for queue := []int{origin}; len(queue) > 0; queue = queue[1:] {
		for _, to := range out[queue[0]] {
			if reached[to] {
				continue
			}
			reached[to] = true
			if !g.nodes[to].zone {
				queue = append(queue, to)
			}
		}
	}
	return reached
}
