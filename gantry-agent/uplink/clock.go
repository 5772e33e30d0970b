package uplink

import "time"

// Instant is a moment as a session sees it.
type Instant struct {
	// WorldUS is the time that emissions are paced by, microseconds since
	// 1970 UTC: the collector's time, or what the Clock makes of it.
	WorldUS int64
	// Mono is monotonic time since the agent began; it runs flushes and
	// waits.
	Mono time.Duration
}

// Clock turns the collector's time into the world's, both in microseconds
// since 1970 UTC. It must not go backwards while the collector's time does
// not.
type Clock interface {
	// WorldUS is the world's time at a time of the collector.
	WorldUS(collectorUS int64) int64
}

// LiveClock is the Clock of agents whose world runs with the collector's
// time.
type LiveClock struct{}

// WorldUS returns the collector's time.
func (LiveClock) WorldUS(collectorUS int64) int64 { return collectorUS }
