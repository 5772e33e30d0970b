package realism

import (
	"math"

	"github.com/gantry-dev/gantry/gantry-agent/world"
)

// what headways are looked at.
const (
	// busyVehH is the flow of a lane from which on most drivers follow somebody.
	busyVehH = 1500
	// followStep and followBins are the histogram of headways in busy lanes.
	followStep = 20 * world.Micros(1000)
	followBins = 500
	// freeFromS is beyond which headway hardly anybody follows.
	freeFromS = 4.0
	// leastFollowing headways make an estimate.
	leastFollowing = 2000
	// sparseVehH is the flow of a lane up to which drivers come by chance.
	sparseVehH = 400
	// tailFrom is beyond which headways are exponential there.
	tailFrom = 6 * second
	// tailSpan is over how long the flow is taken as constant.
	tailSpan = 6 // bins: half an hour
	// leastTail headways beyond tailFrom make an estimate.
	leastTail = 30
)

// spacing is what the headways of one station add up to: front to front, in a
// lane.
type spacing struct {
	follow follow
	tail   average // squared coefficient of variation beyond tailFrom
}

// follow is headways in uncongested busy lanes.
type follow struct {
	n      [followBins]uint32
	beyond uint32 // longer than the histogram
}

// residual is what headways beyond tailFrom add up to.
type residual struct{ n, sum, squares float64 }

// measure goes through the passages of a day.
func (s *spacing) measure(d *stationDay, passages []world.Passage) {
	lanes := int(d.station.Lanes)
	last := make([]world.Micros, lanes)
	tails := make([]residual, (len(d.bins)+tailSpan-1)/tailSpan*lanes)
	for i := range passages {
		p := &passages[i]
		l := int(min(max(p.Lane, 1), d.station.Lanes)) - 1
		h := p.At - last[l]
		first := last[l] == 0
		last[l] = p.At
		b := d.binAt(p.At)
		if first || d.bins[b].congested {
			continue
		}
		if flow := d.of(b)[l].n() * uint32(binsPerHr); flow >= busyVehH {
			s.follow.add(h)
		}
		if h > tailFrom {
			tails[b/tailSpan*lanes+l].add(float64(h-tailFrom) / float64(second))
		}
	}
	for i := range tails {
		first := i / lanes * tailSpan
		n := min(tailSpan, len(d.bins)-first)
		if d.laneFlow(first, n, i%lanes) <= sparseVehH && d.quiet(first, n) {
			tails[i].into(&s.tail)
		}
	}
}

// laneFlow is the flow of a lane over n bins, veh/h.
func (d *stationDay) laneFlow(first, n, lane int) float64 {
	total := uint32(0)
	for i := first; i < first+n; i++ {
		total += d.of(i)[lane].n()
	}
	return float64(total) * float64(binsPerHr) / float64(n)
}

func (r *residual) add(x float64) {
	r.n++
	r.sum += x
	r.squares += x * x
}

// into adds variance over squared mean. Measured on n exponential values it
// comes out as n/(n+1) on average, which is set right here.
func (r *residual) into(a *average) {
	if r.n < leastTail {
		return
	}
	mean := r.sum / r.n
	variance := (r.squares - r.n*mean*mean) / (r.n - 1)
	a.add(variance/(mean*mean)*(r.n+1)/r.n, r.n)
}

func (f *follow) add(h world.Micros) {
	if i := h / followStep; i < followBins {
		f.n[i]++
	} else {
		f.beyond++
	}
}

func (f *follow) merge(o *follow) {
	for i, n := range o.n {
		f.n[i] += n
	}
	f.beyond += o.beyond
}

// headways is the measure of both ends of the distribution.
type headways struct{ sites []spacing }

func (m *headways) add(d *day) {
	m.sites = sized(m.sites, len(d.stations))
	for i := range d.stations {
		m.sites[i].follow.merge(&d.stations[i].spacing.follow)
		m.sites[i].tail.sum += d.stations[i].spacing.tail.sum
		m.sites[i].tail.weight += d.stations[i].spacing.tail.weight
	}
}

func (m *headways) rows() []Row {
	var shifts, tails []float64
	for i := range m.sites {
		s := &m.sites[i]
		if shift, ok := s.follow.shift(); ok {
			shifts = append(shifts, shift)
		}
		if s.tail.weight > 0 {
			tails = append(tails, math.Sqrt(s.tail.value()))
		}
	}
	return []Row{
		headwayShift.across(shifts, "no lane carries 1 500 veh/h in free flow often enough"),
		headwayTail.across(tails, "no lane has long headways at less than 400 veh/h often enough"),
	}
}
