package main

import (
	"math"
	"slices"
	"strconv"
	"time"
)

// percentile is the smallest value that a share q of the sorted values does
// not exceed; 0 of none.
func percentile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	rank := int(math.Ceil(q * float64(len(sorted))))
	return sorted[min(max(rank, 1), len(sorted))-1]
}

// bucket counts the observations up to a bound, in seconds.
type bucket struct{ le, count float64 }

// histogram has buckets by ascending bound; counts add up.
type histogram []bucket

// ackMetric is how long batches took from coming in until Kafka had them.
const ackMetric = "gantry_ingest_ack_seconds"

// acksOf picks the histogram of a lane out of the collector's metrics.
func acksOf(m metricValues, lane string) histogram {
	var h histogram
	for s, count := range m {
		if s.name != ackMetric+"_bucket" || s.label("lane") != lane {
			continue
		}
		if le, err := strconv.ParseFloat(s.label("le"), 64); err == nil {
			h = append(h, bucket{le, count})
		}
	}
	slices.SortFunc(h, func(a, b bucket) int {
		if a.le < b.le {
			return -1
		}
		return 1
	})
	return h
}

// since is what was observed after before was taken. A histogram that was not
// there before counts whole.
func (h histogram) since(before histogram) histogram {
	d := slices.Clone(h)
	for i := range d {
		if j := slices.IndexFunc(before, func(b bucket) bool { return b.le == d[i].le }); j >= 0 {
			d[i].count -= before[j].count
		}
	}
	return d
}

// count is the number of observations.
func (h histogram) count() float64 {
	if len(h) == 0 {
		return 0
	}
	return h[len(h)-1].count
}

// quantile estimates, in seconds, taking observations to lie evenly within a
// bucket. What lies beyond the last bound is given as that bound: it is at
// least that. It is 0 of none.
func (h histogram) quantile(q float64) float64 {
	if h.count() == 0 {
		return 0
	}
	rank := q * h.count()
	var below bucket
	for _, b := range h {
		if b.count < rank || b.count == below.count {
			below = b
			continue
		}
		if math.IsInf(b.le, 1) {
			return below.le
		}
		return below.le + (b.le-below.le)*(rank-below.count)/(b.count-below.count)
	}
	return below.le
}
