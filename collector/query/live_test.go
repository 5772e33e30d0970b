package query_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/gantry-dev/gantry/collector/query"
	"github.com/gantry-dev/gantry/collector/query/querytest"
	"github.com/gantry-dev/gantry/collector/query/rows"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// minute writes one live row: so many cars counted in it, and so many seen by a
// camera at 90 km/h.
func minute(d *doors, station string, lane int, at string, counted, seen int) {
	d.Exec(fmt.Sprintf(`INSERT INTO live.station_minute_versions (station_id, lane, vehicle_class, counter_count, counter_covered_ms,
		counter_speed_count, counter_sum_speed_m_h, counter_sum_pace_us_km, camera_count, camera_speed_count, camera_sum_speed_m_h,
		camera_sum_pace_us_km, minute, computed_at, version)
		VALUES ('%s', %d, 'car', %[4]d, %[4]d * 300, %[4]d, %[4]d * 100000, %[4]d * 36000000, %[5]d, %[5]d, %[5]d * 90000, %[5]d * 40000000,
		'%[3]s', '%[3]s.500', toUnixTimestamp64Milli(now64(3)))`, station, lane, at, counted, seen))
}

func live(t *testing.T, d *doors, req *gantryv1.ListLiveStationsRequest) *gantryv1.ListLiveStationsResponse {
	t.Helper()
	resp, err := d.client().ListLiveStations(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

// TestLiveTellsEmptyFromBlind: S0 is busy, S2 spoke ten minutes ago and S1, S3
// not at all. The newest minute is still filling and not shown.
func TestLiveTellsEmptyFromBlind(t *testing.T) {
	d := open(t, querytest.Start(t), rows.DefaultLimits(), at("2026-03-02T08:10:20Z"))
	if resp := live(t, d, &gantryv1.ListLiveStationsRequest{}); resp.Basis.AsOf != "" || len(resp.Stations) != 4 || resp.Stations[0].CountState != gantryv1.BinState_BIN_STATE_MISSING {
		t.Errorf("without a reading: %v", resp)
	}
	minute(d, "S0", 1, "2026-03-02 08:09:00", 12, 10)
	minute(d, "S0", 2, "2026-03-02 08:05:00", 6, 0)
	minute(d, "S0", 1, "2026-03-02 08:10:00", 1, 1) // not over
	minute(d, "S2", 1, "2026-03-02 08:00:00", 3, 0)
	minute(d, "S0", 1, "2026-03-02 09:00:00", 99, 99) // a clock that is ahead
	resp := live(t, d, &gantryv1.ListLiveStationsRequest{ByLane: true})
	if resp.WindowFrom != "2026-03-02T08:05:00Z" || resp.WindowTo != "2026-03-02T08:10:00Z" || resp.Basis.AsOf != resp.WindowTo {
		t.Errorf("window %s to %s, as of %s", resp.WindowFrom, resp.WindowTo, resp.Basis.AsOf)
	}
	if c := resp.Basis.Completeness; c.MeasuredCount != 2 || c.ExpectedCount != 4 {
		t.Errorf("completeness: %v", c)
	}
	var got []string
	for _, s := range resp.Stations {
		got = append(got, fmt.Sprintf("%s/%d %s %s %d %v %v %s", s.StationId, s.Lane, state(s.CountState), state(s.SpeedState), s.VehicleCount, deref(s.FlowVehH), deref(s.SpeedKmh), s.SpeedSource))
	}
	want := []string{
		"S0/0 measured measured 18 216 90 camera", "S0/1 measured measured 12 144 90 camera", "S0/2 measured empty 6 72 none camera",
		"S1/0 missing missing 0 none none ", "S1/1 missing missing 0 none none ", "S1/2 missing missing 0 none none ",
		"S2/0 empty empty 0 0 none counter", "S2/1 empty empty 0 0 none counter", "S2/2 empty empty 0 0 none counter",
		"S3/0 missing missing 0 none none ", "S3/1 missing missing 0 none none ", "S3/2 missing missing 0 none none ",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if share := *resp.Stations[1].CoveredShare; share != 12*300./(5*60000) {
		t.Errorf("a lane is covered %v of the time", share)
	}
	one := live(t, d, &gantryv1.ListLiveStationsRequest{Direction: "south", PageSize: 1})
	if len(one.Stations) != 1 || one.Stations[0].StationId != "S1" || one.NextPageToken == "" {
		t.Errorf("a page of the south: %v", one)
	}
	two := live(t, d, &gantryv1.ListLiveStationsRequest{Direction: "south", PageSize: 1, PageToken: one.NextPageToken})
	if len(two.Stations) != 1 || two.Stations[0].StationId != "S3" || two.NextPageToken != "" {
		t.Errorf("the page after it: %v", two)
	}
}

func state(s gantryv1.BinState) string {
	return strings.ToLower(strings.TrimPrefix(s.String(), "BIN_STATE_"))
}

func deref(v *float64) string {
	if v == nil {
		return "none"
	}
	return fmt.Sprint(*v)
}

// TestWatchSendsAsMinutesChange: the first message has all, the next what
// changed, by whoever it comes; nothing is sent while nothing changes.
func TestWatchSendsAsMinutesChange(t *testing.T) {
	d := open(t, querytest.Start(t), rows.DefaultLimits(), at("2026-03-02T08:10:20Z"), func(c *query.Config) { c.LiveEvery = 20 * time.Millisecond })
	minute(d, "S0", 1, "2026-03-02 08:09:00", 12, 10)
	stream, err := d.client().WatchLiveStations(t.Context(), &gantryv1.WatchLiveStationsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	first, err := stream.Recv()
	if err != nil || len(first.Stations) != 4 || first.WindowTo != "2026-03-02T08:10:00Z" {
		t.Fatalf("got %v, %v, want all four", first, err)
	}
	minute(d, "S3", 1, "2026-03-02 08:08:00", 0, 5)
	next, err := stream.Recv()
	if err != nil || len(next.Stations) != 1 || next.Stations[0].StationId != "S3" || next.Stations[0].GetSpeedKmh() != 90 {
		t.Fatalf("got %v, %v, want S3 alone", next, err)
	}
	if next.Basis.Completeness.MeasuredCount != 2 {
		t.Errorf("completeness %v: those that did not change count too", next.Basis.Completeness)
	}
}

// TestLiveCorridor: a minute is empty only if the instrument spoke shortly
// before it.
func TestLiveCorridor(t *testing.T) {
	d := open(t, querytest.Start(t), rows.DefaultLimits(), at("2026-03-02T08:10:20Z"))
	minute(d, "S0", 1, "2026-03-02 07:50:00", 2, 1)
	minute(d, "S0", 1, "2026-03-02 08:09:00", 4, 3)
	resp, err := d.client().GetCorridor(t.Context(), &gantryv1.GetCorridorRequest{Direction: "north", BinMin: 1, From: "2026-03-02T07:49:00Z"})
	if err != nil {
		t.Fatal(err)
	}
	if len(resp.BinStartUnixS) != 21 || len(resp.Stations) != 2 || resp.Basis.AsOf != "2026-03-02T08:10:00Z" {
		t.Fatalf("got %d bins of %d stations as of %s", len(resp.BinStartUnixS), len(resp.Stations), resp.Basis.AsOf)
	}
	var got []string
	for _, s := range resp.Stations[0].SpeedState {
		got = append(got, state(s)[:2])
	}
	// 07:49 nothing yet, 07:50 measured, 14 minutes of an instrument that is
	// alive, five of one that may not be, 08:09 measured.
	want := "mi me" + strings.Repeat(" em", 14) + strings.Repeat(" mi", 4) + " me"
	if strings.Join(got, " ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, " "), want)
	}
	if v := resp.Stations[0].SpeedKmh; v[1] != 90 || !math.IsNaN(float64(v[0])) || !math.IsNaN(float64(v[2])) {
		t.Errorf("speeds %v", v)
	}
	if f := resp.Stations[0].FlowVehH; f[1] != 120 || f[2] != 0 || !math.IsNaN(float64(f[0])) {
		t.Errorf("flows %v", f)
	}
	if c := resp.Basis.Completeness; c.MeasuredCount != 16 || c.ExpectedCount != 42 {
		t.Errorf("completeness %v", c)
	}
}
