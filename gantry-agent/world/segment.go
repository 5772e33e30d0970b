package world

// Limits of the flow model.
const (
	// maxTenthKMH and minTenthKMH bound every speed, in tenths of a km/h.
	maxTenthKMH = 2200
	minTenthKMH = 100
)

// carUnits is the room of a car on the road, and in the capacity of a lane.
// Other classes take more or less of both: a truck counts as two cars on level
// ground (HCM 6).
const carUnits = 10

var classUnits = [classes]uint8{0, carUnits, 12, 20, 20, 6, 20}

// segment is a piece of a link: up to its next station, or to its end. Within
// a segment nothing changes, so the flow model looks at vehicles at its two
// ends only.
type segment struct {
	link     int
	lengthM  uint32
	endM     uint32 // offset of its end along the road
	from, to int    // junctions
	lanes    int
	station  int // at its end; -1 where there is none
	limitKMH uint32

	// Triangular fundamental diagram of one lane: free-flow speed, capacity and
	// jam density of cars.
	freeTenthKMH uint32
	capacityVehH uint32
	jamVehKM     uint32
	priority     uint32

	// gated segments have more lanes or more capacity leading into them than
	// they have themselves, so that their entry has servers of its own; drops says that the
	// gate is a bottleneck where lanes merge, which loses capacity once a queue stands before it.
	gated, drops bool
	habits       []habit
}

// habit changes the speeds that drivers choose on a segment.
type habit struct {
	key          uint64 // of the draw that says who
	sharePercent uint32
	// overPercent is how much faster they go; with atLimit they go no faster
	// than the limit instead.
	overPercent uint32
	atLimit     bool
}

// junction is where segments end and begin: a node, or a station in the middle
// of a link.
type junction struct {
	in, out []int
	zone    bool
}

// grid is the network as the flow model sees it, links cut at stations.
type grid struct {
	segments  []segment
	junctions []junction
	first     []int // by link: its first segment; the others follow
	at        []int // by station: the segment that ends there
}

// newGrid cuts the links at their stations and applies what the scenario has
// changed for good by a day.
func newGrid(net *Network, g *graph, scn *scenario, v factors, day int) *grid {
	d := &grid{junctions: make([]junction, len(g.nodes)), at: make([]int, len(net.Stations))}
	for i, n := range g.nodes {
		d.junctions[i].zone = n.zone
	}
	stations := stationsByLink(net, g)
	for l := range g.links {
		d.first = append(d.first, len(d.segments))
		d.cut(net, g, l, stations[l], v)
	}
	for _, s := range scn.speeding {
		for i := range d.of(s.link) {
			d.of(s.link)[i].habits = append(d.of(s.link)[i].habits, habit{sharePercent: s.sharePercent, overPercent: s.overPercent})
		}
	}
	for i := range scn.interventions {
		if scn.interventions[i].day <= day {
			d.intervene(&scn.interventions[i])
		}
	}
	for i := range d.segments {
		d.gate(i)
		for h := range d.segments[i].habits {
			d.segments[i].habits[h].key = uint64(i)<<8 | uint64(h)
		}
	}
	return d
}

// stationsByLink are a link's stations in the direction of travel.
func stationsByLink(net *Network, g *graph) [][]int {
	index := map[string]int{}
	for l := range g.links {
		index[g.links[l].id] = l
	}
	by := make([][]int, len(g.links))
	for i := range net.Stations {
		l := index[net.Stations[i].Link]
		at := len(by[l])
		for at > 0 && net.Stations[by[l][at-1]].AtM > net.Stations[i].AtM {
			at--
		}
		by[l] = append(by[l], 0)
		copy(by[l][at+1:], by[l][at:])
		by[l][at] = i
	}
	return by
}

