package ingest

import (
	"slices"
	"sync"

	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// outbox is what a stream has to say and has not said yet. Its parts merge,
// so it never holds more than the window lets be in flight. Putting never
// blocks: it happens in the goroutine of Kafka's client.
type outbox struct {
	mu    sync.Mutex
	wake  chan struct{} // has room for one
	ack   answer
	flow  *gantryv1.Flow
	drain *gantryv1.Drain
}

// answer is what one or several answered flights have to say.
type answer struct {
	batch   uint64 // the newest; 0 when there is none
	rows    []*row
	rejects []*gantryv1.Reject
	resends []*gantryv1.Resend
	batches int // answered by this
	bytes   int
}

func newOutbox() *outbox { return &outbox{wake: make(chan struct{}, 1)} }

func (o *outbox) signal() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// putAnswers appends answered flights, oldest first.
func (o *outbox) putAnswers(flights []*flight) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, f := range flights {
		o.ack.batch = f.number
		o.ack.rows = append(o.ack.rows, f.touched...)
		o.ack.rejects = append(o.ack.rejects, f.rejects...)
		o.ack.resends = append(o.ack.resends, f.resends...)
		o.ack.batches++
		o.ack.bytes += f.bytes
	}
	o.signal()
}

// putFlow replaces what was to be said of windows.
func (o *outbox) putFlow(f *gantryv1.Flow) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.flow = f
	o.signal()
}

// putDrain asks the agent to go.
func (o *outbox) putDrain(d *gantryv1.Drain) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.drain = d
	o.signal()
}

// take empties the outbox.
func (o *outbox) take() (answer, *gantryv1.Flow, *gantryv1.Drain) {
	o.mu.Lock()
	defer o.mu.Unlock()
	a, f, d := o.ack, o.flow, o.drain
	o.ack, o.flow, o.drain = answer{}, nil, nil
	return a, f, d
}

// messages makes an answer's Acks: several if it has more than limit entries.
// Only the last names the batch, so that a batch is never answered before all
// its rejects are told.
func (a *answer) messages(t *table, before uint64, limit int) []*gantryv1.Ack {
	durable := t.durables(a.rows)
	out := []*gantryv1.Ack{{BatchNumber: before}}
	left := limit
	room := func() *gantryv1.Ack {
		if left == 0 {
			out = append(out, &gantryv1.Ack{BatchNumber: before})
			left = limit
		}
		left--
		return out[len(out)-1]
	}
	for _, p := range durable {
		ack := room()
		ack.Durable = append(ack.Durable, p)
	}
	for _, r := range a.rejects {
		ack := room()
		ack.Rejects = append(ack.Rejects, r)
	}
	// Resends go with the batch's number: an agent that rewinds waits for
	// all that was under way when it heard of it.
	last := out[len(out)-1]
	last.Resends, last.BatchNumber = a.resends, a.batch
	return out
}

// durables gives the positions of rows, each once.
func (t *table) durables(rows []*row) []*gantryv1.Position {
	slices.SortFunc(rows, func(a, b *row) int {
		if a.device != b.device {
			if a.device < b.device {
				return -1
			}
			return 1
		}
		return int(int64(a.epoch) - int64(b.epoch))
	})
	rows = slices.Compact(rows)
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make([]*gantryv1.Position, 0, len(rows))
	for _, r := range rows {
		if r.durable > 0 {
			out = append(out, r.position())
		}
	}
	return out
}
