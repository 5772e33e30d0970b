package lease

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gantry-dev/gantry/collector/kafka"
)

// Defaults of Config, taken where a field is zero.
const (
	// DefaultTTL is how long a session lives without a renewal.
	DefaultTTL = 15 * time.Second
	// DefaultElectionTimeout is how long a silent decider stays in office:
	// the shortest that Kafka's brokers allow unless told otherwise.
	DefaultElectionTimeout = 6 * time.Second
	// DefaultDebounce is how long a decision waits for more news.
	DefaultDebounce = 150 * time.Millisecond
	// DefaultMaxSessions bounds the sessions of all collectors together.
	DefaultMaxSessions = 10_000
	// DefaultMaxDevices bounds the devices that are assigned, and so the
	// records of one transaction.
	DefaultMaxDevices = 20_000
	// DefaultMaxRecordBytes bounds one session record, and so the devices
	// that a session may name.
	DefaultMaxRecordBytes = 256 << 10
)

// Config has every setting and limit of a Manager.
type Config struct {
	// CollectorID is this collector's name, unique among collectors.
	CollectorID string
	// TTL is how long a session lives without a renewal; renewals come every
	// third of it. 0 takes DefaultTTL.
	TTL time.Duration
	// ElectionTimeout is how long the group keeps a decider that says
	// nothing. 0 takes DefaultElectionTimeout.
	ElectionTimeout time.Duration
	// Debounce is how long a decision waits for more news. 0 takes
	// DefaultDebounce.
	Debounce time.Duration
	// Devices lists the devices to be carried, in any order. It is called
	// often and from one goroutine at a time.
	Devices func() []string
	// Kafka says where the lease topic is.
	Kafka kafka.ClientConfig
	// MaxSessions bounds the sessions of all collectors together; Join
	// refuses beyond it. 0 takes DefaultMaxSessions.
	MaxSessions int
	// MaxDevices bounds the devices assigned; those beyond it, in the order
	// of their ids, are carried by nobody and counted as unassigned. 0 takes
	// DefaultMaxDevices.
	MaxDevices int
	// MaxRecordBytes bounds one session record. 0 takes
	// DefaultMaxRecordBytes.
	MaxRecordBytes int
	// Log takes what happens. Nil takes slog.Default.
	Log *slog.Logger
	// Metrics takes the gantry_lease_ metrics; nil registers them nowhere.
	Metrics prometheus.Registerer
	// Crash is called at crash points; nil is off. The point here is
	// "lease.deciding": inside the transaction, before its commit.
	Crash func(point string)
}

// withDefaults fills what was left out.
func (c Config) withDefaults() Config {
	setDefault(&c.TTL, DefaultTTL)
	setDefault(&c.ElectionTimeout, DefaultElectionTimeout)
	setDefault(&c.Debounce, DefaultDebounce)
	setDefault(&c.MaxSessions, DefaultMaxSessions)
	setDefault(&c.MaxDevices, DefaultMaxDevices)
	setDefault(&c.MaxRecordBytes, DefaultMaxRecordBytes)
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return c
}

func setDefault[T ~int | ~int64](v *T, d T) {
	if *v == 0 {
		*v = d
	}
}

// check says what is wrong with a Config whose defaults are filled in.
func (c Config) check() error {
	switch {
	case c.CollectorID == "":
		return errors.New("lease: no collector id given: set a name that no other collector has")
	case c.Devices == nil:
		return errors.New("lease: no Devices function given: pass one that lists the network's devices")
	case c.TTL < 30*time.Millisecond:
		return fmt.Errorf("lease: TTL %s is below 30ms: renewals every third of it would never be in time", c.TTL)
	case c.Debounce > c.TTL:
		return fmt.Errorf("lease: debounce %s exceeds the TTL %s: take less than a third of it", c.Debounce, c.TTL)
	case c.ElectionTimeout < 0 || c.Debounce < 0 || c.MaxSessions < 0 || c.MaxDevices < 0 || c.MaxRecordBytes < 0:
		return errors.New("lease: a limit or time is negative: give a positive one, or 0 for the default")
	}
	return nil
}

// crash reaches a crash point.
func (c Config) crash(point string) {
	if c.Crash != nil {
		c.Crash(point)
	}
}
