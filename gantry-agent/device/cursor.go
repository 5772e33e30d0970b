package device

import "github.com/gantry-dev/gantry/gantry-agent/world"

// maxLanes is the most lanes a station may have.
const maxLanes = 16

// Cursor runs through the readings of one epoch. It holds a few hundred bytes
// and a share of the world's day. It is for one goroutine.
type Cursor struct {
	d        *Device
	e        Epoch
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
	var ok bool
	if c.passages, ok = d.w.Open(d.stationID, e.Start-lookBack, e.End); !ok {
		panic("device: station of a device is gone: the network was changed after world.New")
	}
	for c.seq < afterSeq && c.fetch() {
		c.take()
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
	p := &c.next
	before := c.ahead[p.Lane]
	c.take()
	r := &c.reading
	*r = Reading{Seq: c.seq, EmittedAt: c.emitted, ObservedAt: p.At, Kind: c.d.kind, Lane: p.Lane}
	c.d.measure(p, before, r)
	return r, true
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

// take moves past the passage that fetch has found.
func (c *Cursor) take() {
	c.ahead[c.next.Lane] = c.next.At
	c.seq++
	c.waiting = false
}

// fetch finds the next passage that is emitted within the epoch. Emission is
// the latest of all delayed passages so far; as no delay reaches a second,
// looking back a second gives the same as looking back for ever.
func (c *Cursor) fetch() bool {
	for !c.waiting && !c.ended {
		if !c.passages.Next(&c.next) {
			c.ended = true
			break
		}
		delay := minDelay + world.Micros(world.Chance(c.d.key, c.next.Trip)>>32*uint64(maxDelay-minDelay)>>32)
		c.emitted = max(c.emitted, c.next.At+delay)
		c.waiting = c.emitted >= c.e.Start
		c.ended = c.emitted >= c.e.End
	}
	return c.waiting && !c.ended
}
