package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// clockMode is how world time runs.
type clockMode uint8

const (
	clockLive clockMode = iota
	clockAccelerated
	clockBackfill
)

// clockFlag is the value of --clock.
type clockFlag struct {
	mode   clockMode
	factor float64 // of accelerated
}

// UnmarshalText parses "live", "accelerated:FACTOR" or "backfill".
func (f *clockFlag) UnmarshalText(text []byte) error {
	name, factor, has := strings.Cut(string(text), ":")
	switch {
	case name == "live" && !has:
		*f = clockFlag{mode: clockLive}
	case name == "backfill" && !has:
		*f = clockFlag{mode: clockBackfill}
	case name == "accelerated":
		x, err := strconv.ParseFloat(factor, 64)
		if err != nil || !(x > 0 && x <= 1e6) {
			return fmt.Errorf("accelerated needs a factor above 0 and at most 1000000, as in accelerated:60, not %q", factor)
		}
		*f = clockFlag{mode: clockAccelerated, factor: x}
	default:
		return fmt.Errorf("%q is no clock: take live, accelerated:FACTOR or backfill", text)
	}
	return nil
}

// dateFlag is a moment: a date, which is midnight UTC, or RFC 3339.
type dateFlag struct{ time.Time }

// UnmarshalText parses it.
func (d *dateFlag) UnmarshalText(text []byte) error {
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, string(text)); err == nil {
			d.Time = t.UTC()
			return nil
		}
	}
	return fmt.Errorf("%q is no date: write 2026-11-23 or 2026-11-23T07:00:00Z", text)
}

// micros returns microseconds since 1970 UTC, 0 when not given.
func (d dateFlag) micros() int64 {
	if d.IsZero() {
		return 0
	}
	return d.UnixMicro()
}

const dayUS = 24 * int64(time.Hour/time.Microsecond)

// acceleratedClock runs factor times as fast as the collector's clock, from
// fromUS on. Once it has caught up with the end of the collector's tomorrow
// it waits there: readings beyond would be put off by the collector.
type acceleratedClock struct {
	anchorUS int64 // collector's time at which world time was fromUS
	fromUS   int64
	factor   float64
}

// WorldUS returns the world's time for the collector's.
func (c acceleratedClock) WorldUS(collectorUS int64) int64 {
	world := c.fromUS + int64(float64(collectorUS-c.anchorUS)*c.factor)
	return min(world, lastAllowed(collectorUS))
}

// lastAllowed is the last microsecond of the day after the collector's.
func lastAllowed(collectorUS int64) int64 { return (collectorUS/dayUS+2)*dayUS - 1 }

// fixedClock stands still: everything before it is due.
type fixedClock int64

// WorldUS returns the moment it stands at.
func (c fixedClock) WorldUS(int64) int64 { return int64(c) }
