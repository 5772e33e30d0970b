package ingest

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// flight is a batch on its way through Kafka: its records, and what follows
// from their acknowledgement.
type flight struct {
	number     uint64
	bytes      int // as received
	backfill   bool
	receivedAt time.Time
	completed  bool // the window's

	records []kgo.Record
	values  []byte
	texts   []byte // values of JSON topics
	size    int    // bytes of all values

	advances []advance
	touched  []*row // rows that the answer names, advanced or not
	rejects  []*gantryv1.Reject
	resends  []*gantryv1.Resend
	accepted int
	skipped  uint64

	remaining atomic.Int64 // records that Kafka has not answered
	failed    atomic.Bool  // one of them was not written
}

// flightPool keeps slabs of records and values.
var flightPool = sync.Pool{New: func() any { return new(flight) }}

func newFlight(b *batch, size int, receivedAt time.Time, writeJSON bool) *flight {
	f := flightPool.Get().(*flight)
	f.number, f.backfill, f.bytes, f.receivedAt = b.number, b.backfill, size, receivedAt
	need := size
	for i := range b.devices {
		need += b.devices[i].count * (len(b.devices[i].id) + identityOverhead)
	}
	records := b.readings
	if writeJSON {
		records *= 2
	}
	// Both must never grow: records and values are pointed into. Texts may:
	// what was cut from an older array keeps that alive.
	if cap(f.records) < records {
		f.records = make([]kgo.Record, 0, records)
	}
	if cap(f.values) < need {
		f.values = make([]byte, 0, need)
	}
	return f
}

// identityOverhead is the most that AppendIdentity adds besides the device's
// id: three tags, a length, and two numbers.
const identityOverhead = 3 + 1 + 5 + 10

// recycle gives the slabs back. Only a flight that Kafka acknowledged whole
// may be recycled: of a failed one a request may still be on its way.
func (f *flight) recycle() {
	clear(f.records)
	records, values, texts := f.records[:0], f.values[:0], f.texts[:0]
	advances, touched := f.advances[:0], f.touched[:0]
	if cap(values) > 2*maxPooledBytes || cap(texts) > 4*maxPooledBytes {
		return
	}
	clear(f.advances)
	clear(f.touched)
	*f = flight{records: records, values: values, texts: texts, advances: advances, touched: touched}
	flightPool.Put(f)
}

// add appends a record.
func (f *flight) add(topic string, key, value []byte) {
	f.records = append(f.records, kgo.Record{Topic: topic, Key: key, Value: value, Timestamp: f.receivedAt})
	f.size += len(value)
}
