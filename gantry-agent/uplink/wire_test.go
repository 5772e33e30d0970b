package uplink

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// script is what a scripted collector does on one stream.
type script struct {
	refuse     error         // instead of Welcome
	world      string        // fingerprint named
	dropAfter  int           // end the stream with an error after so many batches
	drainAfter int           // ask to finish after so many batches
	refuseAt   int           // ask for this batch's readings again
	pauseAfter int           // shut the windows after so many batches, open them with its answer
	reject     bool          // reject a reading in the first answer
	silent     bool          // say nothing after Welcome
	heartbeat  uint32        // ms
	gate       chan struct{} // closed before Welcome is said
	done       func(*scripted) bool
	cut        chan struct{} // set when the stream begins; closing it ends the stream
}

// scripted is a collector that follows scripts, one per stream, the last one
// for all that come after.
type scripted struct {
	gantryv1.UnimplementedIngestServiceServer
	t       *testing.T
	devices []string
	scripts []script

	mu       sync.Mutex
	model    *modelCollector
	streams  int
	hellos   []*gantryv1.Hello
	tokens   []string
	released bool
	reached  chan struct{} // closed when a script's done says so
	cutOff   chan struct{} // closing it ends the streams
}

func startScripted(t *testing.T, source fakeSource, scripts ...script) (*scripted, string) {
	t.Helper()
	return startScriptedWith(t, source, nil, scripts...)
}

func startScriptedWith(t *testing.T, source fakeSource, opts []grpc.ServerOption, scripts ...script) (*scripted, string) {
	t.Helper()
	s := &scripted{t: t, devices: []string{"a", "b"}, scripts: scripts, model: newModelCollector(source), reached: make(chan struct{}), cutOff: make(chan struct{})}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(append(opts, grpc.MaxRecvMsgSize(4<<20), grpc.WaitForHandlers(true))...)
	gantryv1.RegisterIngestServiceServer(server, s)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	return s, listener.Addr().String()
}

// cut ends the open stream with an error.
func (s *scripted) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.cutOff)
}

// comeBack follows another script from now on.
func (s *scripted) comeBack(sc script) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scripts = []script{sc}
	s.cutOff, s.reached = make(chan struct{}), make(chan struct{})
}

// opens makes an Opener that gives a source.
func opens(source fakeSource) Opener {
	return func(*gantryv1.World) (Source, error) { return source, nil }
}

func (s *scripted) begin(ctx context.Context, hello *gantryv1.Hello) (script, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sc := s.scripts[min(s.streams, len(s.scripts)-1)]
	s.streams++
	sc.cut = s.cutOff
	s.hellos = append(s.hellos, hello)
	md, _ := metadata.FromIncomingContext(ctx)
	s.tokens = md.Get("authorization")
	if sc.refuse != nil {
		return sc, sc.refuse
	}
	return sc, s.model.connect(hello.GetAcknowledged())
}

func wideFlow() *gantryv1.Flow {
	w := &gantryv1.Window{Batches: 4, Bytes: 1 << 20}
	return &gantryv1.Flow{Live: w, Backfill: w}
}

func (s *scripted) welcome(sc script) *gantryv1.ConnectResponse {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := &gantryv1.Welcome{SessionId: "s", CollectorId: "c", Lease: &gantryv1.Lease{}, Flow: wideFlow(), MaxBatchBytes: 8192,
		MaxBatchReadings: 50, HeartbeatMs: sc.heartbeat, CollectorTimeUs: 1}
	if sc.world != "" {
		w.World = &gantryv1.World{Fingerprint: sc.world}
	}
	for _, id := range s.devices {
		w.Lease.Granted = append(w.Lease.Granted, &gantryv1.LeasedDevice{DeviceId: id, Durable: s.model.positions(id, 0)})
	}
	return &gantryv1.ConnectResponse{Message: &gantryv1.ConnectResponse_Welcome{Welcome: w}}
}

