package world

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestFaultsAreNamed changes one thing in a good file at a time.
func TestFaultsAreNamed(t *testing.T) {
	for _, c := range []struct{ kind, old, new, want string }{
		{"network", "name: corridor", "name: ''", "network file, line 4, name: has 0 bytes"},
		{"network", "name: corridor", "name: a,b", "name: is \"a,b\", must consist of letters"},
		{"network", "name: corridor", "nam: corridor", "network file, line 4, at \"nam\": unknown field"},
		{"network", "+00:00", "+15:00", "network file, line 6, zone: is \"+15:00\""},
		{"network", "+00:00", "Local", "zone: is \"Local\""},
		{"network", "+00:00", "Mars/Olympus", "neither a known IANA name"},
		{"network", "2026-01-01T00:00:00Z", "yesterday", "network file, line 7, valid_from: is \"yesterday\""},
		{"network", "2026-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "valid_from: is in the year 1970"},
		{"network", "length_m: 20000", "length_m: 99", "roads[0].length_m: is 99"},
		{"network", "[north, south]", "[north, north]", "roads[0].directions: must be two different names"},
		{"network", "id: riverside", "id: south-end", "roads[0].nodes[1].id: \"south-end\" stands twice"},
		{"network", "offset_m: 6500", "offset_m: 13500", "roads[0].nodes[2].offset_m: is 13000, must grow"},
		{"network", "id: north-02", "id: north-01", "stations[1].id: \"north-01\" stands twice"},
		{"network", "direction: north, offset_m: 700", "direction: up, offset_m: 700", "no road \"M1\" has a direction \"up\""},
		{"network", "offset_m: 700,", "offset_m: 20001,", "stations[0].offset_m: is 20001, beyond the road's end"},
		{"network", "offset_m: 700, lanes: 2", "offset_m: 700, lanes: 17", "stations[0].lanes: is 17"},
		{"network", "offset_m: 700, lanes: 2", "offset_m: 700, lanes: two", "network file, line 22"},
		{"network", "offset_m: 700, lanes: 2, limit_kmh: 110", "offset_m: 700, lanes: 2, limit_kmh: 201", "stations[0].limit_kmh: is 201"},
		{"network", "loop_cm: 200, devices: [counter, speed]", "loop_cm: 20, devices: [counter, speed]", "loop_cm: is 20"},
		{"network", "devices: [counter, speed]", "devices: [counter, radar]", "stations[0].devices[1]: is \"radar\""},
		{"network", "devices: [counter, speed]", "devices: [speed, counter]", "must stand once, in the order"},
		{"network", `class: car, from: "00:00"`, `class: tram, from: "00:00"`, "tariffs[0].class: is \"tram\""},
		{"network", `from: "06:30", to: "09:30", cents: 260`, `from: "06:00", to: "09:30", cents: 260`, "tariffs[1].from: 06:00 has a tariff for car already"},
		{"network", `from: "06:30", to: "09:30", cents: 260`, `from: "06:40", to: "09:30", cents: 260`, "no tariff for car at 06:30"},
		{"network", "cents: 260", "cents: 1000001", "cents: is 1000001"},
		{"network", "stations:", "stations: [", "network file, line"},
		{"scenario", "noise_percent: 4", "noise_percent: 51", "scenario file, line 9, noise_percent: is 51"},
		{"scenario", "sunday: 68", "sunday: 201", "days_percent: has 201"},
		{"scenario", "vehicles: {car: 620000", "vehicles: {car: 6200", "commuters[5].cars: 600 is more than vehicles.car leaves (0)"},
		{"scenario", "bus: 9000", "bus: 0", "vehicles.bus: is 0"},
		{"scenario", "class: truck, mean_kmh: 87", "class: van, mean_kmh: 87", "speeds[2].class: is \"van\", must be one of the six classes, each once"},
		{"scenario", "mean_kmh: 87", "mean_kmh: 187", "speeds[2].mean_kmh: 187 must lie between"},
		{"scenario", "from_hour: 5, to_hour: 9, weights", "from_hour: 4, to_hour: 9, weights", "class_mix[1].from_hour: hour 4 is given twice"},
		{"scenario", "from_hour: 5, to_hour: 9, weights", "from_hour: 6, to_hour: 9, weights", "class_mix: has no entry for hour 5"},
		{"scenario", "purpose: commute", "purpose: holiday", "persons[0].purpose: is \"holiday\""},
		{"scenario", "weights: [92, 8]", "weights: []", "persons[6].weights: must have a sum"},
		{"scenario", "step: 10, weights: [70, 25, 5]", "step: 100, weights: [70, 25, 5]", "persons[7].step: is 100"},
		{"scenario", "by_hour: [7, 4,", "by_hour: [7,", "profiles[0].by_hour: has 23 entries"},
		{"scenario", "{from: south-end, to: north-end, vehicles", "{from: south-end, to: nowhere, vehicles", "demand[0].to: no road leads from node \"south-end\" to node \"nowhere\""},
		{"scenario", "vehicles: 26000", "vehicles: 260000000", "demand[0].vehicles: 260000000 is more than a day can hold"},
		{"scenario", "vehicles: 26000, workday: workday", "vehicles: 26000, workday: never", "there is no profile \"never\""},
		{"scenario", `out: "07:35"`, `out: "03:35"`, "commuters[0].out: is \"03:35\""},
		{"scenario", "present_percent: 92", "present_percent: 101", "commuters[0].present_percent: is 101"},
	} {
		s := spec(t, "+00:00", 1)
		s.NetworkYAML, _ = Shipped("network", "corridor")
		text := &s.NetworkYAML
		if c.kind == "scenario" {
			text = &s.ScenarioYAML
		}
		if !strings.Contains(string(*text), c.old) {
			t.Errorf("%q is not in the %s", c.old, c.kind)
			continue
		}
		*text = []byte(strings.Replace(string(*text), c.old, c.new, 1))
		_, err := New(s)
		if err == nil {
			t.Errorf("%q for %q: no error", c.new, c.old)
		} else if !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), c.kind+" file, line ") {
			t.Errorf("%q for %q:\n  %v\nwant\n  %s", c.new, c.old, err, c.want)
		}
	}
}

