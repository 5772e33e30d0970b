package supervise

import "time"

// Config is every limit of a Group.
type Config struct {
	// LogDir is the folder of the logs, one NAME.log for each process.
	LogDir string
	// LogBytes is the size at which a log is rotated; one older file is kept.
	LogBytes int64
	// BackoffMin and BackoffMax bound the wait before a restart. It doubles
	// with each death in a row.
	BackoffMin, BackoffMax time.Duration
	// StableAfter is how long a process must have run for its next death to
	// count as the first.
	StableAfter time.Duration
	// Env is the environment that every process gets; nil is the launcher's.
	Env []string
	// Event is told, in one sentence, of deaths and restarts; nil is silent.
	// It is called from several goroutines.
	Event func(sentence string)
}

// DefaultConfig has limits for a stack on one machine.
func DefaultConfig(logDir string) Config {
	return Config{
		LogDir:      logDir,
		LogBytes:    8 << 20,
		BackoffMin:  500 * time.Millisecond,
		BackoffMax:  15 * time.Second,
		StableAfter: 30 * time.Second,
	}
}

// backoff is the wait before a restart after a number of deaths in a row, the
// first being 1.
func (c Config) backoff(deaths int) time.Duration {
	wait := c.BackoffMin
	for i := 1; i < deaths && wait < c.BackoffMax; i++ {
		wait *= 2
	}
	return min(wait, c.BackoffMax)
}

// Spec is one process to run.
type Spec struct {
	// Name is unique in the group and names the log.
	Name string
	Path string
	Args []string
	// Env is added to the environment of the group, NAME=value each.
	Env []string
	// Dir is the working directory; "" is the launcher's.
	Dir string
	// Stage orders stopping: the highest stops first.
	Stage int
	// Grace is how long it may take from SIGTERM to its end before it is
	// killed.
	Grace time.Duration
}

// Phase is what a process is doing.
type Phase string

// The phases of a process.
const (
	Running  Phase = "running"
	Waiting  Phase = "restarting"
	Stopping Phase = "stopping"
	Ended    Phase = "stopped"
)

// Status is a process as it is now.
type Status struct {
	// Name is the one that the process was declared with, Phase where it is
	// between its start and its end.
	Name  string
	Phase Phase
	// PID is 0 unless the process runs.
	PID int
	// Restarts counts starts after the first.
	Restarts int
	// LastExit says how it last ended; "" if it never did.
	LastExit string
	// Since is when the phase began.
	Since time.Time
	// RSSBytes is the resident memory; 0 where it is not known.
	RSSBytes int64
}
