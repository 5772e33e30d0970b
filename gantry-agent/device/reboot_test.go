package device

import (
	"testing"

	"github.com/gantry-dev/gantry/gantry-agent/world"
)

// TestEpochsOfReboots: each reboot ends an epoch and begins another.
func TestEpochsOfReboots(t *testing.T) {
	const hour, day = 3600 * second, dayLong
	sound := mustDevice(t, shippedWorld(t), "north-01-counter")
	off := func(from, seconds world.Micros, end bool) world.Fault {
		return world.Fault{Kind: world.FaultReboot, From: faultDay + from, Span: seconds * second, End: end}
	}
	run := func(from, to world.Micros, noEnd bool) Epoch {
		return Epoch{Start: faultDay + from, End: faultDay + to, NoEnd: noEnd}
	}
	for name, c := range map[string]struct {
		faults []world.Fault
		want   []Epoch // of two days
	}{
		"none":                 {nil, []Epoch{run(0, day, false), run(day, 2*day, false)}},
		"at noon, closed":      {[]world.Fault{off(12*hour, 90, true)}, []Epoch{run(0, 12*hour, false), run(12*hour+90*second, day, false), run(day, 2*day, false)}},
		"at noon, power fails": {[]world.Fault{off(12*hour, 90, false)}, []Epoch{run(0, 12*hour, true), run(12*hour+90*second, day, false), run(day, 2*day, false)}},
		"over midnight":        {[]world.Fault{off(day-60*second, 90, false)}, []Epoch{run(0, day-60*second, true), run(day+30*second, 2*day, false)}},
		"up at midnight":       {[]world.Fault{off(day-90*second, 90, true)}, []Epoch{run(0, day-90*second, false), run(day, 2*day, false)}},
		"down at midnight":     {[]world.Fault{off(day, 90, false)}, []Epoch{run(0, day, true), run(day+90*second, 2*day, false)}},
		"down before the span": {[]world.Fault{off(-60*second, 90, false)}, []Epoch{run(30*second, day, false), run(day, 2*day, false)}},
		"a whole day away":     {[]world.Fault{off(-hour, 86_400, false), off(22*hour, 3*3600, false)}, []Epoch{run(day+hour, 2*day, false)}},
		"two that meet":        {[]world.Fault{off(hour+60*second, 60, false), off(hour, 60, true)}, []Epoch{run(0, hour, false), run(hour+120*second, day, false), run(day, 2*day, false)}},
		"one inside another":   {[]world.Fault{off(hour, 3600, true), off(hour+60*second, 60, false)}, []Epoch{run(0, hour, false), run(2*hour, day, false), run(day, 2*day, false)}},
		"twice at once":        {[]world.Fault{off(hour, 60, true), off(hour, 30, false)}, []Epoch{run(0, hour, true), run(hour+60*second, day, false), run(day, 2*day, false)}},
	} {
		got := failing(sound, c.faults...).Epochs(faultDay, faultDay+2*day)
		if len(got) != len(c.want) {
			t.Errorf("%s: epochs %+v, want %d", name, got, len(c.want))
			continue
		}
		for i, want := range c.want {
			want.ID = uint32(want.Start/day)<<17 | uint32(want.Start%day/second)
			if got[i] != want {
				t.Errorf("%s: epoch %d is %+v, want %+v", name, i, got[i], want)
			}
		}
	}
	// So many a day, at the same moments whoever asks.
	d := failing(sound, world.Fault{Kind: world.FaultReboot, PerDay: 48, Span: 60 * second, From: faultDay + 6*hour, To: faultDay + 12*hour})
	if n := len(d.Epochs(faultDay, faultDay+day)); n < 11 || n > 14 {
		t.Errorf("%d epochs of a day with a reboot each half hour from six to twelve", n)
	}
}

// TestARebootLosesTheHeadway: the part before it is the sound device's, the
// part after it begins anew.
func TestARebootLosesTheHeadway(t *testing.T) {
	w := shippedWorld(t)
	sound := mustDevice(t, w, "north-06-counter")
	noon := faultDay + 12*3600*second
	d := failing(sound, world.Fault{Kind: world.FaultReboot, From: noon, Span: 60 * second})
	epochs := d.Epochs(faultDay, faultDay+dayLong)
	untouched := d.Open(epochs[0], 0)
	type passage struct {
		at   world.Micros
		lane uint8
	}
	after := map[passage]Reading{}
	for want := range sound.Readings(epochOf(t, sound, faultDay), 0) {
		if want.EmittedAt < noon {
			if got, ok := untouched.Next(); !ok || *got != want {
				t.Fatalf("before the reboot: %+v, want %+v", got, want)
			}
		}
		after[passage{want.ObservedAt, want.Lane}] = want
	}
	if r, ok := untouched.Next(); ok {
		t.Fatalf("%+v after the power was cut", r)
	}
	var seen [maxLanes + 1]bool
	n := 0
	for r := range d.Readings(epochs[1], 0) {
		n++
		want := after[passage{r.ObservedAt, r.Lane}]
		if !seen[r.Lane] {
			want.HeadwayMS = 0
			seen[r.Lane] = true
		}
		want.Seq = uint64(n)
		if r.ObservedAt < noon+60*second || r != want {
			t.Fatalf("after the reboot: %+v, want %+v", r, want)
		}
	}
	if n < 5000 {
		t.Errorf("%d readings after the reboot", n)
	}
}
