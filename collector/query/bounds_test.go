package query_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/gantry-dev/gantry/collector/clickhouse/clickhousetest"
	"github.com/gantry-dev/gantry/collector/query"
	"github.com/gantry-dev/gantry/collector/query/querytest"
	"github.com/gantry-dev/gantry/collector/query/rows"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

var errNoBroker = errors.New("no broker")

func asError[E error](err error, into *E) bool { return errors.As(err, into) }

// TestAnswersAreBounded: what is too large or takes too long says so, and what
// to do.
func TestAnswersAreBounded(t *testing.T) {
	w := querytest.Start(t)
	for name, c := range map[string]struct {
		limit func(*rows.Limits)
		code  codes.Code
	}{
		"rows":  {func(l *rows.Limits) { l.Rows = 20 }, codes.ResourceExhausted},
		"bytes": {func(l *rows.Limits) { l.Bytes = 500 }, codes.ResourceExhausted},
		"read":  {func(l *rows.Limits) { l.ReadBytes = 100 }, codes.ResourceExhausted},
	} {
		limits := rows.DefaultLimits()
		c.limit(&limits)
		_, err := open(t, w, limits).client().ListOdFlows(t.Context(), &gantryv1.ListOdFlowsRequest{})
		if status.Code(err) != c.code || !strings.Contains(err.Error(), "ask for a shorter time") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// slow makes a question take minutes, in which the server looks up five times
// a second whether it is still wanted.
func slow(w *querytest.Warehouse) {
	w.Exec(`DROP TABLE serving.networks`)
	w.Exec(`CREATE VIEW serving.networks AS SELECT 'test' AS name, 'UTC' AS zone, toDateTime64('2026-01-01', 6, 'UTC') AS valid_from
		FROM numbers(1000) WHERE sleepEachRow(0.2) = 1 SETTINGS max_block_size = 1`)
}

// running counts the planner's queries.
func running(t *testing.T, w *querytest.Warehouse) uint64 {
	return w.Count(t, "SELECT count() FROM system.processes WHERE user = 'planner' AND query LIKE '%serving.networks%'")
}

// TestQueriesEndWithTheirCaller: who leaves takes the query along.
func TestQueriesEndWithTheirCaller(t *testing.T) {
	w := querytest.Start(t)
	d := open(t, w, rows.DefaultLimits())
	slow(w)
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	ended := make(chan error, 1)
	go func() {
		_, err := d.client().GetNetwork(ctx, &gantryv1.GetNetworkRequest{})
		ended <- err
	}()
	wait(t, "running", func() bool { return running(t, w) > 0 })
	leave()
	if err := <-ended; status.Code(err) != codes.Canceled {
		t.Errorf("the caller sees %v", err)
	}
	wait(t, "gone", func() bool { return running(t, w) == 0 })
}

// TestQueriesTakeSoLong: the server ends what takes longer than is allowed.
func TestQueriesTakeSoLong(t *testing.T) {
	w := querytest.Start(t)
	limits := rows.DefaultLimits()
	limits.Time = time.Second
	d := open(t, w, limits)
	slow(w)
	_, err := d.client().GetNetwork(t.Context(), &gantryv1.GetNetworkRequest{})
	if status.Code(err) != codes.DeadlineExceeded || !strings.Contains(err.Error(), "takes too long") {
		t.Errorf("got %v", err)
	}
	wait(t, "gone", func() bool { return running(t, w) == 0 })
}

func wait(t *testing.T, what string, is func() bool) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-deadline:
			t.Fatalf("not %s within 30 s", what)
		case <-tick.C:
		}
	}
}

// TestBeforeTheModels: no answer passes for one while dbt has not run, or
// ClickHouse is away, or the collector has no account for enforcement.
func TestBeforeTheModels(t *testing.T) {
	w := &querytest.Warehouse{Server: clickhousetest.Start(t)}
	planner, err := rows.Open(w.Config(clickhousetest.Planner), rows.DefaultLimits(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	traffic := query.NewTraffic(query.DefaultConfig(), planner, nil, stages{err: errNoBroker})
	if _, err := traffic.ListStations(t.Context(), &gantryv1.ListStationsRequest{}); status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "wait for dbt") {
		t.Errorf("before dbt: %v", err)
	}
	if _, err := traffic.ListViolations(t.Context(), &gantryv1.ListViolationsRequest{Purpose: "x"}); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("without an account: %v", err)
	}
	p, err := traffic.GetPipeline(t.Context(), &gantryv1.GetPipelineRequest{})
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]string{}
	for _, s := range p.Stages {
		known[s.Stage] = s.Unknown
	}
	if !strings.Contains(known["produced"], "no broker") || known["raw"] != "" || !strings.Contains(known["serving"], "wait for dbt") || !strings.Contains(p.DbtUnknown, "wait for dbt") || p.LastDbtRun != nil {
		t.Errorf("the pipeline: %v", p)
	}
	if c := p.Basis.Completeness; c.MeasuredCount != 1 || c.ExpectedCount != 7 {
		t.Errorf("completeness %v", c)
	}
	w.Kill()
	if _, err := traffic.ListStations(t.Context(), &gantryv1.ListStationsRequest{}); status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "ClickHouse does not answer") {
		t.Errorf("without ClickHouse: %v", err)
	}
}
