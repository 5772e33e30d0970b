package device

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"pgregory.net/rapid"

	"github.com/gantry-dev/gantry/gantry-agent/world"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// shippedWorld is a new world, as another agent would have it.
func shippedWorld(t testing.TB) *world.World {
	t.Helper()
	network, _ := world.Shipped("network", "corridor")
	scenario, _ := world.Shipped("scenario", "weekday")
	network, err := world.WithPlace(network, "+09:30", micros(2026, 2, 1))
	if err != nil {
		t.Fatal(err)
	}
	w, err := world.New(world.Spec{NetworkYAML: network, ScenarioYAML: scenario, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func micros(y, m, d int) world.Micros {
	return time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC).UnixMicro()
}

func mustDevice(t testing.TB, w *world.World, id string) *Device {
	t.Helper()
	d, err := New(w, id, w.Network().ValidFrom)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func epochOf(t testing.TB, d *Device, day world.Micros) Epoch {
	t.Helper()
	epochs := d.Epochs(day, day+1)
	if len(epochs) != 1 || epochs[0].Start != day {
		t.Fatalf("epochs of a day: %v", epochs)
	}
	return epochs[0]
}

// wire is the bytes of an epoch's readings, one after the other.
func wire(d *Device, e Epoch, afterSeq uint64) []byte {
	var b []byte
	c := d.Open(e, afterSeq)
	for r, ok := c.Next(); ok; r, ok = c.Next() {
		b = r.AppendWire(b)
	}
	return b
}

// ids of the stations used where all would take long; one device of each kind.
var someDevices = []string{"north-01-counter", "north-06-speed", "north-06-toll", "south-10-counter", "south-10-toll", "south-12-speed"}

func TestADayOfReadingsIsWithinTheContract(t *testing.T) {
	w := shippedWorld(t)
	day := micros(2026, 3, 4)
	for _, id := range someDevices {
		d := mustDevice(t, w, id)
		e := epochOf(t, d, day)
		var b []byte
		var m gantryv1.Reading
		before := Reading{}
		n := uint64(0)
		for r := range d.Readings(e, 0) {
			n++
			if r.Seq != n {
				t.Fatalf("%s: position %d, want %d", id, r.Seq, n)
			}
			if r.EmittedAt < e.Start || r.EmittedAt >= e.End || r.EmittedAt < before.EmittedAt || r.ObservedAt < before.ObservedAt {
				t.Fatalf("%s: %+v after %+v", id, r, before)
			}
			if d := r.EmittedAt - r.ObservedAt; d < minDelay || d > maxDelay {
				t.Fatalf("%s: emitted %d µs after observation", id, d)
			}
			before = r
			b = r.AppendWire(b[:0])
			m.Reset()
			if err := proto.Unmarshal(b, &m); err != nil {
				t.Fatalf("%s: %v", id, err)
			}
			if fault := outOfRange(m.ProtoReflect()); fault != "" {
				t.Fatalf("%s: %s in %v", id, fault, &m)
			}
			if n%97 == 0 && !proto.Equal(&m, expected(&r)) {
				t.Fatalf("%s: wire says\n%v, want\n%v", id, &m, expected(&r))
			}
		}
		if n < 20_000 {
			t.Errorf("%s: %d readings in a day", id, n)
		}
	}
}

// expected is a reading in the generated type.
func expected(r *Reading) *gantryv1.Reading {
	m := &gantryv1.Reading{ObservedAtUs: r.ObservedAt, Lane: uint32(r.Lane)}
	class := gantryv1.VehicleClass(r.Class)
	switch r.Kind {
	case Counter:
		m.Measurement = &gantryv1.Reading_Counter{Counter: &gantryv1.CounterReading{
			VehicleClass: class, LengthCm: uint32(r.LengthCM), OccupiedMs: r.OccupiedMS, HeadwayMs: r.HeadwayMS,
		}}
	case Speed:
		m.Measurement = &gantryv1.Reading_Speed{Speed: &gantryv1.SpeedReading{
			SpeedTenthKmh: uint32(r.SpeedTenthKMH), LimitKmh: uint32(r.LimitKMH), Plate: r.Plate.String(),
			ConfidencePercent: uint32(r.ConfidencePercent), VehicleClass: class,
		}}
	case Toll:
		toll := &gantryv1.TollReading{VehicleClass: class, Axles: uint32(r.Axles), Persons: uint32(r.Persons), ChargeCents: r.ChargeCents}
		switch {
		case r.Tag.Len() > 0:
			toll.Identification = &gantryv1.TollReading_Tag{Tag: r.Tag.String()}
		case r.Plate.Len() > 0:
			toll.Identification = &gantryv1.TollReading_Plate{Plate: r.Plate.String()}
		}
		m.Measurement = &gantryv1.Reading_Toll{Toll: toll}
	}
	return m
}

// outOfRange names the first field outside its (gantry.v1.range). Identity is
// not there yet.
func outOfRange(m protoreflect.Message) (fault string) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		if f.Kind() == protoreflect.MessageKind {
			if m.Has(f) {
				if fault := outOfRange(m.Get(f).Message()); fault != "" {
					return fault
				}
			}
			continue
		}
		options := f.Options().(*descriptorpb.FieldOptions)
		if !proto.HasExtension(options, gantryv1.E_Range) || f.Name() == "device_id" || f.ContainingOneof() != nil && !m.Has(f) {
			continue
		}
		limits := proto.GetExtension(options, gantryv1.E_Range).(*gantryv1.Range)
		var v uint64
		switch f.Kind() {
		case protoreflect.StringKind:
			v = uint64(len(m.Get(f).String()))
		case protoreflect.EnumKind:
			v = uint64(m.Get(f).Enum())
		default:
			v = m.Get(f).Uint()
		}
		if v < limits.GetMin() || v > limits.GetMax() {
			return string(f.FullName())
		}
	}
	return ""
}

func TestOtherAgentsGiveTheSameBytes(t *testing.T) {
	day := micros(2026, 3, 4)
	one := shippedWorld(t)
	whole := map[string][]byte{}
	for _, in := range one.Network().Devices {
		d := mustDevice(t, one, in.ID)
		whole[in.ID] = wire(d, epochOf(t, d, day), 0)
	}
	// Three agents with worlds of their own, who have looked at other days
	// before and take their devices in another order.
	agents := []*world.World{shippedWorld(t), shippedWorld(t), shippedWorld(t)}
	rapid.Check(t, func(rt *rapid.T) {
		in := rapid.SampledFrom(one.Network().Devices).Draw(rt, "device")
		w := rapid.SampledFrom(agents).Draw(rt, "agent")
		if other := rapid.IntRange(0, 20).Draw(rt, "other day"); other < 3 {
			d := mustDevice(t, w, someDevices[0])
			d.Open(epochOf(t, d, micros(2026, 2, 2+other)), 5)
		}
		d := mustDevice(t, w, in.ID)
		if !bytes.Equal(wire(d, epochOf(t, d, day), 0), whole[in.ID]) {
			rt.Fatalf("%s: another agent gives other bytes", in.ID)
		}
	})
}

// TestDigest pins the bytes of six devices over a day, sound and with every
// fault: the same on every machine. When it fails after a change of world or device, raise
// world.Version and set it anew.
func TestDigest(t *testing.T) {
	w := shippedWorld(t)
	h := sha256.New()
	for _, id := range someDevices {
		d := mustDevice(t, w, id)
		h.Write(wire(d, epochOf(t, d, micros(2026, 3, 4)), 0))
		d = failing(d, everyKind()...)
		for _, e := range d.Epochs(faultDay, faultDay+dayLong) {
			h.Write(wire(d, e, 0))
		}
	}
	const want = "ef24717ec8197906406eafc566bd5754"
	if got := hex.EncodeToString(h.Sum(nil)[:16]); got != want {
		t.Errorf("digest %s, want %s", got, want)
	}
}

func TestResumeIsTheSuffix(t *testing.T) {
	w := shippedWorld(t)
	day := micros(2026, 3, 7)
	for _, id := range someDevices[:3] {
		d := mustDevice(t, w, id)
		e := epochOf(t, d, day)
		var all []Reading
		for r := range d.Readings(e, 0) {
			all = append(all, r)
		}
		rapid.Check(t, func(rt *rapid.T) {
			after := rapid.Uint64Range(0, uint64(len(all))+3).Draw(rt, "after")
			left := all[min(after, uint64(len(all))):]
			c := d.Open(e, after)
			for i := 0; i < min(len(left), 50); i++ {
				at, ok := c.Peek()
				r, ok2 := c.Next()
				if !ok || !ok2 || *r != left[i] || at != r.EmittedAt {
					rt.Fatalf("%s: after %d, reading %d is %+v, want %+v", id, after, i, r, left[i])
				}
			}
			if len(left) <= 50 {
				if r, ok := c.Next(); ok {
					rt.Fatalf("%s: after %d: %+v beyond the end", id, after, r)
				}
			}
		})
	}
}

func TestEpochsShareOutAllPassages(t *testing.T) {
	w := shippedWorld(t)
	d := mustDevice(t, w, "south-10-counter")
	from, to := micros(2026, 3, 3), micros(2026, 3, 6)
	var observed []world.Micros
	for _, e := range d.Epochs(from, to) {
		for r := range d.Readings(e, 0) {
			observed = append(observed, r.ObservedAt)
		}
	}
	n := 0
	for p := range w.Passages("south-10", from-maxDelay, to) {
		switch {
		case n == 0 && p.At != observed[0]: // emitted the day before
		case n == len(observed): // emitted the day after
			if p.At < to-maxDelay {
				t.Fatalf("passage at %d has no reading", p.At)
			}
		case p.At != observed[n]:
			t.Fatalf("reading %d observed at %d, passage at %d", n, observed[n], p.At)
		default:
			n++
		}
	}
	if n != len(observed) {
		t.Errorf("%d readings for %d passages", len(observed), n)
	}
}

func TestEpochsOfALife(t *testing.T) {
	d := mustDevice(t, shippedWorld(t), "north-01-counter")
	if got := d.Epochs(0, micros(2026, 2, 1)); len(got) != 0 {
		t.Errorf("epochs before the life: %v", got)
	}
	got := d.Epochs(micros(2026, 1, 1), micros(2026, 2, 3)+1)
	if len(got) != 3 {
		t.Fatalf("epochs %v, want three", got)
	}
	for i, e := range got {
		start := micros(2026, 2, 1+i)
		if want := (Epoch{ID: uint32(start/dayLong) * 131072, Start: start, End: start + dayLong}); e != want {
			t.Errorf("epoch %d is %+v, want %+v", i, e, want)
		}
	}
	if got := d.Epochs(micros(2026, 2, 2), micros(2026, 2, 3)); len(got) != 1 || got[0].Start != micros(2026, 2, 2) {
		t.Errorf("epochs of one day: %v", got)
	}
}

func TestErrorsOfMeasurementAreAsOftenAsStated(t *testing.T) {
	w := shippedWorld(t)
	day := micros(2026, 3, 4)
	count := func(id string, when func(*Reading) bool) (per10000 int) {
		d := mustDevice(t, w, id)
		n, hits := 0, 0
		for r := range d.Readings(epochOf(t, d, day), 0) {
			n++
			if when(&r) {
				hits++
			}
		}
		return hits * 10_000 / n
	}
	for _, c := range []struct {
		name   string
		id     string
		lo, hi int
		when   func(*Reading) bool
	}{
		{"camera: unreadable", "north-06-speed", 140, 220, func(r *Reading) bool { return r.Plate.Len() == 0 }},
		{"camera: unsure", "north-06-speed", 210, 300, func(r *Reading) bool { return r.ConfidencePercent < 85 }},
		{"toll: nobody pays", "north-06-toll", 1, 120, func(r *Reading) bool { return r.Plate.Len()+r.Tag.Len() == 0 }},
		{"toll: by tag", "north-06-toll", 5500, 7500, func(r *Reading) bool { return r.Tag.Len() > 0 }},
		{"toll: free", "north-06-toll", 0, 0, func(r *Reading) bool { return r.ChargeCents == 0 }},
		{"counter: first of a lane", "north-06-counter", 0, 2, func(r *Reading) bool { return r.HeadwayMS == 0 }},
	} {
		if got := count(c.id, c.when); got < c.lo || got > c.hi {
			t.Errorf("%s: %d of 10 000, want %d to %d", c.name, got, c.lo, c.hi)
		}
	}
}

func TestChargeFollowsClassAndLocalTime(t *testing.T) {
	w := shippedWorld(t)
	d := mustDevice(t, w, "north-02-toll")
	day := micros(2026, 3, 3)
	for _, c := range []struct {
		class world.Class
		local time.Duration
		want  uint32
	}{
		{world.Car, 6*time.Hour + 29*time.Minute, 180}, {world.Car, 6*time.Hour + 30*time.Minute, 260},
		{world.Truck, 18*time.Hour + 29*time.Minute, 820}, {world.Truck, 18*time.Hour + 30*time.Minute, 620},
		{world.Motorcycle, 24*time.Hour - time.Minute, 90},
	} {
		at := day + (c.local - 9*time.Hour - 30*time.Minute).Microseconds() // the zone is +09:30
		if got := d.tariff(c.class, at); got != c.want {
			t.Errorf("%s at %s local pays %d, want %d", c.class, c.local, got, c.want)
		}
	}
}

func TestUnknownDeviceIsNamed(t *testing.T) {
	_, err := New(shippedWorld(t), "north-99-counter", 0)
	if err == nil || !strings.Contains(err.Error(), `device "north-99-counter" is not in network "corridor"`) {
		t.Errorf("error %v", err)
	}
}

func TestAReadingCostsNoAllocation(t *testing.T) {
	w := shippedWorld(t)
	for _, id := range someDevices {
		d := mustDevice(t, w, id)
		c := d.Open(epochOf(t, d, micros(2026, 3, 4)), 10)
		b := make([]byte, 0, 128)
		if n := testing.AllocsPerRun(5000, func() {
			c.Peek()
			b = c.Append(b[:0])
		}); n != 0 {
			t.Errorf("%s: %v allocations per reading", id, n)
		}
	}
}
