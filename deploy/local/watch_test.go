package main

import (
	"strings"
	"testing"
	"time"

	"github.com/gantry-dev/gantry/deploy/local/screen"
)

var start = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

func TestRateIsUnknownWithoutTwoSamples(t *testing.T) {
	at := func(s int, acknowledged int64) sample {
		return sample{at: start.Add(time.Duration(s) * time.Second), acknowledged: acknowledged}
	}
	for _, c := range []struct {
		name        string
		before, now sample
		want        float64
	}{
		{"first", sample{acknowledged: screen.Unknown}, at(2, 100), screen.Unknown},
		{"second", at(0, 100), at(2, 300), 100},
		{"Kafka away", at(0, 100), sample{at: start.Add(time.Second), acknowledged: screen.Unknown}, screen.Unknown},
	} {
		if got := ratePerS(c.before, c.now); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestMilestonesAreToldOnce(t *testing.T) {
	var told []string
	m := &milestones{
		started: start, ready: start.Add(10 * time.Second),
		total: func(f figures, _ time.Time) int64 { return f.Devices * 2 },
		tell:  func(s string) { told = append(told, s) },
	}
	look := func(after time.Duration, f figures) {
		m.seen(sample{at: start.Add(after), known: true, figures: f})
	}
	m.seen(sample{at: start})
	look(12*time.Second, figures{Devices: 3})
	look(20*time.Second, figures{Devices: 3, Rows: 10, NewestUS: start.Add(19 * time.Second).UnixMicro()})
	look(22*time.Second, figures{Devices: 3, Rows: 500, NewestUS: start.Add(21 * time.Second).UnixMicro(), Ended: 5})
	look(32*time.Second, figures{Devices: 3, Rows: 2000, NewestUS: start.Add(30 * time.Second).UnixMicro(), Ended: 6})
	look(34*time.Second, figures{Devices: 3, Rows: 2100, NewestUS: start.Add(33 * time.Second).UnixMicro(), Ended: 6})
	want := []string{
		"first live row in raw 10.0s after the installs (20.0s after the start)",
		"history complete: 2000 rows in 20s, 100 rows/s",
	}
	if strings.Join(told, "\n") != strings.Join(want, "\n") {
		t.Errorf("told %q, want %q", told, want)
	}
}

func TestResumedStackTellsItsOwnFirstRow(t *testing.T) {
	var told []string
	m := &milestones{
		started: start, ready: start,
		total: func(figures, time.Time) int64 { return 1 },
		tell:  func(s string) { told = append(told, s) },
	}
	old := figures{Devices: 1, Ended: 1, Rows: 10, NewestUS: start.Add(-time.Minute).UnixMicro()}
	m.seen(sample{at: start.Add(time.Second), known: true, figures: old})
	if len(told) != 0 {
		t.Errorf("a row of the run before was told as %q", told)
	}
}
