package supervise

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestStopEndsTheHighestStageFirst(t *testing.T) {
	g := testGroup(t)
	order := filepath.Join(t.TempDir(), "order")
	for _, p := range []struct {
		name  string
		stage int
	}{{"broker", 1}, {"collector", 2}, {"agent", 3}} {
		if err := g.Start(fake(p.name, "polite", p.stage, "SUPERVISE_ORDER="+order)); err != nil {
			t.Fatal(err)
		}
	}
	ready(t, g, "broker", "collector", "agent")
	g.Stop()
	got, err := os.ReadFile(order)
	if err != nil {
		t.Fatal(err)
	}
	if want := "agent\ncollector\nbroker\n"; string(got) != want {
		t.Errorf("stopped in the order %q, want %q", got, want)
	}
	if err := g.Start(fake("late", "polite", 1)); !errors.Is(err, errStopping) {
		t.Errorf("start after stop gave %v, want a refusal", err)
	}
}

func TestDeadProcessStartsAgain(t *testing.T) {
	g := testGroup(t)
	if err := g.Start(fake("agent", "polite", 1, "SUPERVISE_ORDER=/dev/null")); err != nil {
		t.Fatal(err)
	}
	ready(t, g, "agent")
	first := g.Status()[0]
	if err := syscall.Kill(first.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "agent runs again", func() bool {
		s := g.Status()[0]
		return s.Phase == Running && s.PID != first.PID && s.Restarts == 1
	})
	if s := g.Status()[0]; s.LastExit != "signal killed" {
		t.Errorf("last exit is %q, want the signal", s.LastExit)
	}
}

func TestProcessThatKeepsDyingIsTriedAgainAndStops(t *testing.T) {
	g := testGroup(t)
	if err := g.Start(fake("agent", "failing", 1)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "three restarts", func() bool { return g.Status()[0].Restarts >= 3 })
	g.Stop()
	if s := g.Status()[0]; s.Phase != Ended || s.PID != 0 {
		t.Errorf("after Stop: %+v", s)
	}
}

func TestStubbornProcessIsKilledAfterItsGrace(t *testing.T) {
	g := testGroup(t)
	spec := fake("broker", "stubborn", 1)
	spec.Grace = 50 * time.Millisecond
	if err := g.Start(spec); err != nil {
		t.Fatal(err)
	}
	ready(t, g, "broker")
	g.Stop()
	if s := g.Status()[0]; s.LastExit != "signal killed" {
		t.Errorf("last exit is %q, want a kill", s.LastExit)
	}
}

func TestKillWhileStopWaits(t *testing.T) {
	g := testGroup(t)
	if err := g.Start(fake("broker", "stubborn", 1)); err != nil {
		t.Fatal(err)
	}
	ready(t, g, "broker")
	stopped := make(chan struct{})
	go func() { g.Stop(); close(stopped) }()
	eventually(t, "broker is stopping", func() bool { return g.Status()[0].Phase == Stopping })
	g.Kill()
	<-stopped
}

func TestRunTellsTheLastLines(t *testing.T) {
	g := testGroup(t)
	err := g.Run(context.Background(), fake("migrate", "failing", 1))
	if err == nil || !strings.Contains(err.Error(), "exit code 3") || !strings.Contains(err.Error(), "no such table") {
		t.Errorf("error is %v, want exit code and output", err)
	}
	if err := g.Run(context.Background(), fake("migrate", "clean", 1)); err != nil {
		t.Errorf("clean exit gave %v", err)
	}
	if n := len(g.Status()); n != 0 {
		t.Errorf("%d processes left in the group", n)
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	g := testGroup(t)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- g.Run(ctx, fake("dbt", "polite", 1, "SUPERVISE_ORDER=/dev/null")) }()
	ready(t, g, "dbt")
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v, want canceled", err)
	}
}

func TestStartOfAMissingProgram(t *testing.T) {
	g := testGroup(t)
	err := g.Start(Spec{Name: "agent", Path: filepath.Join(t.TempDir(), "absent"), Grace: time.Second})
	if err == nil || !strings.Contains(err.Error(), "start agent") {
		t.Errorf("error is %v", err)
	}
	g.Stop()
}

func TestBackoffDoublesUpToItsBound(t *testing.T) {
	cfg := Config{BackoffMin: time.Second, BackoffMax: 5 * time.Second}
	for deaths, want := range map[int]time.Duration{
		1: time.Second, 2: 2 * time.Second, 3: 4 * time.Second, 4: 5 * time.Second, 1000: 5 * time.Second,
	} {
		if got := cfg.backoff(deaths); got != want {
			t.Errorf("backoff(%d) = %v, want %v", deaths, got, want)
		}
	}
}

func TestLogIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	log, err := openLog(path, 100)
	if err != nil {
		t.Fatal(err)
	}
	defer log.close()
	for range 1000 {
		_, _ = log.Write([]byte("nine char\n"))
	}
	for _, name := range []string{path, path + ".1"} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.Size() > 100 {
			t.Errorf("%s has %d bytes, want at most 100", filepath.Base(name), info.Size())
		}
	}
	if got := log.lastLines(2); got != "nine char\nnine char" {
		t.Errorf("last lines are %q", got)
	}
}