// TestMutilatedFilesAreRefusedOrRead cuts, doubles and swaps pieces of good
// files; rapid prints the seed of a failure and takes it back.
func TestMutilatedFilesAreRefusedOrRead(t *testing.T) {
	network, _ := Shipped("network", "corridor")
	scenario, _ := Shipped("scenario", "weekday")
	_, _, roads, err := parseNetwork(network)
	if err != nil {
		t.Fatal(err)
	}
	pieces := []string{"", ":", "- ", "[", "]", "{", "}", "\"", "'", "&a", "*a", "<<: ", "!!int ", "|", ">", "\t", "\n", "-1", "1e99", "0x", "null", "~", "---\n", "\x00", "é", "#"}
	rapid.Check(t, func(rt *rapid.T) {
		kind := rapid.SampledFrom([]string{"network", "scenario"}).Draw(rt, "kind")
		text := string(network)
		if kind == "scenario" {
			text = string(scenario)
		}
		for range rapid.IntRange(1, 3).Draw(rt, "changes") {
			from := rapid.IntRange(0, len(text)).Draw(rt, "from")
			to := min(from+rapid.IntRange(0, 30).Draw(rt, "cut"), len(text))
			text = text[:from] + rapid.SampledFrom(pieces).Draw(rt, "piece") + text[to:]
		}
		if kind == "scenario" {
			_, _, err = parseScenario([]byte(text), roads)
		} else {
			_, _, _, err = parseNetwork([]byte(text))
		}
		if err != nil && (!strings.HasPrefix(err.Error(), kind+" file") || strings.ContainsAny(err.Error(), "\n\x00")) {
			rt.Fatalf("error is not one line about the %s: %v", kind, err)
		}
	})
}

func FuzzFiles(f *testing.F) {
	network, _ := Shipped("network", "corridor")
	scenario, _ := Shipped("scenario", "weekday")
	f.Add(network, scenario)
	_, _, roads, err := parseNetwork(network)
	if err != nil {
		f.Fatal(err)
	}
	if _, _, err := parseScenario(scenario, roads); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(_ *testing.T, network, scenario []byte) {
		_, _, _, _ = parseNetwork(network) // must not panic
		_, _, _ = parseScenario(scenario, roads)
	})
}
