package uplink

import "time"

// epochState is how far one epoch of a device is.
type epochState struct {
	dev *deviceState
	Epoch

	// durable and durableEnd are what the collector said.
	durable    uint64
	durableEnd bool
	// moved says that an Ack named durable and no Welcome has since.
	moved bool
	// answered and answeredEnd are what was sent in this process and
	// answered without a Resend; they tell when a backfill is finished, also
	// where another agent moved the durable position meanwhile.
	answered    uint64
	answeredEnd bool
	// exhausted says that the source has no more than last of an epoch that
	// gets no end: nothing the collector says would tell.
	exhausted bool
	last      uint64

	lane    lane
	cur     Cursor   // nil: to be opened at next
	repeats Repeater // cur, where it is one
	next    uint64   // position to send next
	started bool     // something of it was sent in this stream
	endSent bool     // the end was sent; nothing follows
	cut     bool     // the plan's end was reached; nothing follows
	queued  bool     // in the live heap, or among the backfills

	// run counts rewinds: what was sent in an earlier run proves nothing
	// about answers, because the collector dropped it behind the gap.
	run uint32
	// A rewound epoch waits until all that was sent before is answered, so
	// that Resends for the same gap rewind once, and until heldUntil.
	held      bool
	heldBatch uint64
	heldUntil time.Duration

	due int64 // emission time of the next reading; orders the live heap
}

// start returns the position after which sending starts.
func (e *epochState) start(resend bool) uint64 {
	if resend {
		return e.answered
	}
	return e.durable
}

// over says that nothing of the epoch is left to send. Of one without an end
// that is known only once the source was asked.
func (e *epochState) over(resend bool) bool {
	if e.NoEnd {
		return e.exhausted && e.start(resend) >= e.last
	}
	if resend {
		return e.answeredEnd
	}
	return e.durableEnd
}

// rewind makes next the position to send.
func (e *epochState) rewind(next uint64) {
	e.next = next
	e.cur = nil
	e.endSent, e.cut = false, false
	e.run++
}

// cursor returns the open cursor, opening it where needed.
func (e *epochState) cursor() Cursor {
	if e.cur == nil {
		e.cur = e.dev.src.Open(e.Epoch, e.next-1)
		e.repeats, _ = e.cur.(Repeater)
	}
	return e.cur
}

// taken says how a chunk ended.
type taken uint8

const (
	chunkFull  taken = iota // limits reached; more may be due
	chunkWaits              // the next reading is not due yet
	chunkOver               // nothing of the epoch follows
	chunkAgain              // the next reading is the last once more: it needs a chunk of its own
)

// take fills c with what is due at nowUS, at most so many readings and bytes.
// On the wire, readings emitted twice are sent twice, and an exhausted epoch
// gets its end once that time has come; in the spool both have no place.
func (e *epochState) take(c *chunk, nowUS, toUS int64, readings, bytes int, wire bool) taken {
	cur := e.cursor()
	c.begin(e.dev.id, e.ID, e.next)
	for c.count < readings && len(c.wire)+MaxReadingBytes <= bytes {
		at, ok := cur.Peek()
		if !ok {
			return e.finish(c, nowUS, toUS, wire)
		}
		if toUS != 0 && at >= toUS {
			e.cut = true
			return chunkOver
		}
		if at > nowUS {
			e.due = at
			return chunkWaits
		}
		if e.repeats != nil && e.repeats.Again() {
			switch {
			case !wire:
				c.skip(cur)
				continue
			case c.count > 0:
				return chunkAgain
			}
			e.next--
			c.begin(e.dev.id, e.ID, e.next)
		}
		e.due = at
		c.take(cur)
		e.next++
	}
	return chunkFull
}

// finish ends an epoch that has no more readings.
func (e *epochState) finish(c *chunk, nowUS, toUS int64, wire bool) taken {
	switch {
	case toUS != 0 && e.EndUS > toUS:
		e.cut = true
	case nowUS < e.EndUS:
		e.due = e.EndUS
		return chunkWaits
	case e.NoEnd:
		e.exhausted, e.last = true, e.next-1
	case wire:
		c.end()
		e.next++
		e.endSent = true
	default:
		e.cut = true
	}
	return chunkOver
}

// liveHeap orders the live lane's epochs by when their next reading is due.
type liveHeap []*epochState

func (h liveHeap) Len() int { return len(h) }
func (h liveHeap) Less(i, j int) bool {
	if h[i].due != h[j].due {
		return h[i].due < h[j].due
	}
	return h[i].dev.id < h[j].dev.id
}
func (h liveHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

// Push is for container/heap.
func (h *liveHeap) Push(x any) { *h = append(*h, x.(*epochState)) }

// Pop is for container/heap.
func (h *liveHeap) Pop() any {
	old := *h
	e := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return e
}
