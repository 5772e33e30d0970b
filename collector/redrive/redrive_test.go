package redrive

import (
	"bytes"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/gantry-dev/gantry/collector/kafka"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

const epoch = uint32(20_600 << 17)

// raw is a reading of a counter in a lane, as a device sends it.
func raw(t *testing.T, lane uint32) []byte {
	t.Helper()
	b, err := proto.Marshal(&gantryv1.Reading{
		ObservedAtUs: 20_600 * 86_400_000_000, Lane: lane,
		Measurement: &gantryv1.Reading_Counter{Counter: &gantryv1.CounterReading{VehicleClass: 1, LengthCm: 430, OccupiedMs: 200}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// record is the same as ingest gives it to Kafka.
func record(t *testing.T, device string, seq uint64, lane uint32) []byte {
	t.Helper()
	return append(kafka.AppendIdentity(nil, []byte(device), epoch, seq), raw(t, lane)...)
}

func newRun(devices ...string) *run {
	return &run{
		cfg: Config{Devices: devices}, sent: map[identity]struct{}{}, report: Report{Sent: map[Why]int{}, Stay: map[Why]int{}},
		network: kafka.SnapshotOf(&gantryv1.Network{
			Stations: []*gantryv1.Station{{StationId: "s", Lanes: 2}},
			Devices:  []*gantryv1.Device{{DeviceId: "D01", Kind: gantryv1.DeviceKind_DEVICE_KIND_COUNTER, StationId: "s"}},
		}),
	}
}

func TestLettersAreJudgedAgain(t *testing.T) {
	unknown, lane := gantryv1.RejectCode_REJECT_CODE_UNKNOWN_DEVICE, gantryv1.RejectCode_REJECT_CODE_IMPOSSIBLE_FIELD
	ofAgent := func(device string, seq uint64, code gantryv1.RejectCode, value []byte) *gantryv1.DeadLetter {
		return &gantryv1.DeadLetter{Reject: &gantryv1.Reject{DeviceId: device, Epoch: epoch, Seq: seq, Code: code}, Value: value, AgentId: "a"}
	}
	ofSink := func(topic string, value []byte) *gantryv1.DeadLetter {
		return &gantryv1.DeadLetter{Reject: &gantryv1.Reject{Code: lane, Field: "lane"}, Value: value, SourceTopic: topic, SourceOffset: 7}
	}
	r := newRun()
	for i, c := range []struct {
		letter *gantryv1.DeadLetter
		want   []byte // the record that is produced
	}{
		{ofAgent("D01", 1, unknown, raw(t, 1)), record(t, "D01", 1, 1)},
		{ofAgent("D01", 1, unknown, raw(t, 1)), nil}, // once more
		{ofAgent("D01", 2, unknown, raw(t, 2)), record(t, "D01", 2, 2)},
		{ofAgent("D01", 3, lane, raw(t, 3)), nil},    // beyond the lanes still
		{ofAgent("D02", 1, unknown, raw(t, 1)), nil}, // unknown still
		{ofAgent("D01", 4, lane, []byte{0xff}), nil}, // never a reading
		{ofAgent("", 1, unknown, raw(t, 1)), nil},    // of nobody
		{ofSink(kafka.TopicReading, record(t, "D01", 5, 1)), record(t, "D01", 5, 1)},
		{ofSink(kafka.TopicReading, record(t, "D01", 2, 2)), nil}, // one that was sent above
		{ofSink(kafka.TopicReading, []byte("no reading")), nil},
		{ofSink(kafka.TopicNetwork, record(t, "D01", 6, 1)), nil},
	} {
		value, err := proto.Marshal(c.letter)
		if err != nil {
			t.Fatal(err)
		}
		got := r.letter(value)
		switch {
		case (got == nil) != (c.want == nil):
			t.Errorf("letter %d gives %v, want %x", i, got, c.want)
		case got != nil && (!bytes.Equal(got.Value, c.want) || string(got.Key) != "D01" || got.Topic != kafka.TopicBackfill):
			t.Errorf("letter %d gives %s of %s: %x, want %x", i, got.Key, got.Topic, got.Value, c.want)
		}
	}
	if r.letter([]byte("no letter")) != nil {
		t.Error("what is no letter is sent")
	}
	malformed := gantryv1.RejectCode_REJECT_CODE_MALFORMED
	for _, c := range []struct {
		what      string
		got, want int
	}{
		{"letters", r.report.Letters, 12}, {"others", r.report.Others, 4}, {"repeats", r.report.Repeats, 2},
		{"sent, unknown then", r.report.Sent[Why{Code: unknown}], 2}, {"sent, of the sink", r.report.Sent[Why{lane, "lane"}], 1},
		{"beyond the lanes", r.report.Stay[Why{lane, "lane"}], 1}, {"unknown", r.report.Stay[Why{unknown, "device_id"}], 1},
		{"malformed", r.report.Stay[Why{Code: malformed}], 1},
	} {
		if c.got != c.want {
			t.Errorf("%s: %d, want %d (%+v)", c.what, c.got, c.want, r.report)
		}
	}
}

func TestOnlyTheDevicesAskedFor(t *testing.T) {
	r := newRun("D02")
	value, err := proto.Marshal(&gantryv1.DeadLetter{Reject: &gantryv1.Reject{DeviceId: "D01", Epoch: epoch, Seq: 1}, Value: raw(t, 1)})
	if err != nil {
		t.Fatal(err)
	}
	if r.letter(value) != nil || r.report.Letters != 0 {
		t.Errorf("another device's reading is sent: %+v", r.report)
	}
}
