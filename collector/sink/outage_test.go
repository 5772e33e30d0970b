package sink

import (
	"context"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gantry-dev/gantry/collector/kafka"
	"github.com/gantry-dev/gantry/collector/kafka/kafkatest"
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
	// The block that cannot be delivered may have been sealed by time, with any
	// number of rows; the one behind it fills up.
	await(t, ctx, "a full memory", func() bool { return counted(t, reg, "gantry_sink_uncommitted_records") >= 1000 })
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
func TestRebalance(t *testing.T) { kafkatest.Both(t, testRebalance) }

func testRebalance(t *testing.T, broker string) {
	s := newStackOn(t, broker)
	s.keepCopies(t)
	cfg := s.config()
	cfg.Live.MaxRows, cfg.Live.PollRecords = 1000, 500
	cfg.SessionTimeout = 10 * time.Second // Apache Kafka takes no short one; nobody is killed here
	const batch = 50
	ctx, cancel := context.WithCancel(t.Context())
	produced := make(chan uint64)
	go func() {
		var seq uint64
		for ; ctx.Err() == nil; seq += batch {
			for device := range 8 {
				d := string(rune('a' + device))
				s.produce(t, kafka.TopicReading, d, readingsOf(t, d, 0, seq+1, seq+batch)...)
			}
		}
		produced <- seq
	}()
	wait, cancelWait := context.WithTimeout(t.Context(), 2*awaitTimeout)
	defer cancelWait()
	carries := func(reg *prometheus.Registry) {
		from := counted(t, reg, "gantry_sink_rows_total")
		await(t, wait, "a sink to carry rows", func() bool { return counted(t, reg, "gantry_sink_rows_total") > from+500 })
	}
	first, stopFirst := s.run(t, cfg)
	carries(first)
	second, stopSecond := s.run(t, cfg)
	carries(second)
	carries(first)
	stopFirst()
	carries(second)
	third, _ := s.run(t, cfg)
	carries(third)
	stopSecond()
	carries(third)
	cancel()
	last := <-produced
	s.awaitCommitted(t, kafka.GroupSinkLive, kafka.TopicReading)
	s.exactly(t, 8*last)
	if n := s.ch.Count(t, "SELECT count() FROM raw.readings"); n != 8*last {
		t.Errorf("%d rows with copies, want %d", n, 8*last)
	}
}
