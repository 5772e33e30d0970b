package device

import (
	"encoding/binary"

	"github.com/gantry-dev/gantry/gantry-agent/world"
)

// Reading is what a device reports about one passage. Fields of other kinds
// than its own are zero.
type Reading struct {
	// Seq is the position in the epoch, from 1.
	Seq uint64
	// EmittedAt is when the device sends it; not part of the contract.
	EmittedAt world.Micros
	// ObservedAt is when the device says the vehicle's front crossed it.
	ObservedAt world.Micros
	// Twice says that the device emits it a second time, at once and with the
	// same position; not part of the contract.
	Twice bool
	// Kind of the device.
	Kind Kind
	// Lane, numbered from the nearside, 1-based.
	Lane uint8
	// Class as the instrument tells it, numbered as VehicleClass.
	Class uint8
	// LengthCM is the length a counter measures, cm.
	LengthCM uint16
	// OccupiedMS is how long a counter's loop was covered, ms.
	OccupiedMS uint32
	// HeadwayMS is since the front of the lane's vehicle before in this epoch,
	// ms; 0 when there was none.
	HeadwayMS uint32
	// SpeedTenthKMH is a camera's spot speed, tenths of a km/h.
	SpeedTenthKMH uint16
	// LimitKMH in force, km/h.
	LimitKMH uint8
	// ConfidencePercent of the plate reader.
	ConfidencePercent uint8
	// Plate as read, personal data; empty when unreadable, or when there is a
	// Tag.
	Plate world.Text
	// Tag read by a toll gantry; empty when there is none.
	Tag world.Text
	// Axles that a toll gantry counted.
	Axles uint8
	// Persons aboard that a toll gantry counted.
	Persons uint8
	// ChargeCents is the toll, cents.
	ChargeCents uint32
}

// Tags of gantry.v1.Reading and its measurements: field number and wire type
// in one byte. The test against the generated code is what keeps them right.
const (
	wireObservedAt = 4<<3 | 1
	wireLane       = 5 << 3
	wireCounter    = 6<<3 | 2
	wireSpeed      = 7<<3 | 2
	wireToll       = 8<<3 | 2
)

// AppendWire appends the reading as gantry.v1.Reading in protobuf, without
// its identity (fields 1 to 3). It is written by hand because it costs a
// tenth of the generated code and because these bytes are a promise: the same
// identity, the same bytes, whatever library a later version uses.
func (r *Reading) AppendWire(b []byte) []byte {
	b = append(b, wireObservedAt)
	b = binary.LittleEndian.AppendUint64(b, uint64(r.ObservedAt))
	b = appendUint(b, wireLane, uint64(r.Lane))
	switch r.Kind {
	case Counter:
		b = append(b, wireCounter, 0)
		at := len(b)
		b = r.appendCounter(b)
		b[at-1] = byte(len(b) - at)
	case Speed:
		b = append(b, wireSpeed, 0)
		at := len(b)
		b = r.appendSpeed(b)
		b[at-1] = byte(len(b) - at)
	case Toll:
		b = append(b, wireToll, 0)
		at := len(b)
		b = r.appendToll(b)
		b[at-1] = byte(len(b) - at)
	}
	return b
}

// The measurements take less than 128 bytes, for which one byte of length is
// enough: at most five numbers of six bytes and a text of 17.

func (r *Reading) appendCounter(b []byte) []byte {
	b = appendUint(b, 1<<3, uint64(r.Class))
	b = appendUint(b, 2<<3, uint64(r.LengthCM))
	b = appendUint(b, 3<<3, uint64(r.OccupiedMS))
	return appendUint(b, 4<<3, uint64(r.HeadwayMS))
}

func (r *Reading) appendSpeed(b []byte) []byte {
	b = appendUint(b, 1<<3, uint64(r.SpeedTenthKMH))
	b = appendUint(b, 2<<3, uint64(r.LimitKMH))
	b = appendText(b, 3<<3|2, &r.Plate)
	b = appendUint(b, 4<<3, uint64(r.ConfidencePercent))
	return appendUint(b, 5<<3, uint64(r.Class))
}

func (r *Reading) appendToll(b []byte) []byte {
	b = appendText(b, 1<<3|2, &r.Plate)
	b = appendText(b, 2<<3|2, &r.Tag)
	b = appendUint(b, 3<<3, uint64(r.Class))
	b = appendUint(b, 4<<3, uint64(r.Axles))
	b = appendUint(b, 5<<3, uint64(r.Persons))
	return appendUint(b, 6<<3, uint64(r.ChargeCents))
}

// appendUint appends a field, nothing when it is zero, as proto3 does.
func appendUint(b []byte, tag byte, v uint64) []byte {
	if v == 0 {
		return b
	}
	return binary.AppendUvarint(append(b, tag), v)
}

func appendText(b []byte, tag byte, t *world.Text) []byte {
	if t.Len() == 0 {
		return b
	}
	return t.Append(append(b, tag, byte(t.Len())))
}
