package world

import (
	"cmp"
	"fmt"
	"slices"
)

// Limits of a network file.
const (
	maxNodes     = 4096
	maxLinks     = 8192
	minLinkM     = 200
	maxLinkM     = 50_000
	maxPoints    = 1000 // of a link's geometry
	maxLanes     = 8
	nodeRadiusM  = 50     // of what counts as at a node
	maxDistanceM = 60_000 // of a point from its link's start
)

type nodeFile struct {
	ID        string  `yaml:"id"`
	Zone      bool    `yaml:"zone,omitempty"`
	Longitude degrees `yaml:"longitude"`
	Latitude  degrees `yaml:"latitude"`
}

type linkFile struct {
	ID           string         `yaml:"id"`
	Kind         string         `yaml:"kind"`
	Road         string         `yaml:"road"`
	Direction    string         `yaml:"direction"`
	OffsetM      uint32         `yaml:"offset_m"`
	From         string         `yaml:"from"`
	To           string         `yaml:"to"`
	LengthM      uint32         `yaml:"length_m"`
	Lanes        uint32         `yaml:"lanes"`
	LimitKMH     uint32         `yaml:"limit_kmh"`
	FreeFlowKMH  uint32         `yaml:"free_flow_kmh"`
	CapacityVehH uint32         `yaml:"capacity_veh_h"`
	JamVehKM     uint32         `yaml:"jam_veh_km"`
	Priority     uint32         `yaml:"priority,omitempty"`
	Geometry     lineStringFile `yaml:"geometry,flow"`
}

// lineStringFile is a line in GeoJSON: pairs of longitude and latitude.
type lineStringFile struct {
	Type        string      `yaml:"type"`
	Coordinates [][]degrees `yaml:"coordinates,flow"`
}

func (g *graph) readNodes(src source, files []nodeFile) error {
	if err := checkCount(src, "nodes", len(files), 2, maxNodes); err != nil {
		return err
	}
	seen := map[string]bool{}
	for i, f := range files {
		path := fmt.Sprintf("nodes[%d]", i)
		if err := checkName(src, path+".id", f.ID); err != nil {
			return err
		}
		if seen[f.ID] {
			return src.fault(path+".id", "%q stands twice", f.ID)
		}
		seen[f.ID] = true
		if f.Latitude < -90e7 || f.Latitude > 90e7 {
			return src.fault(path+".latitude", "is beyond 90 degrees")
		}
		if f.Zone {
			g.zones[f.ID] = i
		}
		g.nodes = append(g.nodes, node{f.ID, f.Zone, int32(f.Longitude), int32(f.Latitude)})
	}
	if len(g.zones) < 2 {
		return src.fault("nodes", "has %d nodes with zone: true, must have at least 2: trips begin and end there", len(g.zones))
	}
	return nil
}

func (g *graph) readLinks(src source, files []linkFile) error {
	if err := checkCount(src, "links", len(files), 1, maxLinks); err != nil {
		return err
	}
	nodes := map[string]int{}
	for i, n := range g.nodes {
		nodes[n.id] = i
	}
	for i := range files {
		f, path := &files[i], fmt.Sprintf("links[%d]", i)
		l := link{
			id: f.ID, road: f.Road, direction: f.Direction, ramp: f.Kind == "ramp", offsetM: f.OffsetM, lengthM: f.LengthM,
			lanes: uint8(f.Lanes), limitKMH: uint8(f.LimitKMH), freeKMH: f.FreeFlowKMH, capacityVehH: f.CapacityVehH, jamVehKM: f.JamVehKM,
			priority: f.Priority,
		}
		if f.Priority == 0 {
			l.priority = f.Lanes
		}
		err := firstError(
			func() error { return g.checkLinkName(src, path, f) },
			func() error { return checkLinkNumbers(src, path, f) },
			func() error { return l.readEnds(src, path, f, nodes) },
			func() (err error) { l.lonLatE7, err = readLine(src, path+".geometry", f.Geometry); return err },
			func() error { return g.checkLine(src, path+".geometry.coordinates", &l) },
		)
		if err != nil {
			return err
		}
		g.byID[l.id] = i
		g.links = append(g.links, l)
	}
	return nil
}

func (g *graph) checkLinkName(src source, path string, f *linkFile) error {
	if err := checkName(src, path+".id", f.ID); err != nil {
		return err
	}
	if _, taken := g.byID[f.ID]; taken {
		return src.fault(path+".id", "%q stands twice", f.ID)
	}
	if f.Kind != "motorway" && f.Kind != "ramp" {
		return src.fault(path+".kind", "is %s, must be motorway or ramp", quoted(f.Kind))
	}
	if err := checkName(src, path+".road", f.Road); err != nil {
		return err
	}
	return checkName(src, path+".direction", f.Direction)
}

