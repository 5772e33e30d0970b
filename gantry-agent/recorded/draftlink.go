package recorded

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/gantry-dev/gantry/gantry-agent/world"
)

// Limits of a network file that a draft must keep.
const (
	stationRoomM  = 200 // from a link's ends, and between stations
	maxLinkM      = 50_000
	maxDraftLanes = 8
	maxStations   = 4096
	aloneM        = 1000 // length of a link that bears one station alone
)

// point is a place in degrees.
type point struct{ longitude, latitude float64 }

// draftLink is a link with its stations.
type draftLink struct {
	id, road, direction string
	offsetM, lengthM    int64
	lanes, speedKMH     int
	from, to            point
	opposite            bool // of the link before
	stations            []draftStation
}

// draftStation is a station; posM is along its edge.
type draftStation struct {
	id, gantry string
	posM, atM  int64
}

// planLinks makes up the roads that a recording's stations stand at.
func planLinks(r *Recording, o *DraftOptions) ([]draftLink, error) {
	var links []draftLink
	if r.Format == "fintraffic" {
		links = linksOfPoints(r)
	} else {
		links = linksOfDetectors(r, o)
	}
	seen := readStations(r)
	n := 0
	for i := range links {
		l := &links[i]
		for _, d := range o.Detectors {
			if slices.ContainsFunc(l.stations, func(s draftStation) bool { return s.id == d.Station }) {
				l.lanes = max(l.lanes, int(d.Lane))
			}
		}
		var speeds []uint16
		for _, s := range l.stations {
			if at := seen[s.id]; at != nil {
				l.lanes = max(l.lanes, at.lanes)
				speeds = append(speeds, at.speeds...)
			}
		}
		if l.lanes > maxDraftLanes {
			return nil, fmt.Errorf("station %s has %d lanes, and a network's stations at most %d", l.stations[0].id, l.lanes, maxDraftLanes)
		}
		l.speedKMH = percentile85(speeds)
		n += len(l.stations)
	}
	if n > maxStations {
		return nil, fmt.Errorf("the recording has %d stations, and a network at most %d", n, maxStations)
	}
	setOffsets(links)
	place(links, o)
	return links, nil
}

// setOffsets puts the links of a road and direction one after the other.
func setOffsets(links []draftLink) {
	end := map[[2]string]int64{}
	for i := range links {
		l := &links[i]
		k := [2]string{l.road, l.direction}
		l.offsetM = end[k]
		end[k] += l.lengthM
	}
}

// linksOfPoints gives each direction of a measurement point its own link.
func linksOfPoints(r *Recording) []draftLink {
	stations := slices.Clone(r.Stations)
	slices.SortFunc(stations, func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b)) })
	var links []draftLink
	for _, id := range stations {
		cut := strings.LastIndexByte(id, '-') // tms-POINT-DIRECTION
		gantry := id[:cut]
		links = append(links, draftLink{
			id: id, road: gantry, direction: id[cut+1:], lengthM: aloneM,
			opposite: len(links) > 0 && links[len(links)-1].road == gantry,
			stations: []draftStation{{id: id, gantry: gantry, atM: aloneM / 2}},
		})
	}
	return links
}

// linksOfDetectors gives each edge a link, or several where stations stand too
// close to each other for one. Stations that no definition tells of have each
// their own.
func linksOfDetectors(r *Recording, o *DraftOptions) []draftLink {
	var edges []string
	byEdge := map[string][]draftStation{}
	known := map[string]bool{}
	for _, d := range o.Detectors {
		if known[d.Station] {
			continue // another lane of it
		}
		known[d.Station] = true
		if byEdge[d.Edge] == nil {
			edges = append(edges, d.Edge)
		}
		byEdge[d.Edge] = append(byEdge[d.Edge], draftStation{id: d.Station, gantry: d.Station, posM: d.PosM})
	}
	ids := map[string]bool{}
	var links []draftLink
	add := func(edge string, stations ...draftStation) {
		l := linkOf(stations)
		l.id, l.road, l.direction = uniqueID(edge, ids), o.Road, "forward"
		links = append(links, l)
	}
	for _, edge := range edges {
		for _, group := range apart(byEdge[edge]) {
			add(edge, group...)
		}
	}
	for _, id := range r.Stations {
		if !known[id] {
			add(id, draftStation{id: id, gantry: id, posM: aloneM / 2})
		}
	}
	return links
}

// apart splits the stations of an edge into groups that fit on one link.
func apart(stations []draftStation) [][]draftStation {
	// Positions from the edge's end lie behind all others: how long the edge is,
	// nobody tells.
	furthest, back := int64(0), int64(0)
	for _, s := range stations {
		furthest, back = max(furthest, s.posM), max(back, -s.posM)
	}
	for i := range stations {
		if s := &stations[i]; s.posM < 0 {
			s.posM += furthest + back + 2*stationRoomM
		}
	}
	slices.SortStableFunc(stations, func(a, b draftStation) int { return cmp.Compare(a.posM, b.posM) })
	var groups [][]draftStation
next:
	for _, s := range stations {
		for i, g := range groups {
			if s.posM-g[len(g)-1].posM >= stationRoomM && s.posM-g[0].posM <= maxLinkM-2*stationRoomM {
				groups[i] = append(g, s)
				continue next
			}
		}
		groups = append(groups, []draftStation{s})
	}
	return groups
}

// linkOf is a link that keeps its stations' positions where there is room
// before the first.
func linkOf(stations []draftStation) draftLink {
	shift := max(0, stationRoomM-stations[0].posM)
	last := stations[len(stations)-1].posM + shift
	if last > maxLinkM-stationRoomM {
		shift -= stations[0].posM + shift - stationRoomM
		last = stations[len(stations)-1].posM + shift
	}
	for i := range stations {
		stations[i].atM = stations[i].posM + shift
	}
	return draftLink{lengthM: last + stationRoomM, stations: stations}
}

// uniqueID is a name for a link that leaves room for its nodes' suffixes.
func uniqueID(name string, taken map[string]bool) string {
	name = name[:min(len(name), 36)]
	id := name
	for n := 2; taken[id]; n++ {
		id = fmt.Sprintf("%s-%d", name, n)
	}
	taken[id] = true
	return id
}

// seenStation is what a recording shows of a station.
type seenStation struct {
	lanes  int
	speeds []uint16 // of cars, tenths of a km/h
}

func readStations(r *Recording) map[string]*seenStation {
	stations := make([]seenStation, len(r.Stations))
	for i := range r.Records {
		rec := &r.Records[i]
		s := &stations[rec.Station]
		s.lanes = max(s.lanes, int(rec.Lane))
		if rec.Class == world.Car {
			s.speeds = append(s.speeds, rec.SpeedTenthKMH)
		}
	}
	out := map[string]*seenStation{}
	for i, id := range r.Stations {
		out[id] = &stations[i]
	}
	return out
}

// percentile85 of speeds, km/h; 80 where no car was seen.
func percentile85(tenths []uint16) int {
	if len(tenths) == 0 {
		return 80
	}
	slices.Sort(tenths)
	return int(tenths[len(tenths)*85/100]) / 10
}
