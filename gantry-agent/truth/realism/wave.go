package realism

import (
	"math"

	"github.com/gantry-dev/gantry/gantry-agent/world"
)

// waves is the measure of how fast disturbances inside queues travel: the lag
// at which the speeds of a station go with those of the next one downstream.
type waves struct {
	pairs []pair
	sums  []lagged
}

// lagged adds up products of two series by lag, of all windows of all days.
type lagged struct{ xy, xx, yy, n []float64 }

const (
	// slowestKMH and fastestKMH bound the speeds looked for.
	slowestKMH = 6
	fastestKMH = 45
	// trendBins around a value, of 30 s, make the mean that is taken off it.
	trendBins = 20
	// leastWindow is the length of a queue over two stations, in bins of 5 min.
	leastWindow = 6
	// leastProducts at a lag make a coefficient; leastCorrelation of the peak is a
	// wave.
	leastProducts    = 240
	leastCorrelation = 0.15
)

func newWaves(stations []world.Station) *waves {
	m := &waves{pairs: pairs(stations)}
	for _, p := range m.pairs {
		n := maxLag(p.metres) + 1
		m.sums = append(m.sums, lagged{make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)})
	}
	return m
}

// lag is how many steps of 30 s a wave of some speed takes.
func lag(metres, kmh float64) float64 {
	return metres * 3.6 / kmh / (float64(fineWidth) / float64(second))
}

func maxLag(metres float64) int { return int(math.Ceil(lag(metres, slowestKMH))) }

func (m *waves) add(d *day) {
	for i, p := range m.pairs {
		up, down := &d.stations[p.up], &d.stations[p.down]
		for first := 0; first < len(up.bins); {
			end := first
			for end < len(up.bins) && up.bins[end].congested && down.bins[end].congested {
				end++
			}
			if end-first >= leastWindow {
				m.sums[i].add(up.series(first, end), down.series(first, end))
			}
			first = end + 1
		}
	}
}

// series is the mean speed in steps of 30 s within bins [first, end), less its
// trend. Where nobody passed, the speed before stays.
func (d *stationDay) series(first, end int) []float64 {
	raw := make([]float64, 0, (end-first)*finePerBin)
	last := d.bins[first].speed
	for _, f := range d.fine[first*finePerBin : end*finePerBin] {
		if f.n > 0 {
			last = float64(f.n) / float64(f.inv)
		}
		raw = append(raw, last)
	}
	out := make([]float64, len(raw))
	for i := range raw {
		from, to := max(i-trendBins, 0), min(i+trendBins+1, len(raw))
		mean, _ := spread(raw[from:to])
		out[i] = raw[i] - mean
	}
	return out
}

// add compares what is upstream with what was downstream lag steps before.
func (s *lagged) add(up, down []float64) {
	for lag := range s.xy {
		for i := lag; i < len(up); i++ {
			x, y := up[i], down[i-lag]
			s.xy[lag] += x * y
			s.xx[lag] += x * x
			s.yy[lag] += y * y
			s.n[lag]++
		}
	}
}

func (s *lagged) at(lag int) float64 {
	if s.n[lag] < leastProducts {
		return math.NaN()
	}
	return s.xy[lag] / math.Sqrt(s.xx[lag]*s.yy[lag])
}

// speed is that of the lag with the greatest correlation, in km/h against the
// traffic.
func (s *lagged) speed(metres float64) (float64, bool) {
	best := 0
	for l := max(int(lag(metres, fastestKMH)), 1); l < len(s.xy)-1; l++ {
		if r := s.at(l); !math.IsNaN(r) && (best == 0 || r > s.at(best)) {
			best = l
		}
	}
	if best == 0 || !(s.at(best) >= leastCorrelation) {
		return 0, false
	}
	// The greatest value of the parabola through three points.
	l := float64(best)
	if a, b, c := s.at(best-1), s.at(best), s.at(best+1); a < b && c < b {
		l += 0.5 * (a - c) / (a - 2*b + c)
	}
	return -metres * 3.6 / (l * float64(fineWidth) / float64(second)), true
}

func (m *waves) rows() []Row {
	var speeds []float64
	for i := range m.pairs {
		if v, ok := m.sums[i].speed(m.pairs[i].metres); ok {
			speeds = append(speeds, v)
		}
	}
	return []Row{jamFront.across(speeds, "no queue covers two neighbouring stations for long enough to see waves in it")}
}
