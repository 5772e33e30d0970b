package main

import (
	"context"
	"fmt"
	"log/slog"
)

// group runs the parts of the process. The first part to end before it was
// told to fails the whole: a collector that silently lacks a part is worse
// than one that is restarted.
type group struct {
	log    *slog.Logger
	failed chan error
}

func newGroup(log *slog.Logger) *group {
	return &group{log: log, failed: make(chan error, 1)}
}

// part is one running component. A nil part is one that this process has not.
type part struct {
	name   string
	log    *slog.Logger
	cancel context.CancelFunc
	done   chan struct{}
}

// start runs f until its context ends, which stop does.
func (g *group) start(name string, f func(context.Context) error) *part {
	ctx, cancel := context.WithCancel(context.Background())
	p := &part{name: name, log: g.log, cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		err := f(ctx)
		if ctx.Err() != nil {
			if err != nil {
				g.log.Warn("part did not stop cleanly", "part", name, "error", err)
			}
			return
		}
		if err == nil {
			err = fmt.Errorf("ended without being told to")
		}
		select {
		case g.failed <- fmt.Errorf("%s: %w", name, err):
		default: // another part failed first and is the cause
		}
	}()
	return p
}

// stop ends the part and waits for it, but not beyond the context.
func (p *part) stop(ctx context.Context) {
	if p == nil {
		return
	}
	p.cancel()
	select {
	case <-p.done:
	case <-ctx.Done():
		p.log.Warn("part was still busy when the time to stop was over", "part", p.name)
	}
}
