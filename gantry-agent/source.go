package main

import (
	"github.com/gantry-dev/gantry/gantry-agent/device"
	"github.com/gantry-dev/gantry/gantry-agent/uplink"
	"github.com/gantry-dev/gantry/gantry-agent/world"
)

// worldSource gives the devices of a simulated world to the uplink.
type worldSource struct{ world *world.World }

// Device returns one of the world's devices.
func (s worldSource) Device(id string, validFromUS int64) (uplink.Device, error) {
	d, err := device.New(s.world, id, validFromUS)
	if err != nil {
		return nil, err
	}
	return worldDevice{d}, nil
}

type worldDevice struct{ device *device.Device }

// Epochs returns the device's epochs.
func (d worldDevice) Epochs(fromUS, toUS int64) []uplink.Epoch {
	epochs := d.device.Epochs(fromUS, toUS)
	out := make([]uplink.Epoch, len(epochs))
	for i, e := range epochs {
		out[i] = uplink.Epoch{ID: e.ID, StartUS: e.Start, EndUS: e.End, NoEnd: e.NoEnd}
	}
	return out
}

// Open returns a cursor over one of them.
func (d worldDevice) Open(e uplink.Epoch, afterSeq uint64) uplink.Cursor {
	c := d.device.Open(device.Epoch{ID: e.ID, Start: e.StartUS, End: e.EndUS, NoEnd: e.NoEnd}, afterSeq)
	if d.device.Repeats() {
		return &repeatingCursor{Cursor: c}
	}
	return c
}

// repeatingCursor gives a reading that its device emits twice a second time.
type repeatingCursor struct {
	*device.Cursor
	again     bool
	emittedUS int64
	wire      []byte // of the reading given last, where it comes again
}

// Peek returns when the next reading, or the last once more, is emitted.
func (c *repeatingCursor) Peek() (emittedUS int64, ok bool) {
	if c.again {
		return c.emittedUS, true
	}
	c.emittedUS, ok = c.Cursor.Peek()
	return c.emittedUS, ok
}

// Append appends it.
func (c *repeatingCursor) Append(dst []byte) []byte {
	if c.again {
		c.again = false
		return append(dst, c.wire...)
	}
	at := len(dst)
	dst = c.Cursor.Append(dst)
	if c.again = c.Twice(); c.again {
		c.wire = append(c.wire[:0], dst[at:]...)
	}
	return dst
}

// Again says that the next reading is the last one once more.
func (c *repeatingCursor) Again() bool { return c.again }
