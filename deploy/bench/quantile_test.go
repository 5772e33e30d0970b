package main

import (
	"math"
	"testing"
	"time"
)

func TestPercentileIsOneOfTheValues(t *testing.T) {
	hundred := make([]time.Duration, 100)
	for i := range hundred {
		hundred[i] = time.Duration(i + 1)
	}
	for _, c := range []struct {
		values []time.Duration
		q      float64
		want   time.Duration
	}{
		{nil, 0.5, 0},
		{hundred[:1], 0.99, 1},
		{hundred[:2], 0.5, 1},
		{hundred[:3], 0.5, 2},
		{hundred, 0, 1},
		{hundred, 0.5, 50},
		{hundred, 0.99, 99},
		{hundred, 0.991, 100},
		{hundred, 1, 100},
	} {
		if got := percentile(c.values, c.q); got != c.want {
			t.Errorf("percentile %v of %d values is %d, want %d", c.q, len(c.values), got, c.want)
		}
	}
}

func TestHistogramSinceCountsOnlyWhatCameAfter(t *testing.T) {
	inf := math.Inf(1)
	before := histogram{{1, 5}, {2, 8}, {inf, 9}}
	after := histogram{{1, 5}, {2, 18}, {inf, 19}}
	d := after.since(before)
	if want := (histogram{{1, 0}, {2, 10}, {inf, 10}}); d[0] != want[0] || d[1] != want[1] || d[2] != want[2] {
		t.Errorf("delta %v, want %v", d, want)
	}
	if whole := after.since(nil); whole.count() != 19 {
		t.Errorf("since nothing %v observations, want 19", whole.count())
	}
	if after[2].count != 19 {
		t.Error("the histogram itself was changed")
	}
}

func TestHistogramQuantile(t *testing.T) {
	inf := math.Inf(1)
	for _, c := range []struct {
		name string
		h    histogram
		q    float64
		want float64
	}{
		{"none", nil, 0.5, 0},
		{"no observation", histogram{{1, 0}, {inf, 0}}, 0.5, 0},
		{"middle of a bucket", histogram{{1, 0}, {2, 10}, {inf, 10}}, 0.5, 1.5},
		{"first bucket begins at 0", histogram{{1, 10}, {inf, 10}}, 0.5, 0.5},
		{"empty buckets between", histogram{{1, 50}, {2, 50}, {4, 100}, {inf, 100}}, 0.99, 3.96},
		{"on a bound", histogram{{1, 50}, {2, 100}, {inf, 100}}, 0.5, 1},
		{"beyond the last bound", histogram{{1, 1}, {2, 1}, {inf, 100}}, 0.99, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.h.quantile(c.q); math.Abs(got-c.want) > 1e-9 {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}
