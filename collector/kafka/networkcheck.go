package kafka

import (
	"fmt"
	"regexp"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// Problem is one thing wrong with a network.
type Problem struct {
	// Path of the element, as "$.devices[3]".
	Path string
	// Text is one sentence: what is wrong and what to do.
	Text string
}

// idPattern keeps identifiers apart from the "/" of record keys and fit for
// URLs, metric labels and shells.
var idPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:-]*$`)

var fixedOffset = regexp.MustCompile(`^[+-](0\d|1[0-4]):[0-5]\d$`)

// CheckNetwork fills in every valid_from that takes the network's and returns
// what is wrong, in the file's order; nothing when all is well.
func CheckNetwork(n *gantryv1.Network) []Problem {
	c := &networkCheck{
		n: n, nodes: map[string]bool{}, linkLengths: map[string]uint32{}, stations: map[string]bool{},
		kinds: map[string]gantryv1.DeviceKind{}, seen: map[string]bool{},
	}
	c.header()
	for i, o := range n.Nodes {
		c.node(fmt.Sprintf("$.nodes[%d]", i), o)
	}
	for i, l := range n.Links {
		c.link(fmt.Sprintf("$.links[%d]", i), l)
	}
	for i, s := range n.Stations {
		c.station(fmt.Sprintf("$.stations[%d]", i), s)
	}
	for i, d := range n.Devices {
		c.device(fmt.Sprintf("$.devices[%d]", i), d)
	}
	for i, t := range n.Tariffs {
		c.tariff(fmt.Sprintf("$.tariffs[%d]", i), t)
	}
	return c.problems
}

type networkCheck struct {
	n           *gantryv1.Network
	nodes       map[string]bool
	linkLengths map[string]uint32
	stations    map[string]bool
	kinds       map[string]gantryv1.DeviceKind
	seen        map[string]bool
	problems    []Problem
}

func (c *networkCheck) add(path, format string, args ...any) {
	c.problems = append(c.problems, Problem{Path: path, Text: fmt.Sprintf(format, args...)})
}

func (c *networkCheck) header() {
	n := c.n
	c.ranges("$.name", "the network", n)
	if n.ValidFromUs <= 0 {
		c.add("$.valid_from_us", "valid_from_us of the network is missing: give the microseconds since 1970-01-01 UTC from which on it holds")
	}
	if _, err := time.LoadLocation(n.Zone); n.Zone == "" || (err != nil && !fixedOffset.MatchString(n.Zone)) {
		c.add("$.zone", "zone %q is no time zone: give an IANA name as Australia/Adelaide, or a fixed offset as +09:30", n.Zone)
	}
	if len(n.Devices) == 0 {
		c.add("$", "the network has no devices: list at least one under devices")
	}
	if w := n.World; w != nil {
		if w.Fingerprint == "" {
			c.add("$.world", "world has no fingerprint: let `gantry-agent world network` print the file")
		}
		if size := proto.Size(w); size > MaxRecordBatchBytes*3/4 {
			c.add("$.world", "world takes %d bytes and a record at most %d: make its files smaller", size, MaxRecordBatchBytes*3/4)
		}
	}
}

func (c *networkCheck) station(path string, s *gantryv1.Station) {
	if s.ValidFromUs == 0 {
		s.ValidFromUs = c.n.ValidFromUs
	}
	what := fmt.Sprintf("station %q", s.StationId)
	c.ranges(path, what, s)
	c.id(path, what, s.StationId)
	c.once(path, what, stationKey(s))
	c.validFrom(path, what, s.ValidFromUs)
	c.onEarth(path, what, s.LongitudeE7, s.LatitudeE7)
	length, known := c.linkLengths[s.LinkId]
	switch {
	case s.LinkId == "" && s.AtM != 0:
		c.add(path, "%s has at_m %d but no link_id: give the link that at_m counts from, or leave at_m out", what, s.AtM)
	case s.LinkId != "" && !known:
		c.add(path, "%s stands at link %q, which the file does not have: add the link or correct link_id", what, s.LinkId)
	case s.LinkId != "" && s.AtM > length:
		c.add(path, "%s has at_m %d, beyond the end of link %q at %d: correct one of the two", what, s.AtM, s.LinkId, length)
	}
	c.stations[s.StationId] = true
}

func (c *networkCheck) onEarth(path, what string, longitudeE7, latitudeE7 int32) {
	if longitudeE7 < -1_800_000_000 || longitudeE7 > 1_800_000_000 || latitudeE7 < -900_000_000 || latitudeE7 > 900_000_000 {
		c.add(path, "%s is not on Earth: longitude_e7 and latitude_e7 are in 1e-7 degrees", what)
	}
}

func (c *networkCheck) device(path string, d *gantryv1.Device) {
	if d.ValidFromUs == 0 {
		d.ValidFromUs = c.n.ValidFromUs
	}
	what := fmt.Sprintf("device %q", d.DeviceId)
	c.ranges(path, what, d)
	c.id(path, what, d.DeviceId)
	c.once(path, what, deviceKey(d))
	c.validFrom(path, what, d.ValidFromUs)
	if !c.stations[d.StationId] {
		c.add(path, "%s stands at station %q, which the file does not have: add the station or correct station_id", what, d.StationId)
	}
	if kind, ok := c.kinds[d.DeviceId]; ok && kind != d.Kind {
		c.add(path, "%s is both %s and %s: a device keeps its kind, give the new instrument an id of its own", what, kind, d.Kind)
	}
	c.kinds[d.DeviceId] = d.Kind
	isCounter := d.Kind == gantryv1.DeviceKind_DEVICE_KIND_COUNTER
	if isCounter && (d.LoopLengthCm < 10 || d.LoopLengthCm > 1000) {
		c.add(path, "%s is a counter with loop_length_cm %d: give its loop's length along the road, 10 to 1000 cm", what, d.LoopLengthCm)
	}
	if !isCounter && d.LoopLengthCm != 0 {
		c.add(path, "%s is no counter but has loop_length_cm %d: leave it out", what, d.LoopLengthCm)
	}
}

func (c *networkCheck) tariff(path string, t *gantryv1.Tariff) {
	if t.ValidFromUs == 0 {
		t.ValidFromUs = c.n.ValidFromUs
	}
	what := fmt.Sprintf("tariff of station %q", t.StationId)
	c.ranges(path, what, t)
	c.once(path, what, tariffKey(t))
	c.validFrom(path, what, t.ValidFromUs)
	if !c.stations[t.StationId] {
		c.add(path, "%s: the file does not have this station: add it or correct station_id", what)
	}
	if t.VehicleClass < gantryv1.VehicleClass_VEHICLE_CLASS_CAR || t.VehicleClass > gantryv1.VehicleClass_VEHICLE_CLASS_OTHER {
		c.add(path, "%s has vehicle_class %s: give VEHICLE_CLASS_CAR to VEHICLE_CLASS_OTHER", what, t.VehicleClass)
	}
	if t.FromMinute >= t.ToMinute {
		c.add(path, "%s holds from minute %d to before minute %d: split what passes midnight in two", what, t.FromMinute, t.ToMinute)
	}
}

func (c *networkCheck) id(path, what, id string) {
	if id != "" && !idPattern.MatchString(id) {
		c.add(path, "%s: an identifier has only letters, digits and . _ : - and begins with a letter or digit", what)
	}
}

func (c *networkCheck) once(path, what, key string) {
	if c.seen[key] {
		c.add(path, "%s is given twice with the same valid_from_us: remove one, or give the later version its own valid_from_us", what)
	}
	c.seen[key] = true
}

func (c *networkCheck) validFrom(path, what string, us int64) {
	if us < 0 {
		c.add(path, "%s has valid_from_us %d: give microseconds since 1970-01-01 UTC, or leave it out for the network's", what, us)
	}
}

// ranges holds every field of the message that carries (gantry.v1.range)
// against it.
func (c *networkCheck) ranges(path, what string, m proto.Message) {
	r := m.ProtoReflect()
	fields := r.Descriptor().Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		if !proto.HasExtension(field.Options(), gantryv1.E_Range) {
			continue
		}
		limits := proto.GetExtension(field.Options(), gantryv1.E_Range).(*gantryv1.Range)
		value, unit := measured(field, r.Get(field))
		switch {
		case value >= limits.Min && value <= limits.Max:
		case value == 0:
			c.add(path, "%s has no %s: give it, %d to %d%s", what, field.Name(), limits.Min, limits.Max, unit)
		default:
			c.add(path, "%s has %s of %d%s: it may be %d to %d", what, field.Name(), value, unit, limits.Min, limits.Max)
		}
	}
}

// measured gives what a range counts: a number's value, a string's bytes.
func measured(field protoreflect.FieldDescriptor, v protoreflect.Value) (value uint64, unit string) {
	switch field.Kind() {
	case protoreflect.StringKind:
		return uint64(len(v.String())), " bytes"
	case protoreflect.EnumKind:
		return uint64(v.Enum()), ""
	default:
		return v.Uint(), ""
	}
}
