package uplink

import (
	"bytes"
	"fmt"

	"google.golang.org/protobuf/proto"

	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// key names a device-epoch.
type key struct {
	device string
	epoch  uint32
}

// log is what a collector holds durably of a device-epoch.
type record struct {
	readings [][]byte // by position, from 1
	ended    bool     // the last of readings is the end
}

// modelCollector is the collector's side as the contract says, with its
// storage: records outlive streams, expected does not.
type modelCollector struct {
	source  fakeSource
	records map[key]*record

	expected map[key]uint64  // next position, of this stream
	hello    map[key]uint64  // acknowledged, of Hello
	view     map[key]uint64  // durable positions that Welcome knew: they may lag
	again    map[string]bool // devices leased again in this stream
	resent   map[key]uint64  // last batch sent when a Resend was delivered
	number   uint64          // last batch received
	queue    []*gantryv1.Batch
	answer   *gantryv1.Ack // made and not delivered
}

func newModelCollector(source fakeSource) *modelCollector {
	return &modelCollector{source: source, records: map[key]*record{}}
}

// connect begins a stream with what Hello acknowledged.
func (c *modelCollector) connect(acknowledged []*gantryv1.Position) error {
	c.expected, c.hello, c.view, c.resent = map[key]uint64{}, map[key]uint64{}, map[key]uint64{}, map[key]uint64{}
	c.number, c.queue, c.answer, c.again = 0, nil, nil, map[string]bool{}
	for _, p := range acknowledged {
		k := key{p.DeviceId, p.Epoch}
		if r := c.records[k]; r == nil || uint64(len(r.readings)) < p.Seq || (p.Ended && !r.ended) {
			return fmt.Errorf("hello claims %v, which was never durable", p)
		}
		c.hello[k] = p.Seq
	}
	return nil
}

// positions returns the durable positions of a device, less up to lag.
func (c *modelCollector) positions(device string, lag uint64) []*gantryv1.Position {
	var out []*gantryv1.Position
	for k, r := range c.records {
		n := uint64(len(r.readings))
		if k.device != device || n == 0 {
			continue
		}
		p := &gantryv1.Position{DeviceId: device, Epoch: k.epoch, Seq: n - min(lag, n), Ended: r.ended && lag == 0}
		c.view[k] = max(c.view[k], p.Seq)
		if want, ok := c.expected[k]; ok {
			c.expected[k] = max(want, p.Seq+1) // what a lease says is known to the stream
		}
		out = append(out, p)
	}
	return out
}

// receive queues a batch and checks that it follows the one before.
func (c *modelCollector) receive(wire []byte) (*gantryv1.Batch, error) {
	var m gantryv1.ConnectRequest
	if err := proto.Unmarshal(wire, &m); err != nil {
		return nil, err
	}
	b := m.GetBatch()
	c.number++
	if b.GetNumber() != c.number {
		return nil, fmt.Errorf("batch %d follows %d", b.GetNumber(), c.number-1)
	}
	c.queue = append(c.queue, b)
	return b, nil
}

// process answers the oldest batch. refuse makes it ask again for everything
// in it, as for an epoch that is ahead.
func (c *modelCollector) process(refuse bool) error {
	b := c.queue[0]
	c.queue = c.queue[1:]
	if c.answer == nil {
		c.answer = &gantryv1.Ack{}
	}
	for _, d := range b.Devices {
		if err := c.take(b.Number, d, refuse); err != nil {
			return err
		}
	}
	c.answer.BatchNumber = b.Number
	return nil
}

func (c *modelCollector) take(number uint64, d *gantryv1.DeviceBatch, refuse bool) error {
	k := key{d.DeviceId, d.Epoch}
	want, known := c.expected[k]
	if !known {
		want = max(c.view[k], c.hello[k]) + 1
		// A device that came back within the stream may have batches on the way
		// from before.
		if d.FirstSeq != want && !c.again[k.device] {
			return fmt.Errorf("%v starts at %d, not at %d", k, d.FirstSeq, want)
		}
	}
	c.expected[k] = want
	if refuse || d.FirstSeq > want {
		after, asked := c.resent[k]
		if !refuse && (!asked || number > after) {
			return fmt.Errorf("%v jumps from %d to %d in batch %d", k, want, d.FirstSeq, number)
		}
		c.resent[k] = ^uint64(0) // until it is delivered
		c.answer.Resends = append(c.answer.Resends, &gantryv1.Resend{DeviceId: k.device, Epoch: k.epoch, FromSeq: want, AfterMs: 300})
		return nil
	}
	for i, r := range d.Readings {
		if err := c.store(k, d.FirstSeq+uint64(i), r); err != nil {
			return err
		}
	}
	c.expected[k] = max(want, d.FirstSeq+uint64(len(d.Readings)))
	r := c.records[k]
	c.answer.Durable = append(c.answer.Durable, &gantryv1.Position{
		DeviceId: k.device, Epoch: k.epoch, Seq: c.expected[k] - 1, Ended: r.ended && c.expected[k]-1 == uint64(len(r.readings)),
	})
	return nil
}

// store keeps a reading; one that is there already must be the same.
func (c *modelCollector) store(k key, seq uint64, r *gantryv1.Reading) error {
	wire, err := proto.MarshalOptions{Deterministic: true}.Marshal(r)
	if err != nil {
		return err
	}
	rec := c.records[k]
	if rec == nil {
		rec = &record{}
		c.records[k] = rec
	}
	switch n := uint64(len(rec.readings)); {
	case seq <= n:
		if !bytes.Equal(rec.readings[seq-1], wire) {
			return fmt.Errorf("%v/%d came again with other bytes", k, seq)
		}
		return nil
	case seq > n+1:
		return fmt.Errorf("%v/%d leaves a gap after %d", k, seq, n)
	case rec.ended:
		return fmt.Errorf("%v/%d comes after the end", k, seq)
	}
	if end := r.GetEpochEnd(); end != nil {
		if end.LastSeq != seq-1 {
			return fmt.Errorf("%v: end at %d says last_seq %d", k, seq, end.LastSeq)
		}
		rec.ended = true
	}
	rec.readings = append(rec.readings, wire)
	return nil
}

// deliver hands the answer out. sent is the last batch the agent has sent.
func (c *modelCollector) deliver(sent uint64) *gantryv1.Ack {
	a := c.answer
	c.answer = nil
	for _, r := range a.GetResends() {
		c.resent[key{r.DeviceId, r.Epoch}] = sent
	}
	return a
}

// check compares a device's records with what is due at nowUS. ToUS of the
// plan leaves out the rest; complete also demands ends.
func (c *modelCollector) check(d fakeDevice, nowUS int64) error {
	for _, e := range d.Epochs(d.validFromUS, nowUS+1) {
		n, ended := d.due(e, nowUS)
		rec := c.records[key{d.id, e.ID}]
		if rec == nil {
			rec = &record{}
		}
		want := n
		if ended {
			want++
		}
		if uint64(len(rec.readings)) != want || rec.ended != ended {
			return fmt.Errorf("%s/%d has %d positions (ended %v), want %d (ended %v)", d.id, e.ID, len(rec.readings), rec.ended, want, ended)
		}
		for seq := uint64(1); seq <= n; seq++ {
			wire, err := proto.MarshalOptions{Deterministic: true}.Marshal(d.reading(e, seq))
			if err != nil {
				return err
			}
			if !bytes.Equal(rec.readings[seq-1], wire) {
				return fmt.Errorf("%s/%d/%d is altered", d.id, e.ID, seq)
			}
		}
	}
	return nil
}
