package world

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// recordedStart is when the recording of the tests begins.
var recordedStart = time.Date(2026, 3, 2, 23, 59, 0, 0, time.UTC).UnixMicro()

// twoStations is a network that replays r.
func twoStations(r *Recording, more string) []byte {
	return fmt.Appendf(nil, `
name: tape
zone: "+02:00"
valid_from: 2026-03-02T00:00:00Z
recorded:
  format: sumo
  start: 2026-03-02T23:59:00Z
  hash: %s
%s
nodes:
  - {id: a, zone: true, longitude: 24.0, latitude: 60.0}
  - {id: b, zone: true, longitude: 24.1, latitude: 60.0}
links:
  - {id: l, kind: motorway, road: M1, direction: east, offset_m: 0, from: a, to: b, length_m: 5000, lanes: 2, limit_kmh: 100,
     free_flow_kmh: 100, capacity_veh_h: 2200, jam_veh_km: 145, geometry: {type: LineString, coordinates: [[24.0, 60.0], [24.1, 60.0]]}}
stations:
  - {id: E1, gantry: E1, link: l, at_m: 1000, loop_cm: 200, devices: [counter]}
  - {id: E2, gantry: E2, link: l, at_m: 2000, loop_cm: 200, devices: [counter]}
`, r.Hash(), more)
}

// tape has two vehicles at two stations over midnight, one of them twice.
func tape() *Recording {
	return &Recording{Stations: []string{"E1", "E2"}, Records: []Record{
		{After: 0, Vehicle: 7, Station: 0, LengthCM: 460, SpeedTenthKMH: 1000, Class: Car, Lane: 1},
		{After: 30 * second, Vehicle: 8, Station: 0, LengthCM: 1650, SpeedTenthKMH: 850, Class: Truck, Lane: 1},
		{After: 36 * second, Vehicle: 7, Station: 1, LengthCM: 460, SpeedTenthKMH: 1010, Class: Car, Lane: 2},
		{After: 75 * second, Vehicle: 8, Station: 1, LengthCM: 1650, SpeedTenthKMH: 860, Class: Truck, Lane: 1},
		{After: 600 * second, Vehicle: 7, Station: 0, LengthCM: 460, SpeedTenthKMH: 0, Class: Car, Lane: 1},
	}}
}

