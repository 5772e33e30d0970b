package realism

import (
	"math"
	"slices"
)

// quantile of sorted values, by linear interpolation; p in [0, 1].
func quantile(sorted []float64, p float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	at := p * float64(len(sorted)-1)
	i := int(at)
	if i+1 == len(sorted) {
		return sorted[i]
	}
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}

// median of values, which stay as they are.
func median(values []float64) float64 {
	s := slices.Clone(values)
	slices.Sort(s)
	return quantile(s, 0.5)
}

// moments are what mean, deviation and harmonic mean of speeds are made of.
type moments struct {
	n          uint32
	v, vv, inv float64
}

func (m *moments) add(v float64) {
	m.n++
	m.v += v
	m.vv += v * v
	m.inv += 1 / v
}

func (m *moments) merge(o *moments) {
	m.n += o.n
	m.v += o.v
	m.vv += o.vv
	m.inv += o.inv
}

// mean is the arithmetic mean: the time mean of spot speeds.
func (m *moments) mean() float64 { return m.v / float64(m.n) }

// space is the harmonic mean: the space mean of spot speeds.
func (m *moments) space() float64 { return float64(m.n) / m.inv }

// sd is the sample's standard deviation.
func (m *moments) sd() float64 {
	n := float64(m.n)
	return math.Sqrt(max(m.vv-m.v*m.v/n, 0) / (n - 1))
}

// spread is the sample's mean and variance.
func spread(values []float64) (mean, variance float64) {
	for _, x := range values {
		mean += x
	}
	mean /= float64(len(values))
	for _, x := range values {
		variance += (x - mean) * (x - mean)
	}
	return mean, variance / float64(len(values)-1)
}

// average is a weighted mean that grows.
type average struct{ sum, weight float64 }

func (a *average) add(x, weight float64) {
	a.sum += x * weight
	a.weight += weight
}

func (a *average) value() float64 { return a.sum / a.weight }

// rankCorrelation is Spearman's coefficient of y with its own order.
func rankCorrelation(y []float64) float64 {
	n := len(y)
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case y[a] < y[b]:
			return -1
		case y[a] > y[b]:
			return 1
		}
		return 0
	})
	sum := 0.0
	for rank, i := range order {
		sum += float64((rank - i) * (rank - i))
	}
	return 1 - 6*sum/float64(n*(n*n-1))
}
