package query

import (
	"slices"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// WatchDevices sends the devices' state now, then what changed, at most once
// per interval. Time passing is no change: lag_ms alone sends nothing.
func (f *Fleet) WatchDevices(req *gantryv1.WatchDevicesRequest, stream grpc.ServerStreamingServer[gantryv1.WatchDevicesResponse]) error {
	if err := f.ready(); err != nil {
		return err
	}
	for _, id := range req.DeviceIds {
		if f.network.Snapshot().Devices[id] == nil {
			return noDevice(id)
		}
	}
	defer f.watchers.Add(-1)
	if f.watchers.Add(1) > int64(f.cfg.MaxWatchers) {
		return status.Errorf(codes.ResourceExhausted, "%d streams watch devices already, which is the most: close one, or use ListDevices", f.cfg.MaxWatchers)
	}
	interval := f.cfg.DefaultInterval
	if req.IntervalMs != 0 {
		interval = max(time.Duration(req.IntervalMs)*time.Millisecond, f.cfg.MinInterval)
	}
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	shown := shownStates{}
	for first := true; ; first = false {
		if err := f.sendChanges(req.DeviceIds, shown, first, stream); err != nil {
			return err
		}
		select {
		case <-stream.Context().Done():
			return status.FromContextError(stream.Context().Err()).Err()
		case <-ticker.C:
		}
	}
}

// sendChanges sends what differs from what was shown, in messages of at most
// a page; the first time even when that is nothing.
func (f *Fleet) sendChanges(ids []string, shown shownStates, first bool, stream grpc.ServerStreamingServer[gantryv1.WatchDevicesResponse]) error {
	snap := f.network.Snapshot()
	if len(ids) == 0 {
		ids = snap.DeviceIDs()
	}
	changed := shown.changes(f.states(snap, ids))
	if len(changed) == 0 && !first {
		return nil
	}
	asOf := rfc3339(f.cfg.Now())
	if len(changed) == 0 {
		return stream.Send(&gantryv1.WatchDevicesResponse{AsOf: asOf})
	}
	for chunk := range slices.Chunk(changed, f.cfg.MaxPage) {
		if err := stream.Send(&gantryv1.WatchDevicesResponse{AsOf: asOf, Devices: chunk}); err != nil {
			return err
		}
	}
	return nil
}

// shownStates is what a watcher has seen, by device.
type shownStates map[string]*gantryv1.DeviceState

// changes gives those of states that differ, and remembers them.
func (s shownStates) changes(states []*gantryv1.DeviceState) []*gantryv1.DeviceState {
	var out []*gantryv1.DeviceState
	for _, state := range states {
		old := s[state.DeviceId]
		if old != nil {
			old.LagMs = state.LagMs
		}
		if old == nil || !proto.Equal(old, state) {
			out = append(out, state)
		}
		s[state.DeviceId] = proto.CloneOf(state)
	}
	return out
}
