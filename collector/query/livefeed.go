package query

import (
	"context"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// feeds look at the live minutes for all who watch them: however many they are,
// ClickHouse is asked once per interval and window.
type feeds struct {
	traffic *Traffic

	mu       sync.Mutex
	by       map[uint32]*feed // by window, minutes
	watchers int
}

// feed is one window that somebody watches.
type feed struct {
	watchers int
	stop     context.CancelFunc

	// What was seen last; next is closed when there is more.
	mu   sync.Mutex
	view *liveView
	err  error
	next chan struct{}
}

func (f *feeds) init(t *Traffic) {
	f.traffic, f.by = t, map[uint32]*feed{}
}

// join gives the feed of a window, begun if need be. leave must be called.
func (f *feeds) join(windowMin uint32) (joined *feed, leave func(), err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.watchers >= f.traffic.cfg.MaxWatchers {
		return nil, nil, status.Errorf(codes.ResourceExhausted, "%d streams watch the live minutes already, which is the most: close one, or use ListLiveStations", f.watchers)
	}
	one := f.by[windowMin]
	if one == nil {
		// It outlives the one who began it, as long as others watch.
		ctx, stop := context.WithCancel(context.Background())
		one = &feed{stop: stop, next: make(chan struct{})}
		f.by[windowMin] = one
		go one.run(ctx, f.traffic, windowMin)
	}
	one.watchers++
	f.watchers++
	return one, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.watchers--
		if one.watchers--; one.watchers == 0 {
			one.stop()
			delete(f.by, windowMin)
		}
	}, nil
}

// run looks again and again. An error is shown to the watchers, whose streams
// end with it.
func (f *feed) run(ctx context.Context, t *Traffic, windowMin uint32) {
	tick := time.NewTicker(t.cfg.LiveEvery)
	defer tick.Stop()
	for {
		view, err := t.live(ctx, windowMin)
		if ctx.Err() != nil {
			return
		}
		f.mu.Lock()
		f.view, f.err = view, err
		close(f.next)
		f.next = make(chan struct{})
		f.mu.Unlock()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// last is what was seen last, nil before the first look, and what is closed
// when there is more.
func (f *feed) last() (*liveView, <-chan struct{}, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.view, f.next, f.err
}

// WatchLiveStations implements gantry.v1.QueryService.
func (t *Traffic) WatchLiveStations(req *gantryv1.WatchLiveStationsRequest, stream grpc.ServerStreamingServer[gantryv1.WatchLiveStationsResponse]) error {
	ctx := stream.Context()
	p, err := t.network(ctx)
	if err != nil {
		return err
	}
	w := liveWanted{road: req.Road, direction: req.Direction, byLane: req.ByLane, windowMin: req.WindowMin}
	if err := w.sound(p); err != nil {
		return err
	}
	joined, leave, err := t.feeds.join(w.windowMin)
	if err != nil {
		return err
	}
	defer leave()
	shown := liveShown{}
	for {
		view, next, err := joined.last()
		if err != nil {
			return err
		}
		if view != nil {
			if p, err = t.network(ctx); err != nil {
				return err
			}
			if msg := shown.changes(view, w.of(view, p)); msg != nil {
				if err := stream.Send(msg); err != nil {
					return err
				}
			}
		}
		select {
		case <-ctx.Done():
			return status.FromContextError(ctx.Err()).Err()
		case <-next:
		}
	}
}

// liveShown is what a watcher has seen.
type liveShown struct {
	to       time.Time
	began    bool
	stations map[string]*gantryv1.LiveStation
}

// changes is the message with what differs; nil when nothing does. A window
// that moved is worth a message even if no station changed: it says that the
// data are alive.
func (s *liveShown) changes(view *liveView, now []*gantryv1.LiveStation) *gantryv1.WatchLiveStationsResponse {
	msg := &gantryv1.WatchLiveStationsResponse{Basis: view.basis(now)}
	msg.WindowFrom, msg.WindowTo = view.window.text()
	if s.stations == nil {
		s.stations = map[string]*gantryv1.LiveStation{}
	}
	for _, station := range now {
		key := liveKey(station)
		if old := s.stations[key]; old == nil || !proto.Equal(old, station) {
			msg.Stations = append(msg.Stations, station)
			s.stations[key] = station
		}
	}
	if s.began && len(msg.Stations) == 0 && s.to.Equal(view.window.to) {
		return nil
	}
	s.began, s.to = true, view.window.to
	return msg
}
