package world

import (
	"os"
	"reflect"
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"
)

// shippedText is a file that comes with the program.
func shippedText(t testing.TB, kind, name string) []byte {
	t.Helper()
	text, ok := Shipped(kind, name)
	if !ok {
		t.Fatalf("no shipped %s %s", kind, name)
	}
	return text
}

// fixedText is a file of the tests' own, without events: these tests are about
// the readers, and must not change with the figures of what is shipped.
func fixedText(t testing.TB, kind string) []byte {
	t.Helper()
	text, err := os.ReadFile("testdata/" + kind + ".yaml")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// mustFixedNetwork is the tests' own network, checked.
func mustFixedNetwork(t testing.TB) (*Network, *graph, zone) {
	t.Helper()
	_, net, g, err := parseNetwork(fixedText(t, "network"))
	if err != nil {
		t.Fatal(err)
	}
	z, err := parseZone(net.Zone)
	if err != nil {
		t.Fatal(err)
	}
	return net, g, z
}

// events are sections that the tests' own scenario does without.
const events = `
holidays: ["2026-12-25", 2026-12-26]
variation_percent: {capacity: 5, jam_density: 4, capacity_drop: 3, detector_error: 2}
random_incidents: {per_week: 3, min_minutes: 15, max_minutes: 60, closed_lanes: 1}
incidents:
  - {link: m1-north-4, at_m: 200, from: "2026-03-04T07:40", minutes: 30, closed_lanes: 1}
road_works:
  - {link: m1-north-3, from: 2026-03-01, to: 2026-03-20, from_hour: 9, to_hour: 15, closed_lanes: 1, limit_kmh: 80}
  - {link: m1-north-3, from: 2026-03-20, to: 2026-03-21, from_hour: 22, to_hour: 27, closed_lanes: 2}
rain: {chance_percent: 20, min_hours: 2, max_hours: 6, speed_percent: 93, capacity_percent: 92}
speeding:
  - {link: m1-north-3, share_percent: 40, over_percent: 18}
`

const interventions = `
interventions:
  - {from: 2026-06-01, add_lane: {link: m1-north-5}}
  - {from: 2026-06-01, speed_camera: {station: north-05, reach_m: 2000, compliance_percent: 80}}
  - {from: 2026-06-02, shift: {direction: north, from: "07:00", to: "09:00", percent: 10, minutes: 30}}
  - {from: 2026-06-02, bus: {origin: south-end, destination: north-end, percent: 5, persons: 40}}
`

func TestEventsAreRead(t *testing.T) {
	net, g, _ := mustFixedNetwork(t)
	z, _ := parseZone("+09:30")
	text := string(fixedText(t, "scenario")) + events + interventions
	_, s, err := parseScenario([]byte(text), net, g, z)
	if err != nil {
		t.Fatal(err)
	}
	march1, _ := parseDate("2026-03-01")
	link := func(id string) int { return g.byID[id] }
	wantIncident := incident{link("m1-north-4"), 200, march1 + 3, (4*60 + 40) * 60, 1800, 1}
	wantWorks := []roadWorks{
		{link("m1-north-3"), march1, march1 + 19, 9, 15, 1, 80},
		{link("m1-north-3"), march1 + 19, march1 + 20, 22, 27, 2, 0},
	}
	wantInterventions := []intervention{
		{day: march1 + 92, addLane: &addLane{link("m1-north-5")}},
		{day: march1 + 92, camera: &camera{4, link("m1-north-3"), 2000, 80}},
		{day: march1 + 93, shift: &shift{"", "north", 4 * 3600, 6 * 3600, 10, 30}},
		{day: march1 + 93, bus: &bus{g.zones["south-end"], g.zones["north-end"], 5, 40}},
	}
	for _, c := range []struct{ got, want any }{
		{s.holidays, map[int]bool{march1 + 299: true, march1 + 300: true}},
		{s.variation, variation{5, 4, 3, 2}},
		{*s.randomIncidents, randomIncidents{3, 15, 60, 1}},
		{s.incidents, []incident{wantIncident}},
		{s.works, wantWorks},
		{*s.rain, rain{20, 2, 6, 93, 92}},
		{s.speeding, []speeding{{link("m1-north-3"), 40, 18}}},
		{s.interventions, wantInterventions},
	} {
		if !reflect.DeepEqual(c.got, c.want) {
			t.Errorf("read %+v, want %+v", c.got, c.want)
		}
	}
	s.interventions = nil
	alone, err := parseInterventions([]byte(interventions), net, g, s)
	if err != nil || !reflect.DeepEqual(alone, wantInterventions) || s.interventions != nil {
		t.Errorf("alone: %+v, %v", alone, err)
	}
}

// TestWithPlaceKeepsTheRest also shows that degrees are written as they are
// read.
func TestWithPlaceKeepsTheRest(t *testing.T) {
	text := fixedText(t, "network")
	moved, err := WithPlace(text, "+09:30", hour)
	if err != nil {
		t.Fatal(err)
	}
	before, _, _, _ := parseNetwork(text)
	var after networkFile
	if err := (source{"network", moved}).decode(&after); err != nil {
		t.Fatal(err)
	}
	if after.Zone != "+09:30" || after.ValidFrom != "1970-01-01T01:00:00Z" {
		t.Errorf("moved to %q, %q", after.Zone, after.ValidFrom)
	}
	after.Zone, after.ValidFrom = before.Zone, before.ValidFrom
	if !reflect.DeepEqual(after, before) {
		t.Errorf("moved:\n%+v\nwas\n%+v", after, before)
	}
}

func TestDegrees(t *testing.T) {
	for text, want := range map[string]degrees{"0": 0, "-34.95": -349500000, "138.5200001": 1385200001, "180": 180e7, "-0.0000001": -1} {
		if got, ok := parseDegrees(text); !ok || got != want {
			t.Errorf("%s is %d, %v, want %d", text, got, ok, want)
		}
		back, _ := want.MarshalYAML()
		if again, ok := parseDegrees(string(back)); !ok || again != want {
			t.Errorf("%s is written as %s", text, back)
		}
	}
	for _, text := range []string{"", "-", ".5", "1.", "1.23456789", "180.0000001", "1e2", "0x1", "+1", "1_0", "1.-5", "--1", "1234"} {
		if got, ok := parseDegrees(text); ok {
			t.Errorf("%q is read as %d", text, got)
		}
	}
}

// TestStationsStandOnTheirLinks keeps stations where the road is.
func TestStationsStandOnTheirLinks(t *testing.T) {
	line := [][2]int32{{1385000000, -349000000}, {1385000000, -348000000}, {1385100000, -348000000}}
	// A degree of latitude is 111.2 km, one of longitude 91.3 km at 34.8 degrees
	// south: the first leg is 11.12 km long, the second 0.913 km.
	for at, want := range map[uint32][2]int32{
		0:      {1385000000, -349000000},
		50000:  {1385000000, -348459000},
		100000: {1385100000, -348000000},
	} {
		got := along(line, at, 100000)
		if apart(got, want) > 20*meterE7 {
			t.Errorf("at %d: %v, want %v", at, got, want)
		}
	}
}

// TestMutilatedFilesAreRefusedOrRead cuts, doubles and swaps pieces of good
// files; rapid prints the seed of a failure and takes it back.
func TestMutilatedFilesAreRefusedOrRead(t *testing.T) {
	files := map[string]string{
		"network":       string(fixedText(t, "network")),
		"scenario":      string(fixedText(t, "scenario")) + events + interventions,
		"interventions": interventions,
	}
	net, g, z := mustFixedNetwork(t)
	_, s, err := parseScenario([]byte(files["scenario"]), net, g, z)
	if err != nil {
		t.Fatal(err)
	}
	pieces := []string{"", ":", "- ", "[", "]", "{", "}", "\"", "'", "&a", "*a", "<<: ", "!!int ", "|", ">", "\t", "\n", "-1", "1e99", "0x", "null", "~", "---\n", "\x00", "é", "#"}
	rapid.Check(t, func(rt *rapid.T) {
		kind := rapid.SampledFrom([]string{"network", "scenario", "interventions"}).Draw(rt, "kind")
		text := files[kind]
		for range rapid.IntRange(1, 3).Draw(rt, "changes") {
			from := rapid.IntRange(0, len(text)).Draw(rt, "from")
			to := min(from+rapid.IntRange(0, 30).Draw(rt, "cut"), len(text))
			text = text[:from] + rapid.SampledFrom(pieces).Draw(rt, "piece") + text[to:]
		}
		var err error
		switch kind {
		case "network":
			_, _, _, err = parseNetwork([]byte(text))
		case "scenario":
			_, _, err = parseScenario([]byte(text), net, g, z)
		default:
			_, err = parseInterventions([]byte(text), net, g, s)
		}
		mustBeOneLine(rt, kind, err)
	})
}

// mustBeOneLine looks at the error of a file, nil if it is taken.
func mustBeOneLine(t interface{ Fatalf(string, ...any) }, kind string, err error) {
	if err == nil {
		return
	}
	printable := strings.IndexFunc(err.Error(), func(r rune) bool { return !unicode.IsPrint(r) }) < 0
	if !printable || !strings.HasPrefix(err.Error(), kind+" file") || len(err.Error()) > 600 {
		t.Fatalf("error is not one line about the %s: %q", kind, err)
	}
}
