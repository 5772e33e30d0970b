package ingest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/gantry-dev/gantry/collector/kafka"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// watchLag asks how far the sink is behind and paces backfill by it.
func (s *Server) watchLag(ctx context.Context) {
	admin := kadm.NewClient(s.client)
	p := pacer{limit: s.cfg.BackfillLag}
	if p.limit == 0 {
		s.setPace(p.lag(0))
		return
	}
	tick := time.NewTicker(s.cfg.LagInterval)
	defer tick.Stop()
	for {
		attempt, cancel := context.WithTimeout(ctx, s.cfg.LagTimeout)
		records, err := backfillLag(attempt, admin)
		cancel()
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			s.cfg.Log.Debug("lag of the backfill sink is not known", "error", err)
			s.setPace(p.unknown())
		} else {
			s.metrics.backfillLag.Set(float64(records))
			s.setPace(p.lag(records))
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// backfillLag is how many records of the backfill topic the sink has not
// committed. A group that has committed nothing, or does not exist yet, is
// behind by all that the topic holds.
func backfillLag(ctx context.Context, admin *kadm.Client) (int64, error) {
	commits, err := admin.FetchOffsetsForTopics(ctx, kafka.GroupSinkBackfill, kafka.TopicBackfill)
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		return 0, fmt.Errorf("offsets of group %s: %w", kafka.GroupSinkBackfill, err)
	}
	starts, err := admin.ListStartOffsets(ctx, kafka.TopicBackfill)
	if err == nil {
		err = starts.Error()
	}
	if err != nil {
		return 0, fmt.Errorf("start of %s: %w", kafka.TopicBackfill, err)
	}
	ends, err := admin.ListEndOffsets(ctx, kafka.TopicBackfill)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return 0, fmt.Errorf("end of %s: %w", kafka.TopicBackfill, err)
	}
	var lag int64
	ends.Each(func(end kadm.ListedOffset) {
		at := int64(0)
		if start, ok := starts.Lookup(end.Topic, end.Partition); ok {
			at = start.Offset
		}
		if c, ok := commits.Lookup(end.Topic, end.Partition); ok && c.Err == nil {
			at = max(at, c.At)
		}
		lag += max(0, end.Offset-at)
	})
	return lag, nil
}

// setPace tells all streams when the pace changes.
func (s *Server) setPace(p pace) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pace == p {
		return
	}
	s.cfg.Log.Info("pace of backfill changed", "from", s.pace.String(), "to", p.String())
	s.pace = p
	for st := range s.streams {
		st.out.putFlow(s.flow())
	}
}

// flow is the window of a stream at the present pace. The server's lock is
// held.
func (s *Server) flow() *gantryv1.Flow {
	f := &gantryv1.Flow{
		Live:     &gantryv1.Window{Batches: s.cfg.LiveBatches, Bytes: s.cfg.LiveBytes},
		Backfill: &gantryv1.Window{Batches: s.cfg.BackfillBatches, Bytes: s.cfg.BackfillBytes},
	}
	switch s.pace {
	case paceCautious:
		f.Backfill.Batches = 1
	case pacePaused:
		f.Backfill.Batches = 0
	case paceFull:
	}
	return f
}
