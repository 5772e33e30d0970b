package query

import (
	"context"
	"fmt"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/gantry-dev/gantry/collector/query/rows"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// maxWeeksBefore bounds the series of one answer.
const maxWeeksBefore = 8

// fiveMin is the grain of station_5m.
const fiveMin = 5 * time.Minute

// stationBin is a row of station_5m; all zero when there is none.
type stationBin struct {
	there                                               bool
	lanes                                               uint8
	vehicles, heavy, coveredMs, speeds, tolled, persons uint64
	pce, pace                                           float64
	countState, speedState                              string
}

// GetStationSeries implements gantry.v1.QueryService.
func (t *Traffic) GetStationSeries(ctx context.Context, req *gantryv1.GetStationSeriesRequest) (*gantryv1.GetStationSeriesResponse, error) {
	bin, err := binLength(req.BinMin, 5, 15, 60)
	if err != nil {
		return nil, err
	}
	if req.WeeksBefore > maxWeeksBefore {
		return nil, status.Errorf(codes.InvalidArgument, "weeks_before: %d is more than %d", req.WeeksBefore, maxWeeksBefore)
	}
	p, err := t.network(ctx)
	if err != nil {
		return nil, err
	}
	if err := p.check(ofStation, "station_id", req.StationId); err != nil {
		return nil, err
	}
	fresh, err := t.freshness(ctx)
	if err != nil {
		return nil, err
	}
	r, err := readRange(req.From, req.To, fresh)
	if err != nil {
		return nil, err
	}
	r = r.whole(bin, p.zone)
	const columns = 6
	if err := t.fits(r, fiveMin, columns*(int(req.WeeksBefore)+1)); err != nil {
		return nil, err
	}
	resp := &gantryv1.GetStationSeriesResponse{
		Basis: fresh.basis(), StationId: req.StationId, BinMin: uint32(bin / time.Minute), BinStartUnixS: starts(r, bin),
	}
	return resp, t.fillSeries(ctx, resp, r, p.zone, req.WeeksBefore, fresh.lastBin())
}

// fillSeries reads the range and those of the weeks before in one query; known
// is the end of the last bin that there is.
func (t *Traffic) fillSeries(ctx context.Context, resp *gantryv1.GetStationSeriesResponse, r timeRange, zone *time.Location, weeks uint32, known time.Time) error {
	var ranges []timeRange
	for w := range int(weeks) + 1 {
		ranges = append(ranges, timeRange{weeksBefore(r.from, w, zone), weeksBefore(r.to, w, zone)})
	}
	by, err := t.readBins(ctx, resp.StationId, ranges)
	if err != nil {
		return err
	}
	bin := time.Duration(resp.BinMin) * time.Minute
	for w := range ranges {
		s := &gantryv1.StationSeries{WeeksBefore: uint32(w)}
		for _, start := range resp.BinStartUnixS {
			begin := weeksBefore(time.Unix(start, 0), w, zone)
			var parts []stationBin
			for at := begin; at.Before(begin.Add(bin)); at = at.Add(fiveMin) {
				parts = append(parts, by[at.Unix()])
			}
			s.SeriesBinStartUnixS = append(s.SeriesBinStartUnixS, begin.Unix())
			appendBin(s, parts)
		}
		resp.Series = append(resp.Series, s)
	}
	c := &gantryv1.Completeness{Of: "5-minute bins with a working counter"}
	c.ExpectedCount = uint64(max(0, timeRange{r.from, earlier(r.to, known)}.bins(fiveMin)))
	for at := r.from; at.Before(r.to); at = at.Add(fiveMin) {
		if by[at.Unix()].countState == "measured" {
			c.MeasuredCount++
		}
	}
	resp.Basis.Completeness = c
	return nil
}

// weeksBefore is the same time by the clock on the wall so many weeks earlier:
// people's weeks go by it, also over a night in which the clocks change.
func weeksBefore(at time.Time, weeks int, zone *time.Location) time.Time {
	if weeks == 0 {
		return at
	}
	local := at.In(zone)
	return time.Date(local.Year(), local.Month(), local.Day()-7*weeks, local.Hour(), local.Minute(), local.Second(), 0, zone)
}

// readBins reads the bins of a station within any of the ranges, by their begin
// in seconds since 1970 UTC.
func (t *Traffic) readBins(ctx context.Context, station string, ranges []timeRange) (map[int64]stationBin, error) {
	var within []string
	args := []any{rows.Arg("station_id", station)}
	for i, r := range ranges {
		within = append(within, fmt.Sprintf("bin_start >= {from%d:DateTime('UTC')} AND bin_start < {to%[1]d:DateTime('UTC')}", i))
		args = append(args, rows.Arg(fmt.Sprintf("from%d", i), r.from), rows.Arg(fmt.Sprintf("to%d", i), r.to))
	}
	statement := `SELECT toInt64(toUnixTimestamp(bin_start)), lane_count, vehicle_count, heavy_count, covered_ms, pce_count,
		speed_count, sum_pace_h_km, toll_count, toll_sum_persons, toString(count_state), toString(speed_state)
		FROM serving.station_5m WHERE station_id = {station_id:String} AND (` + strings.Join(within, " OR ") + ")"
	by := map[int64]stationBin{}
	var start int64
	var b stationBin
	dest := []any{
		&start, &b.lanes, &b.vehicles, &b.heavy, &b.coveredMs, &b.pce, &b.speeds, &b.pace, &b.tolled, &b.persons,
		&b.countState, &b.speedState,
	}
	return by, t.planner.Each(ctx, statement, args, dest, func() error {
		b.there = true
		by[start] = b
		return nil
	})
}

// appendBin adds one element to every column of a series: the ratios of the
// parts' sums. Parts that were not measured count as nothing, not as zero.
func appendBin(s *gantryv1.StationSeries, parts []stationBin) {
	var counted, dense, all stationBin
	var laneH float64
	bins, speedAlive := 0, false
	const perHour = float64(time.Hour / fiveMin)
	for _, b := range parts {
		timed := b.there && b.speedState != "missing"
		speedAlive = speedAlive || timed
		all.add(b)
		if b.countState != "measured" {
			continue
		}
		counted.add(b)
		bins++
		if timed {
			dense.add(b)
			laneH += float64(b.lanes) / perHour
		}
	}
	s.FlowVehH = append(s.FlowVehH, ratio(float64(counted.vehicles)*perHour, float64(bins)))
	s.CountState = append(s.CountState, liveState(bins > 0, counted.vehicles))
	s.SpeedKmh = append(s.SpeedKmh, ratio(float64(all.speeds), all.pace))
	s.SpeedState = append(s.SpeedState, liveState(speedAlive, all.speeds))
	s.HeavyShare = append(s.HeavyShare, ratio(float64(counted.heavy), float64(counted.vehicles)))
	s.CoveredShare = append(s.CoveredShare, ratio(float64(counted.coveredMs), float64(bins)*float64(counted.lanes)*float64(fiveMin/time.Millisecond)))
	s.DensityEstPcKm = append(s.DensityEstPcKm, density(dense, laneH))
	s.PersonsPerVehicle = append(s.PersonsPerVehicle, ratio(float64(all.persons), float64(all.tolled)))
}

// density is flow over speed of bins that have both, as dbt's station_ratios
// has it.
func density(b stationBin, laneH float64) float32 {
	if laneH > 0 && b.pce == 0 {
		return 0
	}
	return ratio(b.pce*b.pace, laneH*float64(b.speeds))
}

func (b *stationBin) add(o stationBin) {
	b.lanes = max(b.lanes, o.lanes)
	b.vehicles += o.vehicles
	b.heavy += o.heavy
	b.coveredMs += o.coveredMs
	b.speeds += o.speeds
	b.tolled += o.tolled
	b.persons += o.persons
	b.pce += o.pce
	b.pace += o.pace
}

// ratio is NaN where there is nothing to divide by.
func ratio(a, b float64) float32 {
	if b == 0 {
		return unknown(1)[0]
	}
	return float32(a / b)
}
