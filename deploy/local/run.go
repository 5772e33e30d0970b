package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/term"

	"github.com/gantry-dev/gantry/deploy/local/state"
)

// runCommand starts the whole stack and keeps it running.
type runCommand struct {
	settings
	Bin string `default:"bin" help:"Folder of the programs gantry-agent and collector."`
}

// Run refuses what cannot work, installs, starts, shows, and stops.
func (c *runCommand) Run() error {
	started := time.Now()
	lock, s, err := c.prepare(started)
	if err != nil {
		return err
	}
	defer func() { _ = lock.Release() }()

	// Until the stack runs, Ctrl-C just ends what is being waited for.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	got, err := install(ctx, s.Kafka, os.Stdout)
	if ctx.Err() != nil {
		return errors.New("stopped while installing; the next run goes on from there")
	}
	if err != nil {
		return err
	}
	ready := time.Now()
	if took := ready.Sub(started); took > time.Second {
		fmt.Printf("installed in %s\n", took.Round(time.Second))
	}
	l, err := newLauncher(c, s, got, started, ready)
	if err != nil {
		return err
	}
	return l.run(ctx, stop)
}

// prepare reads settings and folder, and refuses in one sentence what could
// not work.
func (c *runCommand) prepare(now time.Time) (*state.Lock, *state.State, error) {
	wanted, err := c.wanted()
	if err != nil {
		return nil, nil, err
	}
	lock, err := state.Acquire(c.State)
	if err != nil {
		return nil, nil, err
	}
	s, err := c.reconcile(wanted, now)
	if err != nil {
		return nil, nil, errors.Join(err, lock.Release())
	}
	return lock, s, nil
}

// reconcile settles the state under the lock. It is saved last, so that a run
// that was refused has changed nothing.
func (c *runCommand) reconcile(wanted state.Wanted, now time.Time) (*state.State, error) {
	old, err := state.ReadOrNil(c.State)
	if err != nil {
		return nil, err
	}
	s, err := state.Reconcile(old, wanted, now)
	if err != nil {
		return nil, err
	}
	if err := checkTools(toolsFor(s.Kafka), exec.LookPath); err != nil {
		return nil, err
	}
	if err := preflight(c.State, s); err != nil {
		return nil, err
	}
	if err := state.MakeSecrets(c.State); err != nil {
		return nil, err
	}
	return s, s.Save(c.State)
}

// isTerminal says whether w is a terminal.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
