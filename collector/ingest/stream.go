package ingest

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/gantry-dev/gantry/collector/lease"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// stream is the shell of one agent's stream. Three goroutines drive it: the
// handler, which watches; a reader; and a sender, because Send blocks. Kafka's
// client calls completed from a goroutine of its own.
type stream struct {
	server *Server
	grpc   grpc.BidiStreamingServer[gantryv1.ConnectRequest, gantryv1.ConnectResponse]
	ctx    context.Context

	id          string
	agentID     string
	fingerprint string // of the world that the agent was welcomed to
	intake      intake
	membership  *lease.Membership
	out         *outbox
	batch       batch // the reader's, used again

	mu     sync.Mutex // the window's
	window *window
	room   chan struct{} // the window may have room again; has room for one

	die     sync.Once
	dead    chan struct{} // closed when err is set
	err     error
	eof     chan struct{} // closed when the agent said its last
	settled chan struct{} // closed when all is answered after eof

	receiving    atomic.Bool  // the reader waits for the agent
	heardAt      atomic.Int64 // when it last heard, or began to wait, ns since the server began
	sendingSince atomic.Int64 // when a Send began, ns since the server began; 0 when none is under way
}

// fail ends the stream; the first reason stands.
func (s *stream) fail(err error) {
	s.die.Do(func() {
		s.err = err
		close(s.dead)
	})
}

// read receives until the agent ends the stream or it fails.
func (s *stream) read() {
	for s.awaitRoom() {
		f, err := s.receive()
		if errors.Is(err, io.EOF) {
			close(s.eof)
			s.out.signal()
			return
		}
		if err == nil {
			err = s.handle(f)
			f.release()
		}
		if err != nil {
			s.fail(err)
			return
		}
	}
}

// receive gets one message. What it returns must be released.
func (s *stream) receive() (*frame, error) {
	s.heardAt.Store(s.server.elapsed())
	s.receiving.Store(true)
	defer s.receiving.Store(false)
	f := framePool.Get().(*frame)
	if err := s.grpc.RecvMsg(f); err != nil {
		f.release()
		return nil, err
	}
	s.server.metrics.bytes.Add(float64(len(f.b)))
	return f, nil
}

// awaitRoom waits until the window has room. Meanwhile nothing is received,
// so gRPC's flow control stops the agent.
func (s *stream) awaitRoom() bool {
	for {
		s.mu.Lock()
		full := s.window.full()
		s.mu.Unlock()
		if !full {
			return true
		}
		select {
		case <-s.room:
		case <-s.dead:
			return false
		case <-s.ctx.Done():
			return false
		}
	}
}

func (s *stream) handle(f *frame) error {
	if len(f.b) > s.server.cfg.MaxBatchBytes {
		return tooLarge(len(f.b), s.server.cfg.MaxBatchBytes)
	}
	e, err := scanEnvelope(f.b)
	if err != nil {
		return err
	}
	switch e.kind {
	case requestBatch:
		return s.takeBatch(e.body, len(f.b))
	case requestHello:
		return invalid("hello", "was sent before: it is the first message and only the first")
	case requestRelease:
		return s.release(e.body)
	default:
		return nil // a heartbeat, heard by having come
	}
}

// release gives the agent's devices back. Single devices cannot be given
// back: their lease goes on until the stream ends.
func (s *stream) release(body []byte) error {
	r := &gantryv1.Release{}
	if err := proto.Unmarshal(body, r); err != nil {
		return invalid("release", "is no gantry.v1.Release")
	}
	if len(r.GetDeviceIds()) == 0 && s.membership != nil {
		s.membership.Leave(s.ctx)
	}
	return nil
}

// takeBatch judges a batch and gives it to Kafka.
func (s *stream) takeBatch(body []byte, size int) error {
	cfg := &s.server.cfg
	if err := scanBatch(body, &s.batch, cfg); err != nil {
		return err
	}
	s.mu.Lock()
	next := s.window.next()
	s.mu.Unlock()
	if s.batch.number != next {
		return invalid("batch.number", "is not the number after the batch before: number batches from 1 without a gap")
	}
	network := s.server.network.Snapshot()
	if network.World.GetFingerprint() != s.fingerprint {
		return precondition("hello.fingerprint", "is no longer that of the collector's network: connect again with an empty state folder")
	}
	f, err := s.intake.take(&s.batch, size, cfg.Now(), network)
	if err != nil {
		return err
	}
	if err := s.server.acquire(s.ctx, f); err != nil {
		return err
	}
	s.mu.Lock()
	s.window.push(f)
	s.mu.Unlock()
	s.produce(f)
	return nil
}

// produce gives a flight's records to Kafka. The client's own limits lie above
// the credit that the flight has, so Produce does not block.
func (s *stream) produce(f *flight) {
	if len(f.records) == 0 {
		s.completed(f)
		return
	}
	// One promise for all: promises of one client are called one at a time.
	promise := func(_ *kgo.Record, err error) {
		if err != nil && !f.failed.Swap(true) {
			s.server.metrics.failures.Inc()
			s.server.cfg.Log.Error("Kafka refused a batch", "session_id", s.id, "batch", f.number, "error", err)
			s.fail(unavailable("Kafka did not take a batch: connect again and send it again."))
		}
		if f.remaining.Add(-1) == 0 {
			s.completed(f)
		}
	}
	for i := range f.records {
		s.server.client.Produce(s.server.produceCtx, &f.records[i], promise)
	}
}

// completed notes that Kafka has answered all of a flight. It goes on when the
// stream has ended: what is in Kafka is durable, whoever still listens.
func (s *stream) completed(f *flight) {
	s.server.giveBack(f)
	if f.failed.Load() {
		return // the window stays where it is, and the stream ends
	}
	s.mu.Lock()
	answered, err := s.window.complete(f.number)
	for _, a := range answered {
		if err == nil {
			err = s.server.positions.table.apply(a.advances, a.receivedAt.UnixMicro(), s.agentID)
		}
	}
	if err == nil && len(answered) > 0 {
		s.out.putAnswers(answered)
	}
	s.mu.Unlock()
	if err != nil {
		s.server.cfg.Log.Error("stream ended by an error of the collector", "session_id", s.id, "error", err)
		s.fail(unavailable("The collector lost track of this stream: connect again."))
		return
	}
	for _, a := range answered {
		s.server.metrics.note(a, s.server.cfg.Now().Sub(a.receivedAt).Seconds())
		a.recycle()
	}
}

// answeredAll says that nothing is in flight.
func (s *stream) answeredAll() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.window.inFlight() == 0 && s.window.unsentBatches == 0
}

// watch ends the stream when the agent is silent or does not take what is
// sent. A reader that waits for credit or room is no sign of that.
func (s *stream) watch() error {
	now, silence := s.server.elapsed(), int64(s.server.cfg.Silence)
	if s.receiving.Load() && now-s.heardAt.Load() > silence && !s.ended() {
		return unavailable("Nothing came from the agent for " + s.server.cfg.Silence.String() + ": send heartbeats.")
	}
	if since := s.sendingSince.Load(); since != 0 && now-since > silence {
		return unavailable("The agent took nothing for " + s.server.cfg.Silence.String() + ".")
	}
	return nil
}

func (s *stream) ended() bool {
	select {
	case <-s.eof:
		return true
	default:
		return false
	}
}

// elapsed is a monotonic time, ns since the server began; never 0.
func (s *Server) elapsed() int64 { return int64(time.Since(s.began)) + 1 }
