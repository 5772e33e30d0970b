package truth

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"buf.build/go/protoyaml"
	"github.com/alecthomas/kong"
	"google.golang.org/protobuf/proto"

	"github.com/gantry-dev/gantry/gantry-agent/world"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// gantry runs a command line as main does.
func gantry(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var cli struct {
		World Cmd `cmd:""`
	}
	var out bytes.Buffer
	k, err := kong.New(&cli, kong.Writers(&out, &out), kong.DefaultEnvars("GANTRY"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, err := k.Parse(append([]string{"world"}, args...))
	if err != nil {
		return "", err
	}
	ctx.BindTo(t.Context(), (*context.Context)(nil))
	err = ctx.Run()
	return out.String(), err
}

func mustGantry(t *testing.T, args ...string) string {
	t.Helper()
	out, err := gantry(t, args...)
	if err != nil {
		t.Fatalf("gantry-agent world %s: %v", strings.Join(args, " "), err)
	}
	return out
}

var span = []string{"--from=2026-03-04T06:55:00Z", "--to=2026-03-04T07:00:00Z"}

func TestNetworkIsReadBackAndItsWorldHasItsFingerprint(t *testing.T) {
	out := mustGantry(t, "network", "--seed=7", "--zone=+09:30", "--valid-from=2026-02-03T04:05:06.5Z")
	var n gantryv1.Network
	if err := protoyaml.Unmarshal([]byte(out), &n); err != nil {
		t.Fatalf("protoyaml cannot read it back: %v", err)
	}
	if n.GetZone() != "+09:30" || n.GetValidFromUs() != time.Date(2026, 2, 3, 4, 5, 6, 5e8, time.UTC).UnixMicro() {
		t.Errorf("zone %q, valid_from %d", n.GetZone(), n.GetValidFromUs())
	}
	if len(n.GetStations()) != 24 || len(n.GetDevices()) != 48 || len(n.GetTariffs()) != 6*6*5 {
		t.Errorf("%d stations, %d devices, %d tariffs", len(n.GetStations()), len(n.GetDevices()), len(n.GetTariffs()))
	}
	if len(n.GetNodes()) != 14 || len(n.GetLinks()) != 20 {
		t.Errorf("%d nodes, %d links", len(n.GetNodes()), len(n.GetLinks()))
	}
	// What an agent does with Welcome.world.
	w, err := world.New(world.Spec{
		NetworkYAML: []byte(n.GetWorld().GetNetworkYaml()), ScenarioYAML: []byte(n.GetWorld().GetScenarioYaml()),
		Seed: n.GetWorld().GetSeed(),
	})
	if err != nil {
		t.Fatal(err)
	}
	if w.Fingerprint() != n.GetWorld().GetFingerprint() {
		t.Errorf("fingerprint of the world inside is %s, said to be %s", w.Fingerprint(), n.GetWorld().GetFingerprint())
	}
	if w.Network().Zone != "+09:30" || w.Network().ValidFrom != n.GetValidFromUs() {
		t.Errorf("world inside has zone %q and valid_from %d", w.Network().Zone, w.Network().ValidFrom)
	}
}

// TestRoadIsInTheContract: nodes, links and where stations stand, for both shipped
// networks, and a lane that is added, at its link and at its stations.
func TestRoadIsInTheContract(t *testing.T) {
	for _, name := range []string{"corridor", "metro"} {
		network, _ := world.Shipped("network", name)
		scenario, _ := world.Shipped("scenario", world.ScenarioFor(name))
		link, station := "m1-north-1", "north-01"
		if name == "metro" {
			link, station = "a1-in-2", ""
		}
		w, err := world.New(world.Spec{
			NetworkYAML: network, ScenarioYAML: scenario, Seed: 1,
			InterventionsYAML: []byte("interventions: [{from: 2026-03-06, add_lane: {link: " + link + "}}]"),
		})
		if err != nil {
			t.Fatal(err)
		}
		checkWidened(t, convert(w), link, station)
	}
}

// checkWidened: the link has two versions that differ in lanes and time alone, and
// so has the station, unless its name is empty.
func checkWidened(t *testing.T, n *gantryv1.Network, link, station string) {
	t.Helper()
	var links []*gantryv1.Link
	for _, l := range n.Links {
		if l.LinkId == link {
			links = append(links, l)
		}
	}
	if len(links) != 2 || links[0].ValidFromUs != 0 || links[1].ValidFromUs <= n.ValidFromUs || links[1].Lanes != links[0].Lanes+1 {
		t.Fatalf("versions of link %s: %v", link, links)
	}
	was := links[1].ValidFromUs
	links[1].Lanes, links[1].ValidFromUs = links[0].Lanes, links[0].ValidFromUs
	if !proto.Equal(links[0], links[1]) {
		t.Errorf("link %s becomes another: %v", link, links)
	}
	count := 0
	for _, s := range n.Stations {
		if s.StationId == station && s.ValidFromUs == was && s.LinkId == link && s.Lanes == links[0].Lanes+1 {
			count++
		}
	}
	if station != "" && count != 1 {
		t.Errorf("%d versions of station %s with the new lane, want 1", count, station)
	}
}

func TestFingerprintTellsZoneAndSeedApartButNotValidFrom(t *testing.T) {
	fingerprint := func(args ...string) string {
		var n gantryv1.Network
		if err := protoyaml.Unmarshal([]byte(mustGantry(t, append([]string{"network"}, args...)...)), &n); err != nil {
			t.Fatal(err)
		}
		return n.GetWorld().GetFingerprint()
	}
	base := fingerprint()
	if fingerprint("--valid-from=2025-01-01T00:00:00Z") != base {
		t.Error("another valid_from gives another fingerprint")
	}
	if fingerprint("--zone=+01:00") == base || fingerprint("--seed=2") == base {
		t.Error("another zone or seed gives the same fingerprint")
	}
}

func TestPassagesAreCSVInTheOrderPromised(t *testing.T) {
	out := mustGantry(t, append([]string{"passages"}, span...)...)
	rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := "passage_at,station_id,direction,offset_m,lane,vehicle_id,class,length_m,speed_kmh,persons"
	if got := strings.Join(rows[0], ","); got != want {
		t.Fatalf("columns %s, want %s", got, want)
	}
	if len(rows) < 3000 {
		t.Errorf("%d passages in five minutes of a peak", len(rows)-1)
	}
	last := ""
	for _, r := range rows[1:] {
		at, err := time.Parse(time.RFC3339Nano, r[0])
		if err != nil || len(r[0]) != len("2026-03-04T06:55:00.000000Z") || at.Location() != time.UTC {
			t.Fatalf("passage_at %q: %v", r[0], err)
		}
		if r[0] < last {
			t.Fatalf("%s after %s", r[0], last)
		}
		last = r[0]
		if !strings.HasPrefix(r[1], r[2]+"-") {
			t.Fatalf("station %s in direction %s", r[1], r[2])
		}
	}
}

func TestDevicesLimitWhatIsPrinted(t *testing.T) {
	out := mustGantry(t, append([]string{"passages", "--devices=north-02-toll,north-02-counter,south-05-speed"}, span...)...)
	if strings.Count(out, "north-02")+strings.Count(out, "south-05") != strings.Count(out, "\n")-1 {
		t.Error("other stations are there")
	}
	if _, err := gantry(t, append([]string{"readings", "--devices=nowhere"}, span...)...); err == nil || !strings.Contains(err.Error(), `no device "nowhere"`) {
		t.Errorf("error %v", err)
	}
}

func TestReadingsAreOnePerPassageAndDevice(t *testing.T) {
	out := mustGantry(t, append([]string{"readings", "--devices=north-02-toll,north-02-counter"}, span...)...)
	seq := map[string]uint64{}
	for text := range strings.Lines(out) {
		var l line
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			t.Fatal(err)
		}
		if before := seq[l.DeviceID]; before != 0 && l.Seq != before+1 {
			t.Fatalf("%s: position %d after %d", l.DeviceID, l.Seq, before)
		}
		seq[l.DeviceID] = l.Seq
		if l.EmittedAt < "2026-03-04T06:55" || l.EmittedAt >= "2026-03-04T07:00" || l.EmittedAt <= l.ObservedAt {
			t.Fatalf("emitted at %s, observed at %s", l.EmittedAt, l.ObservedAt)
		}
	}
	if len(seq) != 2 || seq["north-02-toll"] != seq["north-02-counter"] {
		t.Errorf("positions %v", seq)
	}
}

// TestReadingsShowFaultsAsEmitted: two lines for a duplicate, late readings
// when they come, and another epoch after a reboot.
func TestReadingsShowFaultsAsEmitted(t *testing.T) {
	text, _ := world.Shipped("scenario", "weekday")
	file := filepath.Join(t.TempDir(), "failing.yaml")
	text = append(text, `
faults:
  - {device: north-02-counter, kind: duplicate, per_mille: 100}
  - {device: north-02-counter, kind: late, per_mille: 100, seconds: 600}
  - {device: north-02-counter, kind: reboot, from: "2026-03-04T06:57", seconds: 30, end: false}
`...)
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	out := mustGantry(t, append([]string{"readings", "--scenario=" + file, "--devices=north-02-counter"}, span...)...)
	twice, late := 0, 0
	var epochs []uint32
	var before line
	for text := range strings.Lines(out) {
		var l line
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			t.Fatal(err)
		}
		if l.Epoch != before.Epoch {
			epochs = append(epochs, l.Epoch)
			before.Seq = max(l.Seq, 1) - 1
		}
		switch l.Seq {
		case before.Seq:
			twice++
		case before.Seq + 1:
		default:
			t.Fatalf("position %d after %d", l.Seq, before.Seq)
		}
		if l.EmittedAt < before.EmittedAt {
			t.Fatalf("emitted at %s after %s", l.EmittedAt, before.EmittedAt)
		}
		if l.ObservedAt < before.ObservedAt {
			late++
		}
		before = l
	}
	day := uint32(time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC).Unix()/86400) << 17
	if want := []uint32{day, day + 6*3600 + 57*60 + 30}; !slices.Equal(epochs, want) || twice < 5 || late < 5 {
		t.Errorf("epochs %v, want %v; %d duplicates, %d late readings", epochs, want, twice, late)
	}
}

