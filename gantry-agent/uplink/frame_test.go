package uplink

import (
	"math"
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// bytesCursor gives readings with plates of the given lengths, which decide
// how many bytes the length in front takes.
type bytesCursor struct{ lengths []int }

func (c *bytesCursor) Peek() (int64, bool) { return 0, len(c.lengths) > 0 }

func (c *bytesCursor) Append(dst []byte) []byte {
	r := &gantryv1.Reading{Lane: 1, Measurement: &gantryv1.Reading_Speed{Speed: &gantryv1.SpeedReading{Plate: string(make([]byte, c.lengths[0]))}}}
	c.lengths = c.lengths[1:]
	b, err := proto.MarshalOptions{}.MarshalAppend(dst, r)
	if err != nil {
		panic(err)
	}
	return b
}

// TestFrameIsWhatProtobufReads encodes random batches by hand and decodes
// them by the generated types.
func TestFrameIsWhatProtobufReads(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		device := rapid.StringMatching(`[a-z]{1,64}`).Draw(t, "device")
		epoch := rapid.Uint32().Draw(t, "epoch")
		first := rapid.Uint64Range(1, math.MaxUint64-100).Draw(t, "first")
		lengths := rapid.SliceOfN(rapid.IntRange(0, 400), 1, 20).Draw(t, "lengths")
		number, isBackfill := rapid.Uint64Min(1).Draw(t, "number"), rapid.Bool().Draw(t, "backfill")
		var c chunk
		c.begin(device, epoch, first)
		cur := &bytesCursor{lengths}
		for range lengths {
			c.take(cur)
		}
		c.end()
		f := newFrame()
		f.add(&c)
		f.seal(number, isBackfill)
		var m gantryv1.ConnectRequest
		if err := proto.Unmarshal(f.Bytes(), &m); err != nil {
			t.Fatal(err)
		}
		b := m.GetBatch()
		if b.GetNumber() != number || b.GetBackfill() != isBackfill || len(b.GetDevices()) != 1 || f.Len() != len(f.Bytes()) {
			t.Fatalf("batch %v", b)
		}
		d := b.GetDevices()[0]
		if d.GetDeviceId() != device || d.GetEpoch() != epoch || d.GetFirstSeq() != first || len(d.GetReadings()) != len(lengths)+1 {
			t.Fatalf("device batch %s/%d from %d with %d readings", d.GetDeviceId(), d.GetEpoch(), d.GetFirstSeq(), len(d.GetReadings()))
		}
		for i, n := range lengths {
			if got := len(d.GetReadings()[i].GetSpeed().GetPlate()); got != n {
				t.Fatalf("reading %d has a plate of %d bytes, want %d", i, got, n)
			}
		}
		if end := d.GetReadings()[len(lengths)].GetEpochEnd(); end == nil || end.GetLastSeq() != first+uint64(len(lengths))-1 {
			t.Fatalf("end %v", end)
		}
	})
}

func TestEndOfAnEmptyEpoch(t *testing.T) {
	var c chunk
	c.begin("a", 1, 1)
	c.end()
	var d gantryv1.DeviceBatch
	if err := proto.Unmarshal(c.wire, &d); err != nil {
		t.Fatal(err)
	}
	if end := d.GetReadings()[0].GetEpochEnd(); end == nil || end.GetLastSeq() != 0 {
		t.Errorf("end %v", end)
	}
}
