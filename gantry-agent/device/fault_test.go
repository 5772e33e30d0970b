package device

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"runtime"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/gantry-dev/gantry/gantry-agent/world"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// failing is a device with other faults.
func failing(d *Device, faults ...world.Fault) *Device {
	c := *d
	for i := range faults {
		faults[i].Index = i
		if faults[i].To == 0 {
			faults[i].To = math.MaxInt64
		}
	}
	c.setFaults(faults)
	return &c
}

// The span of the properties: three days, of which the middle one is looked
// at reading by reading.
var faultDay = micros(2026, 3, 4)

// drawFault draws a fault within or around the span, of any strength that a
// scenario may give it.
func drawFault(t *rapid.T) world.Fault {
	kinds := []world.FaultKind{world.FaultLate, world.FaultReorder, world.FaultSilent, world.FaultReboot} // twice as often
	for k := world.FaultDrop; k <= world.FaultMisread; k++ {
		kinds = append(kinds, k)
	}
	f := world.Fault{Kind: rapid.SampledFrom(kinds).Draw(t, "kind")}
	minute := func(name string) world.Micros {
		return faultDay + world.Micros(rapid.IntRange(-30*60, 54*60).Draw(t, name))*60*second
	}
	f.To = math.MaxInt64
	if rapid.Bool().Draw(t, "bounded") {
		f.From = minute("from")
		f.To = f.From + world.Micros(rapid.IntRange(1, 40*60).Draw(t, "minutes"))*60*second
	}
	share := func() uint32 { return rapid.SampledFrom([]uint32{1, 30, 300, 1000}).Draw(t, "per mille") }
	switch f.Kind {
	case world.FaultLate:
		f.PerMille, f.Span = share(), world.Micros(rapid.SampledFrom([]int{1, 600, 43_200}).Draw(t, "late s"))*second
	case world.FaultReorder:
		f.PerMille, f.Span = share(), world.Micros(rapid.IntRange(1, 60).Draw(t, "reorder s"))*second
	case world.FaultSkew:
		f.PerMille, f.Span = share(), world.Micros(rapid.SampledFrom([]int{-1_000_000, -90, 7, 40 * 3600, 1_000_000}).Draw(t, "skew s"))*second
		if f.From != 0 {
			f.DriftMSPerHour = rapid.Int32Range(-60_000, 60_000).Draw(t, "drift")
		}
	case world.FaultStuck, world.FaultSilent, world.FaultReboot:
		drawEpisodes(t, &f, minute)
	case world.FaultClassDrift:
		f.PerMille = share()
		if f.From != 0 {
			f.Days = rapid.Uint32Range(0, 3).Draw(t, "days")
		}
	default:
		f.PerMille = share()
	}
	return f
}

func drawEpisodes(t *rapid.T, f *world.Fault, minute func(string) world.Micros) {
	f.End = rapid.Bool().Draw(t, "end")
	if f.From == 0 || rapid.Bool().Draw(t, "per day") {
		f.PerDay = rapid.SampledFrom([]uint32{1, 3, 48}).Draw(t, "episodes")
		f.Span = world.Micros(rapid.IntRange(1, 43_200/int(f.PerDay)).Draw(t, "episode s")) * second
	} else if f.Kind == world.FaultReboot {
		f.From, f.To = minute("reboot"), math.MaxInt64
		f.Span = world.Micros(rapid.SampledFrom([]int{1, 60, 3600, 86_400}).Draw(t, "off s")) * second
	}
}

