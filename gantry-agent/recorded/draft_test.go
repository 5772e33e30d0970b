package recorded

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/gantry-dev/gantry/gantry-agent/world"
)

// drafted is the world of a draft.
func drafted(t testing.TB, r *Recording, o DraftOptions) *world.World {
	t.Helper()
	text, err := Draft(r, o)
	if err != nil {
		t.Fatal(err)
	}
	w, err := world.NewRecorded(world.Spec{NetworkYAML: text, Seed: 1}, &r.Recording)
	if err != nil {
		t.Fatalf("%v in the draft\n%s", err, text)
	}
	return w
}

func plain() DraftOptions {
	return DraftOptions{
		Name: "tape", Road: "road", Zone: "+00:00", Start: time.Date(2026, 3, 2, 7, 0, 0, 180_000_000, time.UTC), Devices: []string{"counter"},
	}
}

// draftAnything drafts a network of a recording and demands that the world has
// a place for each record.
func draftAnything(t *testing.T, r *Recording) {
	t.Helper()
	text, err := Draft(r, plain())
	if err != nil {
		if strings.Contains(err.Error(), " lanes, and a network") || strings.Contains(err.Error(), "stations, and a network") {
			return
		}
		t.Fatal(err)
	}
	w, err := world.NewRecorded(world.Spec{NetworkYAML: text, Seed: 1}, &r.Recording)
	if err != nil {
		t.Fatalf("%v in the draft\n%s", err, text)
	}
	if left := w.LeftOut(); left != (world.LeftOut{}) {
		t.Fatalf("%+v left out of the world of the draft\n%s", left, text)
	}
}

func TestDraftOfTheSample(t *testing.T) {
	r := mustRead(t, sampleFile)
	o := plain()
	var err error
	if o.Detectors, err = ReadDetectors(detectorsFile); err != nil {
		t.Fatal(err)
	}
	w := drafted(t, r, o)
	var got []string
	passages := 0
	for _, s := range w.Network().Stations {
		got = append(got, fmt.Sprintf("%s on %s at %d with %d lanes", s.ID, s.Link, s.AtM, s.Lanes))
		passages += len(slices.Collect(w.Passages(s.ID, 0, 1<<60)))
	}
	want := []string{"E07 on e4 at 4950 with 3 lanes", "E08 on e4 at 5950 with 3 lanes", "E09 on e5 at 500 with 2 lanes", "E11 on e8 at 750 with 3 lanes"}
	if !slices.Equal(got, want) {
		t.Errorf("stations %q, want %q", got, want)
	}
	if passages != 4946 || w.LeftOut() != (world.LeftOut{}) {
		t.Errorf("%d passages, left out %+v", passages, w.LeftOut())
	}
	if from, to := w.Span(); from != o.Start.UnixMicro() || to-from != 1_199_370_000 {
		t.Errorf("from %d to %d", from, to)
	}
	if n := len(w.Network().Devices); n != 4 || w.Network().Devices[0].ID != "E07-counter" {
		t.Errorf("%d devices, %v", n, w.Network().Devices)
	}
}

func TestDraftOfFintraffic(t *testing.T) {
	r := mustRead(t, fintrafficFile)
	o := plain()
	o.Zone, o.Devices, o.Classes, o.Longitude, o.Latitude = "Europe/Helsinki", []string{"counter", "speed"}, map[string]world.Class{"9": world.Motorcycle}, 24.9, 60.2
	w := drafted(t, r, o)
	n := w.Network()
	if len(n.Stations) != 2 || n.Stations[0].Gantry != n.Stations[1].Gantry || n.Stations[0].Direction != "1" || n.Stations[1].Direction != "2" {
		t.Errorf("stations %+v", n.Stations)
	}
	if len(n.Devices) != 4 {
		t.Errorf("devices %+v", n.Devices)
	}
}

