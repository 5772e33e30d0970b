package device

import (
	"testing"

	"github.com/gantry-dev/gantry/gantry-agent/world"
)

// dayOf is what a device emits on the day of the faults.
func dayOf(d *Device) (all []Reading) {
	for _, e := range d.Epochs(faultDay, faultDay+dayLong) {
		for r := range d.Readings(e, 0) {
			all = append(all, r)
		}
	}
	return all
}

// within demands that n is so many per mille of total, give or take a tenth
// and what chance does to small numbers.
func within(t *testing.T, what string, n, total, perMille int) {
	t.Helper()
	if want := total * perMille / 1000; n < want*9/10-10 || n > want*11/10+10 {
		t.Errorf("%s: %d of %d, want %d per mille", what, n, total, perMille)
	}
}

func TestDropAndOverCountChangeTheNumber(t *testing.T) {
	sound := mustDevice(t, shippedWorld(t), "north-06-counter")
	all := dayOf(sound)
	dropped := dayOf(failing(sound, world.Fault{Kind: world.FaultDrop, PerMille: 50}))
	within(t, "dropped", len(all)-len(dropped), len(all), 50)
	// A headway spans what was not counted.
	before := map[uint8]world.Micros{}
	for _, r := range dropped {
		if b := before[r.Lane]; b != 0 && int64(r.HeadwayMS) != (r.ObservedAt-b+500)/1000 {
			t.Fatalf("%+v, reading before at %d", r, b)
		}
		before[r.Lane] = r.ObservedAt
	}
	more := dayOf(failing(sound, world.Fault{Kind: world.FaultOverCount, PerMille: 50}))
	within(t, "phantoms", len(more)-len(all), len(all), 50)
	there := map[world.Micros]bool{}
	for _, r := range all {
		there[r.ObservedAt] = true
	}
	var last world.Micros
	for _, r := range more {
		if there[r.ObservedAt] {
			last = r.ObservedAt
		} else if gap := r.ObservedAt - last; gap < -maxPhantom || gap > maxPhantom {
			t.Fatalf("phantom %+v is %d µs from any vehicle", r, gap)
		}
	}
}

func TestDuplicatesKeepTheirPosition(t *testing.T) {
	sound := mustDevice(t, shippedWorld(t), "north-06-toll")
	all, twice := dayOf(sound), 0
	for i, r := range dayOf(failing(sound, world.Fault{Kind: world.FaultDuplicate, PerMille: 40})) {
		if r.Twice {
			twice++
		}
		if r.Twice = false; r != all[i] {
			t.Fatalf("%+v, want %+v", r, all[i])
		}
	}
	within(t, "duplicates", twice, len(all), 40)
}

// TestLateReadingsBelongToTheEpochOfTheirEmission: also over midnight and over
// a reboot.
func TestLateReadingsBelongToTheEpochOfTheirEmission(t *testing.T) {
	const hour = 3600 * second
	sound := mustDevice(t, shippedWorld(t), "north-06-speed")
	d := failing(sound,
		world.Fault{Kind: world.FaultLate, PerMille: 100, Span: 6 * hour},
		world.Fault{Kind: world.FaultReboot, From: faultDay + 12*hour, Span: 60 * second})
	late := 0
	total := 0
	for i, e := range d.Epochs(faultDay, faultDay+dayLong) {
		older := 0
		for r := range d.Readings(e, 0) {
			total++
			if r.EmittedAt-r.ObservedAt > second {
				late++
			}
			if r.ObservedAt < e.Start-second {
				older++
			}
		}
		if older < 200 {
			t.Errorf("epoch %d has %d readings from before it", i, older)
		}
	}
	within(t, "late", late, total, 100)
}

func TestReorderedReadingsAreOvertaken(t *testing.T) {
	sound := mustDevice(t, shippedWorld(t), "north-06-speed")
	all, overtaken := dayOf(failing(sound, world.Fault{Kind: world.FaultReorder, PerMille: 200, Span: 20 * second})), 0
	for i := range all[1:] {
		if d := all[i].ObservedAt - all[i+1].ObservedAt; d > 21*second {
			t.Fatalf("%+v goes before %+v", all[i], all[i+1])
		} else if d > 0 {
			overtaken++
		}
	}
	if overtaken < len(all)/10 {
		t.Errorf("%d of %d readings are overtaken", overtaken, len(all))
	}
}

func TestSkewShiftsAndDrifts(t *testing.T) {
	sound := mustDevice(t, shippedWorld(t), "north-06-speed")
	all := dayOf(sound)
	for i, r := range dayOf(failing(sound, world.Fault{Kind: world.FaultSkew, PerMille: 1000, From: faultDay - dayLong, Span: -90 * second, DriftMSPerHour: 500})) {
		hours := (all[i].ObservedAt - faultDay + dayLong) / second // in 1/3600
		if got, want := r.ObservedAt-all[i].ObservedAt, -90*second+hours*500_000/3600; got != want {
			t.Fatalf("%+v is %d µs off, want %d", r, got, want)
		}
		if r.ObservedAt = all[i].ObservedAt; r != all[i] {
			t.Fatalf("%+v, want %+v", r, all[i])
		}
	}
	refused := 0
	for _, r := range dayOf(failing(sound, world.Fault{Kind: world.FaultSkew, PerMille: 20, Span: 400_000 * second})) {
		if r.ObservedAt > faultDay+dayLong+36*3600*second {
			refused++
		}
	}
	within(t, "beyond what a collector takes", refused, len(all), 20)
}