// TestAnyFaultsKeepTheContract: whatever is wrong with a device, its stream is
// one that a collector can take.
func TestAnyFaultsKeepTheContract(t *testing.T) {
	// The other agent has a world of its own.
	one, other := shippedWorld(t), shippedWorld(t)
	defer runtime.KeepAlive(keptDays(faultDay-dayLong-lookBack, faultDay+dayLong, one, other))
	sound := map[string][2]*Device{}
	for _, id := range someDevices {
		sound[id] = [2]*Device{mustDevice(t, one, id), mustDevice(t, other, id)}
	}
	rapid.Check(t, func(rt *rapid.T) {
		id := rapid.SampledFrom(someDevices).Draw(rt, "device")
		faults := rapid.SliceOfN(rapid.Custom(drawFault), 1, 8).Draw(rt, "faults")
		d, twin := failing(sound[id][0], faults...), failing(sound[id][1], faults...)
		epochs := d.Epochs(faultDay-dayLong, faultDay+2*dayLong)
		checkEpochs(rt, d, epochs)
		life := lifeOf(d, epochs, faultDay-dayLong-lookBack, faultDay+dayLong)
		for _, e := range d.Epochs(faultDay, faultDay+dayLong) {
			all := checkReadings(rt, d, e)
			if want := life[e.ID]; !slices.Equal(all, want) {
				rt.Fatalf("epoch %+v: %s", e, firstDifference(all, want))
			}
			checkResume(rt, twin, e, all)
		}
	})
}

// lifeOf is what a device emits in two days, by epoch, told the long way: each
// passage from the first day on, one after the other, and then sorted. Longer
// than a day nothing is held.
func lifeOf(d *Device, epochs []Epoch, from, to world.Micros) map[uint32][]Reading {
	epochAt := func(at world.Micros) *Epoch {
		for i := range epochs {
			if epochs[i].Start <= at && at < epochs[i].End {
				return &epochs[i]
			}
		}
		return nil
	}
	life := map[uint32][]Reading{}
	var emitted world.Micros
	var run *Epoch
	var ahead [maxLanes + 1]world.Micros
	var last *Reading
	observe := func(p world.Passage) (counted bool) {
		if d.down(p.At) || d.hit(world.FaultDrop, p.At, p.Trip) {
			return false
		}
		emitted = max(emitted, p.At+d.delay(p.Trip))
		e := epochAt(emitted)
		if e == nil || d.down(emitted) {
			return true
		}
		if e != run {
			run, ahead, last = e, [maxLanes + 1]world.Micros{}, nil
		}
		if r := measured(d, p, ahead[p.Lane]); last == nil || !d.is(world.FaultStuck, p.At) {
			last = &r
		}
		ahead[p.Lane] = p.At
		r, at := *last, emitted+d.hold(p.At, p.Trip)
		to := epochAt(at)
		if to != e {
			r = measured(d, p, 0) // what the counter knew is lost
		}
		r.Lane, r.ObservedAt, r.EmittedAt, r.Twice = p.Lane, p.At+d.skew(p.At, p.Trip), at, d.hit(world.FaultDuplicate, p.At, p.Trip)
		if to != nil && !d.down(at) {
			life[to.ID] = append(life[to.ID], r)
		}
		return true
	}
	for p := range d.w.Passages(d.stationID, from, to) {
		if observe(p) && d.hit(world.FaultOverCount, p.At, p.Trip) {
			d.phantom(&p)
			observe(p)
		}
	}
	for _, all := range life {
		slices.SortStableFunc(all, func(a, b Reading) int { return cmp.Compare(a.EmittedAt, b.EmittedAt) })
		for i := range all {
			all[i].Seq = uint64(i + 1)
		}
	}
	return life
}

func measured(d *Device, p world.Passage, before world.Micros) Reading {
	r := Reading{Kind: d.kind}
	d.measure(&p, before, &r)
	d.misclass(&p, &r)
	d.misread(&p, &r)
	return r
}

func firstDifference(got, want []Reading) string {
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			return fmt.Sprintf("reading %d is\n%+v, want\n%+v", i+1, got[i], want[i])
		}
	}
	return fmt.Sprintf("%d readings, want %d", len(got), len(want))
}

// keptDays are cursors that hold on to the days of worlds over a time, so that
// they are made once.
func keptDays(from, to world.Micros, worlds ...*world.World) (kept []*world.Cursor) {
	var p world.Passage
	for _, w := range worlds {
		for _, s := range w.Network().Stations {
			w.Expect(s.ID)
		}
		for at := from; at < to+dayLong; at += dayLong / 2 {
			c, _ := w.Open(w.Network().Stations[0].ID, at, to+dayLong)
			c.Next(&p)
			kept = append(kept, c)
		}
	}
	return kept
}

