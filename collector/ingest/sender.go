package ingest

import (
	"time"

	"github.com/gantry-dev/gantry/collector/lease"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// sender says everything that a stream says.
type sender struct {
	stream   *stream
	answered uint64 // number of the batch acknowledged last
	sentAt   int64
}

// run sends until the stream is settled or fails.
func (w *sender) run() {
	s := w.stream
	beat := time.NewTicker(s.server.cfg.Heartbeat / 4)
	defer beat.Stop()
	var changes <-chan lease.Change
	if s.membership != nil {
		changes = s.membership.Changes()
	}
	for {
		var err error
		select {
		case <-s.dead:
			return
		case <-s.ctx.Done():
			return
		case <-s.out.wake:
			err = w.flush()
			if err == nil && s.ended() && s.answeredAll() {
				close(s.settled)
				return
			}
		case c, ok := <-changes:
			if !ok {
				changes = nil // the agent released its devices, or the collector stops
				continue
			}
			err = w.lease(s.server.leaseOf(c))
		case <-beat.C:
			if time.Duration(s.server.elapsed()-w.sentAt) >= s.server.cfg.Heartbeat/2 {
				err = w.send(&gantryv1.ConnectResponse{Message: &gantryv1.ConnectResponse_Heartbeat{
					Heartbeat: &gantryv1.Heartbeat{SentAtUs: s.server.cfg.Now().UnixMicro()},
				}})
			}
		}
		if err != nil {
			s.fail(err)
			return
		}
	}
}

func (w *sender) send(m *gantryv1.ConnectResponse) error {
	s := w.stream
	s.sendingSince.Store(s.server.elapsed())
	err := s.grpc.Send(m)
	s.sendingSince.Store(0)
	w.sentAt = s.server.elapsed()
	return err
}

// flush sends what the outbox has: answers first, so that an agent that is
// asked to drain knows as much as can be known.
func (w *sender) flush() error {
	s := w.stream
	a, flow, drain := s.out.take()
	if a.batches > 0 {
		if err := w.answer(&a); err != nil {
			return err
		}
	}
	if flow != nil {
		if err := w.send(&gantryv1.ConnectResponse{Message: &gantryv1.ConnectResponse_Flow{Flow: flow}}); err != nil {
			return err
		}
	}
	if drain != nil {
		return w.send(&gantryv1.ConnectResponse{Message: &gantryv1.ConnectResponse_Drain{Drain: drain}})
	}
	return nil
}

func (w *sender) answer(a *answer) error {
	s := w.stream
	s.server.cfg.crash("ingest.produced")
	for _, m := range a.messages(s.server.positions.table, w.answered, s.server.cfg.MaxMessageEntries) {
		if err := w.send(&gantryv1.ConnectResponse{Message: &gantryv1.ConnectResponse_Ack{Ack: m}}); err != nil {
			return err
		}
	}
	w.answered = a.batch
	s.server.cfg.crash("ingest.acked")
	s.mu.Lock()
	s.window.sent(a.batches, a.bytes)
	s.mu.Unlock()
	select {
	case s.room <- struct{}{}:
	default:
	}
	return nil
}

// lease sends a lease in as many messages as its positions need.
func (w *sender) lease(l *gantryv1.Lease) error {
	for _, part := range splitLease(l, w.stream.server.cfg.MaxMessageEntries) {
		if err := w.send(&gantryv1.ConnectResponse{Message: &gantryv1.ConnectResponse_Lease{Lease: part}}); err != nil {
			return err
		}
	}
	return nil
}

// splitLease cuts a lease so that no part has much more than limit entries;
// one device's positions stay together. What is taken away goes first.
func splitLease(l *gantryv1.Lease, limit int) []*gantryv1.Lease {
	part := &gantryv1.Lease{Revoked: l.GetRevoked()}
	out := []*gantryv1.Lease{part}
	n := len(part.Revoked)
	for _, g := range l.GetGranted() {
		if n >= limit {
			part, n = &gantryv1.Lease{}, 0
			out = append(out, part)
		}
		part.Granted = append(part.Granted, g)
		n += 1 + len(g.Durable)
	}
	return out
}