func TestStuckRepeatsTheLastMeasurement(t *testing.T) {
	const hour = 3600 * second
	for _, id := range someDevices[:3] {
		sound := mustDevice(t, shippedWorld(t), id)
		from, to := faultDay+2*hour, faultDay+3*hour
		all, frozen := dayOf(sound), Reading{}
		for i, r := range dayOf(failing(sound, world.Fault{Kind: world.FaultStuck, From: from, To: to})) {
			if at := all[i].ObservedAt; at < from || at >= to {
				if r != all[i] {
					t.Fatalf("%s: %+v, want %+v", id, r, all[i])
				}
				if at < from {
					frozen = r
				}
				continue
			}
			want := frozen
			want.Seq, want.EmittedAt, want.ObservedAt, want.Lane = all[i].Seq, all[i].EmittedAt, all[i].ObservedAt, all[i].Lane
			if r != want {
				t.Fatalf("%s: %+v, want %+v", id, r, want)
			}
		}
		// An epoch that begins stuck is so at its first reading.
		first := Reading{}
		for _, r := range dayOf(failing(sound, world.Fault{Kind: world.FaultStuck, From: faultDay - dayLong})) {
			if first.Kind == 0 {
				first = r
			}
			if r.LengthCM != first.LengthCM || r.Plate != first.Plate || r.Tag != first.Tag || r.HeadwayMS != first.HeadwayMS {
				t.Fatalf("%s: %+v, stuck at %+v", id, r, first)
			}
		}
	}
}

func TestSilenceIsSilent(t *testing.T) {
	const hour = 3600 * second
	sound := mustDevice(t, shippedWorld(t), "north-06-toll")
	from, to := faultDay+2*hour, faultDay+3*hour
	all := dayOf(failing(sound, world.Fault{Kind: world.FaultSilent, From: from, To: to}, world.Fault{Kind: world.FaultLate, PerMille: 300, Span: hour}))
	late := 0
	for _, r := range all {
		if r.EmittedAt >= from && r.EmittedAt < to || r.ObservedAt >= from && r.ObservedAt < to {
			t.Fatalf("%+v", r)
		}
		if r.ObservedAt < from && r.EmittedAt >= to {
			late++
		}
	}
	if len(all) < 20_000 || late > 0 {
		t.Errorf("%d readings on the day, %d of them over the silence: an hour is the longest that one is held", len(all), late)
	}
}

func TestClassDriftGrows(t *testing.T) {
	const hour = 3600 * second
	sound := mustDevice(t, shippedWorld(t), "north-06-toll")
	from := faultDay + 6*hour
	var wrong, n, perMille [4]int
	all := dayOf(sound)
	for i, r := range dayOf(failing(sound, world.Fault{Kind: world.FaultClassDrift, PerMille: 800, From: from, Days: 1})) {
		at := all[i].ObservedAt
		quarter := (at - faultDay) / (6 * hour)
		n[quarter]++
		perMille[quarter] += int(max(at-from, 0) * 800 / dayLong)
		if r.Class != all[i].Class {
			wrong[quarter]++
			if want := sound.tariff(world.Class(r.Class), r.ObservedAt); r.ChargeCents != want {
				t.Fatalf("%+v is charged %d, want %d", r, r.ChargeCents, want)
			}
		}
	}
	if wrong[0] != 0 {
		t.Errorf("%d other classes before the drift began", wrong[0])
	}
	for quarter := 1; quarter < 4; quarter++ {
		within(t, "other classes", wrong[quarter], n[quarter], perMille[quarter]/max(n[quarter], 1))
	}
}

func TestMisreadErrsInPlatesAxlesAndPersons(t *testing.T) {
	fault := world.Fault{Kind: world.FaultMisread, PerMille: 200}
	for _, id := range []string{"north-06-speed", "north-06-toll", "north-06-counter"} {
		sound := mustDevice(t, shippedWorld(t), id)
		all := dayOf(sound)
		read, plates, axles, persons := 0, 0, 0, 0
		for i, r := range dayOf(failing(sound, fault)) {
			was := all[i]
			if was.Plate.Len() > 0 {
				read++
				if r.Plate != was.Plate {
					plates++
				}
			}
			if r.Axles != was.Axles {
				axles++
			}
			if r.Persons != was.Persons {
				persons++
			}
			if r.Plate, r.Axles, r.Persons = was.Plate, was.Axles, was.Persons; r != was {
				t.Fatalf("%s: %+v, want %+v", id, r, was)
			}
		}
		within(t, id+": plates", plates, read, 200)
		if sound.kind == Toll {
			within(t, id+": axles", axles, len(all), 200)
			within(t, id+": persons", persons, len(all), 200)
		}
	}
}
