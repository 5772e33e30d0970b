package query

import (
	"context"
	"math"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/gantry-dev/gantry/collector/query/rows"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// maxLive bounds a matrix of minutes.
const maxLive = 6 * time.Hour

// matrixCells gives a station's bins as columns, one row per station. A speed
// is of the parts and never a mean of speeds; a flow is over the 5 minutes that
// were measured.
const matrixCells = `SELECT station_id, groupArray(bin), groupArray(speed), groupArray(speed_state), groupArray(flow), groupArray(count_state), sum(speed_bins) FROM (
	SELECT station_id,
		toUInt32(intDiv(toInt64(toUnixTimestamp(bin_start)) - {from_s:Int64}, {bin_s:Int64})) AS bin,
		toFloat32(if(sum(sum_pace_h_km) > 0, sum(speed_count) / sum(sum_pace_h_km), nan)) AS speed,
		toUInt8(multiIf(countIf(s.speed_state = 'measured') > 0, 1, countIf(s.speed_state = 'empty') > 0, 2, 3)) AS speed_state,
		toFloat32(sumIf(vehicle_count, s.count_state = 'measured') * 12 / countIf(s.count_state = 'measured')) AS flow,
		toUInt8(multiIf(countIf(s.count_state = 'measured') = 0, 3, sumIf(vehicle_count, s.count_state = 'measured') > 0, 1, 2)) AS count_state,
		countIf(s.speed_state != 'missing') AS speed_bins
	FROM serving.station_5m AS s
	WHERE station_id IN {stations:Array(String)} AND bin_start >= {from:DateTime('UTC')} AND bin_start < {to:DateTime('UTC')}
	GROUP BY station_id, bin)
	GROUP BY station_id`

// GetCorridor implements gantry.v1.QueryService.
func (t *Traffic) GetCorridor(ctx context.Context, req *gantryv1.GetCorridorRequest) (*gantryv1.GetCorridorResponse, error) {
	bin, err := binLength(req.BinMin, 1, 5, 15, 60)
	if err != nil {
		return nil, err
	}
	p, err := t.network(ctx)
	if err != nil {
		return nil, err
	}
	along, err := p.along(req.Road, req.Direction)
	if err != nil {
		return nil, err
	}
	fresh, err := t.freshness(ctx)
	if err != nil {
		return nil, err
	}
	if bin == time.Minute {
		return t.liveCorridor(ctx, req, along)
	}
	r, err := readRange(req.From, req.To, fresh)
	if err != nil {
		return nil, err
	}
	if req.BinMin == 0 {
		bin = r.fewBins()
	}
	r = r.whole(bin, p.zone)
	if err := t.fits(r, bin, len(along)); err != nil {
		return nil, err
	}
	resp := newMatrix(along, r, bin)
	resp.Basis = fresh.basis()
	resp.Basis.Completeness = &gantryv1.Completeness{
		Of: "5-minute bins with a working source of speeds", ExpectedCount: uint64(len(along) * max(0, timeRange{r.from, earlier(r.to, fresh.lastBin())}.bins(fiveMin))),
	}
	return resp, t.fillMatrix(ctx, resp, r, bin)
}

// mostUnasked is how many bins are given of those who name no length: what a
// screen is wide, and a week of 5 minutes.
const mostUnasked = 7 * 24 * 12

// fewBins is the shortest bin that gives no more than that.
func (r timeRange) fewBins() time.Duration {
	for _, bin := range []time.Duration{fiveMin, 3 * fiveMin} {
		if r.bins(bin) <= mostUnasked {
			return bin
		}
	}
	return time.Hour
}

// fits refuses what would be too large before anything is read.
func (t *Traffic) fits(r timeRange, bin time.Duration, rows int) error {
	if n := r.bins(bin) * rows; n > t.cfg.MaxCells {
		return status.Errorf(codes.ResourceExhausted, "from, to, bin_min: %d bins of %d rows are %d elements, and %d are the most: ask for a shorter time or longer bins",
			r.bins(bin), rows, n, t.cfg.MaxCells)
	}
	return nil
}

// newMatrix is a matrix in which nothing is known.
func newMatrix(along []*gantryv1.RoadStation, r timeRange, bin time.Duration) *gantryv1.GetCorridorResponse {
	resp := &gantryv1.GetCorridorResponse{BinMin: uint32(bin / time.Minute), BinStartUnixS: starts(r, bin)}
	n := len(resp.BinStartUnixS)
	for _, s := range along {
		resp.Road, resp.Direction = s.Road, s.Direction
		resp.Stations = append(resp.Stations, &gantryv1.CorridorStation{
			StationId: s.StationId, OffsetM: s.OffsetM, LaneCount: s.LaneCount, LimitKmh: s.LimitKmh,
			SpeedKmh: unknown(n), SpeedState: missing(n), FlowVehH: unknown(n), CountState: missing(n),
		})
	}
	return resp
}

func (t *Traffic) fillMatrix(ctx context.Context, resp *gantryv1.GetCorridorResponse, r timeRange, bin time.Duration) error {
	row := map[string]*gantryv1.CorridorStation{}
	names := []string{}
	for _, s := range resp.Stations {
		row[s.StationId] = s
		names = append(names, s.StationId)
	}
	var station string
	var at []uint32
	var speed, flow []float32
	var speedState, countState []uint8
	var measured uint64
	args := []any{
		rows.Arg("from_s", r.from.Unix()), rows.Arg("bin_s", int64(bin.Seconds())),
		rows.Arg("from", r.from), rows.Arg("to", r.to), rows.Arg("stations", names),
	}
	return t.planner.Each(ctx, matrixCells, args, []any{&station, &at, &speed, &speedState, &flow, &countState, &measured}, func() error {
		resp.Basis.Completeness.MeasuredCount += measured
		s := row[station]
		for i, bin := range at {
			s.SpeedKmh[bin], s.SpeedState[bin] = speed[i], gantryv1.BinState(speedState[i])
			s.FlowVehH[bin], s.CountState[bin] = flow[i], gantryv1.BinState(countState[i])
		}
		return nil
	})
}

// starts are the begins of a range's bins.
func starts(r timeRange, bin time.Duration) []int64 {
	out := make([]int64, r.bins(bin))
	for i := range out {
		out[i] = r.from.Unix() + int64(i)*int64(bin/time.Second)
	}
	return out
}

// unknown and missing are so many elements of which nothing is known.
func unknown(n int) []float32 {
	out := make([]float32, n)
	for i := range out {
		out[i] = float32(math.NaN())
	}
	return out
}

func missing(n int) []gantryv1.BinState {
	out := make([]gantryv1.BinState, n)
	for i := range out {
		out[i] = gantryv1.BinState_BIN_STATE_MISSING
	}
	return out
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
