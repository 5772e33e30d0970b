package device

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/gantry-dev/gantry/gantry-agent/world"
)

// tapedWorld replays 600 vehicles, one each ten seconds over midnight.
func tapedWorld(t *testing.T, start, scenario string) *world.World {
	t.Helper()
	r := &world.Recording{Stations: []string{"E1"}}
	for i := range 600 {
		r.Records = append(r.Records, world.Record{
			After: world.Micros(i) * 10_000_000, Vehicle: uint64(i), LengthCM: 450, SpeedTenthKMH: uint16(i % 900), Class: world.Car, Lane: uint8(1 + i%2),
		})
	}
	network := fmt.Appendf(nil, `
name: tape
zone: "+00:00"
valid_from: 2026-03-01T00:00:00Z
recorded: {format: sumo, start: %s, hash: %s}
nodes:
  - {id: a, zone: true, longitude: 24.0, latitude: 60.0}
  - {id: b, zone: true, longitude: 24.1, latitude: 60.0}
links:
  - {id: l, kind: motorway, road: M1, direction: east, offset_m: 0, from: a, to: b, length_m: 5000, lanes: 2, limit_kmh: 100,
     free_flow_kmh: 100, capacity_veh_h: 2200, jam_veh_km: 145, geometry: {type: LineString, coordinates: [[24.0, 60.0], [24.1, 60.0]]}}
stations:
  - {id: E1, gantry: E1, link: l, at_m: 1000, loop_cm: 200, devices: [counter, speed]}
`, start, r.Hash())
	w, err := world.NewRecorded(world.Spec{NetworkYAML: network, ScenarioYAML: []byte(scenario)}, r)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestADeviceLivesAsLongAsItsRecording(t *testing.T) {
	d := mustDevice(t, tapedWorld(t, "2026-03-02T23:30:00Z", ""), "E1-counter")
	for _, c := range []struct{ from, to, first, n int }{{1, 30, 2, 2}, {1, 3, 2, 1}, {3, 30, 3, 1}, {4, 30, 0, 0}, {1, 2, 0, 0}} {
		got := d.Epochs(micros(2026, 3, c.from), micros(2026, 3, c.to))
		if len(got) != c.n || c.n > 0 && got[0].Start != micros(2026, 3, c.first) {
			t.Errorf("from day %d to before day %d: %v, want %d epochs from day %d on", c.from, c.to, got, c.n, c.first)
		}
	}
	last := mustDevice(t, tapedWorld(t, "2026-03-02T22:20:09.9Z", ""), "E1-counter")
	if got := last.Epochs(0, micros(2026, 4, 1)); len(got) != 2 {
		t.Errorf("a last record just before midnight may be emitted after it, and there are epochs %v", got)
	}
}

func TestReadingsOfARecordingAreCompleteAndResumed(t *testing.T) {
	w := tapedWorld(t, "2026-03-02T23:30:00Z", "")
	for _, id := range []string{"E1-counter", "E1-speed"} {
		d := mustDevice(t, w, id)
		n := 0
		for _, e := range d.Epochs(0, micros(2026, 4, 1)) {
			seq := uint64(0)
			for r := range d.Readings(e, 0) {
				if seq++; r.Seq != seq || r.ObservedAt < e.Start-dayLong || outOfRange(expected(&r).ProtoReflect()) != "" {
					t.Fatalf("%s: reading %+v at position %d: %s", id, r, seq, outOfRange(expected(&r).ProtoReflect()))
				}
				n++
			}
			whole := wire(d, e, 0)
			for after := uint64(0); after <= seq; after += 7 {
				if part := wire(d, e, after); !bytes.HasSuffix(whole, part) || after == seq && len(part) != 0 {
					t.Fatalf("%s: from position %d on there is something else", id, after+1)
				}
			}
		}
		if n != 600 {
			t.Errorf("%s: %d readings of 600 passages", id, n)
		}
	}
	passages := slices.Collect(w.Passages("E1", 0, 1<<60))
	if len(passages) != 600 {
		t.Errorf("%d passages", len(passages))
	}
}

// TestLateReadingsOutliveARecording: what is held back for hours is emitted in
// an epoch that begins after the last record.
func TestLateReadingsOutliveARecording(t *testing.T) {
	scenario := "name: late\nfaults: [{device: '*', kind: late, per_mille: 1000, seconds: 43200}, {device: E1-counter, kind: over_count, per_mille: 500}]"
	w := tapedWorld(t, "2026-03-02T21:00:00Z", scenario)
	for id, want := range map[string]func(n int) bool{
		"E1-speed":   func(n int) bool { return n == 600 },
		"E1-counter": func(n int) bool { return n > 800 && n < 1000 },
	} {
		d := mustDevice(t, w, id)
		epochs := d.Epochs(0, micros(2026, 4, 1))
		n := 0
		for _, e := range epochs {
			for range d.Readings(e, 0) {
				n++
			}
		}
		if len(epochs) != 2 || !want(n) {
			t.Errorf("%s: %d readings in %d epochs", id, n, len(epochs))
		}
	}
}
