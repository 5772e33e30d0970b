package uplink

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// Agent keeps one stream to one of its collectors open and drives a session
// over it.
type Agent struct {
	cfg     Config
	session *Session
	source  Source
	spool   *Spool
	began   time.Time

	fingerprint string // of the world; empty until known
	// The collector's clock: baseUS was its time when mono was baseMono.
	baseUS   int64
	baseMono time.Duration
	// spoolStuck says that the spool took no more since the last stream.
	spoolStuck bool

	connected atomic.Bool
	welcomed  bool // a stream was welcomed in this process
}

// New makes an agent. It fails where the configuration, or the spool of an
// already known world, is no good.
func New(cfg Config) (*Agent, error) {
	if err := cfg.fill(); err != nil {
		return nil, err
	}
	a := &Agent{cfg: cfg, began: time.Now()}
	if err := a.knowWorld(cfg.Fingerprint); err != nil {
		return nil, err
	}
	var spooled func(string, uint32) uint64
	if cfg.Spool.Dir != "" {
		spooled = func(id string, epoch uint32) uint64 {
			if a.spool == nil {
				return 0
			}
			return a.spool.Last(id, epoch)
		}
	}
	a.session = NewSession(cfg.Plan, cfg.Limits, cfg.Timing.Flush, spooled)
	return a, nil
}

// Connected says whether a stream is open and welcomed.
func (a *Agent) Connected() bool { return a.connected.Load() }

// Run keeps sending until ctx ends, which stops the agent in order, or until
// a backfill is finished: nil in both cases. It returns an error where trying
// again cannot help.
func (a *Agent) Run(ctx context.Context) error {
	defer a.closeSpool()
	wait := backoff{min: a.cfg.Timing.BackoffMin, max: a.cfg.Timing.BackoffMax, random: a.cfg.Random}
	for turn := 0; ; turn++ {
		addr := a.cfg.Collectors[turn%len(a.cfg.Collectors)]
		began := time.Now()
		end := a.stream(ctx, addr)
		if end.finished || ctx.Err() != nil {
			return nil
		}
		if err := a.permanent(end.err); err != nil {
			return err
		}
		if time.Since(began) > a.cfg.Timing.BackoffMax {
			wait.reset()
		}
		pause := wait.next()
		if end.drained {
			// All streams of a collector that goes end at once.
			pause = end.after + time.Duration(a.cfg.Random()*float64(end.after)/2)
		}
		a.cfg.Log.Info("stream ended", "collector", addr, "drained", end.drained, "error", end.err, "reconnect_in", pause)
		a.offline(ctx, pause)
		if ctx.Err() != nil {
			return nil
		}
	}
}

// permanent returns the error that ends the agent, or nil where it tries
// again. What a collector refuses once may be a collector's mistake when an
// earlier stream was welcomed; before that it is the agent's.
func (a *Agent) permanent(err error) error {
	var fatal *fatalError
	if errors.As(err, &fatal) {
		return fatal.error
	}
	if a.welcomed {
		return nil
	}
	switch s := status.Convert(err); s.Code() {
	case codes.InvalidArgument, codes.Unauthenticated, codes.PermissionDenied, codes.Unimplemented:
		return fmt.Errorf("uplink: the collector refuses this agent: %s", s.Message())
	case codes.FailedPrecondition:
		// Without a world of its own the agent can only be too early: the
		// network has not been applied yet.
		if a.fingerprint != "" {
			return fmt.Errorf("uplink: the collector refuses this agent: %s", s.Message())
		}
	}
	return nil
}

// fatalError is an error that trying again cannot help.
type fatalError struct{ error }

// Unwrap returns what went wrong.
func (f *fatalError) Unwrap() error { return f.error }

// now returns the time as the session sees it.
func (a *Agent) now() Instant {
	mono := time.Since(a.began)
	at := Instant{Mono: mono}
	if a.baseUS != 0 {
		at.WorldUS = a.cfg.Clock.WorldUS(a.baseUS + (mono - a.baseMono).Microseconds())
	}
	return at
}

// welcome takes over what the collector said first.
func (a *Agent) welcome(w *gantryv1.Welcome) error {
	if err := a.enterWorld(w.GetWorld()); err != nil {
		return &fatalError{err}
	}
	a.baseUS, a.baseMono = w.GetCollectorTimeUs(), time.Since(a.began)
	a.welcomed, a.spoolStuck = true, false
	a.trim(w.GetLease())
	source := a.source
	if a.spool != nil {
		source = spooledSource{a.source, a.spool, func(err error) { a.cfg.Log.Error("a spooled record is lost", "error", err) }}
	}
	for _, err := range a.session.Welcome(a.now(), w, source) {
		a.cfg.Log.Error("a device is left out", "error", err)
	}
	return nil
}

