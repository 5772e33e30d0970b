package query

import (
	"testing"
	"time"
)

// TestBinsBeginWithTheZonesHours: also where the zone is a quarter of an hour
// off UTC, and over a night in which its clock moves by half an hour.
func TestBinsBeginWithTheZonesHours(t *testing.T) {
	lordHowe, err := time.LoadLocation("Australia/Lord_Howe")
	if err != nil {
		t.Fatal(err)
	}
	quarter, odd := time.FixedZone("+04:15", 255*60), time.FixedZone("+00:07", 7*60)
	for _, c := range []struct {
		zone     *time.Location
		bin      time.Duration
		from, to string
		want     string
		bins     int
	}{
		{time.UTC, time.Hour, "2026-03-02T08:10:00Z", "2026-03-02T09:50:00Z", "2026-03-02T08:00:00Z", 2},
		{quarter, time.Hour, "2026-03-01T19:45:00Z", "2026-03-02T19:45:00Z", "2026-03-01T19:45:00Z", 24},
		{quarter, time.Hour, "2026-03-01T19:40:00Z", "2026-03-01T19:50:00Z", "2026-03-01T18:45:00Z", 2},
		{quarter, 15 * time.Minute, "2026-03-01T19:46:00Z", "2026-03-01T20:00:00Z", "2026-03-01T19:45:00Z", 1},
		{odd, time.Hour, "2026-03-02T08:00:00Z", "2026-03-02T09:00:00Z", "2026-03-02T07:55:00Z", 2},
		{odd, fiveMin, "2026-03-02T08:00:00Z", "2026-03-02T09:00:00Z", "2026-03-02T08:00:00Z", 12},
		{lordHowe, time.Hour, "2026-04-04T13:00:00Z", "2026-04-05T13:30:00Z", "2026-04-04T13:00:00Z", 25},
	} {
		at := func(text string) time.Time {
			v, err := time.Parse(time.RFC3339, text)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		r := timeRange{at(c.from), at(c.to)}.whole(c.bin, c.zone)
		if got := moment(r.from); got != c.want || r.bins(c.bin) != c.bins || !r.from.Add(time.Duration(c.bins)*c.bin).Equal(r.to) {
			t.Errorf("%s to %s by %v in %v: %d bins from %s to %s, want %d from %s", c.from, c.to, c.bin, c.zone, r.bins(c.bin), got, moment(r.to), c.bins, c.want)
		}
	}
}

func TestLongRangesHaveLongBinsUnlessAsked(t *testing.T) {
	for days, want := range map[int]time.Duration{1: fiveMin, 7: fiveMin, 8: 15 * time.Minute, 21: 15 * time.Minute, 22: time.Hour, 365: time.Hour} {
		from := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
		if got := (timeRange{from, from.AddDate(0, 0, days)}).fewBins(); got != want {
			t.Errorf("%d days: bins of %v, want %v", days, got, want)
		}
	}
}
