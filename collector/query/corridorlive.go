package query

import (
	"context"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/gantry-dev/gantry/collector/query/rows"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// liveMinutes are the sums of stations, minute by minute.
const liveMinutes = `SELECT station_id, minute, sum(counter_count), sum(counter_speed_count), sum(counter_sum_pace_us_km),
	sum(camera_speed_count), sum(camera_sum_pace_us_km), max(computed_at)
	FROM live.station_minutes
	WHERE station_id IN {stations:Array(String)} AND minute >= {from:DateTime('UTC')} AND minute < {to:DateTime('UTC')}
	GROUP BY station_id, minute
	ORDER BY station_id, minute`

// minuteSums are those of one station and minute.
type minuteSums struct {
	at                                                             int // minute after the begin of the range; less than 0 before it
	vehicles, counterSpeeds, counterUsKm, cameraSpeeds, cameraUsKm uint64
}

// liveCorridor is the matrix of the live minutes.
func (t *Traffic) liveCorridor(ctx context.Context, req *gantryv1.GetCorridorRequest, along []*gantryv1.RoadStation) (*gantryv1.GetCorridorResponse, error) {
	view, err := t.live(ctx, 1)
	if err != nil {
		return nil, err
	}
	end := view.window.to
	from := req.From
	if from == "" && req.To == "" && !end.IsZero() {
		from = moment(end.Add(-time.Hour))
	}
	r, err := readRange(from, req.To, &freshness{asOf: end})
	if err != nil {
		return nil, err
	}
	r = r.whole(time.Minute, time.UTC)
	if r.to.Sub(r.from) > maxLive {
		return nil, status.Errorf(codes.InvalidArgument, "from, to: minutes are shown of at most %v: ask for less, or for bin_min 5", maxLive)
	}
	known := max(0, timeRange{r.from, earlier(r.to, end)}.bins(time.Minute))
	resp := newMatrix(along, r, time.Minute)
	resp.Basis = view.basis(nil)
	resp.Basis.Completeness = &gantryv1.Completeness{Of: "minutes with a working source of speeds", ExpectedCount: uint64(len(along) * known)}
	by, err := t.readMinutes(ctx, r, along)
	if err != nil {
		return nil, err
	}
	for _, s := range resp.Stations {
		resp.Basis.Completeness.MeasuredCount += fillMinutes(s, by[s.StationId], known)
	}
	return resp, nil
}

// readMinutes reads a range, and a while before it, by station.
func (t *Traffic) readMinutes(ctx context.Context, r timeRange, along []*gantryv1.RoadStation) (map[string][]minuteSums, error) {
	names := []string{}
	for _, s := range along {
		names = append(names, s.StationId)
	}
	by := map[string][]minuteSums{}
	var station string
	var minute, computed time.Time
	var m minuteSums
	args := []any{rows.Arg("stations", names), rows.Arg("from", r.from.Add(-alive)), rows.Arg("to", r.to)}
	dest := []any{&station, &minute, &m.vehicles, &m.counterSpeeds, &m.counterUsKm, &m.cameraSpeeds, &m.cameraUsKm, &computed}
	return by, t.planner.Each(ctx, liveMinutes, args, dest, func() error {
		row := m
		row.at = int(minute.Sub(r.from) / time.Minute)
		by[station] = append(by[station], row)
		return nil
	})
}

// fillMinutes puts minutes, which are in order, into a row of which the first
// known elements can be known, and says of how many the speed's instrument
// worked: it spoke in the minute or a while before.
func fillMinutes(s *gantryv1.CorridorStation, minutes []minuteSums, known int) (measured uint64) {
	aliveMin := int(alive / time.Minute)
	counter, camera := -2*aliveMin, -2*aliveMin // minute in which each spoke last
	next := 0
	for at := range known {
		var m minuteSums
		for ; next < len(minutes) && minutes[next].at <= at; next++ {
			if minutes[next].vehicles > 0 {
				counter = minutes[next].at
			}
			if minutes[next].cameraSpeeds > 0 {
				camera = minutes[next].at
			}
			if minutes[next].at == at {
				m = minutes[next]
			}
		}
		hasCounter, hasCamera := at-counter < aliveMin, at-camera < aliveMin
		s.CountState[at] = liveState(hasCounter, m.vehicles)
		if hasCounter {
			s.FlowVehH[at] = float32(m.vehicles * 60)
		}
		n, usKm := m.counterSpeeds, m.counterUsKm
		if hasCamera {
			n, usKm = m.cameraSpeeds, m.cameraUsKm
		}
		s.SpeedState[at] = liveState(hasCounter || hasCamera, n)
		if hasCounter || hasCamera {
			measured++
		}
		if n > 0 {
			s.SpeedKmh[at] = float32(float64(n) * 3.6e9 / float64(usKm))
		}
	}
	return measured
}