func checkEpochs(t *rapid.T, d *Device, epochs []Epoch) {
	t.Helper()
	for i, e := range epochs {
		day := e.Start / dayLong
		if e.ID != uint32(day<<epochShift|e.Start%dayLong/second) || e.Start%second != 0 || e.Start >= e.End || (e.End-1)/dayLong != day {
			t.Fatalf("epoch %+v", e)
		}
		if i > 0 && (e.Start < epochs[i-1].End || e.ID <= epochs[i-1].ID) {
			t.Fatalf("epoch %+v after %+v", e, epochs[i-1])
		}
		// Asked for alone it is the same.
		for _, span := range [][2]world.Micros{{e.Start, e.Start + 1}, {e.End - 1, e.End}} {
			if got := d.Epochs(span[0], span[1]); len(got) != 1 || got[0] != e {
				t.Fatalf("epochs of %v are %+v, want %+v", span, got, e)
			}
		}
	}
}

// checkReadings demands of an epoch's readings what the contract does.
func checkReadings(t *rapid.T, d *Device, e Epoch) []Reading {
	t.Helper()
	var all []Reading
	var wire []byte
	var m gantryv1.Reading
	before := e.Start
	for r := range d.Readings(e, 0) {
		all = append(all, r)
		if r.Seq != uint64(len(all)) || r.EmittedAt < before || r.EmittedAt >= e.End || d.down(r.EmittedAt) {
			t.Fatalf("%+v, emission before at %d, in %+v", r, before, e)
		}
		before = r.EmittedAt
		if len(d.faults[world.FaultSkew]) == 0 && (r.ObservedAt > r.EmittedAt || r.ObservedAt < r.EmittedAt-43_201*second) {
			t.Fatalf("%+v was emitted %d µs after its observation", r, r.EmittedAt-r.ObservedAt)
		}
		if r.Seq%7 != 0 {
			continue // decoding takes its time
		}
		wire = r.AppendWire(wire[:0])
		m.Reset()
		if err := proto.Unmarshal(wire, &m); err != nil {
			t.Fatal(err)
		}
		if fault := outOfRange(m.ProtoReflect()); fault != "" {
			t.Fatalf("%s in %v", fault, &m)
		}
	}
	return all
}

// checkResume cuts an epoch and compares the rest with the whole.
func checkResume(t *rapid.T, d *Device, e Epoch, all []Reading) {
	t.Helper()
	after := rapid.Uint64Range(0, uint64(len(all))+2).Draw(t, "after")
	c := d.Open(e, after)
	for i := min(after, uint64(len(all))); i < uint64(len(all)); i++ {
		at, ok := c.Peek()
		r, ok2 := c.Next()
		if !ok || !ok2 || *r != all[i] || at != r.EmittedAt || c.Twice() != r.Twice {
			t.Fatalf("after %d, reading %d is %+v, want %+v", after, i, r, all[i])
		}
	}
	if r, ok := c.Next(); ok {
		t.Fatalf("after %d: %+v beyond the end", after, r)
	}
}

// TestFaultsOutOfTheirTimeChangeNothing: the way of a device with faults gives
// a sound one's bytes when no fault hits.
func TestFaultsOutOfTheirTimeChangeNothing(t *testing.T) {
	w := shippedWorld(t)
	for _, id := range someDevices {
		sound := mustDevice(t, w, id)
		e := epochOf(t, sound, faultDay)
		want := string(wire(sound, e, 0))
		for kind := world.FaultDrop; kind <= world.FaultMisread; kind++ {
			// A second in which nothing passes.
			never := failing(sound, world.Fault{Kind: kind, From: faultDay + 11, To: faultDay + 12, PerMille: 1000, Span: 43_200 * second})
			if kind == world.FaultReboot {
				// What is observed then is emitted before the epoch.
				never = failing(sound, world.Fault{Kind: kind, From: faultDay - second, Span: second / 2})
			}
			if string(wire(never, e, 0)) != want {
				t.Errorf("%s: %s changes what it has no part in", id, kind)
			}
			past := failing(sound, world.Fault{Kind: kind, From: faultDay - 3*dayLong, To: faultDay - 2*dayLong, PerMille: 1000, Span: 3600 * second})
			if past.openFaulty(e) != nil {
				t.Errorf("%s: %s costs something long after it is over", id, kind)
			}
		}
	}
}

