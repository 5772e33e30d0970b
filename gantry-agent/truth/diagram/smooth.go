package diagram

import "math"

// field is speeds on a grid over time and place; NaN where nothing is known.
type field struct {
	minutes, steps int
	stepM          float64
	fromM          float64
	kmh            []float32 // by step, then by minute
}

// Constants of adaptive smoothing (Treiber and Helbing 2002): what is known at
// the stations travels with the traffic where it is free, and against it where
// it is queued.
const (
	stepM      = 100.0
	freeKMH    = 80.0
	jamKMH     = -18.0
	threshold  = 60.0 // between free and queued, km/h
	transition = 15.0
	tauMin     = 0.8 // how far a minute reaches in time
	reachMin   = 5   // farther nothing is known
)

// kernel is the weights of one station's minutes for one step of the grid.
type kernel struct {
	site   int
	first  int       // the first minute, relative to the grid's
	weight []float64 // of it and those after it
}

// smooth spreads what the stations saw over the road between the first and the
// last of them.
func smooth(d *Day) *field {
	first := float64(d.Sites[0].Station.OffsetM)
	last := float64(d.Sites[len(d.Sites)-1].Station.OffsetM)
	f := &field{minutes: len(d.Sites[0].Minutes), steps: int((last-first)/stepM) + 1, stepM: stepM, fromM: first}
	f.kmh = make([]float32, f.minutes*f.steps)
	for s := range f.steps {
		x := first + float64(s)*stepM
		free, jam := d.kernels(x, freeKMH), d.kernels(x, jamKMH)
		for t := range f.minutes {
			f.kmh[s*f.minutes+t] = float32(blend(d.filter(free, t), d.filter(jam, t)))
		}
	}
	return f
}

// blend takes the queued estimate where either of both is slow.
func blend(free, jam float64) float64 {
	switch {
	case math.IsNaN(free):
		return jam
	case math.IsNaN(jam):
		return free
	}
	w := 0.5 * (1 + math.Tanh((threshold-min(free, jam))/transition))
	return w*jam + (1-w)*free
}

// kernels are those of the stations around x, for what travels at a speed.
func (d *Day) kernels(x, kmh float64) []kernel {
	var ks []kernel
	below, above := d.around(x)
	for i := below; i <= above; i++ {
		away := x - float64(d.Sites[i].Station.OffsetM)
		// A station counts less the farther it is, and nothing at its neighbour.
		near := 1.0
		if above > below {
			span := float64(d.Sites[above].Station.OffsetM) - float64(d.Sites[below].Station.OffsetM)
			near = 1 - math.Abs(away)/span
		}
		if near <= 0 {
			continue
		}
		shift := away / 1000 / kmh * 60 // minutes that it takes from there to x
		k := kernel{site: i, first: int(math.Floor(-shift)) - reachMin}
		for m := range 2*reachMin + 2 {
			k.weight = append(k.weight, near*math.Exp(-math.Abs(float64(k.first+m)+shift)/tauMin))
		}
		ks = append(ks, k)
	}
	return ks
}

// around are the stations below and above x.
func (d *Day) around(x float64) (below, above int) {
	for i := range d.Sites {
		if float64(d.Sites[i].Station.OffsetM) <= x {
			below = i
		}
	}
	return below, min(below+1, len(d.Sites)-1)
}

// filter is the weighted space mean of what the kernels reach at a minute, NaN
// where they reach nothing.
func (d *Day) filter(ks []kernel, minute int) float64 {
	var n, slowness float64
	for _, k := range ks {
		minutes := d.Sites[k.site].Minutes
		for i, w := range k.weight {
			if at := minute + k.first + i; 0 <= at && at < len(minutes) {
				n += w * minutes[at].N
				slowness += w * minutes[at].Slowness
			}
		}
	}
	if n < 1e-3 {
		return math.NaN()
	}
	return n / slowness
}
