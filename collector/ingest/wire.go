package ingest

import (
	"fmt"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"

	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// Field numbers of gantry.v1 that are read by hand.
const (
	requestHello     = 1 // ConnectRequest.hello
	requestBatch     = 2 // ConnectRequest.batch
	requestHeartbeat = 3 // ConnectRequest.heartbeat
	requestRelease   = 4 // ConnectRequest.release

	batchNumber   = 1 // Batch.number
	batchBackfill = 2 // Batch.backfill
	batchDevices  = 3 // Batch.devices

	deviceBatchID       = 1 // DeviceBatch.device_id
	deviceBatchEpoch    = 2 // DeviceBatch.epoch
	deviceBatchFirstSeq = 3 // DeviceBatch.first_seq
	deviceBatchReadings = 4 // DeviceBatch.readings
)

// envelope is a ConnectRequest of which only the outermost field is read.
type envelope struct {
	kind protowire.Number
	body []byte
}

// batch is a Batch whose DeviceBatches are found but whose readings are not
// read. All slices alias the message.
type batch struct {
	number   uint64
	backfill bool
	devices  []deviceBatch
	readings int
}

// deviceBatch is a DeviceBatch; body holds its readings among other fields.
type deviceBatch struct {
	id       []byte
	epoch    uint32
	firstSeq uint64
	count    int
	body     []byte
}

// scanEnvelope finds the one message of a ConnectRequest.
func scanEnvelope(b []byte) (envelope, error) {
	var e envelope
	err := eachField(b, func(num protowire.Number, typ protowire.Type, value []byte, _ uint64) error {
		if num < requestHello || num > requestRelease {
			return nil // of a newer proto
		}
		if typ != protowire.BytesType {
			return invalid("message", "is not encoded as a message")
		}
		if e.kind != 0 {
			return invalid("message", "is given twice: send one message at a time")
		}
		e = envelope{num, value}
		return nil
	})
	if err == nil && e.kind == 0 {
		err = invalid("message", "is missing: set hello, batch, heartbeat or release")
	}
	return e, err
}

// scanBatch finds the DeviceBatches and checks the limits. into's memory is
// used again.
func scanBatch(b []byte, into *batch, cfg *Config) error {
	*into = batch{devices: into.devices[:0]}
	err := eachField(b, func(num protowire.Number, typ protowire.Type, value []byte, n uint64) error {
		switch num {
		case batchNumber, batchBackfill:
			if typ != protowire.VarintType {
				return invalid("batch", "has a number or backfill of the wrong wire type")
			}
			if num == batchNumber {
				into.number = n
			} else {
				into.backfill = n != 0
			}
		case batchDevices:
			return into.add(typ, value, cfg)
		}
		return nil
	})
	return err
}

func (b *batch) add(typ protowire.Type, value []byte, cfg *Config) error {
	at := len(b.devices)
	if typ != protowire.BytesType {
		return invalidAt(at, "", "has the wrong wire type")
	}
	if at >= cfg.MaxBatchDevices {
		return exhausted("batch.devices", fmt.Sprintf("has more than %d elements: send smaller batches", cfg.MaxBatchDevices))
	}
	b.devices = append(b.devices, deviceBatch{body: value})
	d := &b.devices[at]
	if err := d.scan(at); err != nil {
		return err
	}
	if b.readings += d.count; b.readings > cfg.MaxBatchReadings {
		return exhausted("batch", fmt.Sprintf("has more than %d readings: send smaller batches", cfg.MaxBatchReadings))
	}
	return nil
}

// scan reads a DeviceBatch except for its readings, which it counts.
func (d *deviceBatch) scan(at int) error {
	err := eachField(d.body, func(num protowire.Number, typ protowire.Type, value []byte, n uint64) error {
		want := protowire.VarintType
		switch num {
		case deviceBatchID, deviceBatchReadings:
			want = protowire.BytesType
		case deviceBatchEpoch, deviceBatchFirstSeq:
		default:
			return nil // of a newer proto
		}
		if typ != want {
			return invalidAt(at, "", "has a field of the wrong wire type")
		}
		switch num {
		case deviceBatchID:
			d.id = value
		case deviceBatchEpoch:
			if d.epoch = uint32(n); uint64(d.epoch) != n {
				return invalidAt(at, ".epoch", "is above 4294967295")
			}
		case deviceBatchFirstSeq:
			d.firstSeq = n
		case deviceBatchReadings:
			d.count++
		}
		return nil
	})
	if err != nil {
		return err
	}
	return d.check(at)
}

func (d *deviceBatch) check(at int) error {
	switch {
	case len(d.id) == 0 || len(d.id) > maxDeviceIDBytes:
		return invalidAt(at, ".device_id", fmt.Sprintf("has %d bytes, outside 1 to %d", len(d.id), maxDeviceIDBytes))
	case !utf8.Valid(d.id):
		return invalidAt(at, ".device_id", "is not valid UTF-8")
	case d.firstSeq == 0:
		return invalidAt(at, ".first_seq", "is 0: positions begin at 1")
	case d.firstSeq+uint64(d.count) < d.firstSeq:
		return invalidAt(at, ".first_seq", "is so large that the readings' positions exceed 64 bits")
	}
	return nil
}

// each calls f with the bytes of every reading and its place. The body was
// scanned before, so its structure is sound.
func (d *deviceBatch) each(f func(i uint64, raw []byte) error) error {
	b, i := d.body, uint64(0)
	for len(b) > 0 {
		if b[0] == deviceBatchReadings<<3|byte(protowire.BytesType) {
			raw, n := protowire.ConsumeBytes(b[1:])
			if n < 0 {
				return errEnvelope
			}
			if err := f(i, raw); err != nil {
				return err
			}
			i++
			b = b[1+n:]
			continue
		}
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return errEnvelope
		}
		if num == deviceBatchReadings {
			// The tag in more bytes than it needs: legal, and no reason to
			// lose a reading.
			b = append([]byte{deviceBatchReadings<<3 | byte(protowire.BytesType)}, b[n:]...)
			continue
		}
		b = b[n:]
		if n = protowire.ConsumeFieldValue(num, typ, b); n < 0 {
			return errEnvelope
		}
		b = b[n:]
	}
	return nil
}

