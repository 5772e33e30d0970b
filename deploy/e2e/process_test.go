package e2e_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/consul/sdk/freeport"
)

// process is a child with a fixed command line that is killed and started
// again. Its output is appended to one log.
type process struct {
	t    *testing.T
	name string
	path string
	args []string
	log  string
	env  []string // of every start
	// keep starts the process again when it ends by itself, as the launcher
	// does.
	keep bool

	mu      sync.Mutex
	cmd     *exec.Cmd
	done    chan struct{}
	err     error
	ordered bool // its end was asked for
}

// restartAfter is how long a process that ended by itself stays away.
const restartAfter = 500 * time.Millisecond

// start starts the process, with env added to this one's environment.
func (p *process) start(env ...string) {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	out, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		p.t.Fatalf("log of %s: %v", p.name, err)
	}
	defer func() { _ = out.Close() }() // the child has its own
	cmd := exec.Command(p.path, p.args...)
	cmd.Env = slices.Concat(os.Environ(), p.env, env)
	cmd.Stdout, cmd.Stderr = out, out
	// A test binary that is killed must leave nothing behind.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		p.t.Fatalf("start %s: %v", p.name, err)
	}
	done := make(chan struct{})
	p.cmd, p.done, p.ordered = cmd, done, false
	go func() {
		err := cmd.Wait()
		p.mu.Lock()
		p.err = err
		again := p.keep && !p.ordered
		p.mu.Unlock()
		close(done)
		if again {
			p.t.Logf("%s ended by itself: %v; started again", p.name, err)
			time.Sleep(restartAfter)
			p.start(env...)
		}
	}()
}

// kill ends the process as a power cut would, and waits until it is gone.
func (p *process) kill() {
	p.signal(syscall.SIGKILL)
	<-p.ended()
}

// ended is closed when the process that was started last is gone.
func (p *process) ended() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.done
}

// stop ends it in good order; longer than the budget is a failure.
func (p *process) stop(budget time.Duration) {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	select {
	case <-p.ended():
	case <-time.After(budget):
		p.kill()
		p.t.Errorf("%s was still running %v after SIGTERM; its log ends with:\n%s", p.name, budget, tail(p.log))
	}
}

func (p *process) signal(s os.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return
	}
	p.ordered = true
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.t.Errorf("signal %s: %v", p.name, err)
	}
}

// waitDead waits until the process has ended by itself.
func (p *process) waitDead(budget time.Duration) {
	p.t.Helper()
	select {
	case <-p.ended():
	case <-time.After(budget):
		p.t.Fatalf("%s did not reach its crash point within %v; its log ends with:\n%s", p.name, budget, tail(p.log))
	}
}

func (p *process) running() bool {
	ended := p.ended()
	if ended == nil {
		return false
	}
	select {
	case <-ended:
		return false
	default:
		return true
	}
}

// tail is the end of a log, for failures.
func tail(path string) string {
	const most = 4000
	b, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	if len(b) > most {
		b = b[len(b)-most:]
	}
	return string(b)
}

// freePort is an address for a process that cannot choose its own: it is kept from
// all other tests, and is none of those that the system gives away.
func freePort(t *testing.T) string {
	t.Helper()
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(freeport.GetOne(t)))
}

// eventually polls until ok, and fails with what it was waiting for.
func eventually(t *testing.T, budget time.Duration, what string, ok func() (bool, string)) {
	t.Helper()
	deadline := time.Now().Add(budget)
	var last string
	for time.Now().Before(deadline) {
		var done bool
		if done, last = ok(); done {
			return
		}
		time.Sleep(200 * time.Millisecond)
	}
	t.Fatalf("%s: not within %v; last: %s", what, budget, last)
}

// answers says whether something listens at the address.
func answers(addr string) func() (bool, string) {
	return func() (bool, string) {
		c, err := net.DialTimeout("tcp", addr, time.Second)
		if err != nil {
			return false, err.Error()
		}
		_ = c.Close()
		return true, ""
	}
}

// binaries builds every program once for all tests, with the crash points in.
var binaries = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "gantry-e2e-")
	if err != nil {
		return "", err
	}
	args := []string{"build", "-tags", "crashpoints", "-o", dir + string(filepath.Separator)}
	args = append(args, "../../gantry-agent", "../../collector", "../local", "../verify")
	binariesDir = dir
	if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the programs: %w\n%s", err, out)
	}
	return dir, nil
})

// binariesDir is what binaries made; empty when no test asked for it.
var binariesDir string

func TestMain(m *testing.M) {
	connectDoubleMain()
	code := m.Run()
	if binariesDir != "" {
		_ = os.RemoveAll(binariesDir) // a leftover in the temporary folder harms nobody
	}
	os.Exit(code)
}
