package query

import (
	"context"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/gantry-dev/gantry/collector/query/rows"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// Windows of the live minutes.
const (
	defaultWindowMin, maxWindowMin = 5, 60
	// alive is how long before the end an instrument must have spoken, or its
	// silence says nothing.
	alive = 15 * time.Minute
)

// liveView is what the live minutes show, of all stations of the network.
type liveView struct {
	window     timeRange // empty when there never was a reading
	computedAt time.Time
	stations   []*gantryv1.LiveStation // by station_id and lane
}

// newest is the begin of the newest minute that is not ahead of the clock.
const newest = `SELECT minute FROM live.station_minute_versions WHERE minute <= {now:DateTime('UTC')} AND is_deleted = 0
	ORDER BY minute DESC LIMIT 1`

// The sums of a window, and whether each instrument spoke a while before its
// end. Heavy vehicles are those of dbt's passenger_car_equivalents.
const windowSums = `SELECT station_id, lane,
	sumIf(counter_count, minute >= {from:DateTime('UTC')}),
	sumIf(counter_count, minute >= {from:DateTime('UTC')} AND vehicle_class IN ('truck', 'bus', 'other')),
	sumIf(counter_covered_ms, minute >= {from:DateTime('UTC')}),
	sumIf(counter_speed_count, minute >= {from:DateTime('UTC')}),
	sumIf(counter_sum_speed_m_h, minute >= {from:DateTime('UTC')}),
	sumIf(counter_sum_pace_us_km, minute >= {from:DateTime('UTC')}),
	sumIf(camera_speed_count, minute >= {from:DateTime('UTC')}),
	sumIf(camera_sum_speed_m_h, minute >= {from:DateTime('UTC')}),
	sumIf(camera_sum_pace_us_km, minute >= {from:DateTime('UTC')}),
	sumIf(toll_count, minute >= {from:DateTime('UTC')}),
	sumIf(toll_sum_persons, minute >= {from:DateTime('UTC')}),
	sumIf(counter_count, minute >= {alive:DateTime('UTC')}) > 0,
	sumIf(camera_speed_count, minute >= {alive:DateTime('UTC')}) > 0,
	maxIf(minute, minute >= {alive:DateTime('UTC')}),
	max(computed_at)
	FROM live.station_minutes
	WHERE minute >= least({from:DateTime('UTC')}, {alive:DateTime('UTC')}) AND minute < {to:DateTime('UTC')}
	GROUP BY station_id, lane`

// sums are those of one lane, or of a station.
type sums struct {
	vehicles, heavy, coveredMs            uint64
	counterSpeeds, counterMH, counterUsKm uint64
	cameraSpeeds, cameraMH, cameraUsKm    uint64
	tolled, persons                       uint64
	counterAlive, cameraAlive             bool
	newestMinute                          time.Time
}

func (s *sums) add(o sums) {
	s.vehicles += o.vehicles
	s.heavy += o.heavy
	s.coveredMs += o.coveredMs
	s.counterSpeeds += o.counterSpeeds
	s.counterMH += o.counterMH
	s.counterUsKm += o.counterUsKm
	s.cameraSpeeds += o.cameraSpeeds
	s.cameraMH += o.cameraMH
	s.cameraUsKm += o.cameraUsKm
	s.tolled += o.tolled
	s.persons += o.persons
	s.counterAlive = s.counterAlive || o.counterAlive
	s.cameraAlive = s.cameraAlive || o.cameraAlive
	if o.newestMinute.After(s.newestMinute) {
		s.newestMinute = o.newestMinute
	}
}

// live looks at the live minutes: each station of the network, and its lanes.
func (t *Traffic) live(ctx context.Context, windowMin uint32) (*liveView, error) {
	p, err := t.network(ctx)
	if err != nil {
		return nil, err
	}
	now := t.cfg.Now()
	view := &liveView{}
	var last time.Time
	found, err := t.planner.One(ctx, newest, []any{rows.Arg("now", now.Truncate(time.Second))}, &last)
	if err != nil {
		return nil, err
	}
	lanes := map[string]map[uint8]*sums{}
	if found {
		// What is newest is still filling, unless it is old.
		to := last.Add(time.Minute)
		if settled := now.Add(-t.cfg.LiveSettle).Truncate(time.Minute); settled.Before(to) {
			to = settled
		}
		view.window = timeRange{to.Add(-time.Duration(windowMin) * time.Minute), to}
		if view.computedAt, err = t.readWindow(ctx, view.window, lanes); err != nil {
			return nil, err
		}
	}
	for _, s := range p.stations {
		view.stations = append(view.stations, liveStation(s, lanes[s.StationId], windowMin)...)
	}
	return view, nil
}

// readWindow reads the sums of a window by station and lane.
func (t *Traffic) readWindow(ctx context.Context, w timeRange, into map[string]map[uint8]*sums) (computedAt time.Time, err error) {
	var station string
	var lane uint8
	var at time.Time
	var s sums
	args := []any{rows.Arg("from", w.from), rows.Arg("to", w.to), rows.Arg("alive", w.to.Add(-alive))}
	err = t.planner.Each(ctx, windowSums, args, []any{
		&station, &lane, &s.vehicles, &s.heavy, &s.coveredMs, &s.counterSpeeds, &s.counterMH, &s.counterUsKm,
		&s.cameraSpeeds, &s.cameraMH, &s.cameraUsKm, &s.tolled, &s.persons, &s.counterAlive, &s.cameraAlive,
		&s.newestMinute, &at,
	}, func() error {
		if into[station] == nil {
			into[station] = map[uint8]*sums{}
		}
		row := s
		into[station][lane] = &row
		if at.After(computedAt) {
			computedAt = at
		}
		return nil
	})
	return computedAt, err
}

// liveStation is a station, then its lanes. Whether an instrument is alive is a
// matter of the station: a lane may well be empty for a quarter of an hour.
func liveStation(s *gantryv1.RoadStation, lanes map[uint8]*sums, windowMin uint32) []*gantryv1.LiveStation {
	var all sums
	for _, l := range lanes {
		all.add(*l)
	}
	out := []*gantryv1.LiveStation{liveLane(s.StationId, 0, all, all, max(s.LaneCount, 1), windowMin)}
	for lane := uint32(1); lane <= s.LaneCount; lane++ {
		var one sums
		if l := lanes[uint8(lane)]; l != nil {
			one = *l
		}
		out = append(out, liveLane(s.StationId, lane, one, all, 1, windowMin))
	}
	return out
}

// liveLane derives the ratios of one lane, or of so many together.
func liveLane(station string, lane uint32, s, all sums, lanes, windowMin uint32) *gantryv1.LiveStation {
	out := &gantryv1.LiveStation{
		StationId: station, Lane: lane, VehicleCount: s.vehicles, HeavyCount: s.heavy,
		CountState: liveState(all.counterAlive, s.vehicles),
	}
	if out.CountState != gantryv1.BinState_BIN_STATE_MISSING {
		out.FlowVehH = proto.Float64(float64(s.vehicles) * 60 / float64(windowMin))
		out.CoveredShare = proto.Float64(float64(s.coveredMs) / (float64(windowMin) * 60_000 * float64(lanes)))
	}
	// The camera speaks where there is one that works, as in the models.
	n, mh, usKm, is := s.counterSpeeds, s.counterMH, s.counterUsKm, all.counterAlive
	out.SpeedSource = "counter"
	if all.cameraAlive {
		n, mh, usKm, is = s.cameraSpeeds, s.cameraMH, s.cameraUsKm, true
		out.SpeedSource = "camera"
	}
	if out.SpeedState = liveState(is, n); !is {
		out.SpeedSource = ""
	}
	if n > 0 && is {
		out.SpeedCount = n
		out.SpeedKmh = proto.Float64(float64(n) * 3.6e9 / float64(usKm))
		out.TimeMeanSpeedKmh = proto.Float64(float64(mh) / float64(n) / 1000)
	}
	if s.tolled > 0 {
		out.PersonsPerVehicle = proto.Float64(float64(s.persons) / float64(s.tolled))
	}
	if s.newestMinute.Unix() > 0 {
		out.NewestMinute = moment(s.newestMinute)
	}
	return out
}

func liveState(alive bool, n uint64) gantryv1.BinState {
	switch {
	case !alive:
		return gantryv1.BinState_BIN_STATE_MISSING
	case n == 0:
		return gantryv1.BinState_BIN_STATE_EMPTY
	}
	return gantryv1.BinState_BIN_STATE_MEASURED
}

// liveWanted are the stations that a caller asks for.
type liveWanted struct {
	road, direction, station string
	byLane                   bool
	windowMin                uint32
}

// sound checks the names, and sets the window.
func (w *liveWanted) sound(p *places) error {
	if w.windowMin == 0 {
		w.windowMin = defaultWindowMin
	}
	if w.windowMin > maxWindowMin {
		return status.Errorf(codes.InvalidArgument, "window_min: %d is more than %d minutes: GetStationSeries and GetCorridor show more", w.windowMin, maxWindowMin)
	}
	for _, named := range []struct{ kind, value string }{{ofRoad, w.road}, {ofDirection, w.direction}, {ofStation, w.station}} {
		if named.value == "" {
			continue
		}
		name := named.kind
		if name == ofStation {
			name = "station_id"
		}
		if err := p.check(named.kind, name, named.value); err != nil {
			return err
		}
	}
	return nil
}

// of picks what is wanted out of a view.
func (w *liveWanted) of(v *liveView, p *places) []*gantryv1.LiveStation {
	wanted := map[string]bool{}
	for _, s := range p.stations {
		wanted[s.StationId] = (w.road == "" || s.Road == w.road) && (w.direction == "" || s.Direction == w.direction) &&
			(w.station == "" || s.StationId == w.station)
	}
	return slices.DeleteFunc(slices.Clone(v.stations), func(s *gantryv1.LiveStation) bool {
		return !wanted[s.StationId] || (s.Lane > 0 && !w.byLane)
	})
}

// basis of what was picked: as_of is the end of the window.
func (v *liveView) basis(shown []*gantryv1.LiveStation) *gantryv1.Basis {
	b := &gantryv1.Basis{Completeness: &gantryv1.Completeness{Of: "stations that reported"}}
	for _, s := range shown {
		if s.Lane > 0 {
			continue
		}
		b.Completeness.ExpectedCount++
		if s.NewestMinute != "" {
			b.Completeness.MeasuredCount++
		}
	}
	if !v.window.to.IsZero() {
		b.AsOf = moment(v.window.to)
	}
	if v.computedAt.Unix() > 0 {
		b.ComputedAt = rfc3339(v.computedAt)
	}
	return b
}

func (r timeRange) text() (from, to string) {
	if r.to.IsZero() {
		return "", ""
	}
	return moment(r.from), moment(r.to)
}

// ListLiveStations implements gantry.v1.QueryService.
func (t *Traffic) ListLiveStations(ctx context.Context, req *gantryv1.ListLiveStationsRequest) (*gantryv1.ListLiveStationsResponse, error) {
	p, err := t.network(ctx)
	if err != nil {
		return nil, err
	}
	w := liveWanted{road: req.Road, direction: req.Direction, station: req.StationId, byLane: req.ByLane, windowMin: req.WindowMin}
	if err := w.sound(p); err != nil {
		return nil, err
	}
	view, err := t.live(ctx, w.windowMin)
	if err != nil {
		return nil, err
	}
	all := w.of(view, p)
	resp := &gantryv1.ListLiveStationsResponse{Basis: view.basis(all)}
	resp.WindowFrom, resp.WindowTo = view.window.text()
	size := req.PageSize
	if size == 0 {
		size = t.cfg.DefaultRows
	}
	resp.Stations, resp.NextPageToken, err = page(all, liveKey, size, req.PageToken, int(t.cfg.MaxRows))
	return resp, err
}

// liveKey orders stations, then lanes.
func liveKey(s *gantryv1.LiveStation) string {
	return s.StationId + "\x00" + strings.Repeat("\x01", int(s.Lane))
}
