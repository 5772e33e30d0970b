package uplink

import (
	"cmp"
	"container/heap"
	"fmt"
	"maps"
	"slices"
	"time"

	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// Session is the state of an agent's side of the protocol. Its methods are
// the inputs; Next gives the batches to send. It is used by one goroutine.
type Session struct {
	plan    Plan
	limits  Limits
	flush   time.Duration
	source  Source
	spooled func(deviceID string, epoch uint32) uint64

	online   bool // between Welcome and Disconnected
	stopping bool // nothing new is sent: Drain, or the agent stops

	devices map[string]*deviceState
	windows [lanes]window
	// maxBytes and maxReadings are the collector's limits of a batch.
	maxBytes, maxReadings int

	number  uint64 // of the batch sent last
	flight  []sent // oldest first
	live    liveHeap
	active  []*epochState // backfills with a cursor, in turn
	held    []*epochState // rewound, waiting
	idle    []*deviceState
	chunk   chunk
	flushed time.Duration // when the live lane was last sent
	behind  bool          // the last live batch was full: do not wait
	changed time.Duration // when devices last came or went
	granted bool          // a device came in this process
	stats   Stats
}

// Stats is what a session has done, in counts since it began.
type Stats struct {
	// Sent and Answered count readings per lane ("live", "backfill").
	Sent, Answered [2]uint64
	// Resends counts rewinds that the collector asked for.
	Resends uint64
	// UnknownDevices counts leases of devices that the source does not know.
	UnknownDevices uint64
}

// NewSession makes a session without a stream. spooled tells how far an
// epoch's readings are on disk; nil says that none are.
func NewSession(plan Plan, limits Limits, flush time.Duration, spooled func(deviceID string, epoch uint32) uint64) *Session {
	limits.fill()
	return &Session{plan: plan, limits: limits, flush: flush, spooled: spooled, devices: map[string]*deviceState{}}
}

// Acknowledged returns the positions for Hello: those that an Ack named and
// no Welcome has named since, newest epochs first within the limit. All
// others are forgotten, because a session may start only behind positions
// that the collector knows: the next Welcome gives them.
func (s *Session) Acknowledged() []*gantryv1.Position {
	var moved []*epochState
	for _, d := range s.devices {
		for _, e := range d.epochs {
			if e.moved {
				moved = append(moved, e)
			} else {
				e.durable, e.durableEnd = 0, false
			}
		}
	}
	slices.SortFunc(moved, func(a, b *epochState) int {
		return cmp.Or(cmp.Compare(b.ID, a.ID), cmp.Compare(a.dev.id, b.dev.id))
	})
	var out []*gantryv1.Position
	for i, e := range moved {
		if i >= s.limits.HelloPositions {
			e.durable, e.durableEnd, e.moved = 0, false, false
			continue
		}
		out = append(out, &gantryv1.Position{DeviceId: e.dev.id, Epoch: e.ID, Seq: e.durable, Ended: e.durableEnd})
	}
	return out
}

// Welcome begins a stream. It returns errors of single devices, which are
// left out.
func (s *Session) Welcome(now Instant, w *gantryv1.Welcome, source Source) []error {
	s.reset(now)
	s.source, s.online, s.stopping = source, true, false
	s.maxBytes, s.maxReadings = int(w.GetMaxBatchBytes()), int(w.GetMaxBatchReadings())
	s.Flow(w.GetFlow())
	keep := map[string]bool{}
	for _, g := range w.GetLease().GetGranted() {
		keep[g.GetDeviceId()] = true
		if d := s.devices[g.GetDeviceId()]; d != nil {
			d.known(g.GetDurable())
		}
	}
	maps.DeleteFunc(s.devices, func(id string, _ *deviceState) bool { return !keep[id] })
	s.changed = now.Mono
	return s.Lease(now, w.GetLease())
}

// reset forgets all that belongs to a stream.
func (s *Session) reset(now Instant) {
	s.online = false
	s.flight, s.windows = nil, [lanes]window{}
	s.number, s.behind, s.flushed = 0, false, now.Mono-s.flush
	s.live, s.active, s.held, s.idle = nil, nil, nil, nil
	for _, d := range s.devices {
		d.current, d.past, d.planned = nil, nil, false
	}
}

// Disconnected ends a stream: what was under way counts as not sent.
// Epochs of the live lane go on into the spool, see NextSpool.
func (s *Session) Disconnected(now Instant) {
	s.reset(now)
	if s.spooled == nil {
		return
	}
	for _, id := range slices.Sorted(maps.Keys(s.devices)) {
		s.begin(s.devices[id], now)
		s.devices[id].past = nil
	}
}

// Lease gives devices and takes them away.
func (s *Session) Lease(now Instant, l *gantryv1.Lease) []error {
	var errs []error
	for _, id := range l.GetRevoked() {
		s.drop(id)
		s.changed = now.Mono
	}
	for _, g := range l.GetGranted() {
		s.changed, s.granted = now.Mono, true
		if err := s.grant(now, g); err != nil {
			s.stats.UnknownDevices++
			errs = append(errs, err)
		}
	}
	return errs
}

func (s *Session) grant(now Instant, g *gantryv1.LeasedDevice) error {
	id := g.GetDeviceId()
	if d := s.devices[id]; d != nil {
		d.merge(g.GetDurable())
		if !d.planned {
			s.begin(d, now)
			return nil
		}
		d.catchUp(s.plan.Resend)
		return nil
	}
	src, err := s.source.Device(id, g.GetValidFromUs())
	if err != nil {
		return fmt.Errorf("uplink: device %s, granted by the collector, cannot be carried: %w", id, err)
	}
	d := &deviceState{id: id, validFromUS: g.GetValidFromUs(), src: src, epochs: map[uint32]*epochState{}}
	s.devices[id] = d
	d.merge(g.GetDurable())
	s.begin(d, now)
	return nil
}

// begin plans a device and queues its epochs.
func (s *Session) begin(d *deviceState, now Instant) {
	var spooled func(string, uint32) uint64
	if !s.online {
		spooled = s.spooled
	}
	d.plan(s.plan, now.WorldUS, spooled)
	switch {
	case s.plan.Backfill:
	case d.current != nil && !d.current.over(s.plan.Resend):
		s.pushLive(d.current)
	case !s.succeed(d, now):
		s.idle = append(s.idle, d)
	}
}

// drop forgets a device. What it knew of positions goes too: whoever carries
// it meanwhile moves them, and the next grant brings them.
func (s *Session) drop(id string) {
	d := s.devices[id]
	if d == nil {
		return
	}
	delete(s.devices, id)
	mine := func(e *epochState) bool { return e.dev == d }
	s.live = slices.DeleteFunc(s.live, mine)
	heap.Init(&s.live)
	s.active = slices.DeleteFunc(s.active, mine)
	s.held = slices.DeleteFunc(s.held, mine)
	s.idle = slices.DeleteFunc(s.idle, func(i *deviceState) bool { return i == d })
}

// Flow changes the windows.
func (s *Session) Flow(f *gantryv1.Flow) {
	if f == nil {
		return
	}
	if f.GetLive() != nil {
		s.windows[live].limit(f.GetLive())
	}
	if f.GetBackfill() != nil {
		s.windows[backfill].limit(f.GetBackfill())
	}
}

// Stop sends nothing new from now on, until the next Welcome: for Drain, and
// when the agent stops.
func (s *Session) Stop() { s.stopping = true }

// Ack takes an answer in. An error means that the collector breaks the
// protocol.
func (s *Session) Ack(now Instant, a *gantryv1.Ack) error {
	if a.GetBatchNumber() > s.number {
		return fmt.Errorf("uplink: the collector answered batch %d, but only %d were sent", a.GetBatchNumber(), s.number)
	}
	for _, p := range a.GetDurable() {
		if d := s.devices[p.GetDeviceId()]; d != nil {
			d.merge([]*gantryv1.Position{p})
			d.epochs[p.GetEpoch()].moved = true
		}
	}
	// Rewind first: a batch that ran into the gap is answered too, and must
	// not count.
	for _, r := range a.GetResends() {
		s.resend(now, r)
	}
	for len(s.flight) > 0 && s.flight[0].number <= a.GetBatchNumber() {
		s.answer(&s.flight[0])
		s.flight[0].parts = nil
		s.flight = s.flight[1:]
	}
	s.release(now)
	return nil
}

func (s *Session) answer(b *sent) {
	s.windows[b.lane].remove(b.bytes)
	s.stats.Answered[b.lane] += uint64(b.count)
	for _, p := range b.parts {
		if p.run != p.epoch.run {
			continue
		}
		p.epoch.answered = max(p.epoch.answered, p.last)
		p.epoch.answeredEnd = p.epoch.answeredEnd || p.ended
	}
}

// resend rewinds an epoch and holds it until all that was sent is answered.
func (s *Session) resend(now Instant, r *gantryv1.Resend) {
	d := s.devices[r.GetDeviceId()]
	if d == nil {
		return // taken away meanwhile
	}
	e := d.epochs[r.GetEpoch()]
	if e == nil || e.EndUS == 0 || (e.next == 1 && !e.endSent) {
		return // nothing of it was sent
	}
	s.stats.Resends++
	from := min(max(r.GetFromSeq(), 1), e.next)
	e.rewind(from)
	e.answered, e.answeredEnd = min(e.answered, from-1), false
	s.unqueue(e)
	s.idle = slices.DeleteFunc(s.idle, func(i *deviceState) bool { return i == d && d.current == e })
	e.heldBatch = s.number
	e.heldUntil = max(e.heldUntil, now.Mono+time.Duration(r.GetAfterMs())*time.Millisecond)
	if !e.held {
		e.held = true
		s.held = append(s.held, e)
	}
}

func (s *Session) unqueue(e *epochState) {
	if !e.queued {
		return
	}
	e.queued = false
	if e.lane == live {
		heap.Remove(&s.live, slices.Index(s.live, e))
		return
	}
	isIt := func(x *epochState) bool { return x == e }
	s.active = slices.DeleteFunc(s.active, isIt)
	e.dev.past = slices.DeleteFunc(e.dev.past, isIt)
}

// release queues rewound epochs again that have waited long enough.
func (s *Session) release(now Instant) {
	s.held = slices.DeleteFunc(s.held, func(e *epochState) bool {
		if now.Mono < e.heldUntil || (len(s.flight) > 0 && s.flight[0].number <= e.heldBatch) {
			return false
		}
		e.held = false
		e.due = e.StartUS
		if e.lane == live {
			s.pushLive(e)
		} else {
			e.queued = true
			s.active = append(s.active, e)
		}
		return true
	})
}

func (s *Session) pushLive(e *epochState) {
	e.queued = true
	heap.Push(&s.live, e)
}

// InFlight returns the batches sent and not answered.
func (s *Session) InFlight() int { return len(s.flight) }

// Devices returns how many devices are carried.
func (s *Session) Devices() int { return len(s.devices) }

// Stats returns what was done so far.
func (s *Session) Stats() Stats { return s.stats }

// Carries says whether a device is carried.
func (s *Session) Carries(deviceID string) bool { return s.devices[deviceID] != nil }

// LagUS returns how long the oldest due live reading has been waiting,
// microseconds of world time.
func (s *Session) LagUS(now Instant) int64 {
	if len(s.live) == 0 {
		return 0
	}
	return max(0, now.WorldUS-s.live[0].due)
}

// Done says that everything of the plan is sent and answered, and that no
// device came or went for so long. Only a plan with an end is ever done.
func (s *Session) Done(now Instant, settle time.Duration) bool {
	if !s.plan.Backfill || !s.online || !s.granted || now.Mono-s.changed < settle {
		return false
	}
	return len(s.flight) == 0 && len(s.active) == 0 && len(s.held) == 0 && s.newestPast() == nil
}
