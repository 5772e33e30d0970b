package uplink

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// ended says how a stream ended.
type ended struct {
	err      error
	drained  bool
	after    time.Duration // wait so long before connecting again
	finished bool          // nothing is left to do
}

// stream is one stream, driven by one goroutine. Two more move messages:
// link's sender, because Send blocks, and link's receiver.
type stream struct {
	agent *Agent
	link  *link

	pending  any           // the message to send next; *Frame or *ConnectRequest
	closing  closing       // how far an orderly end is
	deadline time.Duration // mono; when an orderly end is no longer waited for
	result   ended
}

// closing is the way of an orderly end.
type closing uint8

const (
	open      closing = iota
	answering         // waiting for what is under way to be answered
	releasing         // the last message is on its way
	closed            // nothing more is sent; waiting for the collector to close
)

// stream opens one stream to addr and runs it to its end.
func (a *Agent) stream(ctx context.Context, addr string) ended {
	l, err := dial(ctx, a.cfg, addr)
	if err != nil {
		a.cfg.Metrics.connects.WithLabelValues("failed").Inc()
		return ended{err: err}
	}
	defer l.close()
	s := &stream{agent: a, link: l}
	s.pending = &gantryv1.ConnectRequest{Message: &gantryv1.ConnectRequest_Hello{Hello: a.hello()}}
	tick := time.NewTicker(a.cfg.Timing.Flush)
	defer tick.Stop()
	defer a.disconnected()
	stop := ctx.Done()
	for {
		s.advance()
		out := l.out
		if s.pending == nil {
			out = nil
		}
		select {
		case out <- s.pending:
			s.pending = nil
		case m := <-l.in:
			if err := s.receive(m); err != nil {
				s.result.err = err
				return s.result
			}
		case err := <-l.done:
			return s.over(err)
		case <-stop:
			stop = nil
			s.finish()
		case <-tick.C:
			a.spoolDue()
		}
		if s.closing != open && a.now().Mono > s.deadline {
			return s.result
		}
	}
}

// hello says who the agent is.
func (a *Agent) hello() *gantryv1.Hello {
	return &gantryv1.Hello{
		AgentId: a.cfg.AgentID, Version: a.cfg.Version, Fingerprint: a.fingerprint,
		Capacity: a.cfg.Capacity, StaticDevices: a.cfg.StaticDevices,
		Acknowledged: a.session.Acknowledged(), Resend: a.cfg.Plan.Resend,
	}
}

// advance finds the next message to send.
func (s *stream) advance() {
	a := s.agent
	if s.pending != nil || !a.connected.Load() {
		return
	}
	switch s.closing {
	case open:
		now := a.now()
		if f := a.session.Next(now); f != nil {
			s.pending = f
		} else if a.session.Done(now, a.cfg.Timing.Settle) {
			s.result.finished = true
			s.finish()
		}
	case answering:
		if a.session.InFlight() > 0 {
			return
		}
		if s.result.drained {
			s.hangUp()
			return
		}
		s.pending = &gantryv1.ConnectRequest{Message: &gantryv1.ConnectRequest_Release{Release: &gantryv1.Release{}}}
		s.closing = releasing
	case releasing:
		s.hangUp()
	case closed:
	}
}

// finish begins an orderly end.
func (s *stream) finish() {
	s.agent.session.Stop()
	if s.closing == open {
		s.closing = answering
		s.deadline = s.agent.now().Mono + s.agent.cfg.Timing.Finish
	}
	if !s.agent.connected.Load() {
		s.deadline = 0 // not welcomed yet: nothing to wait for
	}
}

// hangUp sends nothing more; the collector closes its side.
func (s *stream) hangUp() {
	s.closing = closed
	close(s.link.out)
	s.link.out = nil
}

// over says how the stream ended, given the error that ended it.
func (s *stream) over(err error) ended {
	// What came before the end counts.
	for {
		select {
		case m := <-s.link.in:
			if e := s.receive(m); e != nil {
				err = e
			}
			continue
		default:
		}
		break
	}
	if s.closing == closed && errors.Is(err, io.EOF) {
		err = nil
	}
	if !s.agent.connected.Load() {
		s.agent.cfg.Metrics.connects.WithLabelValues("failed").Inc()
	}
	if err != nil && s.closing != closed && !s.result.drained {
		s.result.finished = false
	}
	s.result.err = err
	return s.result
}

// receive takes a message in.
func (s *stream) receive(m *gantryv1.ConnectResponse) error {
	a := s.agent
	if w := m.GetWelcome(); w != nil {
		return s.welcome(w)
	}
	if !a.connected.Load() {
		return status.Error(codes.Internal, "uplink: the collector sent something before Welcome")
	}
	switch m := m.GetMessage().(type) {
	case *gantryv1.ConnectResponse_Ack:
		return s.ack(m.Ack)
	case *gantryv1.ConnectResponse_Flow:
		a.session.Flow(m.Flow)
	case *gantryv1.ConnectResponse_Lease:
		s.lease(m.Lease)
	case *gantryv1.ConnectResponse_Drain:
		a.cfg.Log.Info("the collector drains", "reason", m.Drain.GetReason())
		s.result.drained = true
		s.result.after = time.Duration(m.Drain.GetReconnectAfterMs()) * time.Millisecond
		s.finish()
	}
	return nil
}

func (s *stream) welcome(w *gantryv1.Welcome) error {
	a := s.agent
	if a.connected.Load() {
		return status.Error(codes.Internal, "uplink: the collector sent Welcome twice")
	}
	if n := w.GetMaxBatchBytes(); n != 0 && n < minBatchBytes {
		return &fatalError{fmt.Errorf("uplink: the collector takes batches of at most %d bytes, but %d are needed", n, minBatchBytes)}
	}
	if err := a.welcome(w); err != nil {
		return err
	}
	a.connected.Store(true)
	a.cfg.Metrics.connects.WithLabelValues("ok").Inc()
	s.link.alive(time.Duration(w.GetHeartbeatMs()) * time.Millisecond)
	a.cfg.Log.Info("connected", "collector", w.GetCollectorId(), "session", w.GetSessionId(), "devices", a.session.Devices())
	if s.closing != open {
		s.finish() // told to stop while connecting
	}
	return nil
}

func (s *stream) ack(m *gantryv1.Ack) error {
	a := s.agent
	if err := a.session.Ack(a.now(), m); err != nil {
		return err
	}
	a.trimPositions(m.GetDurable())
	for i, r := range m.GetRejects() {
		a.cfg.Metrics.rejected.WithLabelValues(r.GetCode().String()).Inc()
		if i == 0 {
			a.cfg.Log.Warn("readings were rejected", "count", len(m.GetRejects()), "first_device", r.GetDeviceId(),
				"epoch", r.GetEpoch(), "seq", r.GetSeq(), "code", r.GetCode().String(), "field", r.GetField(), "reason", r.GetReason())
		}
	}
	return nil
}

func (s *stream) lease(m *gantryv1.Lease) {
	a := s.agent
	a.trim(m)
	for _, err := range a.session.Lease(a.now(), m) {
		a.cfg.Log.Error("a device is left out", "error", err)
	}
	a.cfg.Log.Info("devices changed", "granted", len(m.GetGranted()), "revoked", len(m.GetRevoked()), "devices", a.session.Devices())
}
