package query

import (
	"log/slog"
	"time"
)

// Config has the limits of the query service.
type Config struct {
	// MaxPage is the most elements of one page, and of one message to a
	// watcher.
	MaxPage int
	// MaxWatchers is how many WatchDevices streams may be open at once.
	MaxWatchers int
	// MinInterval is the least time between two messages to a watcher.
	MinInterval time.Duration
	// DefaultInterval is taken where a watcher names none.
	DefaultInterval time.Duration
	// Now is the clock; nil takes time.Now.
	Now func() time.Time
	// Log gets what operators do; nil takes the default logger.
	Log *slog.Logger
}

// DefaultConfig gives the limits that the proto names.
func DefaultConfig() Config {
	return Config{
		MaxPage:         1000,
		MaxWatchers:     100,
		MinInterval:     200 * time.Millisecond,
		DefaultInterval: time.Second,
	}
}
