package supervise

import (
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMain turns the test binary into a fake child when it is asked to be one.
func TestMain(m *testing.M) {
	switch os.Getenv("SUPERVISE_FAKE") {
	case "":
		os.Exit(m.Run())
	case "polite":
		fakePolite()
	case "stubborn":
		signal.Ignore(syscall.SIGTERM)
		fmt.Println("ready")
		<-time.After(time.Hour)
	case "failing":
		fmt.Println("first line\nno such table")
		os.Exit(3)
	case "clean":
		os.Exit(0)
	}
}

// fakePolite runs until SIGTERM and then notes its name in SUPERVISE_ORDER.
func fakePolite() {
	terminated := make(chan os.Signal, 1)
	signal.Notify(terminated, syscall.SIGTERM)
	fmt.Println("ready")
	<-terminated
	f, err := os.OpenFile(os.Getenv("SUPERVISE_ORDER"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err == nil {
		_, _ = fmt.Fprintln(f, os.Getenv("SUPERVISE_NAME"))
	}
	os.Exit(0)
}

// testGroup is a group with short waits, stopped at the end of the test.
func testGroup(t *testing.T) *Group {
	t.Helper()
	cfg := DefaultConfig(t.TempDir())
	cfg.BackoffMin, cfg.BackoffMax = time.Millisecond, 10*time.Millisecond
	g, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Kill)
	return g
}

// fake is the spec of a fake child.
func fake(name, mode string, stage int, env ...string) Spec {
	return Spec{
		Name: name, Path: os.Args[0], Stage: stage, Grace: 10 * time.Second,
		Env: append([]string{"SUPERVISE_FAKE=" + mode, "SUPERVISE_NAME=" + name}, env...),
	}
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-deadline:
			t.Fatalf("never happened: %s", what)
		case <-tick.C:
		}
	}
}

// ready waits until each process has said that it is ready.
func ready(t *testing.T, g *Group, names ...string) {
	t.Helper()
	for _, name := range names {
		eventually(t, name+" is ready", func() bool {
			data, _ := os.ReadFile(g.cfg.LogDir + "/" + name + ".log")
			return strings.Contains(string(data), "ready")
		})
	}
}
