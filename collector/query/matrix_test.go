package query_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/gantry-dev/gantry/collector/query/querytest"
	"github.com/gantry-dev/gantry/collector/query/rows"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// bin writes a row of station_5m: a count of 0 is an empty bin, less a missing
// one. Every vehicle covers the loop for 300 ms, a tenth of them are heavy.
func bin(d *doors, station, start string, count int, speedKmh float64) {
	state, speedState := "measured", "measured"
	switch {
	case count < 0:
		state, speedState, count = "missing", "missing", 0
	case count == 0:
		speedState = "empty"
	}
	n := count
	if speedKmh == 0 {
		n = 0
	}
	pace := 0.
	if n > 0 {
		pace = float64(n) / speedKmh
	}
	d.Exec(fmt.Sprintf(`INSERT INTO serving.station_5m (station_id, road, direction, lane_count, vehicle_count, heavy_count, pce_count, covered_ms,
		speed_count, sum_speed_kmh, sum_pace_h_km, toll_count, toll_sum_persons, count_state, speed_state, speed_source, toll_state, bin_start)
		VALUES ('%s', 'M1', 'north', 2, %d, %d, %g, %d, %d, %g, %g, %d, %d, '%s', '%s', 'camera', 'measured', '%s')`,
		station, count, count/10, float64(count)*1.1, count*300, n, float64(n)*speedKmh, pace, count, count*2, state, speedState, start))
}

func same32(a float32, b float64) bool {
	return math.IsNaN(float64(a)) && math.IsNaN(b) || math.Abs(float64(a)-b) <= 1e-5*math.Abs(b)
}

// TestCorridorMatrix: what is missing is NaN and says so, longer bins are of
// the parts' sums, and a flow is over what was measured.
func TestCorridorMatrix(t *testing.T) {
	d := open(t, querytest.Start(t), rows.DefaultLimits())
	bin(d, "S0", "2026-03-02 08:00:00", 100, 50)
	bin(d, "S0", "2026-03-02 08:05:00", 20, 100)
	bin(d, "S0", "2026-03-02 08:10:00", -1, 0)
	bin(d, "S0", "2026-03-02 08:15:00", 0, 0)
	bin(d, "S1", "2026-03-02 08:00:00", 7, 70) // of the other direction
	ask := func(binMin uint32) *gantryv1.GetCorridorResponse {
		resp, err := d.client().GetCorridor(t.Context(), &gantryv1.GetCorridorRequest{
			Direction: "north", From: "2026-03-02T08:00:00Z", To: "2026-03-02T08:29:00Z", BinMin: binMin,
		})
		if err != nil {
			t.Fatal(err)
		}
		return resp
	}
	nan := math.NaN()
	const yes, none, no = gantryv1.BinState_BIN_STATE_MEASURED, gantryv1.BinState_BIN_STATE_EMPTY, gantryv1.BinState_BIN_STATE_MISSING
	for binMin, want := range map[uint32]struct {
		speeds, flows          []float64
		speedStates, flowState []gantryv1.BinState
	}{
		5: {
			[]float64{50, 100, nan, nan, nan, nan}, []float64{1200, 240, nan, 0, nan, nan},
			[]gantryv1.BinState{yes, yes, no, none, no, no}, []gantryv1.BinState{yes, yes, no, none, no, no},
		},
		15: {
			[]float64{120 / (100./50 + 20./100), nan}, []float64{120 * 12 / 2, 0},
			[]gantryv1.BinState{yes, none}, []gantryv1.BinState{yes, none},
		},
	} {
		resp := ask(binMin)
		if len(resp.Stations) != 2 || resp.Stations[0].StationId != "S0" || resp.Stations[1].StationId != "S2" || resp.Road != "M1" {
			t.Fatalf("rows are %v", resp.Stations)
		}
		if first := time.Unix(resp.BinStartUnixS[0], 0).UTC().Format(time.RFC3339); first != "2026-03-02T08:00:00Z" || len(resp.BinStartUnixS) != len(want.speeds) {
			t.Errorf("%d min: %d bins from %s", binMin, len(resp.BinStartUnixS), first)
		}
		s := resp.Stations[0]
		for i := range want.speeds {
			if !same32(s.SpeedKmh[i], want.speeds[i]) || !same32(s.FlowVehH[i], want.flows[i]) || s.SpeedState[i] != want.speedStates[i] || s.CountState[i] != want.flowState[i] {
				t.Errorf("%d min, bin %d: speed %v %v, flow %v %v, want %v %v, %v %v", binMin, i, s.SpeedKmh[i], s.SpeedState[i], s.FlowVehH[i], s.CountState[i],
					want.speeds[i], want.speedStates[i], want.flows[i], want.flowState[i])
			}
			if resp.Stations[1].SpeedState[i] != no || !math.IsNaN(float64(resp.Stations[1].SpeedKmh[i])) {
				t.Errorf("S2 has no data, and shows %v %v", resp.Stations[1].SpeedKmh[i], resp.Stations[1].SpeedState[i])
			}
		}
		if c := resp.Basis.Completeness; c.MeasuredCount != 3 || c.ExpectedCount != 12 {
			t.Errorf("%d min: completeness %v", binMin, c)
		}
	}
}

