package sink

import (
	"context"
	"testing"
	"time"

	"github.com/gantry-dev/gantry/collector/kafka"
)

// TestClickHouseKilled: kill -9 while inserts are under way, three times.
func TestClickHouseKilled(t *testing.T) {
	s := newStack(t)
	cfg := s.config()
	cfg.Live.MaxRows, cfg.Live.PollRecords = 2000, 1000
	reg, _ := s.run(t, cfg)
	ctx, cancel := context.WithTimeout(t.Context(), 3*awaitTimeout)
	defer cancel()
	const n = 60_000
	produced := make(chan struct{})
	go func() {
		defer close(produced)
		for seq := uint64(1); seq <= n; seq += 2000 {
			s.produce(t, kafka.TopicReading, "a", readingsOf(t, "a", 0, seq, seq+1999)...)
		}
	}()
	for _, rows := range []float64{5_000, 20_000, 35_000} {
		await(t, ctx, "rows", func() bool { return counted(t, reg, "gantry_sink_rows_total") >= rows })
		s.ch.Kill()
		failures := counted(t, reg, "gantry_sink_failures_total")
		await(t, ctx, "failed inserts", func() bool { return counted(t, reg, "gantry_sink_failures_total") > failures })
		s.ch.Restart(t)
	}
	<-produced
	s.awaitCommitted(t, kafka.GroupSinkLive, kafka.TopicReading)
	s.exactly(t, n)
}

// TestOutage: while ClickHouse is away memory stays bounded, the sink can end
// in time, and another one finds all readings in Kafka.
func TestOutage(t *testing.T) {
	s := newStack(t)
	s.ch.Kill()
	cfg := s.config()
	cfg.Live.MaxRows, cfg.Live.PollRecords = 1000, 500
	reg, stop := s.run(t, cfg)
	const n = 20_000
	s.produce(t, kafka.TopicReading, "a", readingsOf(t, "a", 0, 1, n)...)
	ctx, cancel := context.WithTimeout(t.Context(), awaitTimeout)
	defer cancel()
	await(t, ctx, "a full memory", func() bool { return counted(t, reg, "gantry_sink_uncommitted_records") >= 2000 })
	await(t, ctx, "a lag to be seen", func() bool { return counted(t, reg, "gantry_sink_lag_records") == n })
	failures := counted(t, reg, "gantry_sink_failures_total")
	await(t, ctx, "more attempts", func() bool { return counted(t, reg, "gantry_sink_failures_total") > failures+3 })
	if held := counted(t, reg, "gantry_sink_uncommitted_records"); held > 3*1000+500 {
		t.Errorf("%g records in memory, limits allow 3500", held)
	}
	begin := time.Now()
	stop()
	if took := time.Since(begin); took > cfg.ShutdownWait+2*time.Second {
		t.Errorf("the end took %s", took)
	}
	s.ch.Restart(t)
	s.run(t, cfg)
	s.awaitCommitted(t, kafka.GroupSinkLive, kafka.TopicReading)
	s.exactly(t, n)
}

// TestRebalance: sinks come and go while readings flow. As long as ClickHouse
// answers, no row is even inserted twice.
func TestRebalance(t *testing.T) {
	s := newStack(t)
	s.keepCopies(t)
	cfg := s.config()
	cfg.Live.MaxRows, cfg.Live.PollRecords = 1000, 500
	devices := []string{"a", "b", "c", "d", "e", "f", "g", "h"}
	const batch, batches = 50, 60
	step := make(chan struct{})
	produced := make(chan struct{})
	go func() {
		defer close(produced)
		for i := range uint64(batches) {
			if i%20 == 10 {
				<-step
			}
			for _, d := range devices {
				s.produce(t, kafka.TopicReading, d, readingsOf(t, d, 0, i*batch+1, (i+1)*batch)...)
			}
		}
	}()
	_, stopFirst := s.run(t, cfg)
	step <- struct{}{}
	_, stopSecond := s.run(t, cfg)
	step <- struct{}{}
	stopFirst()
	step <- struct{}{}
	s.run(t, cfg)
	<-produced
	stopSecond()
	s.awaitCommitted(t, kafka.GroupSinkLive, kafka.TopicReading)
	s.exactly(t, batch*batches*uint64(len(devices)))
	if n := s.ch.Count(t, "SELECT count() FROM raw.readings"); n != batch*batches*uint64(len(devices)) {
		t.Errorf("%d rows with copies, want none", n)
	}
}
