package uplink

import (
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/gantry-dev/gantry/proto/transport"
)

// Config is what an agent needs to run.
type Config struct {
	// Collectors are addresses, host:port, tried in turn.
	Collectors []string
	// AgentID names the agent, 1 to 128 bytes, stable over reconnects.
	AgentID string
	// Version of the program.
	Version string
	// Fingerprint of the world, hexadecimal; empty when not yet known.
	Fingerprint string
	// TLS makes connections to collectors; nil leaves them in the clear.
	TLS *transport.TLS
	// ServerName is who a collector's certificate must be of; empty takes the
	// host it is reached by.
	ServerName string
	// Token is sent as a bearer token; empty sends none.
	Token string
	// Capacity is how many devices the agent wants at the most.
	Capacity uint32
	// StaticDevices are carried without asking for a lease.
	StaticDevices []string
	// Open makes the source of readings.
	Open Opener
	// Clock makes world time; nil takes LiveClock.
	Clock Clock
	// Plan says which epochs are sent, and on which lane.
	Plan Plan
	// Limits bounds memory and disk; zero fields take DefaultLimits.
	Limits Limits
	// Timing holds intervals; zero fields take DefaultTiming.
	Timing Timing
	// Spool keeps the live backlog while no collector is in reach; without a
	// Dir none is kept. Its Fingerprint is filled in.
	Spool SpoolConfig
	// Random gives numbers in [0, 1) that spread the agents' attempts to
	// connect; nil takes math/rand.
	Random func() float64
	// Metrics counts; nil counts into nothing.
	Metrics *Metrics
	// Log is where to say what happens; nil takes slog.Default.
	Log *slog.Logger
}

// Plan says which epochs of a device are sent, and on which lane.
type Plan struct {
	// FromUS leaves out epochs that ended before, microseconds since 1970
	// UTC; 0 leaves out none. An epoch that spans it is sent whole, since
	// positions are contiguous from 1.
	FromUS int64
	// ToUS leaves out emissions from then on, microseconds since 1970 UTC;
	// 0 leaves out none. An epoch that spans it gets no end.
	ToUS int64
	// Backfill puts the current epoch on the backfill lane too, and lets the
	// agent finish once everything is answered.
	Backfill bool
	// Resend sends everything of the plan again, durable or not.
	Resend bool
}

// Limits bounds what an agent holds. The collector's limits apply as well:
// the smaller of two counts.
type Limits struct {
	// LiveBatchReadings and BackfillBatchReadings are the most readings in
	// one batch of a lane.
	LiveBatchReadings, BackfillBatchReadings int
	// LiveBatchBytes and BackfillBatchBytes are the most bytes of one batch.
	LiveBatchBytes, BackfillBatchBytes int
	// LiveChunkReadings and BackfillChunkReadings are the most consecutive
	// readings that one device gets in a batch before others have their
	// turn.
	LiveChunkReadings, BackfillChunkReadings int
	// BackfillCursors is how many past epochs are read at once, so that the
	// records spread over the topic's partitions.
	BackfillCursors int
	// HelloPositions is the most acknowledged positions that Hello repeats.
	HelloPositions int
	// ReceiveBytes is the most bytes of one message from the collector.
	ReceiveBytes int
}

// DefaultLimits returns what is used where nothing is said.
func DefaultLimits() Limits {
	return Limits{
		LiveBatchReadings: 4000, BackfillBatchReadings: 8000,
		LiveBatchBytes: 256 << 10, BackfillBatchBytes: 512 << 10,
		LiveChunkReadings: 256, BackfillChunkReadings: 1000,
		BackfillCursors: 8, HelloPositions: 20_000, ReceiveBytes: 16 << 20,
	}
}

// Timing holds the intervals of an agent.
type Timing struct {
	// Flush is how long live readings are gathered before a batch is sent.
	Flush time.Duration
	// Connect is how long to wait for Welcome.
	Connect time.Duration
	// BackoffMin and BackoffMax bound the pause before connecting again; it
	// doubles from one to the other, less up to half by chance.
	BackoffMin, BackoffMax time.Duration
	// Finish is how long to wait for answers before closing on a Drain or a
	// stop.
	Finish time.Duration
	// Silence is how many of the collector's heartbeats may be missed.
	Silence int
	// Settle is how long everything must have been answered, and no device
	// come, before a backfill counts as finished.
	Settle time.Duration
}

// DefaultTiming returns what is used where nothing is said.
func DefaultTiming() Timing {
	return Timing{
		Flush: 200 * time.Millisecond, Connect: 15 * time.Second,
		BackoffMin: 250 * time.Millisecond, BackoffMax: 5 * time.Second,
		Finish: 10 * time.Second, Silence: 3, Settle: 3 * time.Second,
	}
}

func (c *Config) fill() error {
	var errs []error
	if len(c.Collectors) == 0 {
		errs = append(errs, errors.New("uplink: no collector address given"))
	}
	if len(c.AgentID) < 1 || len(c.AgentID) > 128 {
		errs = append(errs, fmt.Errorf("uplink: agent id %q must have 1 to 128 bytes", c.AgentID))
	}
	if c.Open == nil {
		errs = append(errs, errors.New("uplink: no source given"))
	}
	if c.Clock == nil {
		c.Clock = LiveClock{}
	}
	if c.Metrics == nil {
		c.Metrics = NewMetrics(nil)
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Random == nil {
		c.Random = rand.Float64
	}
	c.Limits.fill()
	c.Timing.fill()
	return errors.Join(errs...)
}

func (l *Limits) fill() {
	d := DefaultLimits()
	for _, f := range []struct {
		v *int
		d int
	}{
		{&l.LiveBatchReadings, d.LiveBatchReadings}, {&l.BackfillBatchReadings, d.BackfillBatchReadings},
		{&l.LiveBatchBytes, d.LiveBatchBytes}, {&l.BackfillBatchBytes, d.BackfillBatchBytes},
		{&l.LiveChunkReadings, d.LiveChunkReadings}, {&l.BackfillChunkReadings, d.BackfillChunkReadings},
		{&l.BackfillCursors, d.BackfillCursors}, {&l.HelloPositions, d.HelloPositions},
		{&l.ReceiveBytes, d.ReceiveBytes},
	} {
		if *f.v <= 0 {
			*f.v = f.d
		}
	}
}

func (t *Timing) fill() {
	d := DefaultTiming()
	for _, f := range []struct{ v, d *time.Duration }{
		{&t.Flush, &d.Flush}, {&t.Connect, &d.Connect}, {&t.BackoffMin, &d.BackoffMin},
		{&t.BackoffMax, &d.BackoffMax}, {&t.Finish, &d.Finish}, {&t.Settle, &d.Settle},
	} {
		if *f.v <= 0 {
			*f.v = *f.d
		}
	}
	if t.Silence <= 0 {
		t.Silence = d.Silence
	}
}
