package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"
)

// Limits of waiting, and how often is looked.
const (
	firstReadingWithin = 3 * time.Minute
	historyWithin      = 2 * time.Hour
	caughtUpWithin     = 3 * time.Minute
	startEvery         = 50 * time.Millisecond
	historyEvery       = 250 * time.Millisecond
	sayEvery           = 10 * time.Second
)

// acceptedMetric counts the readings that ingest has acknowledged.
const acceptedMetric = "gantry_ingest_readings_accepted_total"

// stamp is what had been used, and had come through, at a moment.
type stamp struct {
	at      time.Time
	rows    int64
	metrics metricValues     // of the collector
	usage   map[string]usage // nil where it is not known
}

// endToEnd measures one stack.
type endToEnd struct {
	*settings
	stack     *stack
	warehouse *warehouse
	// The history is the days from firstDay to the day before today.
	firstDay, today int64
	say             func(format string, args ...any)
}

// measureStack starts a stack, measures it and stops it.
func (s *settings) measureStack(ctx context.Context) (figures []figure, err error) {
	days, err := s.historyDays()
	if err != nil {
		return nil, err
	}
	say("building the programs")
	k, err := startStack(ctx, s)
	if err != nil {
		return nil, err
	}
	defer func() {
		say("stopping the stack")
		failed := err != nil && ctx.Err() == nil
		err = errors.Join(err, k.stop(failed))
		if failed {
			err = fmt.Errorf("%w (its logs are kept in %s)", err, k.dir)
		}
	}()
	// A midnight in between would be waited for as today, not as history.
	today := k.started.Unix() / (24 * 3600)
	e := &endToEnd{settings: s, stack: k, today: today, firstDay: today - int64(days), say: say}
	if figures, err = e.history(ctx); err != nil {
		return nil, err
	}
	live, err := e.live(ctx)
	if err != nil {
		return nil, err
	}
	var models []figure
	if s.Models {
		if models, err = e.models(ctx); err != nil {
			return nil, err
		}
	}
	return slices.Concat(figures, live, models, e.memory()), nil
}

// history measures from the first reading that ingest accepts until all days
// before today are in raw. Not from the first row on: by then Kafka holds
// readings that were paid for and would count as free.
func (e *endToEnd) history(ctx context.Context) ([]figure, error) {
	e.say("starting the stack, history of %s", e.History)
	from, err := e.begin(ctx)
	if err != nil {
		return nil, err
	}
	profiled := e.startProfile(ctx)
	var firstLive time.Duration
	var to stamp
	said := time.Now()
	err = e.stack.poll(ctx, historyEvery, historyWithin, "history in raw", func() (bool, error) {
		h, err := e.warehouse.look(ctx, e.stack.started, e.firstDay, e.today)
		if err != nil {
			return false, err
		}
		if firstLive == 0 && h.Live > 0 {
			firstLive = time.Since(e.stack.started)
		}
		if time.Since(said) > sayEvery {
			said = time.Now()
			e.say("%d rows, %d of %d device days", h.Rows, h.Ended, h.Total)
		}
		if firstLive == 0 || (e.firstDay < e.today && !h.complete()) {
			return false, nil
		}
		to, err = e.stamp(ctx, h.Rows)
		return true, err
	})
	if failed := cmp.Or(err, <-profiled); failed != nil {
		return nil, failed
	}
	return e.historyFigures(from, to, firstLive)
}

// begin waits for the first accepted reading and returns the last stamp
// before it. ClickHouse has been migrated by then: the collector is started
// after that.
func (e *endToEnd) begin(ctx context.Context) (stamp, error) {
	var last stamp
	err := e.stack.poll(ctx, startEvery, firstReadingWithin, "first reading", func() (bool, error) {
		s, err := e.stamp(ctx, 0)
		if err != nil {
			// The collector does not listen yet; the limit of waiting ends this.
			return false, ctx.Err()
		}
		if s.metrics.value(acceptedMetric) == 0 {
			last = s
			return false, nil
		}
		return true, nil
	})
	if err == nil && last.at.IsZero() {
		err = errors.New("the first reading came before the collector's metrics could be read")
	}
	if err == nil {
		e.warehouse, err = openWarehouse(e.stack.state, e.stack.ports.ClickHouseHTTP)
	}
	return last, err
}

// stamp notes the moment at which rows were counted.
func (e *endToEnd) stamp(ctx context.Context, rows int64) (stamp, error) {
	s := stamp{at: time.Now(), rows: rows, usage: stackUsage("/proc", e.stack.pid())}
	var err error
	s.metrics, err = scrape(ctx, loopback(e.stack.ports.HTTP))
	return s, err
}

// collectorCPU is the collector's processor time between two stamps, seconds.
func collectorCPU(from, to stamp) (float64, error) {
	const cpu, start = "process_cpu_seconds_total", "process_start_time_seconds"
	if from.metrics.value(start) != to.metrics.value(start) {
		return 0, errors.New("the collector was restarted while it was measured")
	}
	return to.metrics.value(cpu) - from.metrics.value(cpu), nil
}

func (e *endToEnd) historyFigures(from, to stamp, firstLive time.Duration) ([]figure, error) {
	cpu, err := collectorCPU(from, to)
	if err != nil {
		return nil, err
	}
	rows, took := float64(to.rows-from.rows), to.at.Sub(from.at).Seconds()
	figures := []figure{{"first_live_row_s", firstLive.Seconds(), "s", "from starting the launcher until a reading observed since is in raw"}}
	if rows <= 0 || e.firstDay == e.today {
		return figures, nil
	}
	note := fmt.Sprintf("%.0f rows in %.1f s at %.0f/s, %d agents, KAFKA=%s", rows, took, rows/took, e.Agents, e.Kafka)
	if e.Profile != "" {
		note += ", under a profiler"
	}
	perReading := func(seconds float64) float64 { return seconds * 1e6 / rows }
	figures = append(figures,
		figure{"end_to_end_readings_per_s", rows / took, "1/s", note},
		figure{"collector_cpu_us_per_reading", perReading(cpu), "µs", "ingest and sink; " + note})
	for _, kind := range []string{"agent", "broker", "clickhouse"} {
		before, known := from.usage[kind]
		after, stillKnown := to.usage[kind]
		if known && stillKnown {
			figures = append(figures, figure{
				kind + "_cpu_us_per_reading",
				perReading((after.CPU - before.CPU).Seconds()), "µs", describe[kind],
			})
		}
	}
	return figures, nil
}

// describe says what a process does for its processor time.
var describe = map[string]string{
	"agent":      "all agents, world and devices included; same window",
	"broker":     "same window",
	"clickhouse": "inserts and merges; same window",
}

// memory is the peak of every kind of process, where it is known.
func (e *endToEnd) memory() []figure {
	var figures []figure
	all := stackUsage("/proc", e.stack.pid())
	for _, kind := range []string{"collector", "agent", "broker", "clickhouse", "launcher"} {
		u, known := all[kind]
		if !known || u.PeakBytes == 0 {
			continue
		}
		note := "resident, at its peak"
		if u.Processes > 1 {
			note = fmt.Sprintf("resident, at its peak, the greatest of %d", u.Processes)
		}
		figures = append(figures, figure{kind + "_peak_rss_mib", float64(u.PeakBytes) / (1 << 20), "MiB", note})
	}
	return figures
}

// say tells progress, beside the result.
func say(format string, args ...any) {
	_, _ = fmt.Fprintf(os.Stderr, time.Now().Format("15:04:05 ")+format+"\n", args...)
}
