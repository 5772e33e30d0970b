package conformance

import (
	"time"

	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// cases are played in this order; each begins with a stream that is open, or
// waits for one.
var cases = []struct {
	sentence string
	play     func(*run)
}{
	{"waiting for the client", (*run).playWelcome},
	{"acknowledgements come late", (*run).playLate},
	{"the window is small in bytes", (*run).playBytes},
	{"the window is closed for a while", (*run).playPause},
	{"a reading is rejected", (*run).playReject},
	{"readings are wanted again", (*run).playResend},
	{"a device is taken away and given back", (*run).playRevoke},
	{"the connection is cut in mid-window", (*run).playCut},
	{"the collector comes back and knows less than it acknowledged", (*run).playClaim},
	{"the collector drains", (*run).playDrain},
	{"the server says GOAWAY", (*run).playGoAway},
	{"the collector refuses, again and again", (*run).playRefusal},
	{"the collector goes silent", (*run).playSilence},
	{"now stop the client in good order, or let its counter begin anew", (*run).playEnd},
}

const (
	// smallWindow is one that a slow client fills too.
	smallWindow = 2
	// welcomeAfter is long enough to see a client that does not wait.
	welcomeAfter = 1500 * time.Millisecond
	// resendAfter is what Resend asks to wait.
	resendAfter = 1500 * time.Millisecond
	// reconnectAfter is what Drain asks to wait.
	reconnectAfter = 3 * time.Second
	// refusals are answered before the client is taken again.
	refusals = 3
	// leastPause is what a client must wait before it tries again.
	leastPause = 100 * time.Millisecond
	// lagging is how many positions a collector forgets.
	lagging = 3
)

// moved says that something of a flight would become durable.
func (s *session) moved() bool {
	for _, f := range s.flights {
		if len(f.moves) > 0 {
			return true
		}
	}
	return false
}

// held answers all, then holds answers, and waits until a batch is under way.
func (r *run) held() *session {
	s := r.ready()
	if s == nil {
		return nil
	}
	s.answer()
	s.hold = true
	if !s.watch(r.cfg.Patience, s.moved) {
		s.hold = false
		return nil
	}
	return s
}

func (r *run) playWelcome() { r.open(opening{after: welcomeAfter}) }

func (r *run) playLate() {
	s := r.ready()
	if s == nil {
		return
	}
	s.flow(smallWindow, wideBytes)
	s.watch(r.cfg.Grace, nil)
	if s = r.held(); s == nil {
		return
	}
	full := func() bool {
		live, _ := s.underWay(false)
		past, _ := s.underWay(true)
		return live >= smallWindow || past >= smallWindow
	}
	if s.watch(r.cfg.Patience, full) {
		s.watch(3*r.cfg.Heartbeat, nil)
		r.passUnlessFailed(reqWindow)
		r.report.judge(reqHeartbeat, s.quiet < 2*r.cfg.Heartbeat, "nothing came for %v while the window was full; heartbeat_ms is %d", s.quiet.Round(time.Millisecond), r.cfg.Heartbeat.Milliseconds())
	}
	n := s.number
	s.hold = false
	s.answer()
	r.report.judge(reqLate, s.watch(r.cfg.Patience, func() bool { return s.number > n }), "nothing came within %v after an Ack for all that was under way", r.cfg.Patience)
}

// passUnlessFailed notes that what could have been broken was not.
func (r *run) passUnlessFailed(id string) {
	if r.report.Of(id).Verdict != Failed {
		r.report.pass(id)
	}
}

func (r *run) playBytes() {
	s := r.ready()
	if s == nil {
		return
	}
	s.flow(wideBatches, 1)
	s.watch(2*r.cfg.Grace, nil)
	if s = r.held(); s == nil {
		return
	}
	s.watch(3*r.cfg.Heartbeat, nil)
	r.passUnlessFailed(reqWindowBytes)
	s.hold = false
	s.answer()
	s.flow(wideBatches, wideBytes)
}

func (r *run) playPause() {
	s := r.ready()
	if s == nil {
		return
	}
	s.flow(0, wideBytes)
	s.watch(3*r.cfg.Heartbeat, nil)
	n := s.number
	s.flow(wideBatches, wideBytes)
	goesOn := s.watch(r.cfg.Patience, func() bool { return s.number > n })
	if r.report.Of(reqPause).Verdict != Failed {
		r.report.judge(reqPause, goesOn, "nothing came within %v after the window was opened again", r.cfg.Patience)
	}
}

func (r *run) playReject() {
	s := r.ready()
	if s == nil {
		return
	}
	s.rejecting = true
	if !s.watch(r.cfg.Patience, func() bool { return s.rejected != nil }) {
		s.rejecting = false
		return
	}
	k, seq := s.rejected.key, s.rejected.last
	goesOn := s.watch(r.cfg.Patience, func() bool { return r.ledger.of(k).durable > seq })
	r.report.judge(reqReject, goesOn, "nothing of %s/%d came within %v after position %d was rejected", k.device, k.epoch, r.cfg.Patience, s.rejected.first)
}

func (r *run) playResend() {
	s := r.held()
	if s == nil {
		return
	}
	s.watch(r.cfg.Grace, nil) // more of it may come
	var k key
	for _, f := range s.flights {
		if len(f.moves) > 0 {
			k = f.moves[0].key
		}
	}
	s.hold = false
	s.sendAgain(k, r.ledger.of(k).durable+1, resendAfter)
	if !s.watch(r.cfg.Patience, func() bool { return s.asked[k] == nil }) {
		r.report.fail(reqResend, "%s/%d did not come again from %d within %v", k.device, k.epoch, s.asked[k].from, r.cfg.Patience)
	}
}

func (r *run) playRevoke() {
	s := r.held()
	if s == nil {
		return
	}
	device := ""
	for _, f := range s.flights {
		if len(f.moves) > 0 {
			device = f.moves[0].device
		}
	}
	s.hold = false
	s.answer()
	s.devices[device].revokedAt = time.Now()
	s.send(&gantryv1.ConnectResponse{Message: &gantryv1.ConnectResponse_Lease{Lease: &gantryv1.Lease{Revoked: []string{device}}}})
	s.watch(r.cfg.Grace+3*r.cfg.Heartbeat, nil)
	r.passUnlessFailed(reqRevoked)
	s.startReq = reqGranted
	none := func(key, *progress) uint64 { return 0 }
	s.send(&gantryv1.ConnectResponse{Message: &gantryv1.ConnectResponse_Lease{Lease: s.grant([]string{device}, none)}})
	if !s.watch(r.cfg.Patience, func() bool { return r.report.Of(reqGranted).Verdict != NotSeen }) {
		r.report.fail(reqGranted, "nothing of %s came within %v after it was given back", device, r.cfg.Patience)
	}
}

func (r *run) playCut() {
	s := r.held()
	if s == nil {
		return
	}
	s.watch(r.cfg.Grace, nil)
	// The first half is durable, but the Ack is lost.
	for _, f := range s.flights[:len(s.flights)/2] {
		r.ledger.durable(f)
	}
	r.door.cut()
	s.over = true
	if s = r.open(opening{about: reqResume}); s == nil {
		r.report.fail(reqResume, "the client did not connect again within %v after its connection was cut", r.cfg.Patience)
		return
	}
	s.watch(r.cfg.Patience, func() bool { return len(s.next) > 0 })
}

func (r *run) playClaim() {
	s := r.held()
	if s == nil {
		return
	}
	s.hold = false
	s.answer()
	s.watch(r.cfg.Grace, nil) // so that the Ack has come
	r.door.cut()
	s.over = true
	lag := func(_ key, p *progress) uint64 {
		if p.end != 0 || p.told < lagging {
			return 0
		}
		for seq := p.told - lagging + 1; seq <= p.told; seq++ {
			if p.refused[seq] {
				return 0 // nobody may send that again
			}
		}
		return p.durable - p.told + lagging
	}
	if s = r.open(opening{about: reqClaim, lag: lag}); s != nil {
		s.watch(r.cfg.Patience, func() bool { return len(s.next) > 0 })
	}
}

func (r *run) playDrain() {
	s := r.held()
	if s == nil {
		return
	}
	s.drainedAt = time.Now()
	s.send(&gantryv1.ConnectResponse{Message: &gantryv1.ConnectResponse_Drain{
		Drain: &gantryv1.Drain{ReconnectAfterMs: uint32(reconnectAfter / time.Millisecond), Reason: "The conformance check drains."},
	}})
	left := s.watch(2*r.cfg.Grace, func() bool { return s.closed })
	r.report.judge(reqDrainWaits, !left && !s.over, "the client ended the stream while %d batches were under way", len(s.flights))
	s.hold = false
	s.answer()
	r.report.judge(reqDrain, s.watch(r.cfg.Patience/2, func() bool { return s.closed }), "the client did not close its sending side within %v after all was answered", r.cfg.Patience/2)
	s.finish(nil)
	drained := s.drainedAt
	if s = r.open(opening{about: reqResume}); s == nil {
		r.report.fail(reqReconnect, "the client did not connect again within %v after Drain", r.cfg.Patience)
		return
	}
	waited := s.came.Sub(drained)
	r.report.judge(reqReconnect, waited >= reconnectAfter, "the client connected again %v after Drain, and was told %v", waited.Round(time.Millisecond), reconnectAfter)
}

func (r *run) playGoAway() {
	s := r.ready()
	if s == nil {
		return
	}
	go r.door.next(r).GracefulStop() // waits for the stream
	s.watch(r.cfg.Grace, nil)
	n := s.number
	goesOn := s.watch(r.cfg.Patience, func() bool { return s.number > n })
	r.report.judge(reqGoAway, goesOn, "nothing came over the stream within %v after GOAWAY", r.cfg.Patience)
	before := s.peer
	s.refuse()
	if s = r.open(opening{about: reqResume}); s == nil {
		r.report.fail(reqGoAway, "the client did not connect again within %v after GOAWAY and the end of its stream", r.cfg.Patience)
		return
	}
	r.report.judge(reqGoAway, s.peer != before, "the next stream came over the connection that had said GOAWAY")
}

func (r *run) playRefusal() {
	s := r.ready()
	if s == nil {
		return
	}
	s.refuse()
	last := time.Now()
	for range refusals {
		if s = r.arrival(); s == nil {
			r.report.fail(reqBackoff, "the client did not try again within %v after it was refused", r.cfg.Patience)
			return
		}
		waited := s.came.Sub(last)
		r.report.judge(reqBackoff, waited >= leastPause, "the client tried again after %v", waited.Round(time.Millisecond))
		s.refuse()
		last = time.Now()
	}
	if s = r.open(opening{about: reqResume}); s == nil {
		r.report.fail(reqBackoff, "the client gave up after %d refusals", refusals)
	}
}

func (r *run) playSilence() {
	s := r.ready()
	if s == nil {
		return
	}
	s.hold, s.mute = true, true
	patience := max(10*r.cfg.Heartbeat, 5*time.Second)
	left := s.watch(patience, func() bool { return s.over || s.closed })
	r.report.judge(reqSilence, left, "the client stayed for %v with a collector that said nothing; heartbeat_ms is %d", patience, r.cfg.Heartbeat.Milliseconds())
	s.refuse()
	if r.open(opening{about: reqResume}) == nil && left {
		r.report.fail(reqSilence, "the client left a silent collector and did not come back within %v", r.cfg.Patience)
	}
}

func (r *run) playEnd() {
	if s := r.ready(); s != nil {
		s.watch(r.cfg.EndPatience, func() bool { return r.report.Of(reqEnd).Verdict != NotSeen })
		s.watch(r.cfg.Grace, nil) // what comes after it
	}
}
