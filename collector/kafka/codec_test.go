package kafka_test

import (
	"bytes"
	"errors"
	"math"
	"reflect"
	"slices"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/gantry-dev/gantry/collector/kafka"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// flat turns what proto.Unmarshal made into what Parse should make.
func flat(m *gantryv1.Reading) kafka.Reading {
	r := kafka.Reading{
		DeviceID: []byte(m.DeviceId), Epoch: m.Epoch, Seq: m.Seq, ObservedAtUS: m.ObservedAtUs, Lane: m.Lane,
		HasIdentity: m.DeviceId != "" || m.Epoch != 0 || m.Seq != 0,
	}
	switch k := m.Measurement.(type) {
	case *gantryv1.Reading_Counter:
		r.Kind, r.Class = kafka.KindCounter, uint32(k.Counter.VehicleClass)
		r.LengthCM, r.OccupiedMS, r.HeadwayMS = k.Counter.LengthCm, k.Counter.OccupiedMs, k.Counter.HeadwayMs
	case *gantryv1.Reading_Speed:
		r.Kind, r.Class = kafka.KindSpeed, uint32(k.Speed.VehicleClass)
		r.SpeedTenthKMH, r.LimitKMH = k.Speed.SpeedTenthKmh, k.Speed.LimitKmh
		r.Plate, r.ConfidencePercent = []byte(k.Speed.Plate), k.Speed.ConfidencePercent
	case *gantryv1.Reading_Toll:
		r.Kind, r.Class = kafka.KindToll, uint32(k.Toll.VehicleClass)
		r.Axles, r.Persons, r.ChargeCents = k.Toll.Axles, k.Toll.Persons, k.Toll.ChargeCents
		r.Plate, r.Tag = []byte(k.Toll.GetPlate()), []byte(k.Toll.GetTag())
	case *gantryv1.Reading_EpochEnd:
		r.Kind, r.LastSeq = kafka.KindEpochEnd, k.EpochEnd.LastSeq
	}
	return r
}

func same(a, b kafka.Reading) bool {
	texts := bytes.Equal(a.DeviceID, b.DeviceID) && bytes.Equal(a.Plate, b.Plate) && bytes.Equal(a.Tag, b.Tag)
	a.DeviceID, a.Plate, a.Tag = nil, nil, nil
	b.DeviceID, b.Plate, b.Tag = nil, nil, nil
	return texts && reflect.DeepEqual(a, b)
}

// drawReading draws any reading that the proto can hold.
func drawReading(t *rapid.T) *gantryv1.Reading {
	u32 := func(name string) uint32 { return rapid.Uint32().Draw(t, name) }
	class := gantryv1.VehicleClass(rapid.Int32Range(0, 1000).Draw(t, "class"))
	m := &gantryv1.Reading{
		DeviceId: rapid.String().Draw(t, "device"), Epoch: u32("epoch"), Seq: rapid.Uint64().Draw(t, "seq"),
		ObservedAtUs: rapid.Int64().Draw(t, "observed"), Lane: u32("lane"),
	}
	switch rapid.IntRange(0, 4).Draw(t, "kind") {
	case 1:
		m.Measurement = &gantryv1.Reading_Counter{Counter: &gantryv1.CounterReading{
			VehicleClass: class, LengthCm: u32("length"), OccupiedMs: u32("occupied"), HeadwayMs: u32("headway")}}
	case 2:
		m.Measurement = &gantryv1.Reading_Speed{Speed: &gantryv1.SpeedReading{
			SpeedTenthKmh: u32("speed"), LimitKmh: u32("limit"), Plate: rapid.String().Draw(t, "plate"),
			ConfidencePercent: u32("confidence"), VehicleClass: class}}
	case 3:
		toll := &gantryv1.TollReading{VehicleClass: class, Axles: u32("axles"), Persons: u32("persons"), ChargeCents: u32("charge")}
		switch rapid.IntRange(0, 2).Draw(t, "identification") {
		case 1:
			toll.Identification = &gantryv1.TollReading_Plate{Plate: rapid.String().Draw(t, "plate")}
		case 2:
			toll.Identification = &gantryv1.TollReading_Tag{Tag: rapid.String().Draw(t, "tag")}
		}
		m.Measurement = &gantryv1.Reading_Toll{Toll: toll}
	case 4:
		m.Measurement = &gantryv1.Reading_EpochEnd{EpochEnd: &gantryv1.EpochEnd{LastSeq: rapid.Uint64().Draw(t, "last")}}
	}
	return m
}

func TestParseAgreesWithProtoOnReadings(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawReading(t)
		b, err := proto.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		var got kafka.Reading
		if err := got.Parse(b); err != nil {
			t.Fatalf("Parse: %v", err)
		}
		if want := flat(m); !same(got, want) {
			t.Fatalf("got %+v, want %+v", got, want)
		}
	})
}

// TestParseIsStricterThanProto damages readings: what Parse still takes,
// proto takes too and reads the same, unless a number was too large.
func TestParseIsStricterThanProto(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b, err := proto.Marshal(drawReading(t))
		if err != nil {
			t.Fatal(err)
		}
		for range rapid.IntRange(1, 4).Draw(t, "damages") {
			b = damage(t, b)
		}
		checkStricter(t, b)
	})
}

func damage(t *rapid.T, b []byte) []byte {
	at := rapid.IntRange(0, len(b)).Draw(t, "at")
	switch rapid.IntRange(0, 2).Draw(t, "damage") {
	case 0:
		return b[:at]
	case 1:
		return append(b[:at:at], append(rapid.SliceOfN(rapid.Byte(), 1, 6).Draw(t, "insert"), b[at:]...)...)
	default:
		if at == len(b) {
			return b
		}
		b = bytes.Clone(b)
		b[at] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		return b
	}
}

