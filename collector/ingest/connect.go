package ingest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/gantry-dev/gantry/collector/lease"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
	"github.com/gantry-dev/gantry/proto/transport"
)

// Connect is the stream of an agent.
func (s *Server) Connect(g grpc.BidiStreamingServer[gantryv1.ConnectRequest, gantryv1.ConnectResponse]) error {
	err := s.connect(g)
	s.metrics.ends.WithLabelValues(status.Code(err).String()).Inc()
	return err
}

func (s *Server) connect(g grpc.BidiStreamingServer[gantryv1.ConnectRequest, gantryv1.ConnectResponse]) error {
	st := s.newStream(g)
	if err := s.enter(st); err != nil {
		return err
	}
	defer s.leave(st)
	hello, err := st.hello()
	if err != nil {
		return err
	}
	if err := s.admit(st, hello); err != nil {
		return err
	}
	if st.membership != nil {
		defer func() {
			// The stream's context is over; giving devices back matters more.
			ctx, cancel := context.WithTimeout(context.WithoutCancel(st.ctx), s.cfg.HelloTimeout)
			defer cancel()
			st.membership.Leave(ctx)
		}()
	}
	return s.carry(st, hello)
}

func (s *Server) newStream(g grpc.BidiStreamingServer[gantryv1.ConnectRequest, gantryv1.ConnectResponse]) *stream {
	var random [8]byte
	_, _ = rand.Read(random[:]) // never fails
	return &stream{
		server: s, grpc: g, ctx: g.Context(),
		id:     s.cfg.CollectorID + "/" + hex.EncodeToString(random[:]),
		out:    newOutbox(),
		window: newWindow(s.cfg.MaxInFlightBatches, s.cfg.MaxInFlightBytes),
		room:   make(chan struct{}, 1), dead: make(chan struct{}),
		eof: make(chan struct{}), settled: make(chan struct{}),
	}
}

// hello waits for the first message.
func (s *stream) hello() (*gantryv1.Hello, error) {
	type first struct {
		f   *frame
		err error
	}
	got := make(chan first, 1)
	go func() {
		f, err := s.receive()
		got <- first{f, err}
	}()
	timeout := time.NewTimer(s.server.cfg.HelloTimeout)
	defer timeout.Stop()
	select {
	case m := <-got:
		if m.err != nil {
			return nil, invalid("hello", "is missing: the stream ended before it")
		}
		defer m.f.release()
		return parseHello(m.f.b, &s.server.cfg)
	case <-timeout.C:
		return nil, fault(codes.DeadlineExceeded, "hello", "did not come within "+s.server.cfg.HelloTimeout.String())
	case <-s.ctx.Done():
		return nil, status.FromContextError(s.ctx.Err()).Err()
	}
}

func parseHello(b []byte, cfg *Config) (*gantryv1.Hello, error) {
	if len(b) > cfg.MaxBatchBytes {
		return nil, tooLarge(len(b), cfg.MaxBatchBytes)
	}
	e, err := scanEnvelope(b)
	if err != nil {
		return nil, err
	}
	if e.kind != requestHello {
		return nil, precondition("hello", "is missing: it must be the first message of a stream")
	}
	h := &gantryv1.Hello{}
	if err := proto.Unmarshal(e.body, h); err != nil {
		return nil, invalid("hello", "is no gantry.v1.Hello: its bytes do not form one")
	}
	return h, checkHello(h, cfg)
}

func tooLarge(size, limit int) error {
	return exhausted("message", fmt.Sprintf("has %d bytes, more than the %d of Welcome.max_batch_bytes: send smaller batches", size, limit))
}

// checkCertificate holds the agent's name against its TLS certificate.
func checkCertificate(ctx context.Context, agentID string) error {
	from, ok := peer.FromContext(ctx)
	if !ok {
		return nil
	}
	info, ok := from.AuthInfo.(credentials.TLSInfo)
	if !ok {
		return nil
	}
	if err := transport.CheckAgent(&info.State, agentID); err != nil {
		return fault(codes.PermissionDenied, "hello.agent_id", err.Error())
	}
	return nil
}

// admit checks that the agent is who its certificate says, if it has one, and
// of this world, and joins it to the leases.
func (s *Server) admit(st *stream, h *gantryv1.Hello) error {
	if err := checkCertificate(st.ctx, h.GetAgentId()); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(st.ctx, s.cfg.HelloTimeout)
	defer cancel()
	for _, ready := range []<-chan struct{}{s.network.Ready(), s.positions.Ready()} {
		select {
		case <-ready:
		case <-ctx.Done():
			return unavailable("The collector has not read network and positions yet: connect again.")
		}
	}
	network := s.network.Snapshot()
	if len(network.Devices) == 0 {
		return unavailable("No network has been applied yet: run `collector network apply FILE`, then connect again.")
	}
	st.agentID, st.fingerprint = h.GetAgentId(), network.World.GetFingerprint()
	if f := h.GetFingerprint(); f != "" && f != st.fingerprint {
		return precondition("hello.fingerprint", fmt.Sprintf("is %.16q but the collector's network is of world %.16q: start the agent with an empty state folder, or apply the network of its world", f, st.fingerprint))
	}
	st.intake = intake{cfg: &s.cfg, session: newSession(s.positions.table, h, s.cfg.EpochAheadRetry), agentID: st.agentID}
	if s.leases == nil {
		return nil
	}
	session := lease.Session{
		ID: st.id, AgentID: h.GetAgentId(), Version: h.GetVersion(), CollectorID: s.cfg.CollectorID,
		Capacity: h.GetCapacity(), Static: h.GetStaticDevices(), ConnectedAt: s.cfg.Now(),
	}
	if h.GetResend() {
		// What it names it sends beside those who carry it: taken from them,
		// live readings would wait for as long as history takes.
		session.Static = nil
	}
	membership, err := s.leases.Join(ctx, session)
	switch {
	case errors.Is(err, lease.ErrSession):
		return invalid("hello", "cannot be taken: "+err.Error())
	case err != nil:
		return unavailable(fmt.Sprintf("The collector cannot take this agent now: %v; connect again.", err))
	}
	st.membership = membership
	return nil
}

