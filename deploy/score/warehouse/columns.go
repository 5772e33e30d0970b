package warehouse

import (
	"time"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/gantry-dev/gantry/collector/kafka"
	"github.com/gantry-dev/gantry/collector/platekey"
	"github.com/gantry-dev/gantry/gantry-agent/device"
)

// Types of columns that ch-go cannot name by itself.
const (
	typeKind  = "Enum8('counter' = 1, 'speed' = 2, 'toll' = 3)"
	typeClass = "Enum8('car' = 1, 'van' = 2, 'truck' = 3, 'bus' = 4, 'motorcycle' = 5, 'other' = 6)"
)

// words is a LowCardinality(String) column of few values in long runs: begin
// says which value the rows from here on have.
type words struct {
	proto.ColLowCardinalityRaw
	names proto.ColStr
	known map[string]uint16
	key   uint16
}

func newWords() *words {
	c := &words{known: map[string]uint16{}}
	c.ColLowCardinalityRaw = proto.ColLowCardinalityRaw{Index: &c.names, Key: proto.KeyUInt16}
	return c
}

func (c *words) begin(value string) {
	key, ok := c.known[value]
	if !ok {
		key = uint16(len(c.known))
		c.known[value] = key
		c.names.Append(value)
	}
	c.key = key
}

func (c *words) add() { c.Keys16 = append(c.Keys16, c.key) }

// Reset empties the column; begin must follow.
func (c *words) Reset() {
	c.ColLowCardinalityRaw.Reset()
	clear(c.known)
}

// arrival is the columns that say how a row came. Nothing came: they are what
// a sink would have written that was never late.
type arrival struct {
	received  proto.ColDateTime64
	topic     *words
	partition proto.ColUInt16
	offset    proto.ColUInt64
}

func (c *arrival) input() proto.Input {
	c.received = *new(proto.ColDateTime64).WithPrecision(proto.PrecisionMilli).WithLocation(time.UTC)
	c.topic = newWords()
	return proto.Input{
		{Name: "received_at", Data: &c.received},
		{Name: "kafka_topic", Data: c.topic},
		{Name: "kafka_partition", Data: &c.partition},
		{Name: "kafka_offset", Data: &c.offset},
	}
}

func (c *arrival) begin() { c.topic.begin(kafka.TopicReading) }

func (c *arrival) add(atUS int64) {
	c.received.Data = append(c.received.Data, proto.DateTime64(atUS/1000))
	c.topic.add()
	c.partition = append(c.partition, 0)
	c.offset = append(c.offset, uint64(len(c.offset)))
}

// readings are rows of raw.readings.
type readings struct {
	key         platekey.Key
	tokenBuf    []byte
	salt        uint64
	plateBuf    []byte
	tagBuf      []byte
	device      *words
	epoch       proto.ColUInt32
	seq         proto.ColUInt64
	observed    proto.ColDateTime64
	kind, class proto.ColInt8
	length      proto.ColUInt16
	occupied    proto.ColUInt32
	headway     proto.ColUInt32
	speed       proto.ColUInt16
	token       proto.ColUInt128
	plate, tag  proto.ColStr
	charge      proto.ColUInt32

	lane, limit, confidence, keyID, axles, persons proto.ColUInt8

	arrival arrival
	input   proto.Input
}

func newReadings(key platekey.Key) *readings {
	c := &readings{key: key, device: newWords()}
	c.observed = *new(proto.ColDateTime64).WithPrecision(proto.PrecisionMicro).WithLocation(time.UTC)
	c.input = append(proto.Input{
		{Name: "device_id", Data: c.device},
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
	}, c.arrival.input()...)
	return c
}

// begin says which device the rows from here on are of, and what tells its
// road's vehicles from those of other roads.
func (c *readings) begin(device string, salt uint64) {
	c.device.begin(device)
	c.salt = salt
	c.arrival.begin()
}

func (c *readings) add(epoch uint32, r *device.Reading) {
	c.device.add()
	c.epoch = append(c.epoch, epoch)
	c.seq = append(c.seq, r.Seq)
	c.observed.Data = append(c.observed.Data, proto.DateTime64(r.ObservedAt))
	c.kind = append(c.kind, int8(r.Kind))
	c.lane = append(c.lane, r.Lane)
	c.class = append(c.class, int8(r.Class))
	c.length = append(c.length, r.LengthCM)
	c.occupied = append(c.occupied, r.OccupiedMS)
	c.headway = append(c.headway, r.HeadwayMS)
	c.speed = append(c.speed, r.SpeedTenthKMH)
	c.limit = append(c.limit, r.LimitKMH)
	c.confidence = append(c.confidence, r.ConfidencePercent)
	c.plateBuf, c.tagBuf = r.Plate.Append(c.plateBuf[:0]), r.Tag.Append(c.tagBuf[:0])
	c.plate.AppendBytes(c.plateBuf)
	c.tag.AppendBytes(c.tagBuf)
	token, keyID := c.key.TokenOf(c.plateBuf, c.tagBuf, &c.tokenBuf)
	if keyID != 0 {
		token.Low ^= c.salt
	}
	c.token = append(c.token, token)
	c.keyID = append(c.keyID, keyID)
	c.axles = append(c.axles, r.Axles)
	c.persons = append(c.persons, r.Persons)
	c.charge = append(c.charge, r.ChargeCents)
	c.arrival.add(r.EmittedAt)
}

// ends are rows of raw.epoch_ends.
type ends struct {
	device  *words
	epoch   proto.ColUInt32
	last    proto.ColUInt64
	arrival arrival
	input   proto.Input
}

func newEnds() *ends {
	c := &ends{device: newWords()}
	c.input = append(proto.Input{
		{Name: "device_id", Data: c.device},
		{Name: "epoch", Data: &c.epoch},
		{Name: "last_seq", Data: &c.last},
	}, c.arrival.input()...)
	return c
}

func (c *ends) add(device string, epoch uint32, last uint64, atUS int64) {
	c.device.begin(device)
	c.arrival.begin()
	c.device.add()
	c.epoch = append(c.epoch, epoch)
	c.last = append(c.last, last)
	c.arrival.add(atUS)
}
