package sink

import (
	"github.com/ClickHouse/ch-go/proto"
	"github.com/twmb/franz-go/pkg/kgo"
	pb "google.golang.org/protobuf/proto"

	"github.com/gantry-dev/gantry/collector/platekey"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// rejects are rows of raw.rejects. A dead letter that is none cannot have a
// dead letter: its bytes become a row, named by topic and offset.
type rejects struct {
	key             platekey.Key
	tokenBuf        []byte
	device          proto.ColStr
	epoch           proto.ColUInt32
	seq             proto.ColUInt64
	code            dictionary
	field           dictionary
	reason          proto.ColStr
	value           proto.ColStr
	agent           proto.ColStr
	received        proto.ColDateTime64
	sourceTopic     dictionary
	sourcePartition proto.ColInt32
	sourceOffset    proto.ColInt64
	partition       proto.ColUInt16
	offset          proto.ColUInt64
	input           proto.Input
}

func newRejects(key platekey.Key) *rejects {
	c := &rejects{key: key}
	c.code.init()
	c.field.init()
	c.sourceTopic.init()
	c.received = *new(proto.ColDateTime64).WithPrecision(proto.PrecisionMilli).WithLocation(utc)
	c.input = proto.Input{
		{Name: "device_id", Data: &c.device},
		{Name: "epoch", Data: &c.epoch},
		{Name: "seq", Data: &c.seq},
		{Name: "code", Data: &c.code},
		{Name: "field", Data: &c.field},
		{Name: "reason", Data: &c.reason},
		{Name: "value", Data: &c.value},
		{Name: "agent_id", Data: &c.agent},
		{Name: "received_at", Data: &c.received},
		{Name: "source_topic", Data: &c.sourceTopic},
		{Name: "source_partition", Data: &c.sourcePartition},
		{Name: "source_offset", Data: &c.sourceOffset},
		{Name: "kafka_partition", Data: &c.partition},
		{Name: "kafka_offset", Data: &c.offset},
	}
	return c
}

func (c *rejects) add(r *kgo.Record) error {
	letter := &gantryv1.DeadLetter{}
	if err := pb.Unmarshal(r.Value, letter); err != nil {
		letter = &gantryv1.DeadLetter{
			Reject: &gantryv1.Reject{
				Code:   gantryv1.RejectCode_REJECT_CODE_MALFORMED,
				Reason: "This record of the dead-letter topic is no DeadLetter. Find out who wrote it.",
			},
			Value: r.Value, ReceivedAtUs: r.Timestamp.UnixMicro(),
			SourceTopic: r.Topic, SourcePartition: r.Partition, SourceOffset: r.Offset,
		}
	}
	j := letter.GetReject()
	// A block has fewer rows than a dictionary has room (Config.check).
	c.code.append([]byte(j.GetCode().String()))
	c.field.append([]byte(j.GetField()))
	c.sourceTopic.append([]byte(letter.SourceTopic))
	c.device.Append(j.GetDeviceId())
	c.epoch.Append(j.GetEpoch())
	c.seq.Append(j.GetSeq())
	c.reason.Append(j.GetReason())
	c.value.AppendBytes(letter.Value)
	c.agent.Append(letter.AgentId)
	c.received.Data = append(c.received.Data, proto.DateTime64(letter.ReceivedAtUs/1000))
	c.sourcePartition.Append(letter.SourcePartition)
	c.sourceOffset.Append(letter.SourceOffset)
	c.partition.Append(uint16(r.Partition))
	c.offset.Append(uint64(r.Offset))
	return nil
}

func (c *rejects) tables() []table {
	if len(c.seq) == 0 {
		return nil
	}
	return []table{{"raw.rejects", len(c.seq), c.input}}
}

func (c *rejects) reset() { c.input.Reset() }
