package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/gantry-dev/gantry/collector/kafka"
	"github.com/gantry-dev/gantry/deploy/local/screen"
	"github.com/gantry-dev/gantry/deploy/local/state"
)

// Times of watching.
const (
	lookEvery   = 2 * time.Second
	lookTimeout = 5 * time.Second
)

// sample is one look at Kafka and ClickHouse.
type sample struct {
	at time.Time
	// acknowledged counts the records of both reading topics since they
	// were made; screen.Unknown if Kafka did not answer.
	acknowledged         int64
	lagLive, lagBackfill int64
	// figures of ClickHouse; known says whether it answered.
	figures figures
	known   bool
}

// watcher looks at a running stack. It asks Kafka and ClickHouse, and not the
// collector, so that it sees the same whatever the collector thinks.
type watcher struct {
	state     *state.State
	admin     *kadm.Client
	warehouse *warehouse

	mu           sync.Mutex
	last         sample
	readingsPerS float64
}

func newWatcher(dir string, s *state.State) (*watcher, error) {
	cfg := kafka.DefaultClientConfig(loopback(s.Ports.Kafka))
	cfg.ClientID = "gantry-local"
	client, err := kafka.NewClient(cfg)
	if err != nil {
		return nil, err
	}
	w, err := openWarehouse(dir, s)
	if err != nil {
		client.Close()
		return nil, err
	}
	return &watcher{
		state: s, admin: kadm.NewClient(client), warehouse: w,
		last:         sample{acknowledged: screen.Unknown, lagLive: screen.Unknown, lagBackfill: screen.Unknown},
		readingsPerS: screen.Unknown,
	}, nil
}

// close lets go of the connections.
func (w *watcher) close() { w.admin.Close() }

// run looks every few seconds until ctx ends, and tells each sample to seen.
func (w *watcher) run(ctx context.Context, seen func(sample)) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		now := w.look(ctx)
		w.mu.Lock()
		w.readingsPerS = ratePerS(w.last, now)
		w.last = now
		w.mu.Unlock()
		seen(now)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// look takes one sample. What does not answer is unknown in it.
func (w *watcher) look(ctx context.Context) sample {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	s := sample{at: time.Now(), acknowledged: screen.Unknown, lagLive: screen.Unknown, lagBackfill: screen.Unknown}
	var parts sync.WaitGroup
	parts.Go(func() { s.acknowledged, s.lagLive, s.lagBackfill = w.lookKafka(ctx) })
	parts.Go(func() {
		f, err := w.warehouse.look(ctx, dayOf(w.state.ValidFrom), dayOf(s.at))
		s.figures, s.known = f, err == nil
	})
	parts.Wait()
	return s
}

// lookKafka reads the ends of the reading topics and how far the sink is.
func (w *watcher) lookKafka(ctx context.Context) (acknowledged, lagLive, lagBackfill int64) {
	ends, err := w.admin.ListEndOffsets(ctx, kafka.TopicReading, kafka.TopicBackfill)
	if err != nil || ends.Error() != nil {
		return screen.Unknown, screen.Unknown, screen.Unknown
	}
	ends.Each(func(o kadm.ListedOffset) { acknowledged += o.Offset })
	return acknowledged,
		w.lag(ctx, ends, kafka.TopicReading, kafka.GroupSinkLive),
		w.lag(ctx, ends, kafka.TopicBackfill, kafka.GroupSinkBackfill)
}

// lag is the records of a topic that a group has not committed. A partition
// without a commit counts from 0: the sink reads from the start.
func (w *watcher) lag(ctx context.Context, ends kadm.ListedOffsets, topic, group string) int64 {
	committed, err := w.admin.FetchOffsets(ctx, group)
	if err != nil {
		return screen.Unknown
	}
	var lag int64
	for _, end := range ends[topic] {
		at := int64(0)
		if o, ok := committed.Lookup(topic, end.Partition); ok && o.At > 0 {
			at = o.At
		}
		lag += max(0, end.Offset-at)
	}
	return lag
}

// ratePerS is the rate of acknowledgement between two samples, or
// screen.Unknown.
func ratePerS(before, now sample) float64 {
	between := now.at.Sub(before.at).Seconds()
	if before.acknowledged < 0 || now.acknowledged < before.acknowledged || between <= 0 {
		return screen.Unknown
	}
	return float64(now.acknowledged-before.acknowledged) / between
}

// fill puts what is known into m.
func (w *watcher) fill(m *screen.Model, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	m.ReadingsPerS = w.readingsPerS
	m.LagLive, m.LagBackfill = w.last.lagLive, w.last.lagBackfill
	if !w.last.known {
		return
	}
	f := w.last.figures
	m.Rows = f.Rows
	if f.NewestUS > 0 {
		// A device's clock may run ahead.
		m.DataAge = max(0, now.Sub(time.UnixMicro(f.NewestUS)))
	}
	if f.Devices > 0 { // else the network has not arrived yet
		m.DaysDone, m.DaysTotal = f.Ended, w.daysTotal(f, now)
	}
}

// daysTotal is the device days between valid_from and today; none of a
// recording, which has the days that it has.
func (w *watcher) daysTotal(f figures, now time.Time) int64 {
	if w.state.Recorded != "" {
		return 0
	}
	return f.Devices * (dayOf(now) - dayOf(w.state.ValidFrom))
}

// dayOf is the UTC day number of t.
func dayOf(t time.Time) int64 { return t.Unix() / (24 * 3600) }

// milestones turns samples into the moments worth telling.
type milestones struct {
	// started is the start of the launcher, ready the end of the installs.
	started, ready time.Time
	total          func(figures, time.Time) int64
	tell           func(string)

	live, history bool
	first         sample
}

// seen looks at one sample. A resumed stack has rows from the start; its first
// live row is the first that is younger than the run.
func (m *milestones) seen(s sample) {
	if !s.known {
		return
	}
	if m.first.at.IsZero() {
		m.first = s
	}
	if !m.live && s.figures.NewestUS > m.ready.UnixMicro() {
		m.live = true
		m.tell(fmt.Sprintf("first live row in raw %.1fs after the installs (%.1fs after the start)",
			s.at.Sub(m.ready).Seconds(), s.at.Sub(m.started).Seconds()))
	}
	total := m.total(s.figures, s.at)
	if m.history || total == 0 || s.figures.Ended < total {
		return
	}
	m.history = true
	if m.first.figures.Ended < total {
		rows, took := s.figures.Rows-m.first.figures.Rows, s.at.Sub(m.first.at)
		m.tell(fmt.Sprintf("history complete: %d rows in %s, %.0f rows/s", rows, took.Round(time.Second), float64(rows)/took.Seconds()))
	}
}
