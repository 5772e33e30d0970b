package main

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/gantry-dev/gantry/gantry-agent/device"
	"github.com/gantry-dev/gantry/gantry-agent/uplink"
	"github.com/gantry-dev/gantry/gantry-agent/world"
)

// TestSourceGivesWhatADeviceEmits: the uplink gets the epochs of a device that
// fails, without their ends, and its readings, those emitted twice twice.
func TestSourceGivesWhatADeviceEmits(t *testing.T) {
	network, _ := world.Shipped("network", "corridor")
	scenario, _ := world.Shipped("scenario", "weekday")
	scenario = fmt.Appendf(scenario, `
faults:
  - {device: north-01-counter, kind: duplicate, per_mille: 100}
  - {device: "*", kind: reboot, from: "2026-03-04T08:00", seconds: 60, end: false}
`)
	w, err := world.New(world.Spec{NetworkYAML: network, ScenarioYAML: scenario, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	from := time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC)
	for _, id := range []string{"north-01-counter", "north-01-speed"} {
		d, err := device.New(w, id, from.UnixMicro())
		if err != nil {
			t.Fatal(err)
		}
		given, err := worldSource{w}.Device(id, from.UnixMicro())
		if err != nil {
			t.Fatal(err)
		}
		epochs, got := d.Epochs(from.UnixMicro(), from.UnixMicro()+dayUS), given.Epochs(from.UnixMicro(), from.UnixMicro()+dayUS)
		if len(epochs) != 2 || len(got) != 2 || !got[0].NoEnd || got[1].NoEnd {
			t.Fatalf("%s: epochs %+v, want two, the first without end", id, got)
		}
		const after = 1000
		twice := sameReadings(t, d.Open(epochs[0], after), given.Open(got[0], after))
		if repeats := id == "north-01-counter"; (twice > 100) != repeats {
			t.Errorf("%s: %d readings twice", id, twice)
		}
	}
}

// sameReadings compares the rest of an epoch and counts what is emitted twice.
func sameReadings(t *testing.T, want *device.Cursor, got uplink.Cursor) (twice int) {
	t.Helper()
	repeats, _ := got.(uplink.Repeater)
	var a, b []byte
	for r, ok := want.Next(); ok; r, ok = want.Next() {
		a = r.AppendWire(a[:0])
		for again := range map[bool]int{false: 1, true: 2}[r.Twice] {
			if is := repeats != nil && repeats.Again(); is != (again == 1) {
				t.Fatalf("reading %d: again %v at copy %d", r.Seq, is, again+1)
			}
			at, ok := got.Peek()
			if b = got.Append(append(b[:0], 'x')); !ok || at != r.EmittedAt || !bytes.Equal(b[1:], a) {
				t.Fatalf("reading %d, copy %d: % x at %d, want % x at %d", r.Seq, again+1, b[1:], at, a, r.EmittedAt)
			}
			twice += again
		}
	}
	if at, ok := got.Peek(); ok {
		t.Fatalf("more at %d", at)
	}
	return twice
}
