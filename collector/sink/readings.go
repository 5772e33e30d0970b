package sink

import (
	"errors"
	"math"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gantry-dev/gantry/collector/kafka"
	"github.com/gantry-dev/gantry/collector/platekey"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// Types of columns that ch-go cannot name by itself.
const (
	typeKind  = "Enum8('counter' = 1, 'speed' = 2, 'toll' = 3)"
	typeClass = "Enum8('car' = 1, 'van' = 2, 'truck' = 3, 'bus' = 4, 'motorcycle' = 5, 'other' = 6)"
)

const dayUS = 24 * 3600 * 1_000_000

// maxDay is the last day a ClickHouse Date can hold; partitions are Dates.
const maxDay = math.MaxUint16

// readings are rows of raw.readings and raw.epoch_ends.
type readings struct {
	key      platekey.Key
	maxDays  int
	parsed   kafka.Reading
	tokenBuf []byte
	days     map[int64]struct{}
	lastDay  int64

	device     dictionary
	epoch      proto.ColUInt32
	seq        proto.ColUInt64
	observed   proto.ColDateTime64
	kind       proto.ColInt8
	lane       proto.ColUInt8
	class      proto.ColInt8
	length     proto.ColUInt16
	occupied   proto.ColUInt32
	headway    proto.ColUInt32
	speed      proto.ColUInt16
	limit      proto.ColUInt8
	confidence proto.ColUInt8
	plate, tag proto.ColStr
	token      proto.ColUInt128
	keyID      proto.ColUInt8
	axles      proto.ColUInt8
	persons    proto.ColUInt8
	charge     proto.ColUInt32
	source     source
	input      proto.Input

	ends epochEnds
}

func newReadings(key platekey.Key, maxDays int) *readings {
	c := &readings{key: key, maxDays: maxDays, days: map[int64]struct{}{}, lastDay: -1}
	c.device.init()
	c.observed = *new(proto.ColDateTime64).WithPrecision(proto.PrecisionMicro).WithLocation(utc)
	c.source.init()
	c.input = append(proto.Input{
		{Name: "device_id", Data: &c.device},
		{Name: "epoch", Data: &c.epoch},
		{Name: "seq", Data: &c.seq},
		{Name: "observed_at", Data: &c.observed},
		{Name: "kind", Data: proto.Alias(&c.kind, typeKind)},
		{Name: "lane", Data: &c.lane},
		{Name: "vehicle_class", Data: proto.Alias(&c.class, typeClass)},
		{Name: "length_cm", Data: &c.length},
		{Name: "occupied_ms", Data: &c.occupied},
		{Name: "headway_ms", Data: &c.headway},
		{Name: "speed_tenth_kmh", Data: &c.speed},
		{Name: "limit_kmh", Data: &c.limit},
		{Name: "confidence_percent", Data: &c.confidence},
		{Name: "plate", Data: &c.plate},
		{Name: "tag", Data: &c.tag},
		{Name: "plate_token", Data: &c.token},
		{Name: "plate_key_id", Data: &c.keyID},
		{Name: "axles", Data: &c.axles},
		{Name: "persons", Data: &c.persons},
		{Name: "charge_cents", Data: &c.charge},
	}, c.source.input()...)
	c.ends.init()
	return c
}

func (c *readings) add(r *kgo.Record) error {
	v := &c.parsed
	if err := v.Parse(r.Value); err != nil {
		return malformed(v, err)
	}
	if field, reason := unstorable(v); field != "" {
		return identified(v, &poison{code: gantryv1.RejectCode_REJECT_CODE_IMPOSSIBLE_FIELD, field: field, reason: reason})
	}
	if v.Kind == kafka.KindEpochEnd {
		return c.ends.add(v, r)
	}
	if !c.admitDay(v.ObservedAtUS / dayUS) {
		return errFull
	}
	if !c.device.append(v.DeviceID) {
		return errFull
	}
	c.append(v)
	c.source.append(r)
	return nil
}

// admitDay notes the row's day unless it would be one too many.
func (c *readings) admitDay(day int64) bool {
	if day == c.lastDay {
		return true
	}
	if _, ok := c.days[day]; !ok {
		if len(c.days) == c.maxDays {
			return false
		}
		c.days[day] = struct{}{}
	}
	c.lastDay = day
	return true
}

// append relies on unstorable for every conversion.
func (c *readings) append(v *kafka.Reading) {
	c.epoch = append(c.epoch, v.Epoch)
	c.seq = append(c.seq, v.Seq)
	c.observed.Data = append(c.observed.Data, proto.DateTime64(v.ObservedAtUS))
	c.kind = append(c.kind, int8(v.Kind))
	c.lane = append(c.lane, uint8(v.Lane))
	c.class = append(c.class, int8(v.Class))
	c.length = append(c.length, uint16(v.LengthCM))
	c.occupied = append(c.occupied, v.OccupiedMS)
	c.headway = append(c.headway, v.HeadwayMS)
	c.speed = append(c.speed, uint16(v.SpeedTenthKMH))
	c.limit = append(c.limit, uint8(v.LimitKMH))
	c.confidence = append(c.confidence, uint8(v.ConfidencePercent))
	c.plate.AppendBytes(v.Plate)
	c.tag.AppendBytes(v.Tag)
	token, keyID := c.key.TokenOf(v.Plate, v.Tag, &c.tokenBuf)
	c.token = append(c.token, token)
	c.keyID = append(c.keyID, keyID)
	c.axles = append(c.axles, uint8(v.Axles))
	c.persons = append(c.persons, uint8(v.Persons))
	c.charge = append(c.charge, v.ChargeCents)
}

func (c *readings) tables() []table {
	var out []table
	if n := len(c.seq); n > 0 {
		out = append(out, table{"raw.readings", n, c.input})
	}
	if n := len(c.ends.lastSeq); n > 0 {
		out = append(out, table{"raw.epoch_ends", n, c.ends.input})
	}
	return out
}

func (c *readings) reset() {
	clear(c.days)
	c.lastDay = -1
	c.input.Reset()
	c.ends.input.Reset()
}

// epochEnds are rows of raw.epoch_ends.
type epochEnds struct {
	device  dictionary
	epoch   proto.ColUInt32
	lastSeq proto.ColUInt64
	source  source
	input   proto.Input
}

func (c *epochEnds) init() {
	c.device.init()
	c.source.init()
	c.input = append(proto.Input{
		{Name: "device_id", Data: &c.device},
		{Name: "epoch", Data: &c.epoch},
		{Name: "last_seq", Data: &c.lastSeq},
	}, c.source.input()...)
}

func (c *epochEnds) add(v *kafka.Reading, r *kgo.Record) error {
	if !c.device.append(v.DeviceID) {
		return errFull
	}
	c.epoch = append(c.epoch, v.Epoch)
	c.lastSeq = append(c.lastSeq, v.LastSeq)
	c.source.append(r)
	return nil
}

// unstorable says which field a column could not hold as it is. Ingest has
// refused much more; this is about other producers and our own mistakes.
func unstorable(v *kafka.Reading) (field, reason string) {
	const beyond = "is beyond what its column holds"
	switch {
	case len(v.DeviceID) == 0:
		return "device_id", "is empty"
	case v.Kind == kafka.KindNone:
		return "measurement", "is missing"
	case v.Kind == kafka.KindEpochEnd:
		return "", ""
	case v.ObservedAtUS < 0 || v.ObservedAtUS/dayUS > maxDay:
		return "observed_at_us", "is outside 1970 to 2149"
	case v.Class < 1 || v.Class > 6:
		return "vehicle_class", "is none of the classes"
	case v.Lane > math.MaxUint8:
		return "lane", beyond
	case v.LengthCM > math.MaxUint16:
		return "length_cm", beyond
	case v.SpeedTenthKMH > math.MaxUint16:
		return "speed_tenth_kmh", beyond
	case v.LimitKMH > math.MaxUint8:
		return "limit_kmh", beyond
	case v.ConfidencePercent > math.MaxUint8:
		return "confidence_percent", beyond
	case v.Axles > math.MaxUint8:
		return "axles", beyond
	case v.Persons > math.MaxUint8:
		return "persons", beyond
	}
	return "", ""
}

func malformed(v *kafka.Reading, err error) *poison {
	p := &poison{code: gantryv1.RejectCode_REJECT_CODE_MALFORMED, field: "value", reason: err.Error()}
	var at *kafka.ParseError
	if errors.As(err, &at) && at.Field != "" {
		p.field, p.reason = at.Field, at.Problem
	}
	return identified(v, p)
}

// identified adds the identity as far as it was read.
func identified(v *kafka.Reading, p *poison) *poison {
	p.deviceID, p.epoch, p.seq = string(v.DeviceID), v.Epoch, v.Seq
	return p
}
