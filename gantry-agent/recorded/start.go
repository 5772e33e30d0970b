package recorded

import (
	"errors"
	"fmt"
	"time"
)

// StartAt says when the recording's first record is to happen: text is "now",
// a time (RFC 3339), a date, or empty for when it did happen. A date keeps the
// recording's time of day, on clocks in zone. now is the moment that "now"
// means, to the second.
func (r *Recording) StartAt(text string, zone *time.Location, now time.Time) (time.Time, error) {
	switch text {
	case "now":
		return now.UTC().Truncate(time.Second), nil
	case "":
		if !r.Dated {
			return time.Time{}, errors.New("the recording has no date: say when it begins with --recorded-start, as now, 2026-03-02 or 2026-03-02T07:00:00Z")
		}
		return r.First, nil
	}
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return t.UTC().Truncate(time.Microsecond), nil
	}
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("--recorded-start %q is neither now nor a time: write it as 2026-03-02 or 2026-03-02T07:00:00Z", text)
	}
	clock := r.First
	if r.Dated {
		clock = r.First.In(zone)
	}
	return time.Date(day.Year(), day.Month(), day.Day(), clock.Hour(), clock.Minute(), clock.Second(), clock.Nanosecond(), zone).UTC(), nil
}
