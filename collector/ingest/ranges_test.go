package ingest

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/gantry-dev/gantry/collector/kafka"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// TestRangesAreThoseOfTheProto walks every (gantry.v1.range) that a reading
// as sent can have: its ends are accepted, what lies next to them is refused
// with the field's name.
func TestRangesAreThoseOfTheProto(t *testing.T) {
	checked := 0
	for _, kind := range []gantryv1.DeviceKind{1, 2, 3} {
		whole := sample(kind).ProtoReflect()
		measurement := whole.Descriptor().Fields().ByNumber(protoreflect.FieldNumber(5 + kind))
		for _, f := range ranged(whole.Descriptor()) {
			if f.Name() != "device_id" { // the DeviceBatch's
				checked++
				walk(t, kind, string(f.Name()), f, func(r protoreflect.Message) protoreflect.Message { return r })
			}
		}
		for _, f := range ranged(measurement.Message()) {
			checked++
			walk(t, kind, fmt.Sprintf("%s.%s", measurement.Name(), f.Name()), f,
				func(r protoreflect.Message) protoreflect.Message { return r.Mutable(measurement).Message() })
		}
	}
	if checked != 3+4+5+6 {
		t.Errorf("%d ranges were found, want 18: the proto has changed, look at ranges.go", checked)
	}
}

func ranged(m protoreflect.MessageDescriptor) (out []protoreflect.FieldDescriptor) {
	for i := range m.Fields().Len() {
		if f := m.Fields().Get(i); rangeOf(f) != nil {
			out = append(out, f)
		}
	}
	return out
}

func rangeOf(f protoreflect.FieldDescriptor) *gantryv1.Range {
	r, _ := proto.GetExtension(f.Options(), gantryv1.E_Range).(*gantryv1.Range)
	return r
}

func walk(t *testing.T, kind gantryv1.DeviceKind, name string, f protoreflect.FieldDescriptor, inside func(protoreflect.Message) protoreflect.Message) {
	lo, hi := rangeOf(f).GetMin(), rangeOf(f).GetMax()
	try := func(v uint64, want bool) {
		r := sample(kind).ProtoReflect()
		inside(r).Set(f, valueOf(f, v))
		raw, err := proto.Marshal(r.Interface())
		if err != nil {
			t.Fatal(err)
		}
		got := judge(&kafka.Reading{}, raw, 20_000<<17, 1, &kafka.DeviceInfo{Kind: kind, Lanes: 16})
		switch {
		case got.ok() != want:
			t.Errorf("%s = %d: verdict %+v, want accepted %v", name, v, got, want)
		case !want && (got.code != gantryv1.RejectCode_REJECT_CODE_IMPOSSIBLE_FIELD || got.field != name || !strings.Contains(got.reason, name)):
			t.Errorf("%s = %d is refused as %+v", name, v, got)
		}
	}
	try(lo, true)
	try(hi, true)
	if lo > 0 {
		try(lo-1, false)
	}
	try(hi+1, false)
	if f.Kind() == protoreflect.Uint32Kind {
		try(1<<32-1, false)
	}
}

func valueOf(f protoreflect.FieldDescriptor, v uint64) protoreflect.Value {
	switch f.Kind() {
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(strings.Repeat("A", int(v)))
	case protoreflect.EnumKind:
		return protoreflect.ValueOfEnum(protoreflect.EnumNumber(v))
	default:
		return protoreflect.ValueOfUint32(uint32(v))
	}
}

// sample is a good reading of a kind.
func sample(kind gantryv1.DeviceKind) *gantryv1.Reading {
	r := &gantryv1.Reading{ObservedAtUs: 20_000 * dayUS, Lane: 1}
	switch kind {
	case 1:
		r.Measurement = &gantryv1.Reading_Counter{Counter: &gantryv1.CounterReading{VehicleClass: 1, LengthCm: 430, OccupiedMs: 250}}
	case 2:
		r.Measurement = &gantryv1.Reading_Speed{Speed: &gantryv1.SpeedReading{SpeedTenthKmh: 900, LimitKmh: 100, VehicleClass: 1}}
	default:
		r.Measurement = &gantryv1.Reading_Toll{Toll: &gantryv1.TollReading{VehicleClass: 1, Axles: 2, Persons: 1}}
	}
	return r
}

func TestObservedAtWithin36HoursOfItsDay(t *testing.T) {
	const epoch = 20_000<<17 + 5
	day := 20_000 * dayUS
	for _, c := range []struct {
		at int64
		ok bool
	}{
		{day - slackUS, true}, {day - slackUS - 1, false}, {day + dayUS + slackUS, true}, {day + dayUS + slackUS + 1, false}, {0, false}, {-1 << 63, false}, {1<<63 - 1, false},
	} {
		if v := judgeTime(c.at, epoch); v.ok() != c.ok {
			t.Errorf("%d: %+v, want accepted %v", c.at, v, c.ok)
		}
	}
}

// No reason may show a plate or a tag.
func TestReasonsShowNoPlate(t *testing.T) {
	for _, r := range []*gantryv1.Reading{
		{Lane: 1, Measurement: &gantryv1.Reading_Speed{Speed: &gantryv1.SpeedReading{Plate: "SECRET-1"}}},
		{Lane: 1, Measurement: &gantryv1.Reading_Toll{Toll: &gantryv1.TollReading{Identification: &gantryv1.TollReading_Tag{Tag: "SECRET 1"}}}},
		{Lane: 1, Measurement: &gantryv1.Reading_Toll{Toll: &gantryv1.TollReading{Identification: &gantryv1.TollReading_Plate{Plate: strings.Repeat("SECRET", 9)}}}},
	} {
		raw, err := proto.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		kind := gantryv1.DeviceKind_DEVICE_KIND_SPEED
		if r.GetToll() != nil {
			kind = gantryv1.DeviceKind_DEVICE_KIND_TOLL
		}
		for n := range raw {
			v := judge(&kafka.Reading{}, raw[:len(raw)-n], 20_000<<17, 1, &kafka.DeviceInfo{Kind: kind, Lanes: 16})
			if v.ok() || strings.Contains(v.reason, "SECRET") {
				t.Errorf("verdict %+v of %d bytes", v, len(raw)-n)
			}
		}
	}
}
