package main

import (
	"context"
	"sync"
	"time"
)

// healthCheck is one thing that is looked at again and again.
type healthCheck struct {
	name string
	// vital checks decide readiness. ClickHouse is not vital where readings
	// are accepted: they are safe in Kafka without it.
	vital bool
	probe func(context.Context) error
}

// healthState holds the last outcome of every check.
type healthState struct {
	checks  []healthCheck
	started <-chan struct{}

	mu      sync.Mutex
	problem map[string]string
	stopped bool
}

// Times of health checks.
const (
	healthEvery   = 2 * time.Second
	healthTimeout = 2 * time.Second
)

// newHealthState makes a state that is unready until started is closed.
func newHealthState(started <-chan struct{}, checks ...healthCheck) *healthState {
	h := &healthState{checks: checks, started: started, problem: map[string]string{}}
	for _, c := range checks {
		h.problem[c.name] = "not checked yet"
	}
	return h
}

// run probes until the context ends.
func (h *healthState) run(ctx context.Context) error {
	ticker := time.NewTicker(healthEvery)
	defer ticker.Stop()
	for {
		for _, c := range h.checks {
			h.probe(ctx, c)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

func (h *healthState) probe(ctx context.Context, c healthCheck) {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	problem := ""
	if err := c.probe(ctx); err != nil {
		problem = err.Error()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.problem[c.name] = problem
}

// stop makes the process unready for good, so that balancers turn away.
func (h *healthState) stop() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stopped = true
}

// report gives readiness and every check's state: "ok" or what is wrong.
func (h *healthState) report() (bool, map[string]string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	ready, out := !h.stopped, map[string]string{}
	for _, c := range h.checks {
		out[c.name] = "ok"
		if p := h.problem[c.name]; p != "" {
			out[c.name] = p
			ready = ready && !c.vital
		}
	}
	switch {
	case h.stopped:
		out["process"] = "stopping"
	case !closed(h.started):
		out["process"], ready = "starting", false
	default:
		out["process"] = "ok"
	}
	return ready, out
}

// live says whether the process should go on as it is: it has started and does
// not stop. What it depends on does not matter, for a new process would find
// the same broker away, and streams in waiting would be cut for nothing.
func (h *healthState) live() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return !h.stopped && closed(h.started)
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