func checkLinkNumbers(src source, path string, f *linkFile) error {
	for _, c := range []struct {
		field     string
		v, lo, hi uint32
	}{
		{"offset_m", f.OffsetM, 0, 1_000_000},
		{"length_m", f.LengthM, minLinkM, maxLinkM},
		{"lanes", f.Lanes, 1, maxLanes},
		{"limit_kmh", f.LimitKMH, 5, 200},
		{"free_flow_kmh", f.FreeFlowKMH, 20, 180},
		{"capacity_veh_h", f.CapacityVehH, 300, 3000},
		{"jam_veh_km", f.JamVehKM, 80, 250},
		{"priority", f.Priority, 0, 100},
	} {
		if err := checkRange(src, path+"."+c.field, c.v, c.lo, c.hi); err != nil {
			return err
		}
	}
	// The wave speed is w = q / (k_jam - q / v), the slope of the diagram's
	// congested side.
	q, v := f.CapacityVehH, f.FreeFlowKMH
	if room := f.JamVehKM*v - min(q, f.JamVehKM*v); q*v < 8*room || q*v > 40*room {
		return src.fault(path+".jam_veh_km", "with capacity_veh_h %d and free_flow_kmh %d, %d lets jams travel upstream at %s, must be 8 to 40 km/h",
			q, v, f.JamVehKM, waveText(q*v, room))
	}
	return nil
}

func waveText(qv, room uint32) string {
	if room == 0 {
		return "an infinite speed"
	}
	return fmt.Sprintf("%d km/h", qv/room)
}

func (l *link) readEnds(src source, path string, f *linkFile, nodes map[string]int) error {
	for _, end := range []struct {
		field, id string
		to        *int
	}{{"from", f.From, &l.from}, {"to", f.To, &l.to}} {
		n, ok := nodes[end.id]
		if !ok {
			return src.fault(path+"."+end.field, "there is no node %s", quoted(end.id))
		}
		*end.to = n
	}
	if l.from == l.to {
		return src.fault(path+".to", "is %s as from is, must be another node", quoted(f.To))
	}
	return nil
}

func readLine(src source, path string, f lineStringFile) ([][2]int32, error) {
	if f.Type != "LineString" {
		return nil, src.fault(path+".type", "is %s, must be LineString", quoted(f.Type))
	}
	if err := checkCount(src, path+".coordinates", len(f.Coordinates), 2, maxPoints); err != nil {
		return nil, err
	}
	line := make([][2]int32, len(f.Coordinates))
	for i, p := range f.Coordinates {
		point := fmt.Sprintf("%s.coordinates[%d]", path, i)
		if len(p) != 2 {
			return nil, src.fault(point, "has %d numbers, must have 2: longitude and latitude", len(p))
		}
		if p[1] < -90e7 || p[1] > 90e7 {
			return nil, src.fault(point, "has a latitude beyond 90 degrees: longitude comes first")
		}
		line[i] = [2]int32{int32(p[0]), int32(p[1])}
	}
	return line, nil
}

// checkLine says whether a link's line leads from node to node.
func (g *graph) checkLine(src source, path string, l *link) error {
	last := len(l.lonLatE7) - 1
	whole := int64(0)
	for i, p := range l.lonLatE7 {
		if apart(l.lonLatE7[0], p) > maxDistanceM*meterE7 {
			return src.fault(fmt.Sprintf("%s[%d]", path, i), "is more than %d km from the link's start", maxDistanceM/1000)
		}
		if i > 0 {
			whole += apart(l.lonLatE7[i-1], p)
		}
	}
	for _, end := range []struct{ point, node int }{{0, l.from}, {last, l.to}} {
		n := &g.nodes[end.node]
		if far := apart(l.lonLatE7[end.point], [2]int32{n.lonE7, n.latE7}); far > nodeRadiusM*meterE7 {
			return src.fault(fmt.Sprintf("%s[%d]", path, end.point), "is %d m from node %s, must be within %d m", far/meterE7, quoted(n.id), nodeRadiusM)
		}
	}
	if whole == 0 {
		return src.fault(path, "has no length")
	}
	return nil
}

// checkEnds finds nodes where traffic would come from nowhere, or be stuck.
func (g *graph) checkEnds(src source) error {
	in, out := make([]int, len(g.nodes)), make([]int, len(g.nodes))
	for i := range g.links {
		out[g.links[i].from]++
		in[g.links[i].to]++
	}
	for i, n := range g.nodes {
		path := fmt.Sprintf("nodes[%d].id", i)
		switch {
		case in[i]+out[i] == 0:
			return src.fault(path, "no link leads to %s, and none from it", quoted(n.id))
		case n.zone:
		case in[i] == 0:
			return src.fault(path, "no link leads to %s: give it one, or make it a zone", quoted(n.id))
		case out[i] == 0:
			return src.fault(path, "no link leads on from %s: give it one, or make it a zone", quoted(n.id))
		}
	}
	return nil
}

// checkOffsets finds motorway links that claim the same metres of a road.
// Ramps only say where they leave or meet it.
func (g *graph) checkOffsets(src source) error {
	order := make([]int, 0, len(g.links))
	for i := range g.links {
		if !g.links[i].ramp {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(i, j int) int {
		a, b := &g.links[i], &g.links[j]
		return cmp.Or(cmp.Compare(a.road, b.road), cmp.Compare(a.direction, b.direction), cmp.Compare(a.offsetM, b.offsetM))
	})
	for k := 1; k < len(order); k++ {
		a, b := &g.links[order[k-1]], &g.links[order[k]]
		if a.road == b.road && a.direction == b.direction && b.offsetM < a.offsetM+a.lengthM {
			return src.fault(fmt.Sprintf("links[%d].offset_m", order[k]), "is %d, within link %s, which reaches from %d to %d of road %s, %s",
				b.offsetM, quoted(a.id), a.offsetM, a.offsetM+a.lengthM, a.road, a.direction)
		}
	}
	return nil
}
