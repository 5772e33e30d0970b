package ingest_test

import (
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/gantry-dev/gantry/collector/ingest"
	"github.com/gantry-dev/gantry/collector/kafka"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// Every bad reading is refused by itself: its neighbours before and behind it
// in the same batch are in Kafka, and the position passes it.
func TestBadReadingsAreRefusedAlone(t *testing.T) {
	change := func(f func(*gantryv1.Reading)) *gantryv1.Reading {
		r := count(today, 2)
		f(r)
		return r
	}
	garbage := &gantryv1.Reading{}
	garbage.ProtoReflect().SetUnknown(protowire.AppendVarint(protowire.AppendTag(nil, 15, protowire.VarintType), 7))
	cases := []struct {
		name   string
		device string
		epoch  uint32
		bad    *gantryv1.Reading
		code   gantryv1.RejectCode
		field  string
		all    bool // the whole epoch is refused
	}{
		{"unknown device", "X", epochOf(today), count(today, 2), gantryv1.RejectCode_REJECT_CODE_UNKNOWN_DEVICE, "device_id", true},
		{"impossible field", "D01", epochOf(today), change(func(r *gantryv1.Reading) { r.GetCounter().LengthCm = 5000 }), gantryv1.RejectCode_REJECT_CODE_IMPOSSIBLE_FIELD, "counter.length_cm", false},
		{"lane beyond the station's", "D01", epochOf(today), change(func(r *gantryv1.Reading) { r.Lane = 4 }), gantryv1.RejectCode_REJECT_CODE_IMPOSSIBLE_FIELD, "lane", false},
		{"no lane", "D01", epochOf(today), change(func(r *gantryv1.Reading) { r.Lane = 0 }), gantryv1.RejectCode_REJECT_CODE_IMPOSSIBLE_FIELD, "lane", false},
		{"wrong kind", "D01", epochOf(today), change(func(r *gantryv1.Reading) {
			r.Measurement = &gantryv1.Reading_Speed{Speed: &gantryv1.SpeedReading{}}
		}), gantryv1.RejectCode_REJECT_CODE_WRONG_KIND, "speed", false},
		{"no measurement", "D01", epochOf(today), change(func(r *gantryv1.Reading) { r.Measurement = nil }), gantryv1.RejectCode_REJECT_CODE_MALFORMED, "measurement", false},
		{"identity inside", "D01", epochOf(today), change(func(r *gantryv1.Reading) { r.Seq = 2 }), gantryv1.RejectCode_REJECT_CODE_MALFORMED, "device_id", false},
		{"garbage bytes", "D01", epochOf(today), garbage, gantryv1.RejectCode_REJECT_CODE_MALFORMED, "", false},
		{"large", "D01", epochOf(today), change(func(r *gantryv1.Reading) {
			r.ProtoReflect().SetUnknown(protowire.AppendBytes(protowire.AppendTag(nil, 15, protowire.BytesType), make([]byte, 2<<20)))
		}), gantryv1.RejectCode_REJECT_CODE_MALFORMED, "", false},
		{"observed days ago", "D01", epochOf(today), count(today-3, 2), gantryv1.RejectCode_REJECT_CODE_OBSERVED_AT_OUT_OF_EPOCH, "observed_at_us", false},
		{"end at the wrong place", "D01", epochOf(today), endOfEpoch(9), gantryv1.RejectCode_REJECT_CODE_IMPOSSIBLE_FIELD, "epoch_end.last_seq", false},
		{"epoch before the device", "D01", epochOf(today - 11), count(today-11, 2), gantryv1.RejectCode_REJECT_CODE_EPOCH_OUT_OF_RANGE, "epoch", true},
		{"epoch after the day's seconds", "D01", epochOf(today) + 86400, count(today, 2), gantryv1.RejectCode_REJECT_CODE_EPOCH_OUT_OF_RANGE, "epoch", true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			addr, _ := broker(t)
			s := start(t, addr, network(""), nil)
			a, _ := s.connect(&gantryv1.Hello{})
			a.batch(run("D02", today, 1, 1),
				&gantryv1.DeviceBatch{DeviceId: c.device, Epoch: c.epoch, FirstSeq: 1, Readings: []*gantryv1.Reading{count(today, 1), c.bad, count(today, 3)}},
				run("D03", today, 1, 1))
			ack := a.await()
			rejected, good := 1, 4
			if c.all {
				rejected, good = 3, 2
			}
			if len(ack.Rejects) != rejected || len(ack.Durable) != 3 || len(ack.Resends) != 0 {
				t.Fatalf("answer is %v", ack)
			}
			r := ack.Rejects[len(ack.Rejects)/2]
			if r.Code != c.code || r.Field != c.field || r.DeviceId != c.device || r.Epoch != c.epoch || r.Seq != 2 || !strings.HasSuffix(r.Reason, ".") {
				t.Errorf("reject is %v, want code %v field %q seq 2", r, c.code, c.field)
			}
			for _, p := range ack.Durable {
				if p.DeviceId == c.device && p.Seq != 3 {
					t.Errorf("the position is %v, want 3", p)
				}
			}
			if got := identities(t, records(t, addr, good, kafka.TopicReading)); len(got) != good {
				t.Errorf("%d good readings, want %d", len(got), good)
			}
			letters := records(t, addr, rejected, kafka.TopicDeadLetter)
			d := &gantryv1.DeadLetter{}
			if err := proto.Unmarshal(letters[len(letters)/2].Value, d); err != nil {
				t.Fatal(err)
			}
			if !proto.Equal(d.Reject, r) || d.AgentId != "agent" || d.ReceivedAtUs != noon.UnixMicro() {
				t.Errorf("dead letter is %v", d)
			}
		})
	}
}