// eachField walks over the fields of a message: value is set for
// length-delimited ones, n for varints.
func eachField(b []byte, f func(num protowire.Number, typ protowire.Type, value []byte, n uint64) error) error {
	for len(b) > 0 {
		num, typ, size := protowire.ConsumeTag(b)
		if size < 0 {
			return errEnvelope
		}
		b = b[size:]
		var value []byte
		var n uint64
		switch typ {
		case protowire.BytesType:
			value, size = protowire.ConsumeBytes(b)
		case protowire.VarintType:
			n, size = protowire.ConsumeVarint(b)
		default:
			size = protowire.ConsumeFieldValue(num, typ, b)
		}
		if size < 0 {
			return errEnvelope
		}
		b = b[size:]
		if err := f(num, typ, value, n); err != nil {
			return err
		}
	}
	return nil
}

var errEnvelope = invalid("message", "is no gantry.v1.ConnectRequest: its bytes do not form fields")

// checkHello checks the ranges of Hello and the limits.
func checkHello(h *gantryv1.Hello, cfg *Config) error {
	switch n := len(h.GetAgentId()); {
	case n < 1 || n > 128:
		return invalid("hello.agent_id", fmt.Sprintf("has %d bytes, outside 1 to 128: give the agent a name", n))
	case len(h.GetStaticDevices()) > cfg.MaxHelloDevices:
		return exhausted("hello.static_devices", fmt.Sprintf("has %d elements, more than %d: spread them over several agents", len(h.GetStaticDevices()), cfg.MaxHelloDevices))
	case len(h.GetAcknowledged()) > cfg.MaxHelloDevices:
		return exhausted("hello.acknowledged", fmt.Sprintf("has %d elements, more than %d: leave the oldest out", len(h.GetAcknowledged()), cfg.MaxHelloDevices))
	}
	return nil
}
