package conformance

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"

	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// run is one check of one client.
type run struct {
	gantryv1.UnimplementedIngestServiceServer

	cfg      Config
	ctx      context.Context
	report   *Report
	ledger   *ledger
	door     *door
	arrivals chan *session

	current *session
	agentID string
	lost    bool // the client did not come back
}

// Run drives the client that connects to the listener through all cases. An
// error says that nothing could be checked.
func Run(ctx context.Context, cfg Config) (*Report, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r := &run{cfg: cfg, ctx: ctx, report: newReport(cfg.Skip), arrivals: make(chan *session)}
	r.ledger = newLedger(cfg.Network, r.report)
	r.door = newDoor(cfg.Listener, r)
	defer r.door.close()
	for _, c := range cases {
		if r.lost || ctx.Err() != nil {
			break
		}
		cfg.Progress(c.sentence)
		c.play(r)
	}
	if r.current != nil {
		r.current.finish(nil)
	}
	if r.agentID == "" && ctx.Err() == nil {
		return r.report, fmt.Errorf("no client said Hello at %s within %v: start it, and give it this address", cfg.Listener.Addr(), cfg.Patience)
	}
	return r.report, context.Cause(ctx)
}

// Connect is the stream of the client.
func (r *run) Connect(g grpc.BidiStreamingServer[gantryv1.ConnectRequest, gantryv1.ConnectResponse]) error {
	s := newSession(r, g)
	select {
	case r.arrivals <- s:
	case <-g.Context().Done():
		return status.FromContextError(g.Context().Err()).Err()
	}
	go s.receive()
	select {
	case err := <-s.end:
		return err
	case <-g.Context().Done():
		return status.FromContextError(g.Context().Err()).Err()
	}
}

// arrival waits for the next stream; nil when none comes.
func (r *run) arrival() *session {
	patience := time.NewTimer(r.cfg.Patience)
	defer patience.Stop()
	select {
	case s := <-r.arrivals:
		return s
	case <-patience.C:
	case <-r.ctx.Done():
	}
	r.lost = true
	return nil
}

// opening says how a stream is opened.
type opening struct {
	after time.Duration               // Welcome comes so long after Hello
	about string                      // the requirement that where it begins is about
	lag   func(key, *progress) uint64 // what the collector does not know of
}

// open waits for the client and welcomes it; nil when it does not come.
func (r *run) open(o opening) *session {
	s := r.arrival()
	if s == nil {
		r.current = nil
		return nil
	}
	r.current = s
	if o.about != "" {
		s.startReq = o.about
	}
	if o.lag == nil {
		o.lag = func(key, *progress) uint64 { return 0 }
	}
	if !r.greet(s) {
		s.refuse()
		return nil
	}
	s.watch(o.after, nil)
	s.welcome(r.devices(s.hello), o.lag)
	if o.after > 0 {
		r.report.pass(reqWelcome)
	}
	return s
}

// greet takes the first message, which must be Hello.
func (r *run) greet(s *session) bool {
	var m incoming
	select {
	case m = <-s.in:
	case <-time.After(r.cfg.Patience):
		r.report.fail(reqHello, "a stream was opened, and nothing came over it")
		return false
	case <-r.ctx.Done():
		return false
	}
	s.hello = m.message.GetHello()
	if s.hello == nil {
		r.report.fail(reqHello, "the first message is not Hello")
		return false
	}
	id := s.hello.GetAgentId()
	if r.agentID == "" {
		r.agentID = id
	}
	switch {
	case id == "" || len(id) > 128:
		r.report.fail(reqHello, "agent_id has %d bytes, outside 1 to 128", len(id))
	default:
		r.report.judge(reqHello, id == r.agentID, "agent_id was %q, and is %q now", r.agentID, id)
	}
	honest := true
	for _, p := range s.hello.GetAcknowledged() {
		if told := r.ledger.of(key{p.GetDeviceId(), p.GetEpoch()}).told; p.GetSeq() > told {
			honest = false
			r.report.fail(reqHonest, "Hello says that %d of %s/%d is acknowledged, but only %d is", p.GetSeq(), p.GetDeviceId(), p.GetEpoch(), told)
		}
	}
	if honest && len(r.ledger.epochs) > 0 {
		r.report.pass(reqHonest)
	}
	return true
}

// devices are those that a client gets: what it names, else what it has
// capacity for.
func (r *run) devices(h *gantryv1.Hello) []string {
	var out []string
	if len(h.GetStaticDevices()) == 0 {
		all := r.cfg.Network.DeviceIDs()
		return all[:min(len(all), int(h.GetCapacity()))]
	}
	for _, id := range h.GetStaticDevices() {
		if r.cfg.Network.Devices[id] == nil {
			r.report.fail(reqLeased, "Hello.static_devices names %q, which the network does not have", id)
			continue
		}
		out = append(out, id)
	}
	return out
}

// ready is a welcomed stream, the present one or a new one; nil when there is
// none.
func (r *run) ready() *session {
	if s := r.current; s != nil && !s.over && !s.closed {
		return s
	}
	if r.lost {
		return nil
	}
	return r.open(opening{about: reqResume})
}
