package conformance

import (
	"errors"
	"io"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// incoming is a message of the client, or why no more comes, and when.
type incoming struct {
	message *gantryv1.ConnectRequest
	err     error
	at      time.Time
}

// ask is a Resend that the client has not heeded yet.
type ask struct {
	from      uint64
	notBefore time.Time
}

// carried is a device as this stream has it.
type carried struct {
	revokedAt time.Time // zero while it is granted
	granted   uint64    // how often it was granted
}

// session is one stream of the client. All but receive is used by the script's
// goroutine alone.
type session struct {
	run  *run
	grpc grpc.BidiStreamingServer[gantryv1.ConnectRequest, gantryv1.ConnectResponse]
	peer string
	came time.Time
	in   chan incoming
	end  chan error

	hello    *gantryv1.Hello
	welcomed bool
	devices  map[string]*carried
	start    map[key]uint64 // where an epoch must begin that this stream has not met; 1 where none stands
	next     map[key]uint64 // where it goes on
	startReq string         // the requirement that beginning there is about
	asked    map[key]*ask

	window, before *gantryv1.Window // of either lane; before counts until the change is old
	changedAt      time.Time
	drainedAt      time.Time
	flights        []*flight
	number         uint64

	hold      bool // answer nothing
	mute      bool // say nothing
	rejecting bool // reject the next reading that can be
	rejected  *move
	heardAt   time.Time
	quiet     time.Duration // the longest time without a message
	closed    bool          // the client ended its sending side
	over      bool          // the stream is gone
}

func newSession(r *run, g grpc.BidiStreamingServer[gantryv1.ConnectRequest, gantryv1.ConnectResponse]) *session {
	s := &session{
		run: r, grpc: g, came: time.Now(), in: make(chan incoming, 256), end: make(chan error, 1),
		devices: map[string]*carried{}, start: map[key]uint64{}, next: map[key]uint64{}, asked: map[key]*ask{}, startReq: reqPositions,
	}
	if p, ok := peer.FromContext(g.Context()); ok {
		s.peer = p.Addr.String()
	}
	return s
}

// receive passes on what comes, with its time.
func (s *session) receive() {
	for {
		m, err := s.grpc.Recv()
		select {
		case s.in <- incoming{m, err, time.Now()}:
		case <-s.grpc.Context().Done():
			// What waits is still read; the end of the context is told by watch.
			return
		}
		if err != nil {
			return
		}
	}
}

// watch takes what comes until the time is over, the stream is, or until says
// that it is enough; it gives what until says.
func (s *session) watch(d time.Duration, until func() bool) bool {
	enough := func() bool { return until != nil && until() }
	deadline, beat := time.NewTimer(d), time.NewTicker(s.run.cfg.Heartbeat/2)
	defer deadline.Stop()
	defer beat.Stop()
	s.heardAt, s.quiet = time.Now(), 0
	for !s.over && !enough() {
		select {
		case m := <-s.in:
			s.take(m)
		case <-s.grpc.Context().Done():
			s.over = true
		case now := <-beat.C:
			if s.welcomed && !s.mute {
				s.send(&gantryv1.ConnectResponse{Message: &gantryv1.ConnectResponse_Heartbeat{
					Heartbeat: &gantryv1.Heartbeat{SentAtUs: now.UnixMicro()},
				}})
			}
		case now := <-deadline.C:
			s.quiet = max(s.quiet, now.Sub(s.heardAt))
			return enough()
		case <-s.run.ctx.Done():
			s.over = true
		}
	}
	return enough()
}

func (s *session) send(m *gantryv1.ConnectResponse) {
	if s.grpc.Send(m) != nil {
		s.over = true
	}
}

// finish ends the stream with a status.
func (s *session) finish(err error) {
	select {
	case s.end <- err:
	default: // ended before
	}
	s.over = true
}

// refuse ends it as a collector does that cannot go on.
func (s *session) refuse() { s.finish(status.Error(codes.Unavailable, stops)) }

// stops is what a collector says that does.
const stops = "The collector stops."

// take judges one message.
func (s *session) take(m incoming) {
	s.quiet = max(s.quiet, m.at.Sub(s.heardAt))
	s.heardAt = m.at
	switch {
	case errors.Is(m.err, io.EOF):
		s.closed = true
	case m.err != nil:
		s.over = true
	case m.message.GetHello() != nil:
		s.run.report.fail(reqHello, "Hello came again in a stream that had begun")
	case m.message.GetBatch() != nil:
		s.batch(m.message.GetBatch(), proto.Size(m.message), m.at)
	case m.message.GetRelease() != nil && len(m.message.GetRelease().GetDeviceIds()) == 0:
		clear(s.devices)
	}
}

// batch judges a batch and answers it, unless answers are held.
func (s *session) batch(b *gantryv1.Batch, size int, at time.Time) {
	r, cfg := s.run.report, &s.run.cfg
	if !s.welcomed {
		r.fail(reqWelcome, "batch %d came before Welcome", b.GetNumber())
		return
	}
	r.judge(reqNumbers, b.GetNumber() == s.number+1, "batch %d came after batch %d", b.GetNumber(), s.number)
	s.number = b.GetNumber()
	readings := 0
	for _, d := range b.GetDevices() {
		readings += len(d.GetReadings())
	}
	r.judge(reqLimits, size <= int(cfg.MaxBatchBytes) && readings <= int(cfg.MaxBatchReadings),
		"batch %d has %d bytes and %d readings; the limits are %d and %d", b.GetNumber(), size, readings, cfg.MaxBatchBytes, cfg.MaxBatchReadings)
	s.room(b, size, at)
	if since(s.drainedAt, at, cfg.Grace) {
		r.fail(reqDrain, "batch %d came %v after Drain", b.GetNumber(), at.Sub(s.drainedAt).Round(time.Millisecond))
	}
	f := &flight{number: b.GetNumber(), backfill: b.GetBackfill(), bytes: size}
	for _, d := range b.GetDevices() {
		s.deviceBatch(f, d, at)
	}
	s.flights = append(s.flights, f)
	if !s.hold {
		s.answer()
	}
}

// underWay counts what is sent and not answered in a lane.
func (s *session) underWay(backfill bool) (batches, bytes int) {
	for _, f := range s.flights {
		if f.backfill == backfill {
			batches++
			bytes += f.bytes
		}
	}
	return batches, bytes
}

// room holds a batch against the window of its lane.
func (s *session) room(b *gantryv1.Batch, size int, at time.Time) {
	w := s.window
	if s.before != nil && !since(s.changedAt, at, s.run.cfg.Grace) {
		w = &gantryv1.Window{Batches: max(w.GetBatches(), s.before.GetBatches()), Bytes: max(w.GetBytes(), s.before.GetBytes())}
	}
	batches, bytes := s.underWay(b.GetBackfill())
	switch {
	case w.GetBatches() == 0:
		s.run.report.fail(reqPause, "batch %d came while the window was zero batches", b.GetNumber())
	case batches >= int(w.GetBatches()):
		s.run.report.fail(reqWindow, "batch %d came while %d were under way, and the window is %d", b.GetNumber(), batches, w.GetBatches())
	case batches > 0 && bytes+size > int(w.GetBytes()):
		s.run.report.fail(reqWindowBytes, "batch %d of %d bytes came while %d were under way, and the window is %d", b.GetNumber(), size, bytes, w.GetBytes())
	}
}

// deviceBatch judges the part of one device.
func (s *session) deviceBatch(f *flight, d *gantryv1.DeviceBatch, at time.Time) {
	r := s.run.report
	switch c := s.devices[d.GetDeviceId()]; {
	case c == nil:
		r.fail(reqLeased, "readings came of %q, which was not given to this stream", d.GetDeviceId())
		return
	case since(c.revokedAt, at, s.run.cfg.Grace):
		r.fail(reqRevoked, "readings of %s came %v after it was taken away", d.GetDeviceId(), at.Sub(c.revokedAt).Round(time.Millisecond))
	default:
		r.pass(reqLeased)
	}
	if len(d.GetReadings()) == 0 {
		return
	}
	m := s.run.ledger.deviceBatch(d)
	if resend := s.place(m, at); resend != nil {
		f.resends = append(f.resends, resend)
		return
	}
	f.moves = append(f.moves, m)
}

// place holds the first position against where the epoch stands in this
// stream; a gap is answered by the Resend that it gives.
func (s *session) place(m move, at time.Time) *gantryv1.Resend {
	r := s.run.report
	next, begun := s.next[m.key]
	if !begun {
		next = max(s.start[m.key], 1)
		// To send more than is needed costs time only; behind a claim it is
		// a client that keeps more than it must.
		kept := m.first == next || m.first < next && s.startReq == reqClaim
		r.judge(s.startReq, kept, "%s/%d begins at %d, but %d was to come next", m.device, m.epoch, m.first, next)
		next = m.first // told once
	}
	a := s.asked[m.key]
	switch {
	case a != nil && m.first <= a.from:
		delete(s.asked, m.key)
		r.judge(reqResend, m.first == a.from, "%s/%d goes back to %d, but Resend named %d", m.device, m.epoch, m.first, a.from)
		r.judge(reqResendLater, !at.Before(a.notBefore), "%s/%d came again %v before Resend.after_ms was over", m.device, m.epoch, a.notBefore.Sub(at).Round(time.Millisecond))
	case a != nil:
		return s.resend(m.key, a)
	case m.first > next:
		r.fail(reqPositions, "%s/%d jumps from %d to %d", m.device, m.epoch, next-1, m.first)
	default:
		r.pass(reqPositions)
	}
	s.next[m.key] = max(m.last+1, s.next[m.key])
	return nil
}

func (s *session) resend(k key, a *ask) *gantryv1.Resend {
	left := max(0, time.Until(a.notBefore))
	return &gantryv1.Resend{
		DeviceId: k.device, Epoch: k.epoch, FromSeq: a.from, AfterMs: uint32(left / time.Millisecond),
		Reason: gantryv1.ResendReason_RESEND_REASON_GAP,
	}
}
