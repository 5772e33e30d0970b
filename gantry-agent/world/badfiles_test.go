package world

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// badFile is a good file with one thing changed. The error names the path and
// says what is wrong, and its line is that of the change, or of the text on.
type badFile struct{ kind, file, old, new, path, says, on string }

var badFiles = []badFile{
	{"syntax", "network", "stations:", "stations: [", "", "", "tariffs:"},
	{"syntax", "network", "nodes:", "nodes:\n\t- x", "", "", "\t- x"},
	{"syntax", "scenario", "speeds:", "speeds: }", "speeds", "must be a list", ""},
	{"syntax", "interventions", "interventions:", "interventions: {", "", "", "add_lane"},
	{"several documents", "scenario", "vehicles:", "---\nvehicles:", "", "a second document", "vehicles"},
	{"nested too deep", "scenario", "holidays:", "holidays: " + strings.Repeat("[", 50) + strings.Repeat("]", 50) + "\nx:", "", "nests deeper than 40", "[["},
	{"alias", "network", "name: corridor", "name: &a corridor", "name", "is an anchor (&), an alias (*) or a tag (!)", ""},
	{"alias", "scenario", "workday: workday", "workday: !!str workday", "demand[0].workday", "is an anchor", ""},
	{"unknown field", "network", "name: corridor", "nam: corridor", "", `has no field "nam", only name, zone`, ""},
	{"unknown field", "network", "loop_cm: 200", "loop_mm: 200", "stations[0]", `has no field "loop_mm"`, ""},
	{"unknown field", "scenario", "sd_percent: 12", "sd_kmh: 12", "speeds[0]", `has no field "sd_kmh"`, ""},
	{"unknown field", "scenario", "rain: {", "rain: {wind: 3, ", "rain", `has no field "wind"`, ""},
	{"missing field", "network", "length_m: 6100, lanes: 2", "length_m: 6100", "links[0].lanes", "is missing", "- {id: m1-north-1,"},
	{"missing field", "network", "longitude: 138.52020, ", "", "nodes[0].longitude", "is missing", "- {id: south-end"},
	{"missing field", "scenario", "noise_percent: 4", "", "noise_percent", "is missing", "name"},
	{"missing field", "interventions", ", minutes: 30", "", "interventions[2].shift.minutes", "is missing", "shift"},
	{"field given twice", "network", "length_m: 6100,", "length_m: 6100, length_m: 6100,", "links[0].length_m", "stands twice", ""},
	{"field given twice", "scenario", "noise_percent: 4", "noise_percent: 4\nnoise_percent: 4", "noise_percent", "stands twice", ""},
	{"wrong type", "network", "lanes: 2", "lanes: two", "links[0].lanes", `is "two", must be a whole number`, ""},
	{"wrong type", "network", "lanes: 2", "lanes: 2.5", "links[0].lanes", `is "2.5", must be a whole number`, ""},
	{"wrong type", "network", "lanes: 2", "lanes: -1", "links[0].lanes", `is "-1", must be a whole number`, ""},
	{"wrong type", "network", "limit_kmh: 130", "limit_kmh: 0130", "links[0].limit_kmh", `is "0130", must be a whole number`, ""},
	{"wrong type", "network", "zone: true", "zone: yes", "nodes[0].zone", "must be true or false", ""},
	{"wrong type", "network", "name: corridor", "name: 7", "name", "in quotes if it looks like a number", ""},
	{"wrong type", "network", "longitude: 138.52020", `longitude: "138.52020"`, "nodes[0].longitude", "must be a number of degrees", ""},
	{"wrong type", "network", "longitude: 138.52020", "longitude: 138.520201234", "nodes[0].longitude", "at most 7 decimals", ""},
	{"wrong type", "network", "longitude: 138.52020", "longitude: 1385.2", "nodes[0].longitude", "from -180 to 180", ""},
	{"wrong type", "scenario", "vehicles: {car: 620000", "vehicles: {car: many", "vehicles.car", "must be a whole number", ""},
	{"wrong type", "scenario", "demand:", "demand: none\nx:", "demand", `is "none", must be a list`, ""},
	{"wrong type", "scenario", "holidays: [", "holidays: # [", "holidays", "is empty, must be a list", ""},
	{"wrong type", "scenario", "rain: {", "rain: 7 # {", "rain", `is "7", must be a mapping`, ""},
	{"name", "network", "name: corridor", "name: ''", "name", "at least one letter", ""},
	{"name", "network", "name: corridor", "name: a,b", "name", `is "a,b", must consist of letters`, ""},
	{"name", "network", "id: south-end", "id: " + strings.Repeat("x", 49), "nodes[0].id", "has 49 bytes", ""},
	{"time zone", "network", "+00:00", "+15:00", "zone", `is "+15:00"`, ""},
	{"time zone", "network", "+00:00", "Local", "zone", `is "Local"`, ""},
	{"time zone", "network", "+00:00", "Mars/Olympus", "zone", "neither a known IANA name", ""},
	{"date", "network", "2026-01-01T00:00:00Z", "yesterday", "valid_from", `is "yesterday"`, ""},
	{"date", "network", "2026-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "valid_from", "is in the year 1970", ""},
	{"date", "scenario", "2026-12-25", "2026-02-30", "holidays[0]", `is "2026-02-30", must be a date`, ""},
	{"date", "scenario", "2026-12-25", "2026-12-26", "holidays[1]", "stands twice", ""},
	{"date", "scenario", "growth_from: 2026-01-01", "growth_from: 2126-01-01", "growth_from", "from 1980 to 2060", ""},
	{"date", "scenario", "growth_permille_per_year: 0\ngrowth_from: 2026-01-01", "growth_permille_per_year: 5", "growth_permille_per_year", "growth_from is missing", ""},
	{"date", "scenario", "2026-03-04T07:40", "2026-03-04 07:40", "incidents[0].from", "must be a local time as", ""},
	{"date", "scenario", "2026-03-04T07:40", "2026-03-04T23:40", "incidents[0].from", "must be from 05:00 to 20:00", ""},
	{"date", "scenario", "to: 2026-03-20", "to: 2026-02-20", "road_works[0].to", "before from", ""},
	{"date", "interventions", "from: 2026-06-01", "from: June", "interventions[0].from", `is "June", must be a date`, ""},
	{"time of day", "network", `from: "06:30"`, `from: "6:30"`, "tariffs[1].from", "must be a time of day as 06:30", ""},
	{"time of day", "network", `to: "24:00"`, `to: "25:00"`, "tariffs[4].to", "at most 24:00", ""},
	{"time of day", "scenario", `out: "07:35"`, `out: "03:35"`, "commuters[0].out", `is "03:35"`, ""},
	{"time of day", "scenario", "back_spread_min: 110", "back_spread_min: 700", "commuters[0].back", "stays between", ""},
	{"time of day", "scenario", "from_hour: 22, to_hour: 27", "from_hour: 22, to_hour: 5", "road_works[1].to_hour", "in this order from 3 to 27", ""},
	{"time of day", "interventions", `to: "09:00"`, `to: "06:00"`, "interventions[2].shift.to", "after from", ""},
	{"time of day", "interventions", `from: "07:00"`, `from: "02:59"`, "interventions[2].shift.from", "from 03:00 on", ""},
	{"out of range", "network", "length_m: 6100", "length_m: 199", "links[0].length_m", "is 199, must be 200 to 50000", ""},
	{"out of range", "network", "lanes: 2", "lanes: 9", "links[0].lanes", "is 9, must be 1 to 8", ""},
	{"out of range", "network", "limit_kmh: 130", "limit_kmh: 201", "links[0].limit_kmh", "is 201", ""},
	{"out of range", "network", "free_flow_kmh: 113", "free_flow_kmh: 19", "links[0].free_flow_kmh", "is 19", ""},
	{"out of range", "network", "capacity_veh_h: 2250", "capacity_veh_h: 3001", "links[0].capacity_veh_h", "is 3001", ""},
	{"out of range", "network", "jam_veh_km: 145", "jam_veh_km: 145, priority: 101", "links[0].priority", "is 101", ""},
	{"out of range", "network", "latitude: -34.95000", "latitude: -134.95000", "nodes[0].latitude", "beyond 90", ""},
	{"out of range", "network", "loop_cm: 200", "loop_cm: 20", "stations[0].loop_cm", "is 20, must be 50 to 1000", ""},
	{"out of range", "network", "cents: 260", "cents: 1000001", "tariffs[1].cents", "is 1000001", ""},
	{"out of range", "scenario", "noise_percent: 4", "noise_percent: 51", "noise_percent", "is 51", ""},
	{"out of range", "scenario", "sunday: 68", "sunday: 201", "days_percent.sunday", "is 201", ""},
	{"out of range", "scenario", "growth_permille_per_year: 0", "growth_permille_per_year: -201", "growth_permille_per_year", "is -201", ""},
	{"out of range", "scenario", "bus: 9000", "bus: 0", "vehicles.bus", "is 0, must be 1", ""},
	{"out of range", "scenario", "mean_percent: 78", "mean_percent: 98", "speeds[2].mean_percent", "98 must lie between", ""},
	{"out of range", "scenario", "max_percent: 160", "max_percent: 260", "speeds[0].mean_percent", "at most 200", ""},
	{"out of range", "scenario", "step: 10, weights: [70, 25, 5]", "step: 100, weights: [70, 25, 5]", "persons[7].step", "is 100", ""},
	{"out of range", "scenario", "vehicles: 26000", "vehicles: 260000000", "demand[0].vehicles", "a day can hold", ""},
	{"out of range", "scenario", "present_percent: 92", "present_percent: 101", "commuters[0].present_percent", "is 101", ""},
	{"out of range", "scenario", "capacity_drop_percent: 10", "capacity_drop_percent: 31", "capacity_drop_percent", "is 31", ""},
	{"out of range", "scenario", "jam_density: 4", "jam_density: 21", "variation_percent.jam_density", "is 21", ""},
	{"out of range", "scenario", "max_minutes: 60", "max_minutes: 10", "random_incidents.max_minutes", "is 10, must be 15 to 360", ""},
	{"out of range", "scenario", "minutes: 30, closed", "minutes: 361, closed", "incidents[0].minutes", "is 361", ""},
	{"out of range", "scenario", "at_m: 200", "at_m: 401", "incidents[0].at_m", "is 401, must be 0 to 400", ""},
	{"out of range", "scenario", "limit_kmh: 80", "limit_kmh: 121", "road_works[0].limit_kmh", "must be 5 to 120", ""},
	{"out of range", "scenario", "max_hours: 6", "max_hours: 1", "rain.max_hours", "is 1, must be 2 to 24", ""},
	{"out of range", "scenario", "over_percent: 18", "over_percent: 0", "speeding[0].over_percent", "is 0", ""},
	{"out of range", "interventions", "reach_m: 2000", "reach_m: 20000", "interventions[1].speed_camera.reach_m", "is 20000", ""},
	{"out of range", "interventions", "persons: 40", "persons: 0", "interventions[3].bus.persons", "is 0", ""},
	{"out of range", "interventions", "minutes: 30", "minutes: 181", "interventions[2].shift.minutes", "is 181", ""},
	{"stands twice", "network", "id: riverside,", "id: south-end,", "nodes[1].id", `"south-end" stands twice`, ""},
	{"stands twice", "network", "id: m1-north-2,", "id: m1-north-1,", "links[1].id", "stands twice", ""},
	{"stands twice", "network", "id: north-02", "id: north-01", "stations[1].id", "stands twice", ""},
	{"stands twice", "network", "devices: [counter, speed]", "devices: [speed, counter]", "stations[0].devices[1]", "in the order", ""},
	{"stands twice", "scenario", "id: weekend", "id: workday", "profiles[1].id", "stands twice", ""},
	{"stands twice", "scenario", "class: truck, mean_percent: 78", "class: van, mean_percent: 78", "speeds[2].class", "each once", ""},
	{"stands twice", "scenario", "speeding:\n", "speeding:\n  - {link: m1-north-3, share_percent: 1, over_percent: 1}\n", "speeding[1].link", "stands twice", "share_percent: 40"},
	{"unknown reference", "network", "from: south-end, to: m1-north-riverside-off", "from: nowhere, to: m1-north-riverside-off", "links[0].from", `there is no node "nowhere"`, ""},
	{"unknown reference", "network", "link: m1-north-1, at_m: 700", "link: m1-north-99, at_m: 700", "stations[0].link", "there is no link", ""},
	{"unknown reference", "network", "devices: [counter, speed]", "devices: [counter, radar]", "stations[0].devices[1]", `is "radar"`, ""},
	{"unknown reference", "network", "kind: motorway", "kind: lane", "links[0].kind", "must be motorway or ramp", ""},
	{"unknown reference", "network", `class: car, from: "00:00"`, `class: tram, from: "00:00"`, "tariffs[0].class", `is "tram"`, ""},
	{"unknown reference", "scenario", "workday: workday", "workday: never", "demand[0].workday", `there is no profile "never"`, ""},
	{"unknown reference", "scenario", "purpose: commute", "purpose: holiday", "persons[0].purpose", `is "holiday"`, ""},
	{"unknown reference", "scenario", "link: m1-north-4", "link: A1", "incidents[0].link", `network "corridor" has no link "A1"`, ""},
	{"unknown reference", "interventions", "station: north-05", "station: north-50", "interventions[1].speed_camera.station", `has no station "north-50"`, ""},
	{"unknown reference", "interventions", "direction: north", "direction: up", "interventions[2].shift.direction", `direction "up"`, ""},
	{"wrong zone", "scenario", "from: south-end, to: north-end, v", "from: south-end, to: m1-north-drop, v", "demand[0].to", `has no zone "m1-north-drop" (it has harbour, north-end`, ""},
	{"wrong zone", "scenario", "from: south-end, to: north-end, v", "from: south-end, to: south-end, v", "demand[0].to", "must be another zone", ""},
	{"wrong zone", "interventions", "destination: north-end", "destination: airport", "interventions[3].bus.destination", `has no zone "airport"`, ""},
	{"dead end", "network", "from: m1-north-harbour-off, to: harbour,", "from: m1-north-harbour-off, to: riverside,", "links[14].geometry.coordinates[2]", `m from node "riverside"`, "138.57330, -34.84210]]}}"},
	{"dead end", "network", "from: south-end, to: m1", "from: m1-north-drop, to: m1", "links[0].geometry.coordinates[0]", `m from node "m1-north-drop", must be within 50 m`, "138.52005"},
	{"dead end", "network", "nodes:\n", "nodes:\n  - {id: lost, longitude: 138.5, latitude: -34.9}\n", "nodes[0].id", `no link leads to "lost", and none from it`, "lost"},
	{"from is to", "network", "from: m1-north-riverside-off, to: m1-north-riverside-on", "from: m1-north-riverside-on, to: m1-north-riverside-on", "links[1].to", "must be another node", ""},
	{"wave speed", "network", "capacity_veh_h: 2250, jam_veh_km: 145", "capacity_veh_h: 3000, jam_veh_km: 80", "links[0].jam_veh_km", "upstream at 56 km/h, must be 8 to 40", ""},
	{"wave speed", "network", "capacity_veh_h: 2250, jam_veh_km: 145", "capacity_veh_h: 1500, jam_veh_km: 250", "links[0].jam_veh_km", "upstream at 6 km/h", ""},
	{"wave speed", "network", "free_flow_kmh: 113, capacity_veh_h: 2250, jam_veh_km: 145", "free_flow_kmh: 20, capacity_veh_h: 2250, jam_veh_km: 100", "links[0].jam_veh_km", "an infinite speed", ""},
	{"geometry", "network", "type: LineString", "type: Point", "links[0].geometry.type", "must be LineString", ""},
	{"geometry", "network", "[138.52005, -34.95000]", "[-34.95000, 138.52005]", "links[0].geometry.coordinates[0]", "longitude comes first", ""},
	{"geometry", "network", "[138.52005, -34.95000]", "[138.52005]", "links[0].geometry.coordinates[0]", "must have 2", ""},
	{"geometry", "network", "[138.52005, -34.95000]", "[138.52105, -34.95000]", "links[0].geometry.coordinates[0]", `m from node "south-end"`, ""},
	{"geometry", "network", "[138.53087, -34.93008]", "[139.53087, -34.93008]", "links[0].geometry.coordinates[1]", "more than 60 km", ""},
	{"geometry", "network", "[[138.54693, -34.89937], [138.55030, -34.89273]]", "[[138.54693, -34.89937]]", "links[1].geometry.coordinates", "must have 2 to 1000", ""},
	{"offsets overlap", "network", "offset_m: 6100", "offset_m: 6000", "links[1].offset_m", `is 6000, within link "m1-north-1", which reaches from 0 to 6100`, ""},
	{"station's place", "network", "at_m: 700", "at_m: 199", "stations[0].at_m", "must be 200 to 5900", ""},
	{"station's place", "network", "at_m: 5800", "at_m: 5901", "stations[3].at_m", "200 m from both ends", ""},
	{"station's place", "network", "at_m: 2400", "at_m: 899", "stations[1].at_m", `200 m from station "north-01" at 700`, ""},
	{"tariffs", "network", `from: "06:30", to: "09:30", cents: 260`, `from: "06:00", to: "09:30", cents: 260`, "tariffs[1].from", "06:00 has a tariff for car already", ""},
	{"tariffs", "network", `from: "06:30", to: "09:30", cents: 260`, `from: "06:40", to: "09:30", cents: 260`, "tariffs", "no tariff for car at 06:30", "- {class: car, from: \"00:00\""},
	{"hours", "scenario", "from_hour: 5, to_hour: 9, weights", "from_hour: 4, to_hour: 9, weights", "class_mix[1].from_hour", "hour 4 is given twice", ""},
	{"hours", "scenario", "from_hour: 5, to_hour: 9, weights", "from_hour: 6, to_hour: 9, weights", "class_mix", "has no entry for hour 5", "from_hour: 0, to_hour: 5"},
	{"hours", "scenario", "from_hour: 6, to_hour: 20, step", "from_hour: 6, to_hour: 25, step", "persons[8].to_hour", "is 25", ""},
	{"hours", "scenario", "  - {class: truck, purpose: other, from_hour: 0, to_hour: 24, step: 1, weights: [92, 8]}\n", "", "persons", "no entry for truck, other, hour 0", "purpose: commute"},
	{"weights", "scenario", "weights: [92, 8]", "weights: []", "persons[6].weights", "must have a sum", ""},
	{"weights", "scenario", "by_hour: [7, 4,", "by_hour: [7,", "profiles[0].by_hour", "has 23 entries", ""},
	{"vehicles", "scenario", "vehicles: {car: 620000", "vehicles: {car: 6200", "commuters[5].cars", "600 is more than vehicles.car leaves (0)", "from: harbour, to: south-end, cars"},
	{"vehicles", "scenario", "vehicles: {car: 620000", "vehicles: {car: 6800", "vehicles.car", "more than all commuters' cars", ""},
	{"closed lanes", "scenario", "minutes: 30, closed_lanes: 1", "minutes: 30, closed_lanes: 4", "incidents[0].closed_lanes", `is 4, must be 1 to 3: link "m1-north-4" has 3 lanes`, ""},
	{"closed lanes", "scenario", "to_hour: 27, closed_lanes: 2", "to_hour: 27, closed_lanes: 3", "road_works[1].closed_lanes", "must be 0 to 2", ""},
	{"closed lanes", "scenario", "to_hour: 27, closed_lanes: 2", "to_hour: 27, closed_lanes: 0", "road_works[1].closed_lanes", "would change nothing", ""},
	{"works overlap", "scenario", "from_hour: 22, to_hour: 27", "from_hour: 14, to_hour: 27", "road_works[1].from", "road_works[0] is on link", ""},
	{"kinds of intervention", "interventions", "add_lane: {link: m1-north-5}", "add_lane: {link: m1-north-5}, bus: {origin: south-end, destination: north-end, percent: 5, persons: 40}", "interventions[0]", "has 2 kinds, must have one", ""},
	{"kinds of intervention", "interventions", ", add_lane: {link: m1-north-5}", "", "interventions[0]", "has 0 kinds", "- {from: 2026-06-01}"},
}

func TestBadFilesAreRefusedInOneClearLine(t *testing.T) {
	texts := map[string]string{
		"network":       string(fixedText(t, "network")),
		"scenario":      string(fixedText(t, "scenario")) + events,
		"interventions": interventions,
	}
	kinds := map[string]bool{}
	for _, c := range badFiles {
		kinds[c.kind] = true
		if !strings.Contains(texts[c.file], c.old) {
			t.Errorf("%q is not in the %s", c.old, c.file)
			continue
		}
		text := strings.Replace(texts[c.file], c.old, c.new, 1)
		if on := errorLine(t, c, read(t, c.file, text)); on > 0 {
			line := strings.Split(text, "\n")[on-1]
			if want := c.on; !strings.Contains(line, want) || want == "" && !strings.Contains(line, firstLine(c.new)) {
				t.Errorf("%s: the error for %q names line %d: %s", c.kind, c.new, on, line)
			}
		}
	}
	if len(badFiles) < 60 || len(kinds) < 15 {
		t.Errorf("%d bad files of %d kinds", len(badFiles), len(kinds))
	}
}

// TestDeadEndsAreRefused makes changes in several places.
func TestDeadEndsAreRefused(t *testing.T) {
	const node = "nodes:\n  - {id: pit, longitude: 138.52, latitude: -34.951}\n"
	const spur = ", road: M1, direction: out, offset_m: 0, length_m: 200, lanes: 1, limit_kmh: 60, free_flow_kmh: 60, capacity_veh_h: 1700, jam_veh_km: 145, geometry: "
	network := string(fixedText(t, "network"))
	for _, c := range []struct {
		path, says string
		changes    []string
	}{
		{"nodes[0].id", `no link leads on from "pit"`, []string{"nodes:\n", node, "links:\n", "links:\n  - {id: spur, kind: ramp, from: south-end, to: pit" + spur +
			"{type: LineString, coordinates: [[138.5202, -34.95], [138.52, -34.951]]}}\n"}},
		{"nodes[0].id", `no link leads to "pit"`, []string{"nodes:\n", node, "links:\n", "links:\n  - {id: spur, kind: ramp, from: pit, to: south-end" + spur +
			"{type: LineString, coordinates: [[138.52, -34.951], [138.5202, -34.95]]}}\n"}},
		{"nodes", "has 1 nodes with zone: true", []string{"end, zone: true", "end, zone: false", "harbour, zone: true", "harbour, zone: false"}},
		{"links[0].geometry.coordinates", "has no length", []string{"-34.95000}", "-34.95000}", "longitude: 138.54693, latitude: -34.89937", "longitude: 138.52020, latitude: -34.95",
			"[[138.52005, -34.95000], [138.53087, -34.93008], [138.53836, -34.91597], [138.54693, -34.89937]]", "[[138.5202, -34.95], [138.5202, -34.95]]"}},
		{"stations[0].link", `link "m1-north-1" is 399 m long, must have 400 m`, []string{"length_m: 6100", "length_m: 399"}},
	} {
		err := read(t, "network", strings.NewReplacer(c.changes...).Replace(network))
		errorLine(t, badFile{kind: "dead end", file: "network", path: c.path, says: c.says}, err)
	}
}

// TestUnreachableZonesAreRefused takes away the only way to a zone, and puts
// a zone in the way.
func TestUnreachableZonesAreRefused(t *testing.T) {
	scenario := fixedText(t, "scenario")
	for _, c := range []struct{ old, new, path, says string }{
		{"m1-north-drop, l", "m1-north-drop, zone: true, l", "demand[0].to", `no links lead from zone "south-end" to zone "north-end" without passing through another zone`},
		{"m1-south-drop, l", "m1-south-drop, zone: true, l", "demand[6].to", `no links lead from zone "north-end" to zone "south-end"`},
	} {
		network := strings.Replace(string(fixedText(t, "network")), c.old, c.new, 1)
		_, net, g, err := parseNetwork([]byte(network))
		if err != nil {
			t.Fatal(err)
		}
		z, _ := parseZone(net.Zone)
		_, _, err = parseScenario(scenario, net, g, z)
		errorLine(t, badFile{kind: "unreachable", file: "scenario", path: c.path, says: c.says}, err)
	}
}

var errorForm = regexp.MustCompile(`^(network|scenario|interventions) file, line ([0-9]+)(?:, (?:at "[^"]*"|([a-z_.0-9\[\]]+)))?: [[:print:]…]+$`)

// errorLine is the line that an error names; 0 when the error is not as wanted.
func errorLine(t *testing.T, c badFile, err error) int {
	t.Helper()
	if err == nil {
		t.Errorf("%s: %q for %q is taken", c.kind, c.new, c.old)
		return 0
	}
	m := errorForm.FindStringSubmatch(err.Error())
	if len(m) != 4 || m[1] != c.file || m[3] != c.path || !strings.Contains(err.Error(), c.says) {
		t.Errorf("%s: %q for %q:\n  %v\nwant %s: %s", c.kind, c.new, c.old, err, c.path, c.says)
		return 0
	}
	line, _ := strconv.Atoi(m[2])
	return line
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// read reads a file of a kind; scenarios and interventions are for the
// shipped corridor.
func read(t *testing.T, kind, text string) error {
	t.Helper()
	if kind == "network" {
		_, _, _, err := parseNetwork([]byte(text))
		return err
	}
	net, g, z := mustFixedNetwork(t)
	if kind == "scenario" {
		_, _, err := parseScenario([]byte(text), net, g, z)
		return err
	}
	_, s, err := parseScenario(fixedText(t, "scenario"), net, g, z)
	if err != nil {
		t.Fatal(err)
	}
	_, err = parseInterventions([]byte(text), net, g, s)
	return err
}
