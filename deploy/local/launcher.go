package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/gantry-dev/gantry/deploy/local/screen"
	"github.com/gantry-dev/gantry/deploy/local/state"
	"github.com/gantry-dev/gantry/deploy/local/supervise"
)

// Times of showing.
const (
	paintEvery = time.Second
	plainEvery = 10 * time.Second
	maxEvents  = 6
)

// launcher is one run of the stack.
type launcher struct {
	command   *runCommand
	state     *state.State
	installed installed
	// started is the start of the run, ready the end of the installs.
	started, ready time.Time

	group   *supervise.Group
	watcher *watcher
	builder *builder
	zone    *time.Location

	mu     sync.Mutex
	step   string
	events []screen.Event
	plain  bool
}

func newLauncher(c *runCommand, s *state.State, got installed, started, ready time.Time) (*launcher, error) {
	l := &launcher{command: c, state: s, installed: got, started: started, ready: ready, plain: !isTerminal(os.Stdout)}
	at, err := time.Parse("-07:00", s.Zone)
	if err != nil {
		return nil, fmt.Errorf("zone %q of %s: %w", s.Zone, c.State, err)
	}
	_, offset := at.Zone()
	l.zone = time.FixedZone(s.Zone, offset)
	cfg := supervise.DefaultConfig(filepath.Join(c.State, "logs"))
	cfg.Event, cfg.Env = l.tell, childEnv(os.Environ())
	if l.group, err = supervise.New(cfg); err != nil {
		return nil, err
	}
	if l.watcher, err = newWatcher(c.State, s); err != nil {
		return nil, err
	}
	if l.builder, err = newBuilder(l.group, got.DBT, c.State, s, c.DBTEvery); err != nil {
		return nil, err
	}
	return l, nil
}

// run starts the stack, shows it until ctx ends, and stops it. release gives
// signals back to their default, after which they are counted here.
func (l *launcher) run(ctx context.Context, release func()) error {
	defer l.watcher.close()
	work, cancel := context.WithCancel(ctx)
	defer cancel()
	var tasks sync.WaitGroup
	firstRow := make(chan struct{})
	var failed error
	tasks.Go(func() {
		if failed = l.up(work); failed != nil {
			cancel()
			return
		}
		l.watch(work, firstRow)
	})
	tasks.Go(func() { l.builder.run(work, firstRow) })
	shown := make(chan struct{})
	go func() { defer close(shown); l.show(work) }()

	<-work.Done()
	<-shown
	// What happens from here on is told in lines below the last screen.
	l.mu.Lock()
	l.plain = true
	l.mu.Unlock()
	interrupted := ctx.Err() != nil
	release()
	err := l.stop()
	tasks.Wait()
	if interrupted {
		return err
	}
	return failed
}

// watch tells the milestones and closes firstRow when raw has rows.
func (l *launcher) watch(ctx context.Context, firstRow chan struct{}) {
	m := &milestones{started: l.started, ready: l.ready, total: l.watcher.daysTotal, tell: l.tell}
	var once sync.Once
	l.watcher.run(ctx, func(s sample) {
		m.seen(s)
		if s.known && s.figures.Rows > 0 {
			once.Do(func() { close(firstRow) })
		}
	})
}

// stop ends everything in order. Another signal kills.
func (l *launcher) stop() error {
	began := time.Now()
	fmt.Println("stopping (Ctrl-C again kills) …")
	again := make(chan os.Signal, 1)
	signal.Notify(again, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(again)
	done := make(chan struct{})
	go func() { defer close(done); l.group.Stop() }()
	select {
	case <-done:
		fmt.Printf("stopped in %.1fs\n", time.Since(began).Seconds())
		return nil
	case <-again:
		l.group.Kill()
		<-done
		return fmt.Errorf("killed: the next run resumes, and repeats what was not acknowledged")
	}
}

// show paints the screen, or prints plain lines, until ctx ends.
func (l *launcher) show(ctx context.Context) {
	l.mu.Lock()
	plain := l.plain
	l.mu.Unlock()
	if plain {
		l.showPlain(ctx)
		return
	}
	painter := screen.NewPainter(os.Stdout)
	tick := time.NewTicker(paintEvery)
	defer tick.Stop()
	for {
		// A terminal that cannot be written to is no reason to stop.
		_ = painter.Paint(l.model(time.Now()))
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (l *launcher) showPlain(ctx context.Context) {
	tick := time.NewTicker(plainEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			fmt.Println(screen.Plain(l.model(time.Now())))
		}
	}
}

// model is everything that the screen shows at now.
func (l *launcher) model(now time.Time) screen.Model {
	m := screen.Model{
		Network: l.state.Network, Seed: l.state.Seed,
		Local: now.In(l.zone), Zone: l.state.Zone, Up: now.Sub(l.started),
		ReadingsPerS: screen.Unknown, Rows: screen.Unknown, DataAge: screen.Unknown,
		LagLive: screen.Unknown, LagBackfill: screen.Unknown,
		DaysDone: screen.Unknown, DaysTotal: screen.Unknown,
		DBT:  l.builder.show(now),
		Look: l.places(),
	}
	l.watcher.fill(&m, now)
	for _, p := range l.group.Status() {
		m.Processes = append(m.Processes, screen.Process{
			Name: p.Name, Phase: string(p.Phase), RSSBytes: p.RSSBytes, Restarts: p.Restarts, LastExit: p.LastExit,
		})
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	m.Step = l.step
	m.Events = append(m.Events, l.events...)
	return m
}

// places are where to look at the running stack.
func (l *launcher) places() []string {
	at := ""
	if l.command.State != ".gantry" {
		at = "STATE=" + l.command.State + " "
	}
	return []string{
		"http://" + loopback(l.state.Ports.HTTP) + "    the dashboard",
		"grpcurl -plaintext " + loopback(l.state.Ports.GRPC) + " gantry.v1.FleetService/ListDevices",
		"make sql " + at + "Q='select * from serving.station_flow_5m order by bin_start desc limit 10'",
		"http://" + loopback(l.state.Ports.HTTP) + "/metrics    logs: " + filepath.Join(l.command.State, "logs"),
	}
}

// tell shows an event.
func (l *launcher) tell(sentence string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if l.plain {
		fmt.Printf("%s %s\n", now.Format("15:04:05"), sentence)
	}
	l.events = append(l.events, screen.Event{At: now, Sentence: sentence})
	l.events = l.events[max(0, len(l.events)-maxEvents):]
}

// at notes what is being started.
func (l *launcher) at(step string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.step = step
	if l.plain && step != "" {
		fmt.Printf("%s %s\n", time.Now().Format("15:04:05"), step)
	}
}
