package sink

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kadm"
	"golang.org/x/sync/errgroup"

	"github.com/gantry-dev/gantry/collector/kafka"
)

// Sink carries records from Kafka to ClickHouse; see the package comment.
type Sink struct {
	cfg       Config
	metrics   *metrics
	log       *slog.Logger
	pipelines []*pipeline
}

// New makes a sink; it connects to nothing before Run. The topics must exist
// and raw be migrated when Run is called; reg may be nil.
func New(cfg Config, log *slog.Logger, reg prometheus.Registerer) (*Sink, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	s := &Sink{cfg: cfg, metrics: newMetrics(reg), log: log.With("component", "sink")}
	for _, d := range []struct {
		name, topic, group string
		limits             Limits
		newRows            func() rows
	}{
		{"live", kafka.TopicReading, kafka.GroupSinkLive, cfg.Live, func() rows { return newReadings(cfg.PlateKey, cfg.Live.MaxDays) }},
		{"backfill", kafka.TopicBackfill, kafka.GroupSinkBackfill, cfg.Backfill, func() rows { return newReadings(cfg.PlateKey, cfg.Backfill.MaxDays) }},
		{"reject", kafka.TopicDeadLetter, kafka.GroupSinkReject, cfg.Slow, func() rows { return newRejects(cfg.PlateKey) }},
		{"network", kafka.TopicNetwork, kafka.GroupSinkNetwork, cfg.Slow, func() rows { return newNetworkRows() }},
	} {
		if cfg.SkipReadings && (d.topic == kafka.TopicReading || d.topic == kafka.TopicBackfill) {
			continue
		}
		s.pipelines = append(s.pipelines, newPipeline(d.name, d.topic, d.group, d.limits, cfg, s.metrics, s.log, d.newRows))
	}
	return s, nil
}

// Run carries records until ctx ends, then finishes what is in memory within
// Config.ShutdownWait. Outages of Kafka or ClickHouse do not end it; an error
// means a mistake of ours. Call it once.
func (s *Sink) Run(ctx context.Context) error {
	admin, err := kafka.NewClient(s.cfg.Kafka)
	if err != nil {
		return err
	}
	defer admin.Close()
	g, ctx := errgroup.WithContext(ctx)
	for _, p := range s.pipelines {
		g.Go(func() error { return p.run(ctx) })
	}
	g.Go(func() error {
		s.watch(ctx, kadm.NewClient(admin))
		return nil
	})
	return g.Wait()
}

// watch keeps the gauges.
func (s *Sink) watch(ctx context.Context, admin *kadm.Client) {
	tick := time.NewTicker(s.cfg.LagEvery)
	defer tick.Stop()
	for {
		for _, p := range s.pipelines {
			p.measure(time.Now())
		}
		s.measureLag(ctx, admin)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// measureLag asks Kafka how far the groups are behind, all members together.
func (s *Sink) measureLag(ctx context.Context, admin *kadm.Client) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.LagEvery)
	defer cancel()
	var groups []string
	for _, p := range s.pipelines {
		groups = append(groups, p.group)
	}
	lags, err := admin.Lag(ctx, groups...)
	if err != nil {
		if ctx.Err() == nil {
			s.log.Warn("lag of the sink is not known", "error", err)
		}
		return
	}
	for _, group := range lags.Sorted() {
		for _, topic := range group.Lag.TotalByTopic().Sorted() {
			s.metrics.lag.WithLabelValues(topic.Topic).Set(float64(topic.Lag))
		}
	}
}

// measure sets the gauges of what is in memory.
func (p *pipeline) measure(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	records, oldest := p.open.records, time.Duration(0)
	if records > 0 {
		oldest = now.Sub(p.open.opened)
	}
	for _, b := range p.sealed {
		records, oldest = records+b.records, max(oldest, now.Sub(b.opened))
	}
	for _, b := range p.onWay {
		records, oldest = records+b.records, max(oldest, now.Sub(b.opened))
	}
	p.metrics.waiting.WithLabelValues(p.name).Set(float64(records))
	p.metrics.oldest.WithLabelValues(p.name).Set(oldest.Seconds())
}