// TestSeriesComparesByTheClockOnTheWall: a week before the Monday after the
// clocks changed, 08:00 in Berlin was another hour in UTC.
func TestSeriesComparesByTheClockOnTheWall(t *testing.T) {
	d := open(t, querytest.Start(t), rows.DefaultLimits())
	bin(d, "S0", "2026-03-30 06:00:00", 30, 90) // 08:00, summer time
	bin(d, "S0", "2026-03-30 06:05:00", 10, 60)
	bin(d, "S0", "2026-03-23 07:00:00", 50, 80) // 08:00, winter time
	bin(d, "S0", "2026-03-23 06:00:00", 99, 99) // 07:00
	resp, err := d.client().GetStationSeries(t.Context(), &gantryv1.GetStationSeriesRequest{
		StationId: "S0", From: "2026-03-30T06:00:00Z", To: "2026-03-30T06:15:00Z", BinMin: 15, WeeksBefore: 2,
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(resp.Series) != 3 || len(resp.BinStartUnixS) != 1 {
		t.Fatalf("got %d series of %d bins", len(resp.Series), len(resp.BinStartUnixS))
	}
	now, before, none := resp.Series[0], resp.Series[1], resp.Series[2]
	if now.FlowVehH[0] != 40*12/2 || !same32(now.SpeedKmh[0], 40/(30./90+10./60)) || before.FlowVehH[0] != 600 || before.SpeedKmh[0] != 80 {
		t.Errorf("now %v %v, a week before %v %v", now.FlowVehH, now.SpeedKmh, before.FlowVehH, before.SpeedKmh)
	}
	if at := time.Unix(before.SeriesBinStartUnixS[0], 0).UTC(); at.Format(time.RFC3339) != "2026-03-23T07:00:00Z" {
		t.Errorf("a week before is %v", at)
	}
	if !math.IsNaN(float64(none.FlowVehH[0])) || none.CountState[0] != gantryv1.BinState_BIN_STATE_MISSING || none.SpeedState[0] != gantryv1.BinState_BIN_STATE_MISSING {
		t.Errorf("without data: %v", none)
	}
	if !same32(now.HeavyShare[0], 4./40) || !same32(now.PersonsPerVehicle[0], 2) || !same32(now.CoveredShare[0], 40*300./(2*2*300_000)) {
		t.Errorf("shares %v %v %v", now.HeavyShare, now.PersonsPerVehicle, now.CoveredShare)
	}
	// pce / lane hours, over speed
	if want := 44. / (2 * 2 / 12.) * (30./90 + 10./60) / 40; !same32(now.DensityEstPcKm[0], want) {
		t.Errorf("density %v, want %v", now.DensityEstPcKm, want)
	}
}
