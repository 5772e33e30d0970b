package query

import (
	"log/slog"
	"time"
)

// Config has the limits of the services.
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
	// MaxRows is the most rows of one page of QueryService; DefaultRows is
	// taken where a caller names none.
	MaxRows, DefaultRows uint32
	// MaxCells is the most elements of one matrix or set of series.
	MaxCells int
	// MaxCSVRows is the most rows of a download.
	MaxCSVRows int
	// FreshFor and PlacesFor are how long is believed what was read of how new
	// the models are, and of the network.
	FreshFor, PlacesFor time.Duration
	// LiveEvery is the time between two looks at the live minutes for those who
	// watch them.
	LiveEvery time.Duration
	// LiveSettle is how long after its end a minute is taken for complete.
	LiveSettle time.Duration
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
		MaxRows:         10_000,
		DefaultRows:     1000,
		MaxCells:        250_000,
		MaxCSVRows:      1_000_000,
		FreshFor:        2 * time.Second,
		PlacesFor:       15 * time.Second,
		LiveEvery:       5 * time.Second,
		LiveSettle:      15 * time.Second,
	}
}
