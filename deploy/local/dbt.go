package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/gantry-dev/gantry/deploy/local/screen"
	"github.com/gantry-dev/gantry/deploy/local/state"
	"github.com/gantry-dev/gantry/deploy/local/supervise"
)

// dbtGrace is how long a build may take to stop; what it leaves half-built is
// built anew by the next.
const dbtGrace = 3 * time.Second

// builder runs dbt builds, one after the other. It shares nothing with the way
// of a reading but ClickHouse.
type builder struct {
	group *supervise.Group
	spec  supervise.Spec
	every time.Duration
	// results is dbt's account of its last run.
	results string

	mu    sync.Mutex
	last  screen.DBT
	ended time.Time
}

func newBuilder(group *supervise.Group, program, dir string, s *state.State, every time.Duration) (*builder, error) {
	password, err := state.Password(dir, "dbt")
	if err != nil {
		return nil, err
	}
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	target := filepath.Join(absolute, "dbt", "target")
	return &builder{
		group: group, every: every,
		results: filepath.Join(target, "run_results.json"),
		last:    screen.DBT{Never: true},
		spec: supervise.Spec{
			Name: "dbt", Path: program, Dir: "dbt", Stage: stageAgents, Grace: dbtGrace,
			// Unit tests depend on the models' text alone: make test runs them.
			Args: []string{"--no-use-colors", "build", "--profiles-dir", ".", "--exclude-resource-type", "unit_test"},
			Env: []string{
				"DO_NOT_TRACK=1",
				"DBT_TARGET_PATH=" + target,
				"DBT_LOG_PATH=" + filepath.Join(absolute, "dbt", "logs"),
				"GANTRY_CLICKHOUSE_HOST=127.0.0.1",
				fmt.Sprintf("GANTRY_CLICKHOUSE_HTTP_PORT=%d", s.Ports.ClickHouseHTTP),
				"GANTRY_DBT_PASSWORD=" + password,
			},
		},
	}, nil
}

// run builds again and again until ctx ends; the first time when begin is
// closed.
func (b *builder) run(ctx context.Context, begin <-chan struct{}) {
	if b.every == 0 {
		return
	}
	select {
	case <-ctx.Done():
		return
	case <-begin:
	}
	for ctx.Err() == nil {
		b.build(ctx)
		select {
		case <-ctx.Done():
		case <-time.After(b.every):
		}
	}
}

// build runs one build and notes how it went.
func (b *builder) build(ctx context.Context) {
	b.mu.Lock()
	b.last.Running = true
	b.mu.Unlock()
	// An account left by the build before must not pass for this one's.
	_ = os.Remove(b.results)
	started := time.Now()
	err := b.group.Run(ctx, b.spec)
	if ctx.Err() != nil {
		return
	}
	next := account(b.results, err)
	next.Took = time.Since(started)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last, b.ended = next, time.Now()
}

// show is the state of the builds at now.
func (b *builder) show(now time.Time) screen.DBT {
	b.mu.Lock()
	defer b.mu.Unlock()
	shown := b.last
	if !b.ended.IsZero() {
		shown.Ago = now.Sub(b.ended)
	}
	return shown
}

// runResults is the part of dbt's run_results.json that is read.
type runResults struct {
	Results []struct {
		UniqueID string `json:"unique_id"`
		Status   string `json:"status"`
		Message  string `json:"message"`
	} `json:"results"`
}

// account turns dbt's account of a run, and the error of its process, into
// what the screen shows.
func account(path string, failed error) screen.DBT {
	d := screen.DBT{OK: failed == nil}
	data, err := os.ReadFile(path)
	var r runResults
	if err == nil {
		err = json.Unmarshal(data, &r)
	}
	if err != nil {
		d.OK = false
		d.Message = lastLine(errors.Join(err, failed).Error())
		return d
	}
	d.Total = len(r.Results)
	for _, node := range r.Results {
		switch node.Status {
		case "success", "pass", "warn", "no-op":
			d.Passed++
		case "error", "fail":
			if d.Message == "" {
				what, _, _ := strings.Cut(strings.TrimSpace(node.Message), "\n")
				d.Message = shortID(node.UniqueID) + ": " + what
			}
		}
	}
	if failed != nil && d.Message == "" {
		d.Message = lastLine(failed.Error())
	}
	return d
}

// shortID is dbt's id of a node without kind and project, as
// station_flow_5m of model.gantry.station_flow_5m.
func shortID(id string) string {
	parts := strings.SplitN(id, ".", 3)
	return parts[len(parts)-1]
}