func TestFilesMayTakeThePlaceOfShippedOnes(t *testing.T) {
	text, _ := world.Shipped("network", "corridor")
	file := filepath.Join(t.TempDir(), "mine.yaml")
	if err := os.WriteFile(file, bytes.Replace(text, []byte("name: corridor"), []byte("name: mine"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := mustGantry(t, "network", "--network="+file); !strings.Contains(out, "name: mine") {
		t.Error("the file was not used")
	}
	if err := os.WriteFile(file, bytes.Replace(text, []byte("lanes: 3"), []byte("lanes: 33"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := gantry(t, "network", "--network="+file); err == nil || !strings.Contains(err.Error(), "network file, line 36, links[2].lanes: is 33") {
		t.Errorf("error %v", err)
	}
	if _, err := gantry(t, "network", "--network=nowhere"); err == nil || !strings.Contains(err.Error(), "neither a network that comes with the program nor a file") {
		t.Errorf("error %v", err)
	}
}

func TestSpanMustBeATime(t *testing.T) {
	if _, err := gantry(t, "passages", "--from=2026-03-04T00:00:00Z", "--to=2026-03-04T00:00:00Z"); err == nil || !strings.Contains(err.Error(), "must be before") {
		t.Errorf("error %v", err)
	}
}

func TestMergeIsByTimeThenBySource(t *testing.T) {
	list := func(at ...world.Micros) func() (int, world.Micros, bool) {
		return func() (int, world.Micros, bool) {
			if len(at) == 0 {
				return 0, 0, false
			}
			first := at[0]
			at = at[1:]
			return int(first), first, true
		}
	}
	var got []int
	err := merge([]func() (int, world.Micros, bool){list(3, 5), list(), list(1, 3, 4)}, func(source, item int) error {
		got = append(got, item*10+source)
		return nil
	})
	if want := []int{12, 30, 32, 42, 50}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
}

func TestWhatPrintsForLongCanBeStopped(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	var out bytes.Buffer
	s := stoppable{ctx, &out}
	if _, err := s.Write([]byte("a")); err != nil || out.String() != "a" {
		t.Errorf("wrote %q: %v", out.String(), err)
	}
	stop()
	if _, err := s.Write([]byte("b")); err == nil || out.String() != "a" {
		t.Errorf("it goes on: %q", out.String())
	}
}
