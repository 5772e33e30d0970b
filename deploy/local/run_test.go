package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/consul/sdk/freeport"

	"github.com/gantry-dev/gantry/deploy/local/state"
)

// Limits that the launcher promises.
const (
	liveWithin = 60 * time.Second
	stopWithin = 30 * time.Second
)

// run is a launcher under test.
type run struct {
	t     *testing.T
	cmd   *exec.Cmd
	lines chan string
	done  chan error
}

// built is the folder of the three programs, made once.
func built(t *testing.T) string {
	t.Helper()
	bin := t.TempDir()
	cmd := exec.Command("go", "build", "-o", bin, "./gantry-agent", "./collector", "./deploy/local")
	cmd.Dir = filepath.Join("..", "..")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return bin
}

// startRun runs the launcher on dir with the settings given.
func startRun(t *testing.T, bin, dir string, settings ...string) *run {
	t.Helper()
	r := &run{t: t, lines: make(chan string, 1000), done: make(chan error, 1)}
	r.cmd = exec.Command(filepath.Join(bin, "local"), "run", "--bin", bin)
	r.cmd.Dir = filepath.Join("..", "..")
	r.cmd.Env = append(childEnv(os.Environ()), append(settings, "STATE="+dir, "DBT_EVERY=0s")...)
	out, w := io.Pipe()
	r.cmd.Stdout, r.cmd.Stderr = w, w
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { r.done <- r.cmd.Wait(); _ = w.Close() }()
	go func() {
		defer close(r.lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			r.lines <- s.Text()
		}
	}()
	t.Cleanup(func() { _ = r.cmd.Process.Kill() })
	return r
}

// says waits for a line that holds text.
func (r *run) says(text string, within time.Duration) {
	r.t.Helper()
	deadline := time.After(within)
	var said []string
	for {
		select {
		case line, open := <-r.lines:
			if said = append(said, line); strings.Contains(line, text) {
				return
			}
			if !open {
				r.t.Fatalf("ended without saying %q:\n%s", text, strings.Join(said, "\n"))
			}
		case <-deadline:
			r.t.Fatalf("did not say %q within %v:\n%s", text, within, strings.Join(said, "\n"))
		}
	}
}

// freePorts are settings of ports that no other test has.
func freePorts(t *testing.T) (settings []string, ports state.Ports) {
	t.Helper()
	numbers := map[string]*int{
		"GRPC_PORT": &ports.GRPC, "HTTP_PORT": &ports.HTTP, "ADMIN_PORT": &ports.Admin, "KAFKA_PORT": &ports.Kafka,
		"CLICKHOUSE_PORT": &ports.ClickHouse, "CLICKHOUSE_HTTP_PORT": &ports.ClickHouseHTTP,
	}
	for name, number := range numbers {
		*number = freeport.GetOne(t)
		settings = append(settings, fmt.Sprintf("%s=%d", name, *number))
	}
	return settings, ports
}

func TestStackStartsStopsAndResumes(t *testing.T) {
	if testing.Short() {
		t.Skip("starts the whole stack twice: make test runs it")
	}
	bin, dir := built(t), t.TempDir()
	settings, ports := freePorts(t)
	settings = append(settings, "HISTORY=0d")

	first := startRun(t, bin, dir, settings...)
	first.says("first live row in raw", 2*liveWithin)
	// The ports are kept with the folder; none is asked for here.
	startRun(t, bin, dir).says("in use by a running launcher", liveWithin)
	if err := first.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	first.says("stopped in", stopWithin)
	if err := <-first.done; err != nil {
		t.Errorf("an interrupted launcher ended with %v", err)
	}
	if err := checkPorts(portsOf(ports)); err != nil {
		t.Errorf("after the stop: %v", err)
	}

	startRun(t, bin, dir, "SEED=99").says("holds the world of SEED=1", liveWithin)
	second := startRun(t, bin, dir)
	second.says("first live row in raw", 2*liveWithin)
	if runtime.GOOS != "linux" {
		return // only Linux ends the children of a killed parent
	}
	if err := second.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := <-second.done; !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Errorf("the killed launcher ended with %v", err)
	}
	eventually(t, "all children of the killed launcher are gone", func() bool {
		return checkPorts(portsOf(ports)) == nil && unlocked(filepath.Join(dir, "kafka-fake", "lock"))
	})
}

// unlocked tells whether no process holds the lock of a file.
func unlocked(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }()
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	deadline := time.After(stopWithin)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-deadline:
			t.Fatalf("not within %v: %s", stopWithin, what)
		case <-tick.C:
		}
	}
}