// cut makes the segments of a link.
func (d *grid) cut(net *Network, g *graph, l int, stations []int, v factors) {
	k := &g.links[l]
	from, begin := k.from, uint32(0)
	piece := func(to int, end uint32, station int) {
		i := len(d.segments)
		d.segments = append(d.segments, segment{
			link: l, lengthM: end - begin, endM: k.offsetM + end, from: from, to: to, lanes: int(k.lanes), station: station, limitKMH: uint32(k.limitKMH),
			freeTenthKMH: k.freeKMH * 10, capacityVehH: k.capacityVehH * v.capacity / 1000, jamVehKM: k.jamVehKM * v.jamDensity / 1000, priority: k.priority,
		})
		d.junctions[from].out = append(d.junctions[from].out, i)
		d.junctions[to].in = append(d.junctions[to].in, i)
		from, begin = to, end
	}
	for _, s := range stations {
		d.junctions = append(d.junctions, junction{})
		d.at[s] = len(d.segments)
		piece(len(d.junctions)-1, net.Stations[s].AtM, s)
	}
	piece(k.to, k.lengthM, -1)
}

// of are the segments of a link.
func (d *grid) of(link int) []segment {
	end := len(d.segments)
	if link+1 < len(d.first) {
		end = d.first[link+1]
	}
	return d.segments[d.first[link]:end]
}

func (d *grid) intervene(v *intervention) {
	switch {
	case v.addLane != nil:
		for i := range d.of(v.addLane.link) {
			d.of(v.addLane.link)[i].lanes++
		}
	case v.camera != nil:
		at := &d.segments[d.at[v.camera.station]]
		link := d.of(v.camera.link)
		for i := range link {
			if s := &link[i]; s.endM+v.camera.reachM >= at.endM && s.endM <= at.endM+v.camera.reachM {
				s.habits = append(s.habits, habit{sharePercent: v.camera.compliancePercent, atLimit: true})
			}
		}
	}
}

// gate decides whether a segment's entry limits what its predecessors can
// send.
func (d *grid) gate(i int) {
	s := &d.segments[i]
	j := &d.junctions[s.from]
	lanes, capacity := 0, uint32(0)
	for _, in := range j.in {
		lanes += d.segments[in].lanes
		capacity += uint32(d.segments[in].lanes) * d.segments[in].capacityVehH
	}
	s.gated = j.zone || lanes > s.lanes || capacity > uint32(s.lanes)*s.capacityVehH
	s.drops = s.gated && !j.zone && len(j.out) == 1
}

// serveTicks is the mean time between two cars of a lane at capacity.
func (s *segment) serveTicks() uint32 { return uint32(ticksPerHr) / s.capacityVehH }

// storage is how many units stand on the segment in a jam, and two cars a lane
// more: at capacity, vehicles and gaps fill a segment exactly, and without some
// play the draw of headways would hold flow below it.
func (s *segment) storage() uint64 {
	return uint64(s.lanes) * (uint64(s.jamVehKM)*uint64(s.lengthM)/1000 + 2) * carUnits
}

// waveTicks is how long a gap takes to travel from the segment's end to its
// beginning: at w = q / (k_jam − q/v_free).
func (s *segment) waveTicks() uint32 {
	// Length over w, in hours, is L·(jam·v − q)/(v·q); v in tenths of a km/h.
	num := uint64(s.lengthM) * (uint64(s.jamVehKM)*uint64(s.freeTenthKMH) - 10*uint64(s.capacityVehH))
	return uint32(num * ticksPerHr / 1000 / (uint64(s.freeTenthKMH) * uint64(s.capacityVehH)))
}

// travelTicks is how long a length takes at a speed.
func travelTicks(lengthM, tenthKMH uint32) uint32 {
	// A metre at a tenth of a km/h takes 36 seconds.
	return uint32(uint64(lengthM) * 36 * ticksPerSec / uint64(tenthKMH))
}

// queueTenthKMH is the speed in a queue that moves on at a rate: the congested
// branch of the fundamental diagram. unitTicks is the time that the queue takes
// per unit over all lanes.
func (s *segment) queueTenthKMH(unitTicks uint32) uint32 {
	perLane := ticksPerHr / (uint64(max(unitTicks, 1)) * carUnits * uint64(s.lanes)) // cars per hour
	perLane = min(perLane, uint64(s.capacityVehH))
	// Density in thousandths: jam − q·(jam − capacity/v)/capacity.
	jam, capacity := uint64(s.jamVehKM)*1000, uint64(s.capacityVehH)
	density := jam - perLane*(jam-capacity*10_000/uint64(s.freeTenthKMH))/capacity
	return max(uint32(perLane*10_000/max(density, 1)), 30)
}
