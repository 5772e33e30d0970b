package main

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// ageEvery is how often the newest reading is looked for.
const ageEvery = 50 * time.Millisecond

// caughtUpAge is how new the newest reading of every device must be before
// latencies are those of the live rate, and not of catching up.
const caughtUpAge = time.Minute

// live measures latency after the history, at the rate of the world.
func (e *endToEnd) live(ctx context.Context) ([]figure, error) {
	late, err := e.catchUp(ctx)
	if err != nil {
		return nil, err
	}
	e.say("measuring %v at live rate", e.Live)
	from, err := e.stamp(ctx, 0)
	if err != nil {
		return nil, err
	}
	raw, minutes, err := e.sampleAges(ctx)
	if err != nil {
		return nil, err
	}
	to, err := e.stamp(ctx, 0)
	if err != nil {
		return nil, err
	}
	figures, err := liveFigures(from, to, raw, late)
	if err != nil {
		return nil, err
	}
	return append(figures, minuteFigures(minutes)...), nil
}

// catchUp waits until every device has sent something new. Devices that stay
// silent are counted and not waited for longer.
func (e *endToEnd) catchUp(ctx context.Context) (late int64, err error) {
	e.say("waiting until every device is live")
	began := time.Now()
	err = e.stack.poll(ctx, time.Second, 2*caughtUpWithin, "devices live", func() (bool, error) {
		late, err = e.warehouse.behind(ctx, time.Now().Add(-caughtUpAge))
		return late == 0 || time.Since(began) > caughtUpWithin, err
	})
	return late, err
}

// sampleAges looks again and again for the newest reading, and for the newest
// computation of a live minute. Each sample is what somebody who looks at that
// moment sees; between two inserts, and two refreshes, it grows.
func (e *endToEnd) sampleAges(ctx context.Context) (raw, minutes []time.Duration, err error) {
	until := time.Now().Add(e.Live)
	err = e.stack.poll(ctx, ageEvery, e.Live+caughtUpWithin, "samples of the age", func() (bool, error) {
		newest, err := e.warehouse.newest(ctx, time.Now())
		if err != nil {
			return false, err
		}
		if !newest.IsZero() {
			// A device's clock may run ahead.
			raw = append(raw, max(0, time.Since(newest)))
		}
		computed, err := e.warehouse.computed(ctx, time.Now())
		if !computed.IsZero() {
			minutes = append(minutes, time.Since(computed))
		}
		return time.Now().After(until), err
	})
	slices.Sort(raw)
	slices.Sort(minutes)
	return raw, minutes, err
}

// minuteFigures: a reading inserted before a computation is in it.
func minuteFigures(ages []time.Duration) []figure {
	if len(ages) == 0 {
		return nil
	}
	const msPerS = 1e3
	note := fmt.Sprintf("since readings were last counted in live.station_minutes, %d looks", len(ages))
	return []figure{
		{"live_minute_age_p50_ms", percentile(ages, 0.50).Seconds() * msPerS, "ms", note},
		{"live_minute_age_p99_ms", percentile(ages, 0.99).Seconds() * msPerS, "ms", note},
	}
}

func liveFigures(from, to stamp, ages []time.Duration, late int64) ([]figure, error) {
	cpu, err := collectorCPU(from, to)
	if err != nil {
		return nil, err
	}
	readings := to.metrics.value(acceptedMetric) - from.metrics.value(acceptedMetric)
	rate := readings / to.at.Sub(from.at).Seconds()
	acks := acksOf(to.metrics, "live").since(acksOf(from.metrics, "live"))
	if readings <= 0 || acks.count() == 0 || len(ages) == 0 {
		return nil, fmt.Errorf("no reading came in the %v of live measurement", to.at.Sub(from.at).Round(time.Second))
	}
	at := fmt.Sprintf("at %.0f readings/s", rate)
	rateNote := "of the world at this hour"
	if late > 0 {
		rateNote += fmt.Sprintf("; %d devices silent for %v", late, caughtUpAge)
	}
	ackNote := fmt.Sprintf("batch received to acknowledged by Kafka, %s, %.0f batches, within buckets", at, acks.count())
	ageNote := fmt.Sprintf("age of the newest reading in raw, %s, %d looks", at, len(ages))
	const msPerS = 1e3
	return []figure{
		{"live_readings_per_s", rate, "1/s", rateNote},
		{"live_collector_cpu_us_per_reading", cpu * 1e6 / readings, "µs", at + ", wake-ups included"},
		{"live_ack_p50_ms", acks.quantile(0.50) * msPerS, "ms", ackNote},
		{"live_ack_p99_ms", acks.quantile(0.99) * msPerS, "ms", ackNote},
		{"live_visible_age_p50_ms", percentile(ages, 0.50).Seconds() * msPerS, "ms", ageNote},
		{"live_visible_age_p99_ms", percentile(ages, 0.99).Seconds() * msPerS, "ms", ageNote},
	}, nil
}
