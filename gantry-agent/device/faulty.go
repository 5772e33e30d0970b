package device

import (
	"container/heap"

	"github.com/gantry-dev/gantry/gantry-agent/world"
)

// faulty gives what a device with faults emits in an epoch, in order, without
// positions. It is what Cursor does for a sound device and more: it is kept
// apart so that a sound one pays nothing for it.
type faulty struct {
	d        *Device
	e        Epoch
	passages *world.Cursor

	passage   world.Passage
	isPhantom bool         // passage is one
	toCome    bool         // a phantom of passage is next
	emitted   world.Micros // of the reading before, had it not been held
	ahead     [maxLanes + 1]world.Micros
	last      Reading // observed in the epoch, to be stuck at; Kind 0 when there is none

	next  Reading // the first that was not held; Kind 0 when not found yet
	held  heldHeap
	order uint64
	ended bool // nothing not held follows next
}

// openFaulty begins an epoch, or returns nil where no fault has anything to do
// with it. What is held back comes from an earlier time: it looks back as far
// as something may be held.
func (d *Device) openFaulty(e Epoch) *faulty {
	var hold world.Micros
	needed := false
	for kind := range d.faults {
		for i := range d.faults[kind] {
			f := &d.faults[kind][i]
			reach := lookBack
			holds := f.Kind == world.FaultLate || f.Kind == world.FaultReorder
			if holds {
				reach += f.Span
			}
			if f.From >= e.End || f.To <= e.Start-reach {
				continue
			}
			needed = true
			if holds {
				hold = max(hold, f.Span)
			}
		}
	}
	if !needed {
		return nil
	}
	return &faulty{d: d, e: e, passages: d.passages(e.Start-lookBack-hold, e.End)}
}

// peek tells when the next reading is emitted; false when none is.
func (s *faulty) peek() (world.Micros, bool) {
	for s.next.Kind == 0 && !s.ended {
		s.observe()
	}
	switch {
	case s.heldFirst():
		return s.held[0].EmittedAt, true
	case s.next.Kind != 0:
		return s.next.EmittedAt, true
	}
	return 0, false
}

// pop moves the next reading into r, after peek.
func (s *faulty) pop(r *Reading) {
	if s.heldFirst() {
		*r = heap.Pop(&s.held).(held).Reading
		return
	}
	*r = s.next
	s.next.Kind = 0
}

// heldFirst says that a held reading is next: it was observed before the one
// that was not, so it goes first where both are emitted at the same time.
func (s *faulty) heldFirst() bool {
	return len(s.held) > 0 && (s.next.Kind == 0 || s.held[0].EmittedAt <= s.next.EmittedAt)
}

// observe takes one passage, or the phantom of the last.
func (s *faulty) observe() {
	if !s.advance() {
		s.ended = true
		return
	}
	p := &s.passage
	if s.d.down(p.At) || s.d.hit(world.FaultDrop, p.At, p.Trip) {
		return
	}
	s.toCome = !s.isPhantom && s.d.hit(world.FaultOverCount, p.At, p.Trip)
	s.emitted = max(s.emitted, p.At+s.d.delay(p.Trip))
	if s.emitted >= s.e.End {
		s.ended = true
		s.passages.Close()
		return
	}
	hold := s.d.hold(p.At, p.Trip)
	if s.d.down(s.emitted) || s.emitted+hold < s.e.Start {
		return
	}
	r := s.measure()
	r.EmittedAt = s.emitted + hold
	switch {
	case r.EmittedAt >= s.e.End || s.d.down(r.EmittedAt):
		// Another epoch's, or nobody's: a device that is down forgets.
	case hold > 0:
		s.order++
		heap.Push(&s.held, held{r, s.order})
	default:
		s.next = r
	}
}

// advance moves to the next passage or phantom.
func (s *faulty) advance() bool {
	if s.toCome {
		s.d.phantom(&s.passage)
		s.toCome, s.isPhantom = false, true
		return true
	}
	s.isPhantom = false
	return s.passages.Next(&s.passage)
}

// measure is the reading of the passage, without its emission. Headway and a
// stuck measurement are the counter's, which starts anew with the epoch: what
// was observed before it is measured without.
func (s *faulty) measure() Reading {
	p, d := &s.passage, s.d
	r := Reading{ObservedAt: p.At + d.skew(p.At, p.Trip), Kind: d.kind, Lane: p.Lane, Twice: d.hit(world.FaultDuplicate, p.At, p.Trip)}
	within := s.emitted >= s.e.Start
	var before world.Micros
	if within {
		before, s.ahead[p.Lane] = s.ahead[p.Lane], p.At
	}
	d.measure(p, before, &r)
	d.misclass(p, &r)
	d.misread(p, &r)
	if !within {
		return r
	}
	if s.last.Kind != 0 && d.is(world.FaultStuck, p.At) {
		stuck := s.last
		stuck.ObservedAt, stuck.Lane, stuck.Twice = r.ObservedAt, r.Lane, r.Twice
		return stuck
	}
	s.last = r
	return r
}

// held is a reading that is kept back.
type held struct {
	Reading
	order uint64 // of observation
}

// heldHeap has the one on top that is emitted first.
type heldHeap []held

func (h heldHeap) Len() int { return len(h) }
func (h heldHeap) Less(i, j int) bool {
	if h[i].EmittedAt != h[j].EmittedAt {
		return h[i].EmittedAt < h[j].EmittedAt
	}
	return h[i].order < h[j].order
}
func (h heldHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

// Push is for container/heap.
func (h *heldHeap) Push(x any) { *h = append(*h, x.(held)) }

// Pop is for container/heap.
func (h *heldHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}
