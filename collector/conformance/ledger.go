package conformance

import (
	"hash/maphash"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/gantry-dev/gantry/collector/ingest"
	"github.com/gantry-dev/gantry/collector/kafka"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// key is an epoch of a device.
type key struct {
	device string
	epoch  uint32
}

// progress is how far an epoch is, over all streams.
type progress struct {
	durable uint64            // this position and all before it are durable
	told    uint64            // what the client was told of that
	end     uint64            // position of EpochEnd; 0 without one
	refused map[uint64]bool   // positions that were rejected
	bytes   map[uint64]uint64 // hash of each reading
	again   int               // readings that came again, as they were before
}

// ledger judges what a client sends. It does no I/O; the time is a parameter.
type ledger struct {
	devices map[string]*kafka.DeviceInfo
	report  *Report
	seed    maphash.Seed
	epochs  map[key]*progress
}

func newLedger(n *kafka.NetworkSnapshot, r *Report) *ledger {
	return &ledger{devices: n.Devices, report: r, seed: maphash.MakeSeed(), epochs: map[key]*progress{}}
}

func (l *ledger) of(k key) *progress {
	p := l.epochs[k]
	if p == nil {
		p = &progress{refused: map[uint64]bool{}, bytes: map[uint64]uint64{}}
		l.epochs[k] = p
	}
	return p
}

// move is what a batch would make durable.
type move struct {
	key
	first, last uint64
}

// flight is a batch that is not answered yet.
type flight struct {
	number   uint64
	backfill bool
	bytes    int
	moves    []move
	resends  []*gantryv1.Resend
}

// deviceBatch judges the readings of one device and gives what they would make
// durable.
func (l *ledger) deviceBatch(d *gantryv1.DeviceBatch) move {
	k := key{d.GetDeviceId(), d.GetEpoch()}
	p := l.of(k)
	m := move{key: k, first: d.GetFirstSeq(), last: d.GetFirstSeq() + uint64(len(d.GetReadings())) - 1}
	for i, r := range d.GetReadings() {
		seq := d.GetFirstSeq() + uint64(i)
		l.reading(p, k, seq, r)
	}
	return m
}

func (l *ledger) reading(p *progress, k key, seq uint64, r *gantryv1.Reading) {
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(r)
	if err != nil {
		l.report.fail(reqAcceptable, "reading %s/%d/%d cannot be encoded: %v", k.device, k.epoch, seq, err)
		return
	}
	if reject := ingest.Judge(k.device, k.epoch, seq, raw, l.devices[k.device]); reject != nil {
		l.report.fail(reqAcceptable, "reading %s/%d/%d: %s %s", k.device, k.epoch, seq, reject.GetCode(), reject.GetReason())
	} else {
		l.report.pass(reqAcceptable)
	}
	sum := maphash.Bytes(l.seed, raw)
	if before, known := p.bytes[seq]; known {
		p.again++
		l.report.judge(reqBytes, before == sum, "reading %s/%d/%d came again with other bytes", k.device, k.epoch, seq)
		if p.refused[seq] {
			l.report.fail(reqReject, "reading %s/%d/%d was sent again after it was rejected", k.device, k.epoch, seq)
		}
	}
	p.bytes[seq] = sum
	switch {
	case p.end != 0 && seq > p.end:
		l.report.fail(reqEnd, "position %d of %s/%d comes after its end at %d", seq, k.device, k.epoch, p.end)
	case r.GetEpochEnd() != nil:
		p.end = seq
		l.report.judge(reqEnd, r.GetEpochEnd().GetLastSeq() == seq-1, "EpochEnd of %s/%d has last_seq %d at position %d", k.device, k.epoch, r.GetEpochEnd().GetLastSeq(), seq)
	}
}

// durable makes what a batch has durable.
func (l *ledger) durable(f *flight) {
	for _, m := range f.moves {
		p := l.of(m.key)
		if m.first <= p.durable+1 {
			p.durable = max(p.durable, m.last)
		}
	}
}

// positions are the durable positions of a device, less lag of each epoch.
func (l *ledger) positions(device string, lag func(key, *progress) uint64) []*gantryv1.Position {
	var out []*gantryv1.Position
	for k, p := range l.epochs {
		if k.device != device || p.durable == 0 {
			continue
		}
		if seq := p.durable - lag(k, p); seq > 0 {
			out = append(out, &gantryv1.Position{DeviceId: device, Epoch: k.epoch, Seq: seq, Ended: p.end != 0 && p.end <= seq})
		}
	}
	return out
}

// since says that a change was told so long ago that it counts.
func since(at, now time.Time, grace time.Duration) bool { return !at.IsZero() && now.Sub(at) > grace }
