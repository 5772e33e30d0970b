package uplink

import (
	"slices"

	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// deviceState is one device that the session carries.
type deviceState struct {
	id          string
	validFromUS int64
	src         Device
	epochs      map[uint32]*epochState
	// current is the newest epoch on the live lane; when it is over, the next
	// one follows. nil where the plan puts everything on the backfill lane.
	current *epochState
	// past are epochs to backfill that no cursor is open for, oldest first.
	past    []*epochState
	planned bool // current and past are set for this stream
}

// merge takes durable positions over; they never move back.
func (d *deviceState) merge(positions []*gantryv1.Position) {
	for _, p := range positions {
		e := d.epoch(Epoch{ID: p.GetEpoch()})
		e.durable = max(e.durable, p.GetSeq())
		e.durableEnd = e.durableEnd || p.GetEnded()
	}
}

// epoch returns the state of an epoch, made when it is new.
func (d *deviceState) epoch(ep Epoch) *epochState {
	e := d.epochs[ep.ID]
	if e == nil {
		e = &epochState{dev: d}
		d.epochs[ep.ID] = e
	}
	if ep.EndUS != 0 || e.Epoch == (Epoch{}) {
		e.Epoch = ep
	}
	return e
}

// plan sorts the device's epochs into the lanes, as of nowUS. spooled, where
// given, moves the start past what is on disk already.
func (d *deviceState) plan(p Plan, nowUS int64, spooled func(string, uint32) uint64) {
	d.current, d.past, d.planned = nil, nil, true
	epochs := d.src.Epochs(max(d.validFromUS, p.FromUS), p.until(nowUS))
	for i, ep := range epochs {
		if ep.EndUS <= p.FromUS {
			continue
		}
		e := d.epoch(ep)
		e.reset(p.Resend, spooled)
		isCurrent := i == len(epochs)-1 && !p.Backfill
		switch {
		case isCurrent:
			// Even when it has ended: its successor is found from it.
			e.lane = live
			d.current = e
		case !e.over(p.Resend):
			e.lane = backfill
			e.queued = true
			d.past = append(d.past, e)
		}
	}
}

// catchUp takes news of durable positions into a plan: a lease may come in
// several messages. Only what was not begun in this stream moves; in what was,
// the collector expects what follows.
func (d *deviceState) catchUp(resend bool) {
	if resend {
		return
	}
	d.past = slices.DeleteFunc(d.past, func(e *epochState) bool { return e.over(resend) })
	for _, e := range d.epochs {
		if e.queued && !e.started && e.next <= e.durable {
			e.next, e.cur = e.durable+1, nil
		}
	}
}

// until returns the time before which an epoch must begin to be sent now.
func (p Plan) until(nowUS int64) int64 {
	if p.ToUS != 0 {
		return min(p.ToUS, nowUS+1)
	}
	return nowUS + 1
}

// reset puts the epoch back to where sending starts.
func (e *epochState) reset(resend bool, spooled func(string, uint32) uint64) {
	after := e.start(resend)
	if spooled != nil {
		after = max(after, spooled(e.dev.id, e.ID))
	}
	e.rewind(after + 1)
	e.queued, e.held, e.started = false, false, false
	e.due = e.StartUS
}

// successor returns the epoch that follows the current one, once it begins;
// the first one where the device's life has not begun yet.
func (d *deviceState) successor(p Plan, nowUS int64) *epochState {
	from, after := max(d.validFromUS, p.FromUS), uint32(0)
	if d.current != nil {
		from, after = d.current.EndUS, d.current.ID
	}
	for _, ep := range d.src.Epochs(from, p.until(nowUS)) {
		if ep.ID > after {
			return d.epoch(ep)
		}
	}
	return nil
}

// known notes which acknowledged positions a Welcome has caught up with:
// Hello need not repeat them.
func (d *deviceState) known(positions []*gantryv1.Position) {
	for _, p := range positions {
		if e := d.epochs[p.GetEpoch()]; e != nil && p.GetSeq() >= e.durable && p.GetEnded() == e.durableEnd {
			e.moved = false
		}
	}
}