// Connect follows the next script.
func (s *scripted) Connect(st gantryv1.IngestService_ConnectServer) error {
	first, err := st.Recv()
	if err != nil {
		return err
	}
	sc, err := s.begin(st.Context(), first.GetHello())
	if err != nil {
		return err
	}
	if sc.gate != nil {
		select {
		case <-sc.gate:
		case <-st.Context().Done():
			return st.Context().Err()
		}
	}
	if err := st.Send(s.welcome(sc)); err != nil {
		return err
	}
	in, end := make(chan *gantryv1.ConnectRequest), make(chan error, 1)
	go func() {
		for {
			m, err := st.Recv()
			if err != nil {
				end <- err
				return
			}
			select {
			case in <- m:
			case <-st.Context().Done():
			}
		}
	}()
	for batches := 0; ; {
		var m *gantryv1.ConnectRequest
		select {
		case m = <-in:
		case err := <-end:
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		case <-sc.cut:
			return status.Error(codes.Unavailable, "scripted cut")
		}
		switch {
		case m.GetRelease() != nil:
			s.mu.Lock()
			s.released = true
			s.mu.Unlock()
		case m.GetBatch() != nil:
			batches++
			if err := s.batch(st, sc, m, batches); err != nil {
				return err
			}
		}
	}
}

func (s *scripted) batch(st gantryv1.IngestService_ConnectServer, sc script, m *gantryv1.ConnectRequest, n int) error {
	if n == sc.pauseAfter {
		shut := &gantryv1.Flow{Live: &gantryv1.Window{}, Backfill: &gantryv1.Window{}}
		if err := st.Send(&gantryv1.ConnectResponse{Message: &gantryv1.ConnectResponse_Flow{Flow: shut}}); err != nil {
			return err
		}
	}
	ack, err := s.take(m, sc, n)
	if err != nil {
		s.t.Error(err)
		return err
	}
	if sc.silent {
		return nil
	}
	if n == 1 && sc.reject {
		ack.Rejects = append(ack.Rejects, &gantryv1.Reject{DeviceId: "a", Seq: 1, Code: gantryv1.RejectCode_REJECT_CODE_IMPOSSIBLE_FIELD, Field: "lane", Reason: "lane 9 of 3"})
	}
	if n == sc.dropAfter {
		return status.Error(codes.Unavailable, "scripted drop") // durable, but not answered
	}
	if err := st.Send(&gantryv1.ConnectResponse{Message: &gantryv1.ConnectResponse_Ack{Ack: ack}}); err != nil {
		return err
	}
	switch n {
	case sc.pauseAfter:
		return st.Send(&gantryv1.ConnectResponse{Message: &gantryv1.ConnectResponse_Flow{Flow: wideFlow()}})
	case sc.drainAfter:
		return st.Send(&gantryv1.ConnectResponse{Message: &gantryv1.ConnectResponse_Drain{Drain: &gantryv1.Drain{ReconnectAfterMs: 1}}})
	}
	return nil
}

func (s *scripted) take(m *gantryv1.ConnectRequest, sc script, n int) (*gantryv1.Ack, error) {
	wire, err := proto.Marshal(m)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.model.receive(wire); err != nil {
		return nil, err
	}
	if err := s.model.process(n == sc.refuseAt); err != nil {
		return nil, err
	}
	if sc.done != nil && sc.done(s) {
		select {
		case <-s.reached:
		default:
			close(s.reached)
		}
	}
	// Batches under way when a Resend is made come with a gap.
	return s.model.deliver(uint64(n) + 4), nil
}

func quietConfig(addr string, source fakeSource, plan Plan) Config {
	return Config{
		Collectors: []string{addr}, AgentID: "agent", Version: "test", Capacity: 10, Plan: plan,
		Open:  opens(source),
		Clock: fixedClock(max(plan.ToUS, 5*runUS/2)),
		Timing: Timing{Flush: time.Millisecond, BackoffMin: time.Millisecond, BackoffMax: 5 * time.Millisecond,
			Settle: time.Millisecond, Finish: 5 * time.Second},
		Log: slog.New(slog.DiscardHandler),
	}
}

