package ingest

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/gantry-dev/gantry/collector/kafka"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// intake turns batches into flights: it says what of a batch is new, what is
// refused, and which records that makes. It does no I/O and reads no clock.
type intake struct {
	cfg     *Config
	session *session
	agentID string
	reading kafka.Reading // used again for each
	tokens  []byte        // room that tokens are made in
}

// take makes the flight of a batch that was received at a time, judged by a
// network. size is the batch's size as received, bytes.
func (in *intake) take(b *batch, size int, now time.Time, network *kafka.NetworkSnapshot) (*flight, error) {
	f := newFlight(b, size, now, in.cfg.WriteJSON)
	for i := range b.devices {
		if err := in.device(f, &b.devices[i], network); err != nil {
			return nil, err
		}
	}
	f.remaining.Store(int64(len(f.records)))
	return f, nil
}

// device adds one DeviceBatch to a flight.
func (in *intake) device(f *flight, d *deviceBatch, network *kafka.NetworkSnapshot) error {
	a, err := in.session.admit(d.id, d.epoch, d.firstSeq, uint64(d.count), f.receivedAt.Unix()/86400)
	if err != nil {
		return exhausted("batch.devices", "has an epoch that does not fit: "+err.Error())
	}
	if a.row != nil {
		f.touched = append(f.touched, a.row)
	}
	if a.resend != nil {
		f.resends = append(f.resends, a.resend)
		return nil
	}
	f.skipped += a.skip
	if a.skip == uint64(d.count) {
		return nil
	}
	move := advance{row: a.row, first: d.firstSeq + a.skip, last: d.firstSeq + uint64(d.count) - 1}
	info := network.Devices[string(d.id)]
	whole := judgeEpoch(a.row.device, d.epoch, info)
	topic, topicJSON := kafka.TopicReading, kafka.TopicReadingJSON
	if f.backfill {
		topic, topicJSON = kafka.TopicBackfill, kafka.TopicBackfillJSON
	}
	err = d.each(func(i uint64, raw []byte) error {
		if i < a.skip {
			return nil
		}
		v := whole
		if v.ok() {
			v = in.judge(raw, d.epoch, d.firstSeq+i, info)
		}
		if !v.ok() {
			return in.refuse(f, &move, d.firstSeq+i, raw, v)
		}
		in.accept(f, &move, topic, d, d.firstSeq+i, raw)
		if in.cfg.WriteJSON {
			in.repeat(f, topicJSON, d, d.firstSeq+i)
		}
		return nil
	})
	f.advances = append(f.advances, move)
	return err
}

func (in *intake) judge(raw []byte, epoch uint32, seq uint64, info *kafka.DeviceInfo) verdict {
	if len(raw) > in.cfg.MaxReadingBytes {
		return verdict{gantryv1.RejectCode_REJECT_CODE_MALFORMED, "",
			fmt.Sprintf("The reading has %d bytes, more than the %d that any reading can have.", len(raw), in.cfg.MaxReadingBytes)}
	}
	return judge(&in.reading, raw, epoch, seq, info)
}

// accept adds a record whose value is the identity and the bytes as sent.
func (in *intake) accept(f *flight, move *advance, topic string, d *deviceBatch, seq uint64, raw []byte) {
	at := len(f.values)
	f.values = kafka.AppendIdentity(f.values, d.id, d.epoch, seq)
	f.values = append(f.values, raw...)
	value := f.values[at:len(f.values):len(f.values)]
	// The key is the id inside the value, behind one tag and one length.
	f.add(topic, value[2:2+len(d.id)], value)
	if in.reading.Kind == kafka.KindEpochEnd {
		move.ended = true
		return
	}
	f.accepted++
	move.observedUS = max(move.observedUS, in.reading.ObservedAtUS)
	if !f.backfill {
		move.skewUS, move.skewed = in.reading.ObservedAtUS-f.receivedAt.UnixMicro(), true
	}
}

// repeat adds the record of the JSON topic for the reading that was accepted
// last. It is one more of the flight: nothing is acknowledged before Kafka has
// both.
func (in *intake) repeat(f *flight, topic string, d *deviceBatch, seq uint64) {
	r := &in.reading
	r.DeviceID, r.Epoch, r.Seq = d.id, d.epoch, seq
	token, keyID := in.cfg.PlateKey.TokenOf(r.Plate, r.Tag, &in.tokens)
	at := len(f.texts)
	f.texts = r.AppendJSON(f.texts, f.receivedAt, kafka.Token{High: token.High, Low: token.Low, KeyID: keyID})
	key := f.records[len(f.records)-1].Key // of the record before: the frame's bytes go back to their pool
	f.add(topic, key, f.texts[at:len(f.texts):len(f.texts)])
}

// refuse adds a dead letter in the reading's place.
func (in *intake) refuse(f *flight, move *advance, seq uint64, raw []byte, v verdict) error {
	reject := &gantryv1.Reject{
		DeviceId: move.row.device, Epoch: move.row.epoch, Seq: seq,
		Code: v.code, Field: v.field, Reason: v.reason,
	}
	value, err := proto.Marshal(&gantryv1.DeadLetter{
		Reject: reject, Value: raw[:min(len(raw), in.cfg.MaxDeadLetterBytes)],
		AgentId: in.agentID, ReceivedAtUs: f.receivedAt.UnixMicro(),
	})
	if err != nil {
		return fmt.Errorf("dead letter of %s/%d/%d: %w", move.row.device, move.row.epoch, seq, err)
	}
	f.add(kafka.TopicDeadLetter, []byte(move.row.device), value)
	f.rejects = append(f.rejects, reject)
	for i := range move.rejects {
		if move.rejects[i].code == v.code {
			move.rejects[i].count++
			return nil
		}
	}
	move.rejects = append(move.rejects, rejectCount{v.code, 1})
	return nil
}