// TestFaultyDayBeginsAsASoundOne: what is observed just before an epoch and
// emitted in it is there with and without faults.
func TestFaultyDayBeginsAsASoundOne(t *testing.T) {
	w := shippedWorld(t)
	carried := 0
	for day := range world.Micros(4) {
		for _, in := range w.Network().Devices {
			sound := mustDevice(t, w, in.ID)
			faulty := failing(sound, world.Fault{Kind: world.FaultDrop, From: faultDay, To: faultDay + 8*dayLong}, // hits none
				world.Fault{Kind: world.FaultLate, Span: second, From: faultDay + 12*3600*second})
			e := epochOf(t, sound, faultDay+day*dayLong)
			a, b := sound.Open(e, 0), faulty.Open(e, 0)
			for range 3 {
				want, _ := a.Next()
				if got, _ := b.Next(); *got != *want {
					t.Fatalf("%s, day %d: %+v, want %+v", in.ID, day, got, want)
				}
				if want.ObservedAt < e.Start {
					carried++
				}
			}
		}
	}
	if carried == 0 {
		t.Error("nothing was observed before midnight and emitted after: the test shows nothing")
	}
}

// TestSplitOverAgents: three agents, each with a world of its own, give
// together what one gives.
func TestSplitOverAgents(t *testing.T) {
	one := shippedWorld(t)
	agents := []*world.World{shippedWorld(t), shippedWorld(t), shippedWorld(t)}
	defer runtime.KeepAlive(keptDays(faultDay-dayLong, faultDay+dayLong, append(agents, one)...))
	for i, id := range someDevices {
		d := failing(mustDevice(t, one, id), everyKind()...)
		twin := failing(mustDevice(t, agents[i%3], id), everyKind()...)
		for _, e := range d.Epochs(faultDay, faultDay+dayLong) {
			if !bytes.Equal(wire(d, e, 0), wire(twin, e, 0)) {
				t.Errorf("%s, epoch %+v: another agent gives other bytes", id, e)
			}
		}
	}
}

// everyKind is a set of faults of all kinds, each on for part of the time.
func everyKind() []world.Fault {
	return []world.Fault{
		{Kind: world.FaultDrop, PerMille: 20},
		{Kind: world.FaultDuplicate, PerMille: 30},
		{Kind: world.FaultOverCount, PerMille: 25},
		{Kind: world.FaultLate, PerMille: 20, Span: 4 * 3600 * second},
		{Kind: world.FaultReorder, PerMille: 100, Span: 20 * second},
		{Kind: world.FaultSkew, PerMille: 1000, From: faultDay - dayLong, Span: -3 * second, DriftMSPerHour: 40},
		{Kind: world.FaultSkew, PerMille: 3, Span: 400_000 * second},
		{Kind: world.FaultStuck, PerDay: 2, Span: 1800 * second},
		{Kind: world.FaultSilent, PerDay: 2, Span: 900 * second},
		{Kind: world.FaultReboot, PerDay: 2, Span: 75 * second, End: true},
		{Kind: world.FaultReboot, PerDay: 1, Span: 300 * second},
		{Kind: world.FaultClassDrift, PerMille: 200, From: faultDay - dayLong, Days: 4},
		{Kind: world.FaultMisread, PerMille: 100},
	}
}

func TestAScenariosFaultsReachTheDevice(t *testing.T) {
	network, _ := world.Shipped("network", "corridor")
	scenario, _ := world.Shipped("scenario", "weekday")
	scenario = fmt.Appendf(scenario, "\nfaults:\n  - {device: north-01-*, kind: reboot, from: \"2026-03-04T12:00\", seconds: 30, end: true}\n")
	w, err := world.New(world.Spec{NetworkYAML: network, ScenarioYAML: scenario, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(mustDevice(t, w, "north-01-speed").Epochs(faultDay, faultDay+dayLong)); n != 2 {
		t.Errorf("%d epochs on the day of a reboot", n)
	}
	if n := len(mustDevice(t, w, "north-02-speed").Epochs(faultDay, faultDay+dayLong)); n != 1 {
		t.Errorf("%d epochs of a device that no fault names", n)
	}
}
