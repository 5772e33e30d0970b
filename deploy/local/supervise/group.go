package supervise

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"
)

// Group is a set of supervised processes.
type Group struct {
	cfg Config
	// starts hands commands to the one thread that starts processes.
	starts chan func()

	mu        sync.Mutex
	processes []*process
	stopping  bool
}

// New makes a group and the folder of its logs.
func New(cfg Config) (*Group, error) {
	if err := os.MkdirAll(cfg.LogDir, 0o700); err != nil {
		return nil, err
	}
	if cfg.Event == nil {
		cfg.Event = func(string) {}
	}
	if cfg.Env == nil {
		cfg.Env = os.Environ()
	}
	g := &Group{cfg: cfg, starts: make(chan func())}
	go g.startThread()
	return g, nil
}

// startThread starts every process on one operating-system thread that lives
// as long as the launcher. A parent-death signal (Linux) is sent when the
// thread ends that started the child, not when the process does.
func (g *Group) startThread() {
	runtime.LockOSThread()
	for start := range g.starts {
		start()
	}
}

// onStartThread runs f on the starting thread and waits for it.
func (g *Group) onStartThread(f func() error) error {
	done := make(chan error, 1)
	g.starts <- func() { done <- f() }
	return <-done
}

// errStopping refuses to start what would outlive a Stop.
var errStopping = errors.New("the stack is stopping")

// Start starts a process and keeps it running until Stop. The first start must
// succeed; later ones are tried again and again.
func (g *Group) Start(spec Spec) error {
	p, err := g.add(spec, true)
	if err != nil {
		return err
	}
	if err := p.begin(); err != nil {
		g.remove(p)
		return err
	}
	return nil
}

// Run runs a process once and waits for its end. A failure holds the last
// lines of its output. Ending ctx stops it as Stop would.
func (g *Group) Run(ctx context.Context, spec Spec) error {
	p, err := g.add(spec, false)
	if err != nil {
		return err
	}
	defer g.remove(p)
	if err := p.begin(); err != nil {
		return err
	}
	select {
	case <-p.gone:
	case <-ctx.Done():
		p.stop()
		return ctx.Err()
	}
	if exit := p.status().LastExit; exit != exitedClean {
		return fmt.Errorf("%s failed (%s), see %s:\n%s", spec.Name, exit, p.log.path, p.log.lastLines(5))
	}
	return nil
}

func (g *Group) add(spec Spec, restart bool) (*process, error) {
	log, err := openLog(filepath.Join(g.cfg.LogDir, spec.Name+".log"), g.cfg.LogBytes)
	if err != nil {
		return nil, err
	}
	p := &process{
		group: g, spec: spec, restart: restart, log: log,
		quit: make(chan struct{}), gone: make(chan struct{}),
		st: Status{Name: spec.Name, Phase: Waiting, Since: time.Now()},
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.stopping {
		log.close()
		return nil, errStopping
	}
	g.processes = append(g.processes, p)
	return p, nil
}

func (g *Group) remove(p *process) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.processes = slices.DeleteFunc(g.processes, func(q *process) bool { return q == p })
	p.log.close()
}

// Status lists the processes in the order they were started in.
func (g *Group) Status() []Status {
	g.mu.Lock()
	processes := slices.Clone(g.processes)
	g.mu.Unlock()
	all := make([]Status, len(processes))
	for i, p := range processes {
		all[i] = p.status()
		all[i].RSSBytes = rssBytes(all[i].PID)
	}
	return all
}

// Stop ends every process, the highest stage first, and returns when all are
// gone. It takes at most the sum of the stages' longest graces.
func (g *Group) Stop() {
	g.mu.Lock()
	g.stopping = true
	processes := slices.Clone(g.processes)
	g.mu.Unlock()
	slices.SortStableFunc(processes, func(a, b *process) int { return cmp.Compare(b.spec.Stage, a.spec.Stage) })
	for len(processes) > 0 {
		stage := processes[0].spec.Stage
		var wait sync.WaitGroup
		for len(processes) > 0 && processes[0].spec.Stage == stage {
			wait.Go(processes[0].stop)
			processes = processes[1:]
		}
		wait.Wait()
	}
}

// Kill ends every process at once, without grace. It may be called while Stop
// waits.
func (g *Group) Kill() {
	g.mu.Lock()
	g.stopping = true
	processes := slices.Clone(g.processes)
	g.mu.Unlock()
	for _, p := range processes {
		p.kill()
	}
	for _, p := range processes {
		<-p.gone
	}
}