// carry says Welcome and runs the stream to its end.
func (s *Server) carry(st *stream, h *gantryv1.Hello) error {
	w := &sender{stream: st}
	if err := w.welcome(h); err != nil {
		return err
	}
	s.cfg.Log.Info("agent connected", "agent_id", st.agentID, "session_id", st.id, "version", h.GetVersion(),
		"capacity", h.GetCapacity(), "static_devices", len(h.GetStaticDevices()), "resend", h.GetResend())
	err := s.supervise(st, w)
	s.cfg.Log.Info("agent gone", "agent_id", st.agentID, "session_id", st.id, "error", err)
	return err
}

// supervise runs reader and sender. Returning ends the stream, which wakes
// whichever of them still waits for the agent.
func (s *Server) supervise(st *stream, w *sender) error {
	go st.read()
	go w.run()
	tick := time.NewTicker(s.cfg.Heartbeat)
	defer tick.Stop()
	jitter := 0.9 + 0.2*mathrand.Float64()
	age := time.NewTimer(time.Duration(float64(s.cfg.MaxStreamAge) * jitter))
	defer age.Stop()
	drain := s.draining
	var grace <-chan time.Time
	for {
		select {
		case <-st.settled:
			return nil
		case <-st.dead:
			return endOf(st)
		case <-st.ctx.Done():
			return status.FromContextError(st.ctx.Err()).Err()
		case <-tick.C:
			if err := st.watch(); err != nil {
				return err
			}
		case <-drain:
			drain = nil
			grace = s.startDrain(st, "The collector stops.")
		case <-age.C:
			if grace == nil {
				grace = s.startDrain(st, "The stream reached its greatest age.")
			}
		case <-grace:
			return unavailable("The stream was drained and did not end in time: connect again.")
		}
	}
}

func (s *Server) startDrain(st *stream, reason string) <-chan time.Time {
	st.out.putDrain(&gantryv1.Drain{ReconnectAfterMs: uint32(s.cfg.ReconnectAfter / time.Millisecond), Reason: reason})
	return time.After(s.cfg.DrainGrace)
}

// endOf gives the status of a failed stream. Errors of receiving and sending
// are statuses already.
func endOf(st *stream) error {
	if _, ok := status.FromError(st.err); ok {
		return st.err
	}
	return unavailable(st.err.Error())
}

// welcome answers Hello. Static devices are granted at once; leased ones come
// when the decider has decided.
func (w *sender) welcome(h *gantryv1.Hello) error {
	s, cfg := w.stream.server, &w.stream.server.cfg
	change := lease.Change{}
	for _, id := range h.GetStaticDevices() {
		change.Granted = append(change.Granted, lease.Grant{DeviceID: id})
	}
	parts := splitLease(s.leaseOf(change), cfg.MaxMessageEntries)
	s.mu.Lock()
	flow := s.flow()
	s.mu.Unlock()
	err := w.send(&gantryv1.ConnectResponse{Message: &gantryv1.ConnectResponse_Welcome{Welcome: &gantryv1.Welcome{
		SessionId: w.stream.id, CollectorId: cfg.CollectorID,
		Lease: parts[0], Flow: flow,
		MaxBatchBytes: uint32(cfg.MaxBatchBytes), MaxBatchReadings: uint32(cfg.MaxBatchReadings),
		HeartbeatMs: uint32(cfg.Heartbeat / time.Millisecond), LeaseTtlMs: uint32(cfg.LeaseTTL / time.Millisecond),
		CollectorTimeUs: cfg.Now().UnixMicro(), World: s.network.Snapshot().World,
	}}})
	for _, part := range parts[1:] {
		if err == nil {
			err = w.lease(part)
		}
	}
	return err
}

// leaseOf adds to a change what an agent needs to carry on. A device that the
// network does not have (any more) is left out.
func (s *Server) leaseOf(c lease.Change) *gantryv1.Lease {
	network := s.network.Snapshot()
	l := &gantryv1.Lease{Revoked: c.Revoked}
	for _, g := range c.Granted {
		info := network.Devices[g.DeviceID]
		if info == nil {
			s.cfg.Log.Warn("device is granted that the network does not have", "device_id", g.DeviceID)
			continue
		}
		l.Granted = append(l.Granted, &gantryv1.LeasedDevice{
			DeviceId: g.DeviceID, Term: g.Term, ValidFromUs: info.ValidFromUS, Durable: s.positions.Durable(g.DeviceID),
		})
	}
	return l
}
