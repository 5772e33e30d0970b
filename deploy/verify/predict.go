package main

import (
	"fmt"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/gantry-dev/gantry/gantry-agent/device"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

const (
	dayUS = 86_400_000_000
	// observedWithinUS is how far observed_at may be from the epoch's UTC day.
	observedWithinUS = 36 * 3600 * 1_000_000
)

// ranges are the closed intervals that the proto gives its fields, by
// "message.field".
type ranges map[string]*gantryv1.Range

// readRanges reads the intervals off the proto, so that the collector's own
// check and this one cannot share a mistake.
func readRanges() ranges {
	out := ranges{}
	walk := func(prefix string, m protoreflect.MessageDescriptor) {
		for i := range m.Fields().Len() {
			f := m.Fields().Get(i)
			if limits, ok := proto.GetExtension(f.Options(), gantryv1.E_Range).(*gantryv1.Range); ok && limits != nil {
				out[prefix+string(f.Name())] = limits
			}
		}
	}
	walk("", (&gantryv1.Reading{}).ProtoReflect().Descriptor())
	walk("counter.", (&gantryv1.CounterReading{}).ProtoReflect().Descriptor())
	walk("speed.", (&gantryv1.SpeedReading{}).ProtoReflect().Descriptor())
	walk("toll.", (&gantryv1.TollReading{}).ProtoReflect().Descriptor())
	return out
}

// holds says whether the field may have the value; a field without an interval
// is a mistake of this program.
func (r ranges) holds(field string, n uint64) bool {
	limits, ok := r[field]
	if !ok {
		panic(fmt.Sprintf("the proto gives %s no range", field))
	}
	return n >= limits.GetMin() && n <= limits.GetMax()
}

// predictor says which readings of one device the collectors are to refuse.
type predictor struct {
	ranges      ranges
	kind        gantryv1.DeviceKind
	lanes       uint32
	validFromUS int64
}

// predict returns the name of the reject code without its prefix; empty when
// the reading is to be accepted.
func (p *predictor) predict(epoch uint32, r *device.Reading) string {
	day, second := int64(epoch>>17), epoch&(1<<17-1)
	start := day * dayUS
	switch {
	case second >= 86400 || day < p.validFromUS/dayUS:
		return "EPOCH_OUT_OF_RANGE"
	case gantryv1.DeviceKind(r.Kind) != p.kind:
		return "WRONG_KIND"
	case uint32(r.Lane) > p.lanes || !p.ranges.holds("lane", uint64(r.Lane)) || !p.possible(r):
		return "IMPOSSIBLE_FIELD"
	case r.ObservedAt < start-observedWithinUS || r.ObservedAt > start+dayUS+observedWithinUS:
		return "OBSERVED_AT_OUT_OF_EPOCH"
	}
	return ""
}

func (p *predictor) possible(r *device.Reading) bool {
	in := p.ranges.holds
	switch p.kind {
	case gantryv1.DeviceKind_DEVICE_KIND_COUNTER:
		return in("counter.vehicle_class", uint64(r.Class)) &&
			in("counter.length_cm", uint64(r.LengthCM)) &&
			in("counter.occupied_ms", uint64(r.OccupiedMS)) &&
			in("counter.headway_ms", uint64(r.HeadwayMS))
	case gantryv1.DeviceKind_DEVICE_KIND_SPEED:
		return in("speed.vehicle_class", uint64(r.Class)) &&
			in("speed.speed_tenth_kmh", uint64(r.SpeedTenthKMH)) &&
			in("speed.limit_kmh", uint64(r.LimitKMH)) &&
			in("speed.plate", uint64(r.Plate.Len())) &&
			in("speed.confidence_percent", uint64(r.ConfidencePercent))
	case gantryv1.DeviceKind_DEVICE_KIND_TOLL:
		return in("toll.vehicle_class", uint64(r.Class)) &&
			in("toll.axles", uint64(r.Axles)) &&
			in("toll.persons", uint64(r.Persons)) &&
			in("toll.charge_cents", uint64(r.ChargeCents)) &&
			(r.Plate.Len() == 0 || in("toll.plate", uint64(r.Plate.Len()))) &&
			(r.Tag.Len() == 0 || in("toll.tag", uint64(r.Tag.Len())))
	default: // no reading of an unknown kind can be right
		return false
	}
}
