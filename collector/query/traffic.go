package query

import (
	"context"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/gantry-dev/gantry/collector/query/rows"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// Stages shows what Kafka knows of the pipeline.
type Stages interface {
	// Kafka says how many readings it took and how far the sink is.
	Kafka(ctx context.Context) (KafkaFigures, error)
}

// KafkaFigures count readings since the topics were made.
type KafkaFigures struct {
	// Produced are the acknowledged records of both reading topics.
	Produced uint64
	// LiveCommitted and BackfillCommitted are what the sink has committed of
	// each topic, LiveLag and BackfillLag what it has not.
	LiveCommitted, BackfillCommitted, LiveLag, BackfillLag uint64
}

// Traffic implements gantry.v1.QueryService.
type Traffic struct {
	gantryv1.UnimplementedQueryServiceServer
	cfg Config
	// One account of ClickHouse for each role: what a planner's question can
	// reach is then not for this program alone to say.
	planner, enforcement *rows.Source
	stages               Stages
	feeds                feeds

	mu     sync.Mutex
	places *places
	fresh  *freshness
}

// NewTraffic makes the service. planner and enforcement ask ClickHouse as the
// user of that role; enforcement may be nil, violations are not served then.
func NewTraffic(cfg Config, planner, enforcement *rows.Source, stages Stages) *Traffic {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	t := &Traffic{cfg: cfg, planner: planner, enforcement: enforcement, stages: stages}
	t.feeds.init(t)
	return t
}

// source is the account for a list.
func (t *Traffic) source(enforcement bool) (*rows.Source, error) {
	if !enforcement {
		return t.planner, nil
	}
	if t.enforcement == nil {
		return nil, status.Error(codes.FailedPrecondition, "this collector serves no enforcement data: start it with --clickhouse-enforcement-password-file")
	}
	return t.enforcement, nil
}

// freshness is how new the models are, and when that was asked.
type freshness struct {
	asked                time.Time
	known                bool
	asOf, computedAt     time.Time
	firstDate, lastDate  string
	measuredBin, allBins uint64
}

// freshness asks how new the models are, at most every few seconds.
func (t *Traffic) freshness(ctx context.Context) (*freshness, error) {
	t.mu.Lock()
	last := t.fresh
	t.mu.Unlock()
	if now := t.cfg.Now(); last != nil && now.Sub(last.asked) < t.cfg.FreshFor {
		return last, nil
	}
	f := &freshness{asked: t.cfg.Now()}
	var err error
	f.known, err = t.planner.One(ctx, `SELECT as_of, computed_at, toString(first_date), toString(last_date), measured_bin_count, bin_count
		FROM serving.freshness`, nil, &f.asOf, &f.computedAt, &f.firstDate, &f.lastDate, &f.measuredBin, &f.allBins)
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	t.fresh = f
	t.mu.Unlock()
	return f, nil
}

// lastBin is the end of the last 5 minutes that there are, which may not be over.
func (f *freshness) lastBin() time.Time {
	if end := f.asOf.Truncate(fiveMin); end.Before(f.asOf) {
		return end.Add(fiveMin)
	}
	return f.asOf
}

// basis is that of an answer from the models.
func (f *freshness) basis() *gantryv1.Basis {
	if !f.known {
		return &gantryv1.Basis{}
	}
	return &gantryv1.Basis{AsOf: moment(f.asOf), ComputedAt: moment(f.computedAt)}
}

// moment is a time in whole seconds.
func moment(t time.Time) string { return t.UTC().Format(time.RFC3339) }
