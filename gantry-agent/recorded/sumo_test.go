package recorded

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gantry-dev/gantry/gantry-agent/world"
)

const (
	sampleFile    = "testdata/sumo-instant-loops.xml.gz"
	detectorsFile = "testdata/sumo-instant-loops.det.add.xml"
)

func mustRead(t testing.TB, path string) *Recording {
	t.Helper()
	r, err := Read(path, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// sampleText is the sample unpacked.
func sampleText(t testing.TB) string {
	t.Helper()
	f, err := os.Open(sampleFile)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func countOf(counts []Count, what string) int {
	n := 0
	for _, c := range counts {
		if strings.HasPrefix(c.What, what) {
			n += c.Number
		}
	}
	return n
}

func TestSampleGivesItsPassages(t *testing.T) {
	r := mustRead(t, sampleFile)
	if len(r.Records) != 4946 || r.Report.Passages != 4946 || r.Report.Rows != 11_179 {
		t.Errorf("%d records, report of %d passages in %d rows; want 4946 in 11179", len(r.Records), r.Report.Passages, r.Report.Rows)
	}
	for what, want := range map[string]int{"double detection": 8, "event stay": 1271, "event leave": 4954} {
		if got := countOf(r.Report.Left, what); got != want {
			t.Errorf("%d times %s, want %d", got, what, want)
		}
	}
	if len(r.Report.Unknown) != 0 {
		t.Errorf("unknown types %v", r.Report.Unknown)
	}
	if r.First.Format("15:04:05.00") != "07:00:00.18" || r.Dated {
		t.Errorf("first at %s, dated %v", r.First, r.Dated)
	}
}

// TestSampleCountsOfEachDetector compares with the counts that came with the
// sample, less the double detections, which are found here in another way.
func TestSampleCountsOfEachDetector(t *testing.T) {
	var counts struct {
		Detectors map[string]struct{ Enter int } `json:"counts_by_detector"`
		Passages  int                            `json:"distinct_passages"`
	}
	text, err := os.ReadFile("testdata/sumo-instant-loops.counts.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &counts); err != nil {
		t.Fatal(err)
	}
	want := map[string]int{}
	for id, c := range counts.Detectors {
		want[id] = c.Enter
	}
	entered := map[string]float64{}
	enter := regexp.MustCompile(`id="(\w+)_(\d)" time="([\d.]+)" state="enter" vehID="(\w+)"`)
	for _, m := range enter.FindAllStringSubmatch(sampleText(t), -1) {
		at, _ := strconv.ParseFloat(m[3], 64)
		who := m[1] + " " + m[4]
		if before, ok := entered[who]; ok && at-before < 10 {
			want[m[1]+"_"+m[2]]--
		}
		entered[who] = at
	}
	got := map[string]int{}
	r := mustRead(t, sampleFile)
	for _, rec := range r.Records {
		got[fmt.Sprintf("%s_%d", r.Stations[rec.Station], rec.Lane-1)]++
	}
	if !maps.Equal(got, want) {
		t.Errorf("passages by detector %v, want %v", got, want)
	}
	if len(r.Records) != counts.Passages {
		t.Errorf("%d passages, want %d", len(r.Records), counts.Passages)
	}
}

func TestSampleIsInOrderAndOfOneTrip(t *testing.T) {
	r := mustRead(t, sampleFile)
	if !slices.IsSortedFunc(r.Records, func(a, b world.Record) int { return int(a.After - b.After) }) || r.Records[0].After != 0 {
		t.Error("records are not in order of time from 0 on")
	}
	first := r.Records[0]
	if first.LengthCM != 1650 || first.Class != world.Truck || first.SpeedTenthKMH != 841 || first.Lane != 1 || r.Stations[first.Station] != "E09" {
		t.Errorf("the first record is %+v at %s", first, r.Stations[first.Station])
	}
	classes := map[world.Class]int{}
	for _, rec := range r.Records {
		classes[rec.Class]++
	}
	if classes[world.Car] != 3777 || classes[world.Van] != 359 || classes[world.Truck] != 810 {
		t.Errorf("classes %v", classes)
	}
}

func TestPackedOrNotItIsTheSameRecording(t *testing.T) {
	packed := mustRead(t, sampleFile)
	plain, err := read(strings.NewReader(sampleText(t)), "plain", "sumo", nil)
	if err != nil {
		t.Fatal(err)
	}
	if packed.Hash() != plain.Hash() {
		t.Error("the packed file is another recording")
	}
}

// loops wraps events as SUMO does.
func loops(events ...string) string {
	return "<instantE1>\n" + strings.Join(events, "\n") + "\n</instantE1>\n"
}

func ev(id, time, state, vehicle string) string {
	return `<instantOut id="` + id + `" time="` + time + `" state="` + state + `" vehID="` + vehicle + `" speed="25.00" length="4.50" type="car"/>`
}

func TestSUMORows(t *testing.T) {
	for name, c := range map[string]struct {
		text     string
		passages int
		left     map[string]int
	}{
		"a vehicle that changes lane on a loop counts once": {
			loops(ev("A_0", "10.8", "enter", "v"), ev("A_0", "11", "stay", "v"), ev("A_0", "11", "leave", "v"), ev("A_1", "11", "enter", "v"), ev("A_1", "11.1", "leave", "v")),
			1, map[string]int{"double detection": 1, "event stay": 1, "event leave": 2},
		},
		"also after standing there for a minute": {
			loops(append(func() (stays []string) {
				stays = append(stays, ev("A_0", "10.8", "enter", "v"))
				for s := range 60 {
					stays = append(stays, ev("A_0", strconv.Itoa(11+s), "stay", "v"))
				}
				return stays
			}(), ev("A_0", "71", "leave", "v"), ev("A_1", "71", "enter", "v"))...), 1, map[string]int{"double detection": 1},
		},
		"a vehicle that comes round again counts again": {
			loops(ev("A_0", "10", "enter", "v"), ev("A_0", "10.1", "leave", "v"), ev("A_0", "400", "enter", "v")), 2, nil,
		},
		"another station is another passage": {loops(ev("A_0", "10", "enter", "v"), ev("B_0", "12", "enter", "v")), 2, nil},
		"what entered before the cut is not there": {
			loops(ev("A_0", "10", "stay", "u"), ev("A_0", "10.4", "leave", "u"), ev("A_0", "12", "enter", "v")),
			1, map[string]int{"event stay of a vehicle that entered before": 1, "event leave of a vehicle that entered before": 1},
		},
		"an enter without its leave counts": {loops(ev("A_0", "10", "enter", "v")), 1, nil},
		"bad rows cost themselves": {
			loops(ev("A_0", "ten", "enter", "a"), ev("A_0", "10", "hover", "b"), ev("", "10", "enter", "c"), ev("A_0", "11", "enter", "d"),
				strings.Replace(ev("A_0", "12", "enter", "e"), "25.00", "-1", 1), strings.Replace(ev("A_0", "13", "enter", "f"), "4.50", "450", 1), "<note/>"),
			1, map[string]int{"time must be seconds": 1, "state must be enter": 1, "id and vehID must be given": 1, "speed must be": 1, "length must be": 1, "element <note>": 1},
		},
		"clocks may be written for people": {loops(ev("A_0", "7:00:01.50", "enter", "v"), ev("A_0", "1:07:00:01.50", "enter", "v")), 2, nil},
		"detectors whose identifiers are the same are not mixed": {
			loops(ev("A.1_0", "10", "enter", "v"), ev("A#1_0", "10", "enter", "w")), 1, map[string]int{"id must be different": 1},
		},
	} {
		r, err := read(strings.NewReader(c.text), "loops.xml", "", nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(r.Records) != c.passages {
			t.Errorf("%s: %d passages, want %d", name, len(r.Records), c.passages)
		}
		for what, want := range c.left {
			if got := countOf(r.Report.Left, what); got != want {
				t.Errorf("%s: %d times %q, want %d: %v", name, got, what, want, r.Report.Left)
			}
		}
		if sum := r.Report.Passages + countOf(r.Report.Left, ""); sum != r.Report.Rows {
			t.Errorf("%s: passages and what is left are %d of %d rows", name, sum, r.Report.Rows)
		}
	}
}

func TestSUMODetectorsAndTypes(t *testing.T) {
	for id, want := range map[string]struct {
		station string
		lane    uint8
	}{"E07_0": {"E07", 1}, "E07_11": {"E07", 12}, "E07": {"E07", 1}, "E07_x": {"E07_x", 1}, "_3": {"_3", 1}, "a_b_2": {"a_b", 3}, "n_123": {"n_123", 1}, "n_": {"n_", 1}} {
		if station, lane := splitDetector(id); station != want.station || lane != want.lane {
			t.Errorf("%s: station %s, lane %d, want %v", id, station, lane, want)
		}
	}
	if got := identifier(":J 1#é"); got != "x-J-1---" {
		t.Errorf("identifier %q", got)
	}
	types := map[string]world.Class{
		"car": world.Car, "PASSENGER": world.Car, "DEFAULT_VEHTYPE": world.Car, "artic@v12": world.Truck, "bus": world.Bus,
		"hovercraft": world.Other, "tractor": world.Van, "tractor@5": world.Van,
	}
	var events []string
	for name := range types {
		events = append(events, strings.Replace(ev("A_0", "1", "enter", name), `type="car"`, `type="`+name+`"`, 1))
	}
	r, err := read(strings.NewReader(loops(events...)), "loops.xml", "", map[string]world.Class{"tractor": world.Van})
	if err != nil {
		t.Fatal(err)
	}
	for _, rec := range r.Records {
		for name, want := range types {
			if rec.Vehicle == hashed(name) && rec.Class != want {
				t.Errorf("%s is a %s, want %s", name, rec.Class, want)
			}
		}
	}
	if len(r.Report.Unknown) != 1 || r.Report.Unknown[0].What != "hovercraft" || r.Report.Unknown[0].Number != 1 {
		t.Errorf("unknown types %v", r.Report.Unknown)
	}
}

func TestSUMOFilesThatAreNone(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write([]byte(loops(ev("A_0", "1", "enter", "v"))))
	_ = z.Close()
	for want, text := range map[string]string{
		"recording f.xml: is empty":                            "",
		"line 1: begins with <detector>, must be <instantE1>":  "<detector/>",
		"recording f.xml: has no rows":                         "<instantE1/>",
		"has no <instantE1>":                                   "<!-- nothing -->",
		"line 3: is no XML: element <instantE1> closed by":     "<instantE1>\n" + ev("A_0", "1", "enter", "v") + "\n</instant>",
		"line 3: ends in the middle: finish the simulation":    "<instantE1>\n" + ev("A_0", "1", "enter", "v") + "\n<instantOut id=",
		"line 2: ends in the middle":                           "<instantE1>\n" + ev("A_0", "1", "enter", "v"),
		"line 2: time is \"x\", must be seconds as 25200.99 (": loops(ev("A_0", "x", "enter", "v")),
		"line 2: event stay of a vehicle that entered":         loops(ev("A_0", "3", "stay", "v")),
		"line 1: a tag has more than 1048576 bytes":            `<instantE1><instantOut id="` + strings.Repeat("a", 2<<20) + `"/>`,
		"the packed file ends in the middle":                   packed.String()[:packed.Len()-10],
		"passages reach over 399 days, from second 1 to ":      loops(ev("A_0", "1", "enter", "v"), ev("A_0", "34500000", "enter", "v")),
	} {
		_, err := read(strings.NewReader(text), "f.xml", "", nil)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("got %v, want one line with %q", err, want)
		}
	}
	if _, err := read(strings.NewReader("<a/>"), "f", "vissim", nil); err == nil || err.Error() != `recording f: format "vissim" is unknown: take sumo or fintraffic` {
		t.Error(err)
	}
	if _, err := Read("testdata/nowhere.xml", "", nil); err == nil || !strings.Contains(err.Error(), "recording: open testdata/nowhere.xml") {
		t.Error(err)
	}
}

func TestRecordingsAreBounded(t *testing.T) {
	three := loops(ev("A_0", "1", "enter", "a"), ev("A_0", "2", "enter", "b"), ev("A_0", "3", "enter", "c"))
	most := &tape{path: "f", most: 2, index: map[string]uint32{}, names: map[string]string{}, left: tally{}, classes: classifier{unknown: tally{}}}
	err := readSUMO(bufio.NewReader(strings.NewReader(three)), most)
	if err == nil || err.Error() != ": has more than the 2 passages allowed: cut it into shorter recordings" {
		t.Errorf("more passages than allowed: %v", err)
	}
	bytes := &limited{strings.NewReader(three), 10}
	if _, err := io.ReadAll(bytes); err == nil || !strings.Contains(err.Error(), "bytes allowed, unpacked: cut it") {
		t.Errorf("more bytes than allowed: %v", err)
	}
}

func TestVehiclesThatHaveGoneAreForgotten(t *testing.T) {
	s := &sumoReader{heard: map[sighting]int64{}, sweep: 1 << 16}
	for i := range 300_000 {
		s.hear(sighting{0, uint64(i)}, int64(i)*1_000_000)
	}
	if len(s.heard) > 1<<16 {
		t.Errorf("%d vehicles are remembered after the last 20 s had 20", len(s.heard))
	}
}

func FuzzSUMO(f *testing.F) {
	f.Add(loops(ev("A_0", "10.8", "enter", "v"), ev("A_0", "11", "leave", "v"), ev("A_1", "11", "enter", "v")))
	f.Add(loops(ev("A", "7:00:00", "enter", "v"), `<instantOut time="1e9"/>`))
	f.Add(loops(ev("0", "0", "enter", "0"))) // a name that looks like a number
	f.Add("<instantE1><!-- --><instantOut id='x_1' time='0' state='enter' vehID='&amp;' speed='1' length='1'/></instantE1>")
	f.Fuzz(func(t *testing.T, text string) { checkAnyText(t, text, "sumo") })
}

// checkAnyText demands of any text an error of one line, or a sound recording
// that reads the same again and that a network can be drafted of.
func checkAnyText(t *testing.T, text, format string) {
	r, err := read(strings.NewReader(text), "f", format, nil)
	if err != nil {
		if s := err.Error(); strings.ContainsAny(s, "\n\r") || len(s) > 600 {
			t.Fatalf("error of several lines, or of %d bytes: %q", len(s), s)
		}
		return
	}
	if r.Report.Passages != len(r.Records) || r.Report.Passages+countOf(r.Report.Left, "") != r.Report.Rows {
		t.Fatalf("report does not add up: %+v", r.Report)
	}
	last := world.Micros(0)
	for i, rec := range r.Records {
		if i == 0 && rec.After != 0 || rec.After < last || rec.Class < world.Car || rec.Class > world.Other || rec.Lane < 1 ||
			rec.LengthCM < minLengthCM || rec.LengthCM > maxLengthCM || rec.SpeedTenthKMH < 1 || rec.SpeedTenthKMH > maxSpeedTenth ||
			int(rec.Station) >= len(r.Stations) {
			t.Fatalf("record %d is %+v", i, rec)
		}
		last = rec.After
	}
	again, err := read(strings.NewReader(text), "f", format, nil)
	if err != nil || again.Hash() != r.Hash() {
		t.Fatalf("read again it is another recording (%v)", err)
	}
	draftAnything(t, r)
}

func BenchmarkReadSUMO(b *testing.B) {
	text := sampleText(b)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := read(strings.NewReader(text), "sample", "sumo", nil); err != nil {
			b.Fatal(err)
		}
	}
}