// enterWorld opens the source on the first Welcome and refuses another world
// on later ones.
func (a *Agent) enterWorld(w *gantryv1.World) error {
	got := w.GetFingerprint()
	if a.fingerprint != "" && w != nil && got != a.fingerprint {
		return fmt.Errorf("uplink: this agent belongs to world %s, but the collector's network is of world %s: "+
			"give the agent another state folder, or apply its network", a.fingerprint, got)
	}
	if a.source != nil {
		return nil
	}
	source, err := a.cfg.Open(w)
	if err != nil {
		return err
	}
	a.source = source
	return a.knowWorld(got)
}

// knowWorld sets the fingerprint and opens the spool, which belongs to it.
func (a *Agent) knowWorld(fingerprint string) error {
	if fingerprint == "" && a.source == nil {
		return nil // not known yet
	}
	if a.fingerprint == "" {
		a.fingerprint = fingerprint
	}
	if a.cfg.Spool.Dir == "" || a.spool != nil {
		return nil
	}
	a.cfg.Spool.Fingerprint = a.fingerprint
	spool, err := OpenSpool(a.cfg.Spool)
	a.spool = spool
	return err
}

// offline lets d pass while due readings go to the spool.
func (a *Agent) offline(ctx context.Context, d time.Duration) {
	until := time.NewTimer(d)
	defer until.Stop()
	tick := time.NewTicker(a.cfg.Timing.Flush)
	defer tick.Stop()
	for {
		a.spoolDue()
		select {
		case <-ctx.Done():
			return
		case <-until.C:
			return
		case <-tick.C:
		}
	}
}

// spoolDue writes what is due and not under way into the spool.
func (a *Agent) spoolDue() {
	a.observe()
	if a.spool == nil || a.spoolStuck || a.connected.Load() {
		return
	}
	now := a.now()
	for range spoolBurst {
		r := a.session.NextSpool(now)
		if r == nil {
			return
		}
		if err := a.spool.Append(r); err != nil {
			// The record comes again from the source, which is opened at the
			// durable position on the next stream.
			a.spoolStuck = true
			a.cfg.Metrics.spoolFull.Inc()
			a.cfg.Log.Warn("the source waits for a collector", "error", err)
			return
		}
	}
}

// spoolBurst bounds the records written before the agent looks up again.
const spoolBurst = 1000

// trim forgets what a lease calls durable.
func (a *Agent) trim(l *gantryv1.Lease) {
	if a.spool == nil {
		return
	}
	for _, d := range l.GetGranted() {
		a.trimPositions(d.GetDurable())
	}
}

func (a *Agent) trimPositions(positions []*gantryv1.Position) {
	if a.spool == nil {
		return
	}
	for _, p := range positions {
		a.spool.Trim(p.GetDeviceId(), p.GetEpoch(), p.GetSeq())
	}
}

// disconnected ends the session's stream. Only devices carried until now keep
// their spool: others are somebody else's.
func (a *Agent) disconnected() {
	if !a.connected.Swap(false) {
		return
	}
	if a.spool != nil {
		a.spool.Retain(a.session.Carries)
	}
	a.session.Disconnected(a.now())
}

func (a *Agent) closeSpool() {
	if a.spool == nil {
		return
	}
	if err := a.spool.Close(); err != nil {
		a.cfg.Log.Error("the spool was not closed in order", "error", err)
	}
}

func (a *Agent) observe() {
	m := a.cfg.Metrics
	m.observe(a.session, a.now())
	m.connected.Set(0)
	if a.connected.Load() {
		m.connected.Set(1)
	}
	if a.spool != nil {
		m.spoolBytes.Set(float64(a.spool.Bytes()))
		m.spoolReadings.Set(float64(a.spool.Readings()))
	}
}

// backoff gives growing pauses with chance in them, so that a fleet does not
// come back all at once.
type backoff struct {
	min, max, last time.Duration
	random         func() float64
}

func (b *backoff) reset() { b.last = 0 }

// next returns a pause between half and all of the next step.
func (b *backoff) next() time.Duration {
	b.last = min(max(b.min, 2*b.last), b.max)
	return b.last/2 + time.Duration(b.random()*float64(b.last/2))
}