func TestDraftsSatisfyTheSchema(t *testing.T) {
	text, ok := world.Schema("network")
	if !ok {
		t.Fatal("no schema")
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("network", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("network")
	if err != nil {
		t.Fatal(err)
	}
	o := plain()
	o.Classes = map[string]world.Class{"9": world.Motorcycle, "8": world.Van}
	for _, file := range []string{sampleFile, fintrafficFile} {
		draft, err := Draft(mustRead(t, file), o)
		if err != nil {
			t.Fatal(err)
		}
		asJSON, err := yaml.YAMLToJSON(draft)
		if err != nil {
			t.Fatal(err)
		}
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(v); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestDraftsKeepTheLimitsOfANetwork(t *testing.T) {
	// Stations close together, far apart, before the first 200 m and measured
	// from the end.
	var events []string
	var detectors []Detector
	for i, pos := range []int64{10, 60, 300, 290, 49_900, 120_000, -5, -400, 1 << 20} {
		id := fmt.Sprintf("S%d", i)
		events = append(events, ev(id+"_0", "10", "enter", "v"))
		detectors = append(detectors, Detector{Station: id, Lane: 1, Edge: "e", PosM: pos})
	}
	events = append(events, ev("elsewhere_3", "10", "enter", "v"), ev("e_0", "11", "enter", "v"))
	r, err := read(strings.NewReader(loops(events...)), "f", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	o := plain()
	o.Detectors = detectors
	if w := drafted(t, r, o); w.LeftOut() != (world.LeftOut{}) || len(w.Network().Stations) != 11 {
		t.Errorf("%d stations, left out %+v", len(w.Network().Stations), w.LeftOut())
	}
	many, err := read(strings.NewReader(loops(ev("A_8", "10", "enter", "v"))), "f", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Draft(many, plain()); err == nil || err.Error() != "station A has 9 lanes, and a network's stations at most 8" {
		t.Error(err)
	}
}

func TestDetectorsThatAreNone(t *testing.T) {
	for want, text := range map[string]string{
		"detectors f, line 2: pos is \"far\", must be metres as 4950": "<a>\n<instantInductionLoop id='a_0' lane='e_0' pos='far'/></a>",
		"line 1: id is missing":                "<a><instantInductionLoop lane='e_0' pos='1'/></a>",
		"line 1: lane is missing":              "<a><instantInductionLoop id='a_0' pos='1'/></a>",
		"detectors f: has no instantInduction": "<a><inductionLoop/></a>",
		"detectors f, line 1: XML syntax":      "<a><b></a>",
	} {
		if _, err := readDetectors(strings.NewReader(text), "f"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestStart(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 34, 56, 789, time.UTC)
	helsinki, err := time.LoadLocation("Europe/Helsinki")
	if err != nil {
		t.Fatal(err)
	}
	sumo, tms := mustRead(t, sampleFile), mustRead(t, fintrafficFile)
	for _, c := range []struct {
		r    *Recording
		text string
		zone *time.Location
		want string
	}{
		{sumo, "now", time.UTC, "2026-11-24T12:34:56Z"},
		{sumo, "2026-03-02T08:00:00.25+01:00", time.UTC, "2026-03-02T07:00:00.25Z"},
		{sumo, "2026-03-02", time.UTC, "2026-03-02T07:00:00.18Z"},
		{sumo, "2026-03-02", helsinki, "2026-03-02T05:00:00.18Z"},
		{tms, "", time.UTC, "2026-03-02T05:00:00.37Z"},
		{tms, "2026-07-01", helsinki, "2026-07-01T04:00:00.37Z"},
	} {
		got, err := c.r.StartAt(c.text, c.zone, now)
		if err != nil || got.Format(time.RFC3339Nano) != c.want || got.Location() != time.UTC {
			t.Errorf("%q: %v, %v, want %s", c.text, got, err, c.want)
		}
	}
	for text, want := range map[string]string{"": "has no date: say when it begins", "soon": `"soon" is neither now nor a time`} {
		if _, err := sumo.StartAt(text, time.UTC, now); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestMake(t *testing.T) {
	r := mustRead(t, sampleFile)
	text, err := Draft(r, plain())
	if err != nil {
		t.Fatal(err)
	}
	spec := world.Spec{NetworkYAML: text, Seed: 1}
	w, report, err := Make(spec, sampleFile)
	if err != nil || report.Passages != 4946 {
		t.Fatalf("%+v, %v", report, err)
	}
	if w.Fingerprint() != drafted(t, r, plain()).Fingerprint() {
		t.Error("the same world has another fingerprint")
	}
	fewer := world.Spec{NetworkYAML: []byte(strings.Replace(string(text), `{id: "E08"`, `{id: "E99"`, 1))}
	if _, report, err = Make(fewer, sampleFile); err != nil || report.Passages != 4946-1248 && report.Passages != 4946-1247 || countOf(report.Left, "of a station that the network") == 0 ||
		report.Passages+countOf(report.Left, "") != report.Rows {
		t.Errorf("%+v, %v", report, err)
	}
	network, _ := world.Shipped("network", "corridor")
	scenario, _ := world.Shipped("scenario", "weekday")
	simulated := world.Spec{NetworkYAML: network, ScenarioYAML: scenario}
	if _, report, err := Make(simulated, ""); err != nil || report != nil {
		t.Errorf("%+v, %v", report, err)
	}
	for want, c := range map[string]struct {
		spec world.Spec
		file string
	}{
		"this network replays a recording: give the recording's file with --recorded": {spec, ""},
		"the network has no part \"recorded\" and its traffic is simulated":           {simulated, sampleFile},
		"testdata/fintraffic-tms.csv":                                                 {spec, fintrafficFile},
		"recording: open nowhere":                                                     {spec, "nowhere"},
		"network file: is empty":                                                      {world.Spec{}, sampleFile},
	} {
		if _, _, err := Make(c.spec, c.file); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	other, err := Draft(mustRead(t, fintrafficFile), plain())
	if err != nil {
		t.Fatal(err)
	}
	cut := strings.Replace(string(other), mustRead(t, fintrafficFile).Hash(), r.Hash(), 1)
	if _, _, err := Make(world.Spec{NetworkYAML: []byte(cut)}, fintrafficFile); err == nil || !strings.Contains(err.Error(), "and the file given is recording") {
		t.Error(err)
	}
}
