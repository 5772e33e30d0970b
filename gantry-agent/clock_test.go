package main

import (
	"strings"
	"testing"
	"time"
)

func TestClockFlag(t *testing.T) {
	for text, want := range map[string]clockFlag{
		"live":             {mode: clockLive},
		"backfill":         {mode: clockBackfill},
		"accelerated:60":   {mode: clockAccelerated, factor: 60},
		"accelerated:0.25": {mode: clockAccelerated, factor: 0.25},
	} {
		var got clockFlag
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "fast", "live:2", "accelerated", "accelerated:", "accelerated:0", "accelerated:-1", "accelerated:NaN", "accelerated:1e9"} {
		var got clockFlag
		if err := got.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is accepted as %+v", text, got)
		}
	}
}

func TestDateFlag(t *testing.T) {
	for text, want := range map[string]string{"2026-11-23": "2026-11-23T00:00:00Z", "2026-11-23T09:30:00+09:30": "2026-11-23T00:00:00Z"} {
		var d dateFlag
		if err := d.UnmarshalText([]byte(text)); err != nil || d.Format(time.RFC3339) != want {
			t.Errorf("%s: %v, %v", text, d, err)
		}
	}
	var d dateFlag
	if err := d.UnmarshalText([]byte("yesterday")); err == nil || !strings.Contains(err.Error(), "write 2026-11-23") {
		t.Errorf("got %v", err)
	}
}

func TestAcceleratedClock(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC).UnixMicro()
	from := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
	c := acceleratedClock{anchorUS: now, fromUS: from, factor: 60}
	hour := time.Hour.Microseconds()
	if got := c.WorldUS(now + hour); got != from+60*hour {
		t.Errorf("after an hour: %s", time.UnixMicro(got).UTC())
	}
	last := time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC).UnixMicro() - 1
	if got := c.WorldUS(now + 11*hour); got != last {
		t.Errorf("ahead of the collector: %s, want the end of tomorrow", time.UnixMicro(got).UTC())
	}
}
