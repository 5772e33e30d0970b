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
	// faulty devices reboot: three epochs have one day, between some the device
	// is off, and some have no end. They emit some readings twice.
	faulty bool
	opened func(device string, epoch uint32, afterSeq uint64)
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

// epoch is run of this device.
func (d fakeDevice) epoch(run int64) Epoch {
	e := fakeEpoch(run)
	if d.source.faulty {
		e.ID = uint32(run/3+1)<<17 | uint32(run%3)*25_000
		h := d.hash(uint64(e.ID))
		e.NoEnd = h%2 == 0
		e.EndUS -= int64(h/2%2) * runUS / 4
	}
	return e
}

func (d fakeDevice) Epochs(fromUS, toUS int64) []Epoch {
	var out []Epoch
	for run := max(fromUS, d.validFromUS) / runUS; run*runUS < toUS; run++ {
		if e := d.epoch(run); e.EndUS > fromUS {
			out = append(out, e)
		}
	}
	return out
}

func (d fakeDevice) hash(n uint64) uint32 {
	h := fnv.New32a()
	fmt.Fprintf(h, "%s/%d", d.id, n)
	return h.Sum32()
}

// count is how many readings the epoch has: a pure function, 0 for some.
func (d fakeDevice) count(epoch uint32) uint64 {
	return uint64(d.hash(uint64(epoch)) % uint32(d.source.readings+1))
}

// twice says whether reading seq of an epoch is emitted twice.
func (d fakeDevice) twice(e Epoch, seq uint64) bool {
	return d.source.faulty && d.hash(uint64(e.ID)*1000+seq)%5 == 0
}

// emitted is when reading seq of an epoch is emitted.
func (d fakeDevice) emitted(e Epoch, seq uint64) int64 {
	return e.StartUS + int64(seq)*(e.EndUS-e.StartUS)/int64(d.count(e.ID)+1)
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
	if d.source.faulty {
		return &fakeRepeater{fakeCursor: fakeCursor{dev: d, epoch: e, seq: afterSeq}}
	}
	return &fakeCursor{dev: d, epoch: e, seq: afterSeq}
}

// fakeRepeater gives what is emitted twice a second time.
type fakeRepeater struct {
	fakeCursor
	again bool
}

func (c *fakeRepeater) Again() bool { return c.again }

func (c *fakeRepeater) Peek() (int64, bool) {
	if c.again {
		return c.dev.emitted(c.epoch, c.seq), true
	}
	return c.fakeCursor.Peek()
}

func (c *fakeRepeater) Append(dst []byte) []byte {
	if c.again {
		c.seq--
	}
	dst = c.fakeCursor.Append(dst)
	c.again = !c.again && c.dev.twice(c.epoch, c.seq)
	return dst
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
	return n, nowUS >= e.EndUS && !e.NoEnd
}
