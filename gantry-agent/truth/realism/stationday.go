package realism

import (
	"math"

	"github.com/gantry-dev/gantry/gantry-agent/world"
)

// widths of the accumulators.
const (
	fineWidth  = 30 * second
	binWidth   = 5 * minute
	finePerBin = int(binWidth / fineWidth)
	binsPerHr  = int(hour / binWidth)
)

// what is congested, and what free-flow speed is measured at.
const (
	// congestedShare of the free-flow speed and below is congested: a breakdown is
	// a fall of 25 % (HCM).
	congestedShare = 0.75
	// freeFlowVehH is up to which flow per lane speeds are free-flow (HCM:
	// 1 000 pc/h/lane).
	freeFlowVehH = 1000
	// leastCars of five minutes whose mean speed says something.
	leastCars = 3
)

// fine is what passes in 30 s on all lanes.
type fine struct {
	n      uint16
	v, inv float32
}

// lane is what passes in five minutes on one lane.
type lane struct{ cars, heavy, rest moments }

func (l *lane) n() uint32 { return l.cars.n + l.heavy.n + l.rest.n }

// bin is five minutes over all lanes.
type bin struct {
	all       moments
	flow      float64 // veh/h/lane
	speed     float64 // space mean, km/h; 0 when nothing passed
	carSpeed  float64 // of cars; 0 when there were too few
	congested bool
}

// stationDay is what one station saw on one world day.
type stationDay struct {
	station *world.Station
	start   world.Micros
	fine    []fine
	lanes   []lane // by bin, then by lane
	bins    []bin
	free    float64 // free-flow speed of cars, km/h; NaN when unknown
	total   uint32
	fast    uint32 // more than 10 % over the limit
	spacing spacing
}

// heavy vehicles are trucks and buses.
func heavy(c world.Class) bool { return c == world.Truck || c == world.Bus }

// newStationDay accumulates passages, which are in [start, end) and by time.
func newStationDay(s *world.Station, start, end world.Micros, passages []world.Passage) stationDay {
	bins := int((end - start + binWidth - 1) / binWidth)
	d := stationDay{
		station: s, start: start, fine: make([]fine, bins*finePerBin),
		lanes: make([]lane, bins*int(s.Lanes)), bins: make([]bin, bins), total: uint32(len(passages)),
	}
	for i := range passages {
		d.add(&passages[i])
	}
	for i := range d.bins {
		d.bins[i].sum(d.of(i))
	}
	d.free = freeFlowSpeed(d.bins)
	d.judge()
	d.spacing.measure(&d, passages)
	return d
}

// of is the lanes of a bin.
func (d *stationDay) of(bin int) []lane {
	n := int(d.station.Lanes)
	return d.lanes[bin*n : (bin+1)*n]
}

// binAt is the bin of a time.
func (d *stationDay) binAt(t world.Micros) int { return int((t - d.start) / binWidth) }

func (d *stationDay) add(p *world.Passage) {
	v := float64(max(p.SpeedTenthKMH, 1)) / 10
	f := &d.fine[(p.At-d.start)/fineWidth]
	f.n++
	f.v += float32(v)
	f.inv += float32(1 / v)
	l := &d.of(d.binAt(p.At))[min(max(p.Lane, 1), d.station.Lanes)-1]
	switch {
	case p.Class == world.Car:
		l.cars.add(v)
	case heavy(p.Class):
		l.heavy.add(v)
	default:
		l.rest.add(v)
	}
	if uint32(p.SpeedTenthKMH) > 11*uint32(d.station.LimitKMH) {
		d.fast++
	}
}

func (b *bin) sum(lanes []lane) {
	var cars moments
	for i := range lanes {
		cars.merge(&lanes[i].cars)
		b.all.merge(&lanes[i].heavy)
		b.all.merge(&lanes[i].rest)
	}
	b.all.merge(&cars)
	b.flow = float64(b.all.n) * float64(binsPerHr) / float64(len(lanes))
	if b.all.n > 0 {
		b.speed = b.all.space()
	}
	if cars.n >= leastCars {
		b.carSpeed = cars.space()
	}
}

// freeFlowSpeed is the median of the cars' mean speeds in bins of little flow.
// Queues have little flow too, but for less of a day than its quiet hours.
func freeFlowSpeed(bins []bin) float64 {
	var speeds []float64
	for i := range bins {
		if b := &bins[i]; b.carSpeed > 0 && b.flow <= freeFlowVehH {
			speeds = append(speeds, b.carSpeed)
		}
	}
	return median(speeds)
}

// judge marks the congested bins. One without cars is as the one before it: a
// standing queue passes nobody.
func (d *stationDay) judge() {
	before := false
	for i := range d.bins {
		b := &d.bins[i]
		switch {
		case b.carSpeed > 0:
			before = b.carSpeed < congestedShare*d.free
		case b.speed > 0 && !math.IsNaN(d.free):
			before = before && b.speed < congestedShare*d.free
		}
		b.congested = before
	}
}

// quiet says whether n bins from first on are all uncongested.
func (d *stationDay) quiet(first, n int) bool {
	for i := first; i < first+n; i++ {
		if d.bins[i].congested {
			return false
		}
	}
	return true
}
