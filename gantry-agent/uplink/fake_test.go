package uplink

import (
	"fmt"
	"hash/fnv"

	"google.golang.org/protobuf/proto"

	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// runUS is the length of a fake epoch, microseconds.
const runUS = int64(1000_000_000)

// fakeSource has any device whose id does not begin with "x".
type fakeSource struct {
	readings int // at most so many per epoch
	opened   func(device string, epoch uint32, afterSeq uint64)
}

func (s fakeSource) Device(id string, validFromUS int64) (Device, error) {
	if id[0] == 'x' {
		return nil, fmt.Errorf("no device %s", id)
	}
	return fakeDevice{s, id, validFromUS}, nil
}

type fakeDevice struct {
	source      fakeSource
	id          string
	validFromUS int64
}

func fakeEpoch(run int64) Epoch {
	return Epoch{ID: uint32(run+1) << 17, StartUS: run * runUS, EndUS: (run + 1) * runUS}
}

func (d fakeDevice) Epochs(fromUS, toUS int64) []Epoch {
	var out []Epoch
	for run := max(fromUS, d.validFromUS) / runUS; run*runUS < toUS; run++ {
		out = append(out, fakeEpoch(run))
	}
	return out
}

// count is how many readings the epoch has: a pure function, 0 for some.
func (d fakeDevice) count(epoch uint32) uint64 {
	h := fnv.New32a()
	fmt.Fprintf(h, "%s/%d", d.id, epoch)
	return uint64(h.Sum32() % uint32(d.source.readings+1))
}

// emitted is when reading seq of an epoch is emitted.
func (d fakeDevice) emitted(e Epoch, seq uint64) int64 {
	return e.StartUS + int64(seq)*runUS/int64(d.count(e.ID)+1)
}

// reading is what it says.
func (d fakeDevice) reading(e Epoch, seq uint64) *gantryv1.Reading {
	r := &gantryv1.Reading{ObservedAtUs: d.emitted(e, seq), Lane: uint32(seq%16) + 1}
	speed := &gantryv1.SpeedReading{SpeedTenthKmh: uint32(seq), Plate: d.id}
	if seq%7 == 0 {
		// Longer than a length of one byte can say.
		speed.Plate = fmt.Sprintf("%0150d", seq)
	}
	r.Measurement = &gantryv1.Reading_Speed{Speed: speed}
	return r
}

func (d fakeDevice) Open(e Epoch, afterSeq uint64) Cursor {
	if d.source.opened != nil {
		d.source.opened(d.id, e.ID, afterSeq)
	}
	return &fakeCursor{dev: d, epoch: e, seq: afterSeq}
}

type fakeCursor struct {
	dev   fakeDevice
	epoch Epoch
	seq   uint64
}

func (c *fakeCursor) Peek() (int64, bool) {
	if c.seq >= c.dev.count(c.epoch.ID) {
		return 0, false
	}
	return c.dev.emitted(c.epoch, c.seq+1), true
}

func (c *fakeCursor) Append(dst []byte) []byte {
	c.seq++
	b, err := proto.MarshalOptions{Deterministic: true}.MarshalAppend(dst, c.dev.reading(c.epoch, c.seq))
	if err != nil {
		panic(err)
	}
	return b
}

// due returns how many readings of the epoch are due at nowUS, and whether
// its end is.
func (d fakeDevice) due(e Epoch, nowUS int64) (n uint64, ended bool) {
	for n < d.count(e.ID) && d.emitted(e, n+1) <= nowUS {
		n++
	}
	return n, nowUS >= e.EndUS
}
