package state

import (
	"fmt"
	"time"
)

// Zone is the fixed offset from UTC, as +09:30, of a place where now is about
// half past seven in the morning: a first look, at whatever hour, sees the
// morning peak. Of the offsets a day apart it takes the one nearest to UTC, in
// quarters of an hour from -12:00 to +11:45.
func Zone(now time.Time) string {
	const (
		peak    = 7*60 + 30
		day     = 24 * 60
		quarter = 15
	)
	utc := now.UTC()
	minute := utc.Hour()*60 + utc.Minute()
	// Rounded to the nearest quarter; the sum is positive, so / rounds down.
	offset := (peak - minute + day + quarter/2) / quarter * quarter % day
	if offset >= day/2 {
		offset -= day
	}
	sign := '+'
	if offset < 0 {
		sign, offset = '-', -offset
	}
	return fmt.Sprintf("%c%02d:%02d", sign, offset/60, offset%60)
}
