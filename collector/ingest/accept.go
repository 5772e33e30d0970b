package ingest

import (
	"fmt"
	"time"

	"github.com/gantry-dev/gantry/collector/kafka"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// verdict is why something is refused; the zero value says that it is
// accepted. It holds no plate and no tag.
type verdict struct {
	code   gantryv1.RejectCode
	field  string
	reason string
}

func (v verdict) ok() bool { return v.code == gantryv1.RejectCode_REJECT_CODE_UNSPECIFIED }

const (
	dayUS = int64(24 * time.Hour / time.Microsecond)
	// slackUS is how far observed_at may lie from the epoch's day.
	slackUS = int64(36 * time.Hour / time.Microsecond)
	// epochBits of an epoch are the second of its day.
	epochBits = 17
)

func epochDay(epoch uint32) int64    { return int64(epoch >> epochBits) }
func epochSecond(epoch uint32) int64 { return int64(epoch & (1<<epochBits - 1)) }

// judgeEpoch says whether an epoch of a device can have readings at all;
// info is nil for a device that the network does not have.
func judgeEpoch(device string, epoch uint32, info *kafka.DeviceInfo) verdict {
	if info == nil {
		return verdict{gantryv1.RejectCode_REJECT_CODE_UNKNOWN_DEVICE, "device_id",
			fmt.Sprintf("The network has no device %q: apply a network file that has it before its agent starts.", device)}
	}
	if s := epochSecond(epoch); s >= 86400 {
		return verdict{gantryv1.RejectCode_REJECT_CODE_EPOCH_OUT_OF_RANGE, "epoch",
			fmt.Sprintf("Epoch %d begins at second %d of its day, but a day has 86400: make epochs as the UTC day number times 2^17 plus the second of that day.", epoch, s)}
	}
	if first := floorDay(info.ValidFromUS); epochDay(epoch) < first {
		return verdict{gantryv1.RejectCode_REJECT_CODE_EPOCH_OUT_OF_RANGE, "epoch",
			fmt.Sprintf("Epoch %d is of day %d, before the device's first day %d: apply a network file with an earlier valid_from, or send no readings of that day.", epoch, epochDay(epoch), first)}
	}
	return verdict{}
}

// Judge says whether the collector takes a reading, sent as these bytes at this
// position: nil when it does, else why not. info is nil for a device that the
// network does not have. An epoch of a day to come is only put off, so nothing
// is said of that here.
func Judge(deviceID string, epoch uint32, seq uint64, raw []byte, info *kafka.DeviceInfo) *gantryv1.Reject {
	v := judgeEpoch(deviceID, epoch, info)
	if v.ok() {
		v = judge(&kafka.Reading{}, raw, epoch, seq, info)
	}
	if v.ok() {
		return nil
	}
	return &gantryv1.Reject{DeviceId: deviceID, Epoch: epoch, Seq: seq, Code: v.code, Field: v.field, Reason: v.reason}
}

// floorDay gives the UTC day number of a time, also before 1970.
func floorDay(us int64) int64 {
	d := us / dayUS
	if us%dayUS < 0 {
		d--
	}
	return d
}

// judge says whether a reading is acceptable. It is a function of the reading
// and the network alone: the time of receipt must never matter, or a retry
// could get another answer. raw are the bytes as sent; r is filled from them.
func judge(r *kafka.Reading, raw []byte, epoch uint32, seq uint64, info *kafka.DeviceInfo) verdict {
	if err := r.Parse(raw); err != nil {
		return malformed(r, err)
	}
	switch {
	case r.HasIdentity:
		return verdict{gantryv1.RejectCode_REJECT_CODE_MALFORMED, "device_id",
			"The reading carries device_id, epoch or seq: leave them out, the DeviceBatch gives them."}
	case r.Kind == kafka.KindNone:
		return verdict{gantryv1.RejectCode_REJECT_CODE_MALFORMED, "measurement",
			"The reading has no measurement: set counter, speed, toll or epoch_end."}
	case r.Kind == kafka.KindEpochEnd:
		return judgeEnd(r, seq)
	case r.Kind != uint8(info.Kind):
		return verdict{gantryv1.RejectCode_REJECT_CODE_WRONG_KIND, kindNames[r.Kind],
			fmt.Sprintf("The measurement is of kind %s, but the device is a %s: check the device's kind in the network file.", kindNames[r.Kind], kindNames[info.Kind&3])}
	}
	if r.Lane-1 >= maxLane || r.Lane > info.Lanes { // lane 0 wraps around
		return outside("lane", uint64(r.Lane), 1, min(maxLane, uint64(info.Lanes)))
	}
	if v := judgeFields(r); !v.ok() {
		return v
	}
	return judgeTime(r.ObservedAtUS, epoch)
}

func judgeEnd(r *kafka.Reading, seq uint64) verdict {
	if r.LastSeq != seq-1 {
		return verdict{gantryv1.RejectCode_REJECT_CODE_IMPOSSIBLE_FIELD, "epoch_end.last_seq",
			fmt.Sprintf("The epoch's end has last_seq %d at position %d: it must take the position after last_seq.", r.LastSeq, seq)}
	}
	return verdict{}
}

func judgeTime(observedUS int64, epoch uint32) verdict {
	from := epochDay(epoch)*dayUS - slackUS
	to := (epochDay(epoch)+1)*dayUS + slackUS
	if observedUS >= from && observedUS <= to {
		return verdict{}
	}
	return verdict{gantryv1.RejectCode_REJECT_CODE_OBSERVED_AT_OUT_OF_EPOCH, "observed_at_us",
		fmt.Sprintf("The reading was observed at %d µs, which is more than 36 hours from its epoch's day (%d to %d): check the device's clock.", observedUS, from, to)}
}

// kindNames are the oneof's fields, by kafka's kinds.
var kindNames = [...]string{"measurement", "counter", "speed", "toll", "epoch_end"}

// malformed names the field of a parse error with its path.
func malformed(r *kafka.Reading, err error) verdict {
	v := verdict{code: gantryv1.RejectCode_REJECT_CODE_MALFORMED}
	problem := "is not readable"
	if p, ok := err.(*kafka.ParseError); ok { //nolint:errorlint // Parse documents its type
		v.field, problem = p.Field, p.Problem
	}
	switch v.field {
	case "", "device_id", "epoch", "seq", "observed_at_us", "lane", "counter", "speed", "toll", "epoch_end":
	default:
		v.field = kindNames[r.Kind] + "." + v.field
	}
	subject := v.field
	if subject == "" {
		subject = "The reading"
	}
	v.reason = subject + " " + problem + ": send a gantry.v1.Reading as this version of the proto has it."
	return v
}
