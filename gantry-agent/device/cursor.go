package device

import "github.com/gantry-dev/gantry/gantry-agent/world"

// maxLanes is the most lanes a station may have.
const maxLanes = 16

// Cursor runs through the readings of one epoch. It holds a few hundred bytes
// and a share of the world's day. It is for one goroutine.
type Cursor struct {
	d        *Device
	e        Epoch
	faulty   *faulty // gives the readings of a device with faults
	passages *world.Cursor
	next     world.Passage // the passage behind the next reading
	emitted  world.Micros  // its emission
	seq      uint64        // of the reading given last
	waiting  bool          // next is valid
	ended    bool
	ahead    [maxLanes + 1]world.Micros // by lane: observation of the reading before
	reading  Reading
}

// Open stands before position afterSeq+1 of an epoch. What lies before is
// run through again, at some 0.1 µs per reading, and never kept.
func (d *Device) Open(e Epoch, afterSeq uint64) *Cursor {
	c := &Cursor{d: d, e: e}
	if c.faulty = d.openFaulty(e); c.faulty != nil {
		for c.seq < afterSeq && c.fetch() {
			c.take()
		}
		return c
	}
	c.passages = d.passages(e.Start-lookBack, e.End)
	for c.seq < afterSeq && c.find() {
		c.pass()
	}
	return c
}

// Peek tells when the next reading is emitted, without measuring it; it is
// false when the epoch has no more.
func (c *Cursor) Peek() (emittedAt world.Micros, ok bool) {
	if !c.fetch() {
		return 0, false
	}
	return c.emitted, true
}

// Next gives the next reading, which is valid until the next call; it is
// false when the epoch has no more.
func (c *Cursor) Next() (*Reading, bool) {
	if !c.fetch() {
		return nil, false
	}
	return c.take(), true
}

// Append appends the next reading in the contract's encoding, without its
// identity, and moves on. At the epoch's end it appends nothing.
func (c *Cursor) Append(dst []byte) []byte {
	r, ok := c.Next()
	if !ok {
		return dst
	}
	return r.AppendWire(dst)
}

// Twice says that the reading given last is emitted a second time, at once.
func (c *Cursor) Twice() bool { return c.reading.Twice }

// fetch finds what is emitted next within the epoch.
func (c *Cursor) fetch() (ok bool) {
	if c.faulty != nil {
		c.emitted, ok = c.faulty.peek()
		return ok
	}
	return c.find()
}

// take gives what fetch has found and moves past it.
func (c *Cursor) take() *Reading {
	r := &c.reading
	if c.faulty != nil {
		c.seq++
		c.faulty.pop(r)
		r.Seq = c.seq
		return r
	}
	p := &c.next
	before := c.ahead[p.Lane]
	c.pass()
	*r = Reading{Seq: c.seq, EmittedAt: c.emitted, ObservedAt: p.At, Kind: c.d.kind, Lane: p.Lane}
	c.d.measure(p, before, r)
	return r
}

// pass moves past the passage that find has found.
func (c *Cursor) pass() {
	c.ahead[c.next.Lane] = c.next.At
	c.seq++
	c.waiting = false
}

// find finds the next passage that is emitted within the epoch. Emission is
// the latest of all delayed passages so far; as no delay reaches a second,
// looking back a second gives the same as looking back for ever.
func (c *Cursor) find() bool {
	for !c.waiting && !c.ended {
		if !c.passages.Next(&c.next) {
			c.ended = true
			break
		}
		c.emitted = max(c.emitted, c.next.At+c.d.delay(c.next.Trip))
		c.waiting = c.emitted >= c.e.Start
		if c.ended = c.emitted >= c.e.End; c.ended {
			c.passages.Close() // whoever holds the cursor holds no day
		}
	}
	return c.waiting && !c.ended
}
