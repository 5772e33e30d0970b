package world

import "testing"

// smallNetwork and smallScenario are seeds: the fuzzer makes little way in
// the shipped files.
const smallNetwork = `
name: small
zone: "+09:30"
valid_from: 2026-01-01T00:00:00Z
nodes:
  - {id: a, zone: true, longitude: 138.52, latitude: -34.95}
  - {id: b, zone: true, longitude: 138.53, latitude: -34.95}
links:
  - {id: ab, kind: motorway, road: M1, direction: east, offset_m: 0, from: a, to: b, length_m: 910, lanes: 2, limit_kmh: 110,
     free_flow_kmh: 110, capacity_veh_h: 2250, jam_veh_km: 145, geometry: {type: LineString, coordinates: [[138.52, -34.95], [138.53, -34.95]]}}
  - {id: ba, kind: ramp, road: M1, direction: west, offset_m: 0, from: b, to: a, length_m: 910, lanes: 1, limit_kmh: 60, priority: 1,
     free_flow_kmh: 60, capacity_veh_h: 1700, jam_veh_km: 145, geometry: {type: LineString, coordinates: [[138.53, -34.95], [138.52, -34.95]]}}
stations:
  - {id: s, gantry: g, link: ab, at_m: 400, loop_cm: 200, devices: [counter, speed]}
  - {id: t, gantry: g, link: ba, at_m: 500, devices: [speed]}
tariffs:
  - {class: car, from: "00:00", to: "24:00", cents: 180}
`

const smallScenario = `
name: small
days_percent: {monday: 97, tuesday: 100, wednesday: 101, thursday: 102, friday: 104, saturday: 80, sunday: 68}
noise_percent: 4
vehicles: {car: 600, van: 90, truck: 110, bus: 90, motorcycle: 30, other: 12}
speeds:
  - {class: car, mean_percent: 100, sd_percent: 12, min_percent: 65, max_percent: 160}
  - {class: van, mean_percent: 95, sd_percent: 9, min_percent: 65, max_percent: 135}
  - {class: truck, mean_percent: 78, sd_percent: 5, min_percent: 62, max_percent: 90}
  - {class: bus, mean_percent: 85, sd_percent: 4, min_percent: 67, max_percent: 95}
  - {class: motorcycle, mean_percent: 104, sd_percent: 14, min_percent: 65, max_percent: 165}
  - {class: other, mean_percent: 73, sd_percent: 6, min_percent: 55, max_percent: 85}
class_mix:
  - {from_hour: 0, to_hour: 24, weights: {car: 6, van: 1, truck: 2, bus: 1, motorcycle: 1, other: 1}}
persons:
  - {class: car, purpose: commute, from_hour: 0, to_hour: 24, step: 1, weights: [86, 11, 2, 1]}
  - {class: car, purpose: other, from_hour: 0, to_hour: 24, step: 1, weights: [78, 16, 4, 2]}
  - {class: van, purpose: other, from_hour: 0, to_hour: 24, step: 1, weights: [72, 23, 5]}
  - {class: truck, purpose: other, from_hour: 0, to_hour: 24, step: 1, weights: [92, 8]}
  - {class: bus, purpose: other, from_hour: 0, to_hour: 24, step: 10, weights: [70, 25, 5]}
  - {class: motorcycle, purpose: other, from_hour: 0, to_hour: 24, step: 1, weights: [94, 6]}
  - {class: other, purpose: other, from_hour: 0, to_hour: 24, step: 1, weights: [97, 3]}
profiles:
  - {id: p, by_hour: [7, 4, 3, 4, 9, 25, 46, 56, 56, 54, 56, 58, 59, 60, 62, 65, 65, 61, 51, 41, 34, 29, 21, 13]}
demand:
  - {from: a, to: b, vehicles: 260, workday: p, weekend: p}
commuters:
  - {from: b, to: a, cars: 18, present_percent: 92, out: "07:35", out_spread_min: 85, back: "17:05", back_spread_min: 110, jitter_min: 8}
capacity_drop_percent: 10
growth_permille_per_year: 3
growth_from: 2026-01-01
holidays: [2026-12-25]
variation_percent: {capacity: 5}
random_incidents: {per_week: 3, min_minutes: 15, max_minutes: 60, closed_lanes: 1}
incidents:
  - {link: ab, at_m: 200, from: "2026-03-04T07:40", minutes: 30, closed_lanes: 1}
road_works:
  - {link: ab, from: 2026-03-01, to: 2026-03-20, from_hour: 9, to_hour: 15, closed_lanes: 1, limit_kmh: 80}
rain: {chance_percent: 20, min_hours: 2, max_hours: 6, speed_percent: 93, capacity_percent: 92}
speeding:
  - {link: ab, share_percent: 40, over_percent: 18}
`

const smallInterventions = `
interventions:
  - {from: 2026-06-01, add_lane: {link: ab}}
  - {from: 2026-06-01, speed_camera: {station: s, reach_m: 2000, compliance_percent: 80}}
  - {from: 2026-06-02, shift: {direction: west, from: "07:00", to: "09:00", percent: 10, minutes: 30}}
  - {from: 2026-06-02, bus: {origin: a, destination: b, percent: 5, persons: 40}}
`

// smallWorld is what the small files say.
func smallWorld(t testing.TB) (*Network, *graph, zone, *scenario) {
	t.Helper()
	_, net, g, err := parseNetwork([]byte(smallNetwork))
	if err != nil {
		t.Fatal(err)
	}
	z, err := parseZone(net.Zone)
	if err != nil {
		t.Fatal(err)
	}
	_, s, err := parseScenario([]byte(smallScenario+smallInterventions), net, g, z)
	if err != nil {
		t.Fatal(err)
	}
	return net, g, z, s
}

// FuzzNetwork and the others demand one line of whatever is refused. Minimize
// little: `go test -fuzz FuzzNetwork -fuzzminimizetime 100x`.
func FuzzNetwork(f *testing.F) {
	f.Add([]byte(smallNetwork))
	f.Fuzz(func(t *testing.T, text []byte) {
		_, _, _, err := parseNetwork(text)
		mustBeOneLine(t, "network", err)
	})
}

func FuzzScenario(f *testing.F) {
	f.Add([]byte(smallScenario + smallInterventions))
	net, g, z, _ := smallWorld(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		_, _, err := parseScenario(text, net, g, z)
		mustBeOneLine(t, "scenario", err)
	})
}

func FuzzInterventions(f *testing.F) {
	f.Add([]byte(smallInterventions))
	net, g, _, s := smallWorld(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		_, err := parseInterventions(text, net, g, s)
		mustBeOneLine(t, "interventions", err)
	})
}
