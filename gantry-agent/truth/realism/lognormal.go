package realism

import (
	"math"

	"gonum.org/v1/gonum/optimize"
)

// mixture is the semi-Poisson model of headways (Buckley 1968, Branston 1976):
// a share of drivers follow at a lognormal headway with a least one, the shift;
// the others keep an exponential headway, but none shorter than the one at
// which they would follow.
type mixture struct {
	shift     float64 // s
	mu, sigma float64 // of the logarithm of what is above the shift
	share     float64 // of those who follow
	rate      float64 // of those who do not, 1/s
}

// strays is the share of headways that may lie anywhere: without it a single
// one would bound the shift.
const strays = 0.005

// greatestShift is what the search stops at, s.
const greatestShift = 1.5

// parameters turns what the search moves freely into a mixture.
func parameters(x []float64, rate float64) mixture {
	logistic := func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
	return mixture{greatestShift * logistic(x[0]), x[1], 0.02 + math.Exp(x[2]), logistic(x[3]), rate}
}

// freeRate is that of the headways beyond freeFromS, where hardly anybody
// follows (Wasielewski 1979).
func (f *follow) freeRate() float64 {
	const width = float64(followStep) / float64(second)
	n, excess := float64(f.beyond), float64(f.beyond)*(followBins*width-freeFromS)
	for i := int(freeFromS / width); i < followBins; i++ {
		n += float64(f.n[i])
		excess += float64(f.n[i]) * ((float64(i)+0.5)*width - freeFromS)
	}
	if n == 0 {
		return 1
	}
	// Of those beyond the histogram only its end is known to be exceeded.
	return (n - float64(f.beyond)) / excess
}

// below is the share of followers with a headway less than h seconds.
func (m *mixture) below(h float64) float64 {
	if h <= m.shift {
		return 0
	}
	return 0.5 * math.Erfc((m.mu-math.Log(h-m.shift))/(m.sigma*math.Sqrt2))
}

// probabilities of the bins of the histogram, the last for what is beyond it.
// Whole bins have them finite, where a density would grow without bound as the
// shift nears the least headway.
func (m *mixture) probabilities(p *[followBins + 1]float64) {
	const width = float64(followStep) / float64(second)
	var free [followBins + 1]float64
	from, total := 0.0, 0.0
	for i := range followBins {
		h := (float64(i) + 0.5) * width
		to := m.below(h + width/2)
		p[i] = to - from
		free[i] = m.rate * width * math.Exp(-m.rate*h) * (from + to) / 2
		total += free[i]
		from = to
	}
	p[followBins] = 1 - from
	free[followBins] = math.Exp(-m.rate * followBins * width)
	total += free[followBins]
	for i := range p {
		known := m.share*p[i] + (1-m.share)*free[i]/total
		p[i] = (1-strays)*known + strays/float64(len(p))
	}
}

// cost is the negative mean log-likelihood of the headways.
func (f *follow) cost(m *mixture) float64 {
	var p [followBins + 1]float64
	m.probabilities(&p)
	sum, n := -float64(f.beyond)*math.Log(p[followBins]), float64(f.beyond)
	for i, c := range f.n {
		if c > 0 {
			sum -= float64(c) * math.Log(p[i])
			n += float64(c)
		}
	}
	return sum / n
}

// shift is that of the mixture which fits the headways best, in seconds: the
// least headway that drivers keep.
func (f *follow) shift() (float64, bool) {
	n := f.beyond
	for _, c := range f.n {
		n += c
	}
	if n < leastFollowing {
		return 0, false
	}
	rate := f.freeRate()
	problem := optimize.Problem{Func: func(x []float64) float64 {
		m := parameters(x, rate)
		return f.cost(&m)
	}}
	best, at := math.Inf(1), 0.0
	// The search may end in a corner: begin with few who follow, and with nearly
	// all of them.
	for _, share := range []float64{0, 3} {
		result, err := optimize.Minimize(problem, []float64{-1.2, 0, -0.7, share}, nil, &optimize.NelderMead{})
		if err == nil && result.F < best {
			best, at = result.F, parameters(result.X, rate).shift
		}
	}
	return at, !math.IsInf(best, 1)
}
