package ingest

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

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
		progress, err := kafka.ProgressOf(attempt, admin, s.cfg.BackfillTopic, s.cfg.BackfillGroup)
		cancel()
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			s.cfg.Log.Debug("lag of the backfill sink is not known", "error", err)
			s.setPace(p.unknown())
		} else {
			s.metrics.backfillLag.Set(float64(progress.Lag))
			s.setPace(p.lag(progress.Lag))
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
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
