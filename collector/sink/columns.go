package sink

import (
	"math"
	"time"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/twmb/franz-go/pkg/kgo"
)

var utc = time.UTC

// dictionary is a LowCardinality(String) column of at most 65536 values, with
// 16-bit keys of its own making: hashing each value again at every insert, as
// ch-go's does, costs more than all other columns.
type dictionary struct {
	proto.ColLowCardinalityRaw
	words proto.ColStr
	index map[string]uint16
	names []string // by key
	// Records of one device come in runs.
	last    string
	lastKey uint16
}

func (d *dictionary) init() {
	d.ColLowCardinalityRaw = proto.ColLowCardinalityRaw{Index: &d.words, Key: proto.KeyUInt16}
	d.index = map[string]uint16{}
}

// append appends the value, unless there is no room for a new one.
func (d *dictionary) append(value []byte) bool {
	if len(d.names) == 0 || string(value) != d.last {
		key, ok := d.index[string(value)]
		if !ok {
			if len(d.names) > math.MaxUint16 {
				return false
			}
			key = d.learn(string(value))
		}
		d.last, d.lastKey = d.names[key], key
	}
	d.Keys16 = append(d.Keys16, d.lastKey)
	return true
}

func (d *dictionary) learn(value string) uint16 {
	key := uint16(len(d.names))
	d.index[value] = key
	d.names = append(d.names, value)
	d.words.Append(value)
	return key
}

// Reset empties the column and its dictionary.
func (d *dictionary) Reset() {
	d.ColLowCardinalityRaw.Reset()
	clear(d.index)
	clear(d.names)
	d.names = d.names[:0]
}

// source is the columns that say how a row came.
type source struct {
	received  proto.ColDateTime64
	topic     dictionary
	partition proto.ColUInt16
	offset    proto.ColUInt64
	topicName []byte
}

func (s *source) init() {
	s.received = *new(proto.ColDateTime64).WithPrecision(proto.PrecisionMilli).WithLocation(utc)
	s.topic.init()
}

func (s *source) input() proto.Input {
	return proto.Input{
		{Name: "received_at", Data: &s.received},
		{Name: "kafka_topic", Data: &s.topic},
		{Name: "kafka_partition", Data: &s.partition},
		{Name: "kafka_offset", Data: &s.offset},
	}
}

func (s *source) append(r *kgo.Record) {
	s.received.Data = append(s.received.Data, proto.DateTime64(r.Timestamp.UnixMilli()))
	s.topicName = append(s.topicName[:0], r.Topic...)
	s.topic.append(s.topicName)
	s.partition = append(s.partition, uint16(r.Partition))
	s.offset = append(s.offset, uint64(r.Offset))
}