func mustRecorded(t *testing.T, r *Recording, seed uint64) *World {
	t.Helper()
	w, err := NewRecorded(Spec{NetworkYAML: twoStations(r, ""), Seed: seed}, r)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestRecordedPassagesAreTheRecords(t *testing.T) {
	r := tape()
	w := mustRecorded(t, r, 1)
	for station, id := range r.Stations {
		var want []Record
		for _, rec := range r.Records {
			if rec.Station == uint32(station) {
				want = append(want, rec)
			}
		}
		got := slices.Collect(w.Passages(id, recordedStart, recordedStart+hour))
		if len(got) != len(want) {
			t.Fatalf("%s: %d passages, want %d", id, len(got), len(want))
		}
		for i, p := range got {
			if p.At != recordedStart+want[i].After || p.Lane != want[i].Lane || p.Class != want[i].Class ||
				p.LengthCM != want[i].LengthCM || p.SpeedTenthKMH != max(want[i].SpeedTenthKMH, 1) {
				t.Errorf("%s: passage %+v of record %+v", id, p, want[i])
			}
			if p.Persons < 1 || p.Axles < 2 {
				t.Errorf("%s: %d persons, %d axles", id, p.Persons, p.Axles)
			}
		}
	}
	if from, to := w.Span(); from != recordedStart || to != recordedStart+600*second {
		t.Errorf("span %d to %d", from, to)
	}
}

func TestRecordedVehicleIsOneAtAllStations(t *testing.T) {
	w := mustRecorded(t, tape(), 1)
	first := slices.Collect(w.Passages("E1", recordedStart, recordedStart+hour))
	second := slices.Collect(w.Passages("E2", recordedStart, recordedStart+hour))
	if first[0].Vehicle != second[0].Vehicle || first[0].Trip != second[0].Trip {
		t.Errorf("the same vehicle is %+v and %+v", first[0], second[0])
	}
	if first[2].Vehicle != first[0].Vehicle || first[2].Trip == first[0].Trip {
		t.Errorf("coming by again it is %+v, at first %+v", first[2], first[0])
	}
	if first[0].Vehicle == first[1].Vehicle || first[0].Trip == first[1].Trip {
		t.Error("two vehicles are one")
	}
	if first[1].Axles < 5 {
		t.Errorf("16.5 m of truck have %d axles", first[1].Axles)
	}
}

func TestRecordedPassagesCutAnywhereMakeTheWhole(t *testing.T) {
	w := mustRecorded(t, tape(), 1)
	whole := slices.Collect(w.Passages("E1", 0, 1<<60))
	for cut := recordedStart - second; cut < recordedStart+11*minute; cut += second {
		parts := slices.Concat(slices.Collect(w.Passages("E1", 0, cut)), slices.Collect(w.Passages("E1", cut, 1<<60)))
		if !slices.Equal(parts, whole) {
			t.Fatalf("cut at %d: %v, want %v", cut, parts, whole)
		}
	}
}

func TestRecordedFingerprintCoversRecordsStartNetworkAndSeed(t *testing.T) {
	base := mustRecorded(t, tape(), 1)
	other := tape()
	other.Records[1].SpeedTenthKMH++
	spec := Spec{NetworkYAML: twoStations(tape(), ""), Seed: 1}
	later, err := WithReplayAt(spec.NetworkYAML, recordedStart+second)
	if err != nil {
		t.Fatal(err)
	}
	shifted, err := NewRecorded(Spec{NetworkYAML: later, Seed: 1}, tape())
	if err != nil {
		t.Fatal(err)
	}
	faulty, err := NewRecorded(Spec{NetworkYAML: spec.NetworkYAML, ScenarioYAML: []byte("name: sick\nfaults: [{device: E1-counter, kind: drop, per_mille: 5}]"), Seed: 1}, tape())
	if err != nil {
		t.Fatal(err)
	}
	if len(faulty.Faults("E1-counter")) != 1 || len(faulty.Faults("E2-counter")) != 0 {
		t.Error("faults are at other devices")
	}
	for what, w := range map[string]*World{
		"a fault": faulty, "another seed": mustRecorded(t, tape(), 2), "another record": mustRecorded(t, other, 1), "another start": shifted,
	} {
		if w.Fingerprint() == base.Fingerprint() {
			t.Errorf("%s has the same fingerprint", what)
		}
	}
	if again := mustRecorded(t, tape(), 1); again.Fingerprint() != base.Fingerprint() {
		t.Error("the same world has another fingerprint")
	}
}

// TestRecordedSimulatesNothing asks a recorded world for what only the model
// of traffic knows.
func TestRecordedSimulatesNothing(t *testing.T) {
	w := mustRecorded(t, tape(), 1)
	day := w.DayNumber(recordedStart)
	if w.Totals(day) != (Totals{}) || w.Planned("E1", recordedStart, recordedStart+hour) != 0 || w.Check() != nil || w.Fault() != nil ||
		len(w.Widenings())+len(w.WidenedLinks()) != 0 || len(w.SpeedingStations()) != 0 || w.DetectorErrorPerMille() != 1000 {
		t.Error("a recording is simulated")
	}
	w.Expect("E1")
}

func TestRecordedSaysWhatTheNetworkHasNoPlaceFor(t *testing.T) {
	r := tape()
	r.Stations[1] = "E9"
	r.Records[1].Lane = 3
	w := mustRecorded(t, r, 1)
	if got := w.LeftOut(); got != (LeftOut{NoStation: 2, NoLane: 1}) {
		t.Errorf("left out %+v", got)
	}
}

func TestRecordedRefuses(t *testing.T) {
	strange := tape()
	strange.Stations = []string{"X1", "X2"}
	unordered := tape()
	unordered.Records[1].After = 700 * second
	long := tape()
	long.Records[4].After = 400 * 24 * hour
	good := tape()
	for _, c := range []struct {
		want string
		r    *Recording
		yaml string
	}{
		{"replays recording " + good.Hash() + ", and the file given is recording", strange, string(twoStations(good, ""))},
		{"has a place for none of the recording's 5 records: it must have the stations X1, X2", strange, ""},
		{"must be in order", unordered, ""},
		{"span at most 366 days", long, ""},
		{"has 0 records", &Recording{}, ""},
		{`recorded.format: is "pcap", must be sumo or fintraffic`, good, strings.Replace(string(twoStations(good, "")), "format: sumo", "format: pcap", 1)},
		{"network file, line 7, recorded.start: is \"soon\"", good, strings.Replace(string(twoStations(good, "")), "2026-03-02T23:59:00Z", "soon", 1)},
		{"recorded.start: is in the year 1979", good, strings.Replace(string(twoStations(good, "")), "2026-03-02T23:59:00Z", "1979-03-02T23:59:00Z", 1)},
		{"recorded.start: is 2026-03-01T23:59:00Z, before the day of valid_from", good, strings.Replace(string(twoStations(good, "")), "2026-03-02T23:59:00Z", "2026-03-01T23:59:00Z", 1)},
		{"recorded.hash: is \"00\"", good, strings.Replace(string(twoStations(good, "")), good.Hash(), "'00'", 1)},
		{`recorded.classes[0].class: is "lorry", must be car`, good, string(twoStations(good, "  classes: [{type: artic, class: lorry}]"))},
		{`recorded.classes[1].type: "a" stands twice`, good, string(twoStations(good, "  classes: [{type: a, class: car}, {type: a, class: car}]"))},
		{"replays no recording: let gantry-agent world import", good, strings.Replace(string(twoStations(good, "")), "recorded:\n  format: sumo\n  start: 2026-03-02T23:59:00Z\n  hash: "+good.Hash(), "", 1)},
	} {
		if c.yaml == "" {
			c.yaml = string(twoStations(c.r, ""))
		}
		_, err := NewRecorded(Spec{NetworkYAML: []byte(c.yaml)}, c.r)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("got %v, want one line with %q", err, c.want)
		}
	}
	for want, scenario := range map[string]string{
		"of a scenario, a recording takes name and faults alone: scenario file, line 1": "demand: []",
		"scenario file, line 1, name: is \"\", must be a text":                          "{name: '', faults: []}",
		"faults[0].kind: is \"lazy\"":                                                   "name: a\nfaults: [{device: '*', kind: lazy}]",
	} {
		_, err := NewRecorded(Spec{NetworkYAML: twoStations(good, ""), ScenarioYAML: []byte(scenario)}, good)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	scenario, _ := Shipped("scenario", "weekday")
	_, err := New(Spec{NetworkYAML: twoStations(good, ""), ScenarioYAML: scenario})
	if err == nil || !strings.Contains(err.Error(), "network file, line 6, recorded: this network replays a recording: give the recording's file with --recorded") {
		t.Errorf("simulated: %v", err)
	}
}

// TestRecordedVehiclesAreAsManyAsThereAre has one vehicle per record: no two
// share a plate.
func TestRecordedVehiclesAreAsManyAsThereAre(t *testing.T) {
	r := &Recording{Stations: []string{"E1"}}
	for i := range 20_000 {
		r.Records = append(r.Records, Record{After: Micros(i) * second, Vehicle: uint64(i), LengthCM: 450, SpeedTenthKMH: 900, Class: Car + Class(i%3), Lane: 1})
	}
	w := mustRecorded(t, r, 3)
	plates, trips := map[string]bool{}, map[uint64]bool{}
	for p := range w.Passages("E1", 0, 1<<60) {
		var plate Text
		w.Plate(p.Vehicle, &plate)
		plates[plate.String()] = true
		trips[p.Trip] = true
	}
	if len(plates) != len(r.Records) || len(trips) != len(r.Records) {
		t.Errorf("%d plates and %d trips of %d vehicles", len(plates), len(trips), len(r.Records))
	}
}