// Faults of the envelope end the stream with a status that names the field.
func TestBadEnvelopesEndTheStream(t *testing.T) {
	addr, _ := broker(t)
	s := start(t, addr, network("w"), func(c *ingest.Config) {
		c.MaxBatchBytes, c.MaxBatchReadings, c.MaxBatchDevices = 32<<10, 100, 10
	})
	unknown := func(b []byte) *gantryv1.ConnectRequest {
		m := &gantryv1.ConnectRequest{}
		m.ProtoReflect().SetUnknown(b)
		return m
	}
	hello := &gantryv1.ConnectRequest{Message: &gantryv1.ConnectRequest_Hello{Hello: &gantryv1.Hello{AgentId: "a"}}}
	batch := func(b *gantryv1.Batch) *gantryv1.ConnectRequest {
		return &gantryv1.ConnectRequest{Message: &gantryv1.ConnectRequest_Batch{Batch: b}}
	}
	many := &gantryv1.Batch{Number: 1}
	for range 11 {
		many.Devices = append(many.Devices, run("D01", today, 1, 1))
	}
	large := run("D01", today, 1, 1)
	large.Readings[0].ProtoReflect().SetUnknown(protowire.AppendBytes(protowire.AppendTag(nil, 15, protowire.BytesType), make([]byte, 40<<10)))
	cases := []struct {
		name  string
		send  []*gantryv1.ConnectRequest
		code  codes.Code
		field string
	}{
		{"missing hello", []*gantryv1.ConnectRequest{batch(&gantryv1.Batch{Number: 1})}, codes.FailedPrecondition, "hello"},
		{"another world", []*gantryv1.ConnectRequest{{Message: &gantryv1.ConnectRequest_Hello{Hello: &gantryv1.Hello{AgentId: "a", Fingerprint: "x"}}}}, codes.FailedPrecondition, "hello.fingerprint"},
		{"no name", []*gantryv1.ConnectRequest{{Message: &gantryv1.ConnectRequest_Hello{Hello: &gantryv1.Hello{}}}}, codes.InvalidArgument, "hello.agent_id"},
		{"hello twice", []*gantryv1.ConnectRequest{hello, hello}, codes.InvalidArgument, "hello"},
		{"nothing", []*gantryv1.ConnectRequest{hello, {}}, codes.InvalidArgument, "message"},
		{"garbage", []*gantryv1.ConnectRequest{hello, unknown([]byte{0x12, 0xff})}, codes.InvalidArgument, "message"},
		{"garbage batch", []*gantryv1.ConnectRequest{hello, unknown([]byte{0x12, 0x02, 0x1a, 0x7f})}, codes.InvalidArgument, "message"},
		{"oversized", []*gantryv1.ConnectRequest{hello, batch(&gantryv1.Batch{Number: 1, Devices: []*gantryv1.DeviceBatch{large}})}, codes.ResourceExhausted, "message"},
		{"too many readings", []*gantryv1.ConnectRequest{hello, batch(&gantryv1.Batch{Number: 1, Devices: []*gantryv1.DeviceBatch{run("D01", today, 1, 101)}})}, codes.ResourceExhausted, "batch"},
		{"too many devices", []*gantryv1.ConnectRequest{hello, batch(many)}, codes.ResourceExhausted, "batch.devices"},
		{"wrong number", []*gantryv1.ConnectRequest{hello, batch(&gantryv1.Batch{Number: 2})}, codes.InvalidArgument, "batch.number"},
		{"position 0", []*gantryv1.ConnectRequest{hello, batch(&gantryv1.Batch{Number: 1, Devices: []*gantryv1.DeviceBatch{run("D01", today, 0, 1)}})}, codes.InvalidArgument, "batch.devices[0].first_seq"},
		{"no device", []*gantryv1.ConnectRequest{hello, batch(&gantryv1.Batch{Number: 1, Devices: []*gantryv1.DeviceBatch{run("D01", today, 1, 1), run("", today, 1, 1)}})}, codes.InvalidArgument, "batch.devices[1].device_id"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			a := s.open()
			for _, m := range c.send {
				a.send(m)
			}
			st := status.Convert(a.end())
			if st.Code() != c.code || len(st.Details()) != 1 {
				t.Fatalf("ended with %v, want %v and a detail", st.Err(), c.code)
			}
			v := st.Details()[0].(*errdetails.BadRequest).FieldViolations
			if len(v) != 1 || v[0].Field != c.field || !strings.HasSuffix(v[0].Description, ".") {
				t.Errorf("violations are %v, want field %q", v, c.field)
			}
		})
	}
	// Nobody else was hurt.
	a, _ := s.connect(&gantryv1.Hello{})
	a.batch(run("D01", today, 1, 10))
	if ack := a.await(); len(ack.Durable) != 1 || ack.Durable[0].Seq != 10 {
		t.Errorf("answer afterwards is %v", ack)
	}
}
