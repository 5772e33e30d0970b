//go:build linux

package standin_test

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// task is one replica: a process in a network namespace.
type task struct {
	id         string // as ECS makes them
	definition *definition
	ns         *namespace
	programs   string // their folder
	env        []string
	log        string // path of its output
	started    time.Time
	cmd        *exec.Cmd
	done       chan struct{} // closed when the process is gone, and its health commands

	mu       sync.Mutex
	well     bool // by its health command
	ever     bool // well once
	sick     bool // not well for too long: to be replaced
	stopping bool
	killed   bool // StopTimeout passed
}

// nobody is the template's user.
const nobody = 65532

// startTask starts the nth task of the stand-in.
func startTask(s *site, d *definition, n int) (*task, error) {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	t := &task{id: hex.EncodeToString(id[:]), definition: d, programs: s.programs, started: time.Now(), done: make(chan struct{})}
	t.log = filepath.Join(s.dir, fmt.Sprintf("%s-%d-%s.log", d.name, d.revision, t.id[:8]))
	t.env = append([]string{"ECS_CONTAINER_METADATA_URI_V4=" + s.metadata.uri(t.id)}, d.env...)
	var err error
	if t.ns, err = newNamespace(n); err != nil {
		return nil, err
	}
	s.metadata.put(t.id, taskMetadata{
		Cluster: "standin", TaskARN: "arn:aws:ecs:us-east-1:000000000000:task/standin/" + t.id, Family: "gantry-" + d.name,
		Revision: fmt.Sprint(d.revision), DesiredStatus: "RUNNING", KnownStatus: "RUNNING", LaunchType: "FARGATE",
	})
	out, err := os.OpenFile(t.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.ns.close()
		return nil, err
	}
	defer func() { _ = out.Close() }() // the child has its own
	t.cmd = t.process(context.Background(), d.name, d.command...)
	t.cmd.Stdout, t.cmd.Stderr = out, out
	if err := t.ns.enter(t.cmd.Start); err != nil {
		t.ns.close()
		return nil, fmt.Errorf("start %s: %w", d.name, err)
	}
	ctx, over := context.WithCancel(context.Background())
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		t.watchHealth(ctx)
	}()
	go func() {
		_ = t.cmd.Wait() // how it ended is in ProcessState
		over()
		<-watched // nobody enters the namespace any more: it may be closed
		close(t.done)
	}()
	return t, nil
}

// process is a command in the task's container.
func (t *task) process(ctx context.Context, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(t.programs, program), args...)
	cmd.Env = t.env
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if os.Geteuid() == 0 && mayBecome(nobody) {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody, NoSetGroups: true}
	}
	return cmd
}

// mayBecome says whether the user exists here: a namespace made without root
// has one user only.
func mayBecome(id int) bool {
	text, err := os.ReadFile("/proc/self/uid_map")
	var inside, outside, size int
	if err == nil {
		_, err = fmt.Sscan(string(text), &inside, &outside, &size)
	}
	return err == nil && id < inside+size
}

// watchHealth asks the health command until the process is gone. Until it is
// well for the first time it is asked in a hurry.
func (t *task) watchHealth(ctx context.Context) {
	check := t.definition.health
	bad := 0
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-pause.C:
		}
		well := t.asksWell(ctx, check)
		if bad++; well {
			bad = 0
		}
		t.mu.Lock()
		t.well = well || t.well && bad < check.retries
		t.ever = t.ever || well
		t.sick = bad >= check.retries && time.Since(t.started) > check.startPeriod
		next := check.interval
		if !t.ever {
			next /= hurry
		}
		t.mu.Unlock()
		pause.Reset(next)
	}
}

func (t *task) asksWell(ctx context.Context, check healthCommand) bool {
	ctx, cancel := context.WithTimeout(ctx, check.timeout)
	defer cancel()
	cmd := t.process(ctx, filepath.Base(check.command[0]), check.command[1:]...)
	return t.ns.enter(cmd.Start) == nil && cmd.Wait() == nil
}

// is reads the task's state.
func (t *task) is() (well, sick, stopping bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.well && !t.sick, t.sick, t.stopping
}

// gone says whether the process is.
func (t *task) gone() bool {
	select {
	case <-t.done:
		return true
	default:
		return false
	}
}

// markStopping says whether the caller is the first who stops it.
func (t *task) markStopping() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	first := !t.stopping
	t.stopping = true
	return first
}

// stop is SIGTERM and, after a time, SIGKILL. It returns when the process is
// gone.
func (t *task) stop(after time.Duration) {
	_ = t.cmd.Process.Signal(syscall.SIGTERM) // it may be gone
	if !t.endsWithin(after) {
		t.mu.Lock()
		t.killed = true
		t.mu.Unlock()
		t.kill()
	}
}

func (t *task) endsWithin(limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-t.done:
		return true
	case <-timer.C:
		return false
	}
}

func (t *task) kill() {
	_ = t.cmd.Process.Kill() // it may be gone
	<-t.done
}

// freeze makes it deaf, as on a machine that stalls: it hears no SIGTERM.
func (t *task) freeze() error { return t.cmd.Process.Signal(syscall.SIGSTOP) }

// vanish takes it away with its machine: no one is sent a FIN.
func (t *task) vanish() error {
	err := t.ns.unplug()
	t.stop(0)
	return err
}

// dial connects from within the task's network.
func (t *task) dial(addr string) (net.Conn, error) {
	var conn net.Conn
	return conn, t.ns.enter(func() error {
		var err error
		conn, err = net.DialTimeout("tcp", addr, dialTimeout)
		return err
	})
}

// askMetadata asks as a program in the task would.
func (t *task) askMetadata(tb testing.TB) taskMetadata {
	tb.Helper()
	var got taskMetadata
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext:       func(_ context.Context, _, addr string) (net.Conn, error) { return t.dial(addr) },
	}}
	at := strings.TrimPrefix(t.env[0], "ECS_CONTAINER_METADATA_URI_V4=") + "/task"
	res, err := client.Get(at)
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if err := json.NewDecoder(res.Body).Decode(&got); err != nil {
		tb.Fatalf("%s: %s, %v", at, res.Status, err)
	}
	return got
}
