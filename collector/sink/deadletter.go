package sink

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"
	"google.golang.org/protobuf/proto"

	"github.com/gantry-dev/gantry/collector/kafka"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// deadLetter makes the dead-letter record of one that cannot become a row. It
// copies, for the record's memory goes back to its pool.
func deadLetter(r *kgo.Record, p *poison) *kgo.Record {
	letter := &gantryv1.DeadLetter{
		Reject: &gantryv1.Reject{
			DeviceId: p.deviceID, Epoch: p.epoch, Seq: p.seq,
			Code: p.code, Field: p.field,
			Reason: fmt.Sprintf("The sink cannot store this record of topic %s: %s %s. Mend its producer and send the reading again.", r.Topic, p.field, p.reason),
		},
		Value:           r.Value,
		ReceivedAtUs:    r.Timestamp.UnixMicro(),
		SourceTopic:     r.Topic,
		SourcePartition: r.Partition,
		SourceOffset:    r.Offset,
	}
	value, err := proto.Marshal(letter)
	if err != nil {
		// Text that is no UTF-8 is all that can fail here; none of it is vital.
		letter.Reject.DeviceId, letter.Reject.Field = "", ""
		value, _ = proto.Marshal(letter)
	}
	return &kgo.Record{Topic: kafka.TopicDeadLetter, Key: []byte(p.deviceID), Value: value}
}
