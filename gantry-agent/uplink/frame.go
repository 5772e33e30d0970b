package uplink

import (
	"encoding/binary"

	"google.golang.org/protobuf/encoding/protowire"
)

// Field numbers of gantry.v1 that are written by hand, because encoding a
// batch through generated types would allocate several times per reading.
const (
	requestBatch = 2 // ConnectRequest.batch

	batchNumber   = 1 // Batch.number
	batchBackfill = 2 // Batch.backfill
	batchDevices  = 3 // Batch.devices

	deviceID       = 1 // DeviceBatch.device_id
	deviceEpoch    = 2 // DeviceBatch.epoch
	deviceFirstSeq = 3 // DeviceBatch.first_seq
	deviceReadings = 4 // DeviceBatch.readings

	readingEpochEnd = 9 // Reading.epoch_end
	epochEndLastSeq = 1 // EpochEnd.last_seq
)

// frameOverhead is more than header and tags of a batch can take.
const frameOverhead = 48

// chunkOverhead is more than a DeviceBatch takes besides its readings and the
// device's id.
const chunkOverhead = 48

// chunk is a DeviceBatch in the making; its buffer is used again.
type chunk struct {
	wire  []byte
	first uint64
	count int
	ended bool
}

func (c *chunk) begin(device string, epoch uint32, first uint64) {
	b := c.wire[:0]
	b = protowire.AppendTag(b, deviceID, protowire.BytesType)
	b = protowire.AppendString(b, device)
	b = protowire.AppendTag(b, deviceEpoch, protowire.VarintType)
	b = protowire.AppendVarint(b, uint64(epoch))
	b = protowire.AppendTag(b, deviceFirstSeq, protowire.VarintType)
	b = protowire.AppendVarint(b, first)
	*c = chunk{wire: b, first: first}
}

// next is the position that comes after the chunk's last.
func (c *chunk) next() uint64 { return c.first + uint64(c.count) }

// take appends the cursor's next reading.
func (c *chunk) take(cur Cursor) {
	c.wire = append(c.wire, deviceReadings<<3|byte(protowire.BytesType), 0)
	at := len(c.wire)
	c.wire = cur.Append(c.wire)
	c.setLength(at)
	c.count++
}

// skip moves past the cursor's next reading.
func (c *chunk) skip(cur Cursor) { c.wire = cur.Append(c.wire)[:len(c.wire)] }

// setLength writes the length of wire[at:] into the byte before it, making
// room where one byte does not do: readings are nearly always shorter than
// 128 bytes.
func (c *chunk) setLength(at int) {
	n := len(c.wire) - at
	if n < 0x80 {
		c.wire[at-1] = byte(n)
		return
	}
	var length [binary.MaxVarintLen64]byte
	size := binary.PutUvarint(length[:], uint64(n))
	c.wire = append(c.wire, length[:size-1]...)
	copy(c.wire[at+size-1:], c.wire[at:at+n])
	copy(c.wire[at-1:], length[:size])
}

// end appends the epoch's end: it takes the position after the last reading.
func (c *chunk) end() {
	last := c.next() - 1
	var inner []byte
	if last > 0 {
		inner = protowire.AppendTag(inner, epochEndLastSeq, protowire.VarintType)
		inner = protowire.AppendVarint(inner, last)
	}
	c.wire = append(c.wire, deviceReadings<<3|byte(protowire.BytesType), 0)
	at := len(c.wire)
	c.wire = protowire.AppendTag(c.wire, readingEpochEnd, protowire.BytesType)
	c.wire = protowire.AppendBytes(c.wire, inner)
	c.setLength(at)
	c.count++
	c.ended = true
}

// Frame is an encoded ConnectRequest that carries a batch.
type Frame struct {
	head, body []byte
}

// Len returns the size as sent, bytes.
func (f *Frame) Len() int { return len(f.head) + len(f.body) }

// Bytes returns the encoded message, copied together.
func (f *Frame) Bytes() []byte { return append(append([]byte(nil), f.head...), f.body...) }

// add appends a finished chunk.
func (f *Frame) add(c *chunk) {
	f.body = protowire.AppendTag(f.body, batchDevices, protowire.BytesType)
	f.body = protowire.AppendBytes(f.body, c.wire)
}

// seal writes the header: it holds the length of what follows, so it is made
// last and sent as a buffer of its own.
func (f *Frame) seal(number uint64, backfill bool) {
	var inner []byte
	inner = protowire.AppendTag(inner, batchNumber, protowire.VarintType)
	inner = protowire.AppendVarint(inner, number)
	if backfill {
		inner = protowire.AppendTag(inner, batchBackfill, protowire.VarintType)
		inner = protowire.AppendVarint(inner, 1)
	}
	head := make([]byte, 0, frameOverhead)
	head = protowire.AppendTag(head, requestBatch, protowire.BytesType)
	head = protowire.AppendVarint(head, uint64(len(inner)+len(f.body)))
	head = append(head, inner...)
	f.head = head
}
