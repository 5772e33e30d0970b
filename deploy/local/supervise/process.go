package supervise

import (
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// exitedClean is Status.LastExit after exit code 0.
const exitedClean = "exit code 0"

// pipeDelay is how long output is waited for after a process has ended; a
// grandchild that keeps the pipe open must not keep the launcher.
const pipeDelay = time.Second

// process is one supervised process.
type process struct {
	group   *Group
	spec    Spec
	restart bool
	log     *logFile

	// quit is closed when the process is to stay down, gone when it is.
	quit, gone chan struct{}
	quitOnce   sync.Once

	mu  sync.Mutex
	cmd *exec.Cmd
	st  Status
}

// start starts the process once, unless it is to stay down. A quit that comes
// while it starts finds nothing to signal yet, so start looks again at the
// end, when there is.
func (p *process) start() error {
	if p.quitting() {
		return errStopping
	}
	cmd := exec.Command(p.spec.Path, p.spec.Args...)
	cmd.Env = append(slices.Clone(p.group.cfg.Env), p.spec.Env...)
	cmd.Dir = p.spec.Dir
	cmd.Stdout, cmd.Stderr = p.log, p.log
	cmd.SysProcAttr = childAttributes()
	cmd.WaitDelay = pipeDelay
	if err := p.group.onStartThread(cmd.Start); err != nil {
		return err
	}
	p.mu.Lock()
	p.cmd = cmd
	p.st.PID = cmd.Process.Pid
	p.st.Phase, p.st.Since = Running, time.Now()
	p.mu.Unlock()
	if p.quitting() {
		p.signal(syscall.SIGKILL)
	}
	return nil
}

// begin starts the process for the first time, and its supervision.
func (p *process) begin() error {
	if err := p.start(); err != nil {
		close(p.gone)
		return fmt.Errorf("start %s: %w", p.spec.Name, err)
	}
	go p.supervise()
	return nil
}

// supervise waits for the running process, and starts it again after each
// death until it is told to quit. It closes gone when it is done.
func (p *process) supervise() {
	defer close(p.gone)
	deaths := 0
	for {
		lived := p.wait()
		if p.quitting() || !p.restart {
			p.set(Ended)
			return
		}
		if lived > p.group.cfg.StableAfter {
			deaths = 0
		}
		if deaths = p.revive(deaths); deaths < 0 {
			p.set(Ended)
			return
		}
	}
}

// wait waits for the end of the running process, notes how it ended, and
// returns how long it lived.
func (p *process) wait() time.Duration {
	p.mu.Lock()
	cmd, since := p.cmd, p.st.Since
	p.mu.Unlock()
	err := cmd.Wait()
	lived := time.Since(since)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cmd, p.st.PID = nil, 0
	p.st.LastExit = describeExit(err)
	return lived
}

// revive waits and starts the process again, as often as it takes. It returns
// the deaths in a row, or -1 when told to quit.
func (p *process) revive(deaths int) int {
	for {
		deaths++
		wait := p.group.cfg.backoff(deaths)
		p.set(Waiting)
		p.group.cfg.Event(p.obituary(wait))
		select {
		case <-p.quit:
			return -1
		case <-time.After(wait):
		}
		err := p.start()
		if errors.Is(err, errStopping) {
			return -1
		}
		p.mu.Lock()
		if err == nil {
			p.st.Restarts++
			p.mu.Unlock()
			return deaths
		}
		p.st.LastExit = err.Error()
		p.mu.Unlock()
	}
}

// obituary says how the process ended. Its last words explain an exit of its
// own will, but not a signal.
func (p *process) obituary(wait time.Duration) string {
	exit := p.status().LastExit
	sentence := fmt.Sprintf("%s ended (%s), starts again in %v", p.spec.Name, exit, wait)
	if strings.HasPrefix(exit, "exit code") {
		sentence += ": " + p.log.lastLines(1)
	}
	return sentence
}

// stop asks the process to end, kills it when its grace is over, and returns
// when it is gone.
func (p *process) stop() {
	p.quitOnce.Do(func() { close(p.quit) })
	p.signal(syscall.SIGTERM)
	grace := time.NewTimer(p.spec.Grace)
	defer grace.Stop()
	select {
	case <-p.gone:
	case <-grace.C:
		p.group.cfg.Event(fmt.Sprintf("%s did not stop within %v and is killed", p.spec.Name, p.spec.Grace))
		p.kill()
		<-p.gone
	}
}

func (p *process) kill() {
	p.quitOnce.Do(func() { close(p.quit) })
	p.signal(syscall.SIGKILL)
}

// signal sends s to the process group, so that what the process has started
// ends with it. A process that does not run is left alone.
func (p *process) signal(s syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return
	}
	if p.st.Phase == Running {
		p.st.Phase, p.st.Since = Stopping, time.Now()
	}
	// ESRCH, the only error possible here, means that it is gone.
	_ = syscall.Kill(-p.cmd.Process.Pid, s)
}

func (p *process) set(phase Phase) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.st.Phase, p.st.Since = phase, time.Now()
}

func (p *process) quitting() bool {
	select {
	case <-p.quit:
		return true
	default:
		return false
	}
}

func (p *process) status() Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.st
}

// describeExit puts how a process ended in words.
func describeExit(err error) string {
	if err == nil || errors.Is(err, exec.ErrWaitDelay) {
		return exitedClean
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
			return "signal " + status.Signal().String()
		}
		return fmt.Sprintf("exit code %d", exit.ExitCode())
	}
	return err.Error()
}