// fixedClock stands still.
type fixedClock int64

func (c fixedClock) WorldUS(int64) int64 { return int64(c) }

// runAgent runs to the end, or for at most a minute.
func runAgent(t *testing.T, cfg Config) error {
	t.Helper()
	a, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	err = a.Run(ctx)
	if ctx.Err() != nil {
		t.Fatal("the agent did not finish")
	}
	return err
}

func TestWireDeliversEverything(t *testing.T) {
	for name, faulty := range map[string]bool{"sound": false, "faulty": true} {
		t.Run(name, func(t *testing.T) { deliversEverything(t, fakeSource{readings: 2000, faulty: faulty}) })
	}
}

func deliversEverything(t *testing.T, source fakeSource) {
	heart := uint32(1000)
	for name, scripts := range map[string][]script{
		"plain":   {{heartbeat: heart}},
		"drop":    {{heartbeat: heart, dropAfter: 5}, {dropAfter: 1}, {refuse: status.Error(codes.Unavailable, "not yet")}, {}},
		"drain":   {{drainAfter: 3}, {drainAfter: 4}, {}},
		"resend":  {{refuseAt: 4}},
		"pause":   {{pauseAfter: 2}},
		"rejects": {{reject: true}},
		"silence": {{heartbeat: 20, silent: true}, {}},
	} {
		t.Run(name, func(t *testing.T) {
			s, addr := startScripted(t, source, scripts...)
			cfg := quietConfig(addr, source, Plan{ToUS: 4 * runUS, Backfill: true})
			cfg.Token = "secret"
			if err := runAgent(t, cfg); err != nil {
				t.Fatal(err)
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			for _, id := range s.devices {
				if err := s.model.check(fakeDevice{source, id, 0}, 4*runUS); err != nil {
					t.Error(err)
				}
			}
			if !s.released {
				t.Error("the devices were not given back")
			}
			if got := strings.Join(s.tokens, ","); got != "Bearer secret" {
				t.Errorf("authorization %q", got)
			}
			if len(s.hellos) < len(scripts) {
				t.Errorf("%d streams, want %d", len(s.hellos), len(scripts))
			}
		})
	}
}

func TestWireLiveStopsInOrder(t *testing.T) {
	source := fakeSource{readings: 500}
	complete := func(s *scripted) bool {
		for _, id := range s.devices {
			if s.model.check(fakeDevice{source, id, 0}, 5*runUS/2) != nil {
				return false
			}
		}
		return true
	}
	s, addr := startScripted(t, source, script{done: complete})
	a, err := New(quietConfig(addr, source, Plan{}))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	go func() {
		select {
		case <-s.reached:
			cancel()
		case <-ctx.Done():
		}
	}()
	if err := a.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(ctx.Err(), context.Canceled) {
		t.Fatal("not everything arrived")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.released {
		t.Error("the devices were not given back")
	}
}

func TestWireRefusals(t *testing.T) {
	source := fakeSource{readings: 10}
	for name, c := range map[string]struct {
		script script
		known  string // the agent's world
		want   string
	}{
		"no token":    {script{refuse: status.Error(codes.Unauthenticated, "token missing")}, "", "token missing"},
		"bad hello":   {script{refuse: status.Error(codes.InvalidArgument, "agent_id is long")}, "", "agent_id is long"},
		"fingerprint": {script{refuse: status.Error(codes.FailedPrecondition, "other world")}, "f00", "other world"},
		"named world": {script{world: "ba4"}, "f00", "belongs to world f00, but the collector's network is of world ba4"},
	} {
		t.Run(name, func(t *testing.T) {
			_, addr := startScripted(t, source, c.script)
			cfg := quietConfig(addr, source, Plan{ToUS: runUS, Backfill: true})
			cfg.Fingerprint = c.known
			err := runAgent(t, cfg)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}
