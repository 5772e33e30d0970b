package realism

import (
	"cmp"
	"slices"

	"github.com/gantry-dev/gantry/gantry-agent/world"
)

// pair is two stations that follow each other on a road.
type pair struct {
	up, down int // indices of stations
	metres   float64
}

// farthest two stations may be apart to belong together, metres (Chen,
// Skabardonis and Varaiya 2004: 3 miles).
const farthest = 4800

// pairs are all neighbours, road by road and direction by direction.
func pairs(stations []world.Station) []pair {
	order := make([]int, len(stations))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		s, t := &stations[a], &stations[b]
		return cmp.Or(cmp.Compare(s.Road, t.Road), cmp.Compare(s.Direction, t.Direction), cmp.Compare(s.OffsetM, t.OffsetM))
	})
	var found []pair
	for i := 1; i < len(order); i++ {
		s, t := &stations[order[i-1]], &stations[order[i]]
		apart := float64(t.OffsetM) - float64(s.OffsetM)
		if s.Road == t.Road && s.Direction == t.Direction && 0 < apart && apart <= farthest {
			found = append(found, pair{order[i-1], order[i], apart})
		}
	}
	return found
}

// bottlenecks is the measure of what an active bottleneck loses. One is active
// between two stations while the upper one is queued and the lower one is not.
// Where the lower one has more lanes, others have joined on lanes of their own:
// its flow is not what the queue discharges.
type bottlenecks struct {
	pairs []pair
	drops [][]float64 // by pair, of each activation
	dates [][]int     // by pair, the days with one
}

const (
	// slowKMH and fallKMH make a bottleneck active (Chen, Skabardonis and Varaiya
	// 2004: below 40 mph, at least 20 mph slower).
	slowKMH = 64
	fallKMH = 32
	// onsetBins in a row begin an activation, as many without end it: a quarter of
	// an hour (HCM).
	onsetBins = 3
	// beforeBins is how long before the onset the greatest flow is looked for.
	beforeBins = 12
	// settleBins after the onset are not yet the discharge of a queue.
	settleBins = 2
	// leastDischarge bins of discharge make a mean.
	leastDischarge = 4
	// recurrent bottlenecks are active on that many days; one that is not was an
	// incident.
	recurrent = 2
)

func newBottlenecks(stations []world.Station) *bottlenecks {
	p := slices.DeleteFunc(pairs(stations), func(p pair) bool { return stations[p.down].Lanes > stations[p.up].Lanes })
	return &bottlenecks{pairs: p, drops: make([][]float64, len(p)), dates: make([][]int, len(p))}
}

func (m *bottlenecks) add(d *day) {
	for i, p := range m.pairs {
		up, down := d.stations[p.up].bins, d.stations[p.down].bins
		found := false
		for first := beforeBins; first < len(up); {
			if !activates(up, down, first) {
				first++
				continue
			}
			drop, end, ok := activation(up, down, first)
			if ok {
				m.drops[i] = append(m.drops[i], drop)
				found = true
			}
			first = end
		}
		if found {
			m.dates[i] = append(m.dates[i], d.date)
		}
	}
}

// active says whether the head of a queue is between two stations.
func active(up, down *bin) bool {
	return up.speed > 0 && up.speed < slowKMH && down.speed >= up.speed+fallKMH && !down.congested
}

// activates says whether a bottleneck becomes active at bin first.
func activates(up, down []bin, first int) bool {
	if first+onsetBins > len(up) {
		return false
	}
	for i := first; i < first+onsetBins; i++ {
		if !active(&up[i], &down[i]) {
			return false
		}
	}
	return true
}

// activation is what a bottleneck that becomes active at bin first loses, and
// the bin at which it no longer is active.
func activation(up, down []bin, first int) (drop float64, end int, ok bool) {
	idle := 0
	for end = first; end < len(up) && idle < onsetBins; end++ {
		if active(&up[end], &down[end]) {
			idle = 0
		} else {
			idle++
		}
	}
	end -= idle
	var discharge average
	for i := first + settleBins; i < end; i++ {
		if active(&up[i], &down[i]) {
			discharge.add(down[i].flow, 1)
		}
	}
	before := greatestBefore(down, first)
	if discharge.weight < leastDischarge || before == 0 {
		return 0, max(end, first+1), false
	}
	return 1 - discharge.value()/before, max(end, first+1), true
}

// greatestBefore is the greatest flow of a quarter of an hour within the hour
// up to bin first, all of it free.
func greatestBefore(down []bin, first int) float64 {
	greatest := 0.0
	for i := first - beforeBins; i+onsetBins <= first+1; i++ {
		sum, free := 0.0, true
		for _, b := range down[i : i+onsetBins] {
			sum += b.flow / onsetBins
			free = free && !b.congested
		}
		if free {
			greatest = max(greatest, sum)
		}
	}
	return greatest
}

func (m *bottlenecks) rows() []Row {
	var all, sites []float64
	for i, drops := range m.drops {
		if len(m.dates[i]) < recurrent {
			continue
		}
		all = append(all, drops...)
		sites = append(sites, median(drops))
	}
	if len(all) == 0 {
		return []Row{capacityDrop.empty("no bottleneck is active on two days, with a free station below it that saw the flow before")}
	}
	return []Row{capacityDrop.over(sites, median(all))}
}
