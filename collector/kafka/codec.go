package kafka

import (
	"encoding/binary"
	"math"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// Kinds of a Reading, numbered as gantry.v1.DeviceKind.
const (
	// KindNone is a reading without a measurement.
	KindNone uint8 = 0
	// KindCounter is a counter's passage.
	KindCounter uint8 = 1
	// KindSpeed is a speed camera's passage.
	KindSpeed uint8 = 2
	// KindToll is a toll gantry's passage.
	KindToll uint8 = 3
	// KindEpochEnd closes an epoch and is no passage.
	KindEpochEnd uint8 = 4
)

// Reading is gantry.v1.Reading flattened, for hot paths: Parse fills it
// without allocating. Fields have the units of the proto. A number too large
// for its field stands at the field's largest value, so that a check of the
// range still refuses it.
type Reading struct {
	// DeviceID, Epoch and Seq are the identity; empty and 0 as devices send
	// readings.
	DeviceID []byte
	// Epoch is the run of the device's counter.
	Epoch uint32
	// Seq is the position in the epoch.
	Seq uint64
	// ObservedAtUS is in microseconds since 1970-01-01 UTC.
	ObservedAtUS int64
	// Kind is one of the Kind constants.
	Kind uint8
	// Lane is 1-based from the nearside.
	Lane uint32
	// Class is a gantry.v1.VehicleClass.
	Class uint32
	// LengthCM is the vehicle's length, centimetres.
	LengthCM uint32
	// OccupiedMS is how long the detector was covered, milliseconds.
	OccupiedMS uint32
	// HeadwayMS is the time since the lane's previous vehicle, milliseconds.
	HeadwayMS uint32
	// SpeedTenthKMH is in tenths of a km/h.
	SpeedTenthKMH uint32
	// LimitKMH is the limit in force, km/h.
	LimitKMH uint32
	// ConfidencePercent is the plate reader's.
	ConfidencePercent uint32
	// Axles counts axles.
	Axles uint32
	// Persons counts persons aboard.
	Persons uint32
	// ChargeCents is the charge.
	ChargeCents uint32
	// Plate is personal data; it aliases the parsed bytes.
	Plate []byte
	// Tag is personal data; it aliases the parsed bytes.
	Tag []byte
	// LastSeq is an EpochEnd's last_seq.
	LastSeq uint64
	// HasIdentity is true when any of device_id, epoch and seq was there.
	HasIdentity bool
}

// ParseError says which bytes are no Reading. It holds no value of a field,
// so it may be logged.
type ParseError struct {
	// Field is the proto's name of the field at fault; empty when the bytes
	// do not even form a field.
	Field string
	// Problem completes the sentence "FIELD …".
	Problem string
}

// Error gives field and problem as one clause.
func (e *ParseError) Error() string {
	if e.Field == "" {
		return "reading " + e.Problem
	}
	return e.Field + " " + e.Problem
}

// Problems of ParseError.
const (
	problemTruncated = "ends in the middle of a field"
	problemVarint    = "has a number longer than 64 bits"
	problemUnknown   = "has a field that gantry.v1.Reading does not have"
	problemWireType  = "has the wrong wire type"
	problemTwice     = "is given twice"
	problemOneOf     = "is given beside another of its oneof"
	problemUTF8      = "is not valid UTF-8"
)

// AppendIdentity appends the identity as fields 1 to 3 of gantry.v1.Reading;
// the bytes that a device sent follow it in a record's value.
func AppendIdentity(dst, deviceID []byte, epoch uint32, seq uint64) []byte {
	dst = append(dst, 1<<3|byte(protowire.BytesType))
	dst = protowire.AppendVarint(dst, uint64(len(deviceID)))
	dst = append(dst, deviceID...)
	dst = append(dst, 2<<3|byte(protowire.VarintType))
	dst = protowire.AppendVarint(dst, uint64(epoch))
	dst = append(dst, 3<<3|byte(protowire.VarintType))
	return protowire.AppendVarint(dst, seq)
}

// Parse reads one Reading from all of b, strictly: an unknown field, a field
// given twice, a second measurement or text that is no UTF-8 is an error of
// type *ParseError, although proto.Unmarshal takes the first three. DeviceID,
// Plate and Tag alias b. On an error r holds what was read so far.
func (r *Reading) Parse(b []byte) error {
	*r = Reading{}
	s := scanner{b: b}
	for s.next() {
		switch s.num {
		case 1:
			r.DeviceID = s.text("device_id")
		case 2:
			r.Epoch = s.uint32("epoch")
		case 3:
			r.Seq = s.varint("seq")
		case 4:
			r.ObservedAtUS = s.fixed64("observed_at_us")
		case 5:
			r.Lane = s.uint32("lane")
		case 6, 7, 8, 9:
			r.measurement(&s)
		default:
			s.fail("", problemUnknown)
		}
	}
	r.HasIdentity = s.seen&(1<<1|1<<2|1<<3) != 0
	if s.bad {
		return &ParseError{Field: s.field, Problem: s.problem}
	}
	return nil
}

// measurement reads one of the oneof's messages into the flat fields.
func (r *Reading) measurement(outer *scanner) {
	name := measurementNames[outer.num-6]
	if r.Kind != KindNone {
		outer.fail(name, problemOneOf)
		return
	}
	r.Kind = outer.num - 5
	inner := scanner{b: outer.bytes(name)}
	for !outer.bad && inner.next() {
		switch r.Kind {
		case KindCounter:
			r.counterField(&inner)
		case KindSpeed:
			r.speedField(&inner)
		case KindToll:
			r.tollField(&inner)
		case KindEpochEnd:
			r.epochEndField(&inner)
		}
	}
	if inner.bad {
		if inner.field == "" {
			inner.field = name
		}
		outer.fail(inner.field, inner.problem)
	}
}

var measurementNames = [...]string{"counter", "speed", "toll", "epoch_end"}

func (r *Reading) counterField(s *scanner) {
	switch s.num {
	case 1:
		r.Class = s.uint32("vehicle_class")
	case 2:
		r.LengthCM = s.uint32("length_cm")
	case 3:
		r.OccupiedMS = s.uint32("occupied_ms")
	case 4:
		r.HeadwayMS = s.uint32("headway_ms")
	default:
		s.fail("", problemUnknown)
	}
}

func (r *Reading) speedField(s *scanner) {
	switch s.num {
	case 1:
		r.SpeedTenthKMH = s.uint32("speed_tenth_kmh")
	case 2:
		r.LimitKMH = s.uint32("limit_kmh")
	case 3:
		r.Plate = s.text("plate")
	case 4:
		r.ConfidencePercent = s.uint32("confidence_percent")
	case 5:
		r.Class = s.uint32("vehicle_class")
	default:
		s.fail("", problemUnknown)
	}
}

func (r *Reading) tollField(s *scanner) {
	switch s.num {
	case 1:
		r.Plate = s.text("plate")
		if s.seen&(1<<2) != 0 {
			s.fail("plate", problemOneOf)
		}
	case 2:
		r.Tag = s.text("tag")
		if s.seen&(1<<1) != 0 {
			s.fail("tag", problemOneOf)
		}
	case 3:
		r.Class = s.uint32("vehicle_class")
	case 4:
		r.Axles = s.uint32("axles")
	case 5:
		r.Persons = s.uint32("persons")
	case 6:
		r.ChargeCents = s.uint32("charge_cents")
	default:
		s.fail("", problemUnknown)
	}
}

func (r *Reading) epochEndField(s *scanner) {
	if s.num != 1 {
		s.fail("", problemUnknown)
		return
	}
	r.LastSeq = s.varint("last_seq")
}

// scanner walks over the fields of one message. After a failure next is
// false. All of the contract's field numbers are below 16, so a tag is one
// byte and what was seen fits a word.
type scanner struct {
	b       []byte
	num     uint8
	wire    protowire.Type
	seen    uint32
	bad     bool
	field   string
	problem string
}

func (s *scanner) next() bool {
	if s.bad || len(s.b) == 0 {
		return false
	}
	tag := s.b[0]
	s.b = s.b[1:]
	s.num, s.wire = tag>>3, protowire.Type(tag&7)
	if tag >= 0x80 || s.num == 0 {
		s.fail("", problemUnknown)
		return false
	}
	return true
}

func (s *scanner) fail(field, problem string) {
	if s.bad {
		return
	}
	s.bad, s.field, s.problem = true, field, problem
}

// begin checks that the field has the wire type and was not there before.
func (s *scanner) begin(field string, wire protowire.Type) bool {
	bit := uint32(1) << s.num
	switch {
	case s.wire != wire:
		s.fail(field, problemWireType)
	case s.seen&bit != 0:
		s.fail(field, problemTwice)
	}
	s.seen |= bit
	return !s.bad
}

func (s *scanner) varint(field string) uint64 {
	if !s.begin(field, protowire.VarintType) {
		return 0
	}
	return s.rawVarint(field)
}

func (s *scanner) rawVarint(field string) uint64 {
	if len(s.b) > 0 && s.b[0] < 0x80 {
		v := uint64(s.b[0])
		s.b = s.b[1:]
		return v
	}
	v, n := protowire.ConsumeVarint(s.b)
	if n < 0 {
		problem := problemTruncated
		if len(s.b) >= 10 {
			problem = problemVarint
		}
		s.fail(field, problem)
		return 0
	}
	s.b = s.b[n:]
	return v
}

// uint32 saturates where proto.Unmarshal would cut off the upper half and so
// turn an impossible value into a possible one.
func (s *scanner) uint32(field string) uint32 {
	return uint32(min(s.varint(field), math.MaxUint32))
}

func (s *scanner) fixed64(field string) int64 {
	if !s.begin(field, protowire.Fixed64Type) {
		return 0
	}
	if len(s.b) < 8 {
		s.fail(field, problemTruncated)
		return 0
	}
	v := binary.LittleEndian.Uint64(s.b)
	s.b = s.b[8:]
	return int64(v)
}

func (s *scanner) bytes(field string) []byte {
	if !s.begin(field, protowire.BytesType) {
		return nil
	}
	n := s.rawVarint(field)
	if s.bad {
		return nil
	}
	if n > uint64(len(s.b)) {
		s.fail(field, problemTruncated)
		return nil
	}
	v := s.b[:n:n]
	s.b = s.b[n:]
	return v
}

func (s *scanner) text(field string) []byte {
	v := s.bytes(field)
	if !s.bad && !utf8.Valid(v) {
		s.fail(field, problemUTF8)
	}
	return v
}
