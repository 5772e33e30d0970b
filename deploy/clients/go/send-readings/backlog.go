package main

import (
	"errors"
	"time"

	"google.golang.org/protobuf/proto"

	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// backlog is one epoch of a device: its readings that are not durable yet, and
// what of them is under way. It does no I/O.
type backlog struct {
	device string
	epoch  uint32

	durable  uint64              // every position up to this one is durable
	readings []*gantryv1.Reading // those after it
	next     uint64              // position to send next
	closed   bool                // the last reading is the epoch's end
	finished bool                // the end is durable too

	carried  bool      // the collector has given the device to this stream
	draining bool      // send nothing more over this stream
	number   uint64    // of the batch sent last
	flight   []int     // bytes of the batches that are sent and not answered
	rewound  bool      // wait until those are answered
	after    time.Time // and until then
	limits   *gantryv1.Welcome
	window   *gantryv1.Window
}

// add appends a reading; its position is the one after the last.
func (b *backlog) add(r *gantryv1.Reading) { b.readings = append(b.readings, r) }

// close appends the end of the epoch, which takes a position like a reading.
func (b *backlog) close() {
	last := b.durable + uint64(len(b.readings))
	b.add(&gantryv1.Reading{Measurement: &gantryv1.Reading_EpochEnd{EpochEnd: &gantryv1.EpochEnd{LastSeq: last}}})
	b.closed = true
}

// hello opens a stream. A collector may know of less than was acknowledged,
// since its notes lag a few seconds: so say what it acknowledged.
func (b *backlog) hello(agent string) *gantryv1.Hello {
	h := &gantryv1.Hello{AgentId: agent, Version: "example", StaticDevices: []string{b.device}}
	if b.durable > 0 {
		h.Acknowledged = []*gantryv1.Position{{DeviceId: b.device, Epoch: b.epoch, Seq: b.durable}}
	}
	return h
}

// take takes in what the collector says.
func (b *backlog) take(m *gantryv1.ConnectResponse) error {
	switch m := m.GetMessage().(type) {
	case *gantryv1.ConnectResponse_Welcome:
		*b = backlog{device: b.device, epoch: b.epoch, durable: b.durable, readings: b.readings, closed: b.closed}
		b.limits, b.window = m.Welcome, m.Welcome.GetFlow().GetLive()
		return b.lease(m.Welcome.GetLease())
	case *gantryv1.ConnectResponse_Lease:
		return b.lease(m.Lease)
	case *gantryv1.ConnectResponse_Flow:
		b.window = m.Flow.GetLive()
	case *gantryv1.ConnectResponse_Drain:
		b.draining = true
	case *gantryv1.ConnectResponse_Ack:
		return b.ack(m.Ack)
	}
	return nil
}

// lease goes on at the durable position, or stops.
func (b *backlog) lease(l *gantryv1.Lease) error {
	for _, device := range l.GetRevoked() {
		b.carried = b.carried && device != b.device
	}
	for _, g := range l.GetGranted() {
		if g.GetDeviceId() != b.device {
			continue
		}
		b.carried = true
		if err := b.advance(g.GetDurable()); err != nil {
			return err
		}
		b.next = b.durable + 1
	}
	return nil
}

// ack forgets what is durable and goes back to what is wanted again.
func (b *backlog) ack(a *gantryv1.Ack) error {
	for len(b.flight) > 0 && b.number-uint64(len(b.flight)) < a.GetBatchNumber() {
		b.flight = b.flight[1:]
	}
	if err := b.advance(a.GetDurable()); err != nil {
		return err
	}
	for _, r := range a.GetResends() {
		if r.GetDeviceId() == b.device && r.GetEpoch() == b.epoch {
			b.next, b.rewound = max(r.GetFromSeq(), b.durable+1), true
			b.after = time.Now().Add(time.Duration(r.GetAfterMs()) * time.Millisecond)
		}
	}
	return nil
}

// errForeign says that the device has a twin.
var errForeign = errors.New("the collector has readings of this epoch that this device never made: does another program send for it?")

// advance takes durable positions in.
func (b *backlog) advance(positions []*gantryv1.Position) error {
	for _, p := range positions {
		if p.GetDeviceId() != b.device || p.GetEpoch() != b.epoch || p.GetSeq() <= b.durable {
			continue
		}
		n := p.GetSeq() - b.durable
		if n > uint64(len(b.readings)) {
			return errForeign
		}
		b.durable, b.readings = p.GetSeq(), b.readings[n:]
		b.next = max(b.next, b.durable+1)
	}
	b.finished = b.closed && len(b.readings) == 0
	return nil
}

// batch makes the next one, or nil while there is nothing to send or no room.
func (b *backlog) batch(now time.Time) *gantryv1.ConnectRequest {
	if b.rewound && len(b.flight) == 0 && !now.Before(b.after) {
		b.rewound = false
	}
	todo := b.readings[min(b.next-b.durable-1, uint64(len(b.readings))):]
	if !b.carried || b.draining || b.rewound || len(todo) == 0 || len(b.flight) >= int(b.window.GetBatches()) {
		return nil
	}
	todo = todo[:min(len(todo), 500, int(b.limits.GetMaxBatchReadings()))]
	for {
		m := &gantryv1.ConnectRequest{Message: &gantryv1.ConnectRequest_Batch{Batch: &gantryv1.Batch{
			Number:  b.number + 1,
			Devices: []*gantryv1.DeviceBatch{{DeviceId: b.device, Epoch: b.epoch, FirstSeq: b.next, Readings: todo}},
		}}}
		size := proto.Size(m)
		switch {
		case size > int(b.limits.GetMaxBatchBytes()) && len(todo) > 1:
			todo = todo[:len(todo)/2]
		case len(b.flight) > 0 && b.bytes()+size > int(b.window.GetBytes()):
			return nil
		default:
			b.number++
			b.next += uint64(len(todo))
			b.flight = append(b.flight, size)
			return m
		}
	}
}

func (b *backlog) bytes() int {
	sum := 0
	for _, n := range b.flight {
		sum += n
	}
	return sum
}
