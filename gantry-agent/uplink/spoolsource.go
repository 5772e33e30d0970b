package uplink

import (
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// spooledSource gives a spool's readings before it asks the source.
type spooledSource struct {
	Source
	spool *Spool
	fail  func(error) // hears of records that cannot be read
}

// Device wraps the source's device.
func (s spooledSource) Device(id string, validFromUS int64) (Device, error) {
	d, err := s.Source.Device(id, validFromUS)
	if err != nil {
		return nil, err
	}
	return spooledDevice{d, id, s}, nil
}

type spooledDevice struct {
	Device
	id     string
	source spooledSource
}

// Open returns a cursor over the spool and what follows.
func (d spooledDevice) Open(e Epoch, afterSeq uint64) Cursor {
	list := d.source.spool.index[spoolKey{d.id, e.ID}]
	i := slices.IndexFunc(list, func(e spoolEntry) bool { return e.first <= afterSeq+1 && afterSeq+1 <= e.last() })
	if i < 0 {
		return d.Device.Open(e, afterSeq)
	}
	// The spool forgets records while they are read, but never those behind
	// the durable position; the cursor keeps its own list.
	return &spoolCursor{dev: d, epoch: e, entries: slices.Clone(list[i:]), after: afterSeq}
}

// spoolCursor reads an epoch's records, then goes on with the source.
type spoolCursor struct {
	dev     spooledDevice
	epoch   Epoch
	entries []spoolEntry
	after   uint64   // position of the reading given last
	wires   [][]byte // readings of the record at hand
	inner   Cursor   // set once the spool has no more
}

// Peek says that a spooled reading has been due for long.
func (c *spoolCursor) Peek() (int64, bool) {
	for c.inner == nil && len(c.wires) == 0 {
		c.load()
	}
	if c.inner != nil {
		return c.inner.Peek()
	}
	return c.epoch.StartUS, true
}

// Again says that the source's next reading is the last one once more.
func (c *spoolCursor) Again() bool {
	r, ok := c.inner.(Repeater)
	return ok && r.Again()
}

// Append appends the next reading.
func (c *spoolCursor) Append(dst []byte) []byte {
	if c.inner != nil {
		return c.inner.Append(dst)
	}
	dst = append(dst, c.wires[0]...)
	c.wires = c.wires[1:]
	c.after++
	return dst
}

// load takes the next record, or goes over to the source where there is none
// or it cannot be read.
func (c *spoolCursor) load() {
	if len(c.entries) == 0 {
		c.inner = c.dev.Device.Open(c.epoch, c.after)
		return
	}
	e := c.entries[0]
	c.entries = c.entries[1:]
	wire, err := e.seg.read(e.offset, e.length)
	if err == nil {
		err = eachField(wire, func(num protowire.Number, _ uint64, bytes []byte) {
			if num == deviceReadings {
				c.wires = append(c.wires, bytes)
			}
		})
	}
	if err != nil {
		c.dev.source.fail(err)
		c.entries, c.wires = nil, nil
		return
	}
	c.wires = c.wires[c.after+1-e.first:]
}