func checkStricter(t interface {
	Fatalf(string, ...any)
}, b []byte) {
	var got kafka.Reading
	if err := got.Parse(b); err != nil {
		var parse *kafka.ParseError
		if !errors.As(err, &parse) || parse.Problem == "" {
			t.Fatalf("error %v of %x is no ParseError with a problem", err, b)
		}
		return
	}
	m := &gantryv1.Reading{}
	if err := proto.Unmarshal(b, m); err != nil {
		t.Fatalf("Parse takes %x and proto does not: %v", b, err)
	}
	if len(m.ProtoReflect().GetUnknown()) > 0 {
		t.Fatalf("Parse takes %x with unknown fields", b)
	}
	want := flat(m)
	want.HasIdentity = got.HasIdentity // an explicit zero counts as identity
	if !same(got, want) && !saturated(got) {
		t.Fatalf("Parse reads %x as %+v, proto as %+v", b, got, want)
	}
}

// saturated tells whether a number stands at its largest value, where proto
// keeps the lower 32 bits instead.
func saturated(r kafka.Reading) bool {
	return slices.Contains([]uint32{
		r.Epoch, r.Lane, r.Class, r.LengthCM, r.OccupiedMS, r.HeadwayMS, r.SpeedTenthKMH, r.LimitKMH,
		r.ConfidencePercent, r.Axles, r.Persons, r.ChargeCents,
	}, math.MaxUint32)
}

func FuzzParse(f *testing.F) {
	f.Add([]byte{})
	f.Add(kafka.AppendIdentity(nil, []byte("d"), 7, 9))
	f.Fuzz(func(t *testing.T, b []byte) { checkStricter(t, b) })
}

func TestParseErrors(t *testing.T) {
	bytesField := func(num protowire.Number, v []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, num, protowire.BytesType), v)
	}
	varint := func(num protowire.Number, v uint64) []byte {
		return protowire.AppendVarint(protowire.AppendTag(nil, num, protowire.VarintType), v)
	}
	for name, c := range map[string]struct {
		in   []byte
		want string
	}{
		"unknown field":      {varint(10, 1), "reading has a field that gantry.v1.Reading does not have"},
		"high field number":  {varint(5000, 1), "reading has a field that gantry.v1.Reading does not have"},
		"lane twice":         {append(varint(5, 1), varint(5, 2)...), "lane is given twice"},
		"two measurements":   {append(bytesField(6, nil), bytesField(7, nil)...), "speed is given beside another of its oneof"},
		"plate and tag":      {bytesField(8, append(bytesField(1, []byte("A")), bytesField(2, []byte("B"))...)), "tag is given beside another of its oneof"},
		"unknown inside":     {bytesField(6, varint(9, 1)), "counter has a field that gantry.v1.Reading does not have"},
		"lane as bytes":      {bytesField(5, nil), "lane has the wrong wire type"},
		"cut number":         {[]byte{5 << 3, 0x80}, "lane ends in the middle of a field"},
		"cut text":           {[]byte{1<<3 | 2, 5, 'a'}, "device_id ends in the middle of a field"},
		"no UTF-8":           {bytesField(7, bytesField(3, []byte{0xff})), "plate is not valid UTF-8"},
		"number of 11 bytes": {append([]byte{5 << 3}, bytes.Repeat([]byte{0xff}, 11)...), "lane has a number longer than 64 bits"},
	} {
		var r kafka.Reading
		err := r.Parse(c.in)
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: got %v, want %s", name, err, c.want)
		}
	}
}

func TestParseSaturates(t *testing.T) {
	lane := protowire.AppendVarint(protowire.AppendTag(nil, 5, protowire.VarintType), 1<<32+3)
	var r kafka.Reading
	if err := r.Parse(lane); err != nil {
		t.Fatal(err)
	}
	if r.Lane != 1<<32-1 {
		t.Errorf("lane 2^32+3 became %d: a range check would let it pass", r.Lane)
	}
}

func TestIdentityInFront(t *testing.T) {
	sent, err := proto.Marshal(&gantryv1.Reading{ObservedAtUs: 5, Lane: 2, Measurement: &gantryv1.Reading_EpochEnd{EpochEnd: &gantryv1.EpochEnd{LastSeq: 4}}})
	if err != nil {
		t.Fatal(err)
	}
	m := &gantryv1.Reading{}
	if err := proto.Unmarshal(append(kafka.AppendIdentity(nil, []byte("dev"), 77, 300), sent...), m); err != nil {
		t.Fatal(err)
	}
	if m.DeviceId != "dev" || m.Epoch != 77 || m.Seq != 300 || m.Lane != 2 || m.GetEpochEnd().GetLastSeq() != 4 {
		t.Errorf("record reads as %v", m)
	}
}

func sample() []byte {
	b, _ := proto.Marshal(&gantryv1.Reading{ObservedAtUs: 1_700_000_000_000_000, Lane: 3,
		Measurement: &gantryv1.Reading_Speed{Speed: &gantryv1.SpeedReading{SpeedTenthKmh: 1043, LimitKmh: 100, Plate: "S123ABC", ConfidencePercent: 97, VehicleClass: 1}}})
	return append(kafka.AppendIdentity(nil, []byte("m1-nb-07-speed"), 2_600_000_000, 123_456), b...)
}

func TestParseAllocatesNothing(t *testing.T) {
	b := sample()
	var r kafka.Reading
	if n := testing.AllocsPerRun(100, func() { _ = r.Parse(b) }); n != 0 {
		t.Errorf("Parse allocates %v times", n)
	}
}

func BenchmarkParse(b *testing.B) {
	in := sample()
	var r kafka.Reading
	for b.Loop() {
		if err := r.Parse(in); err != nil {
			b.Fatal(err)
		}
	}
}
