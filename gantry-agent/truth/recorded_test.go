package truth

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"buf.build/go/protoyaml"

	"github.com/gantry-dev/gantry/gantry-agent/world"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

const (
	loops     = "--recorded=../recorded/testdata/sumo-instant-loops.xml.gz"
	detectors = "--detectors=../recorded/testdata/sumo-instant-loops.det.add.xml"
	rawData   = "--recorded=../recorded/testdata/fintraffic-tms.csv"
)

// draft imports a recording and returns --network with the file's name. What
// is told of the rows stands before the network.
func draft(t *testing.T, args ...string) (flag, notes string) {
	t.Helper()
	notes, network, ok := strings.Cut(mustGantry(t, append([]string{"import"}, args...)...), "# Drafted")
	if !ok {
		t.Fatal("no draft")
	}
	path := filepath.Join(t.TempDir(), "network.yaml")
	if err := os.WriteFile(path, []byte("# Drafted"+network), 0o600); err != nil {
		t.Fatal(err)
	}
	return "--network=" + path, notes
}

func TestImportedRecordingPasses(t *testing.T) {
	network, notes := draft(t, loops, detectors, "--recorded-start=2026-03-02")
	for _, want := range []string{"11179 rows, 4946 passages", "8 left out: double detection", "4 stations, from 2026-03-02T07:00:00Z to 2026-03-02T07:19:59Z"} {
		if !strings.Contains(notes, want) {
			t.Errorf("notes have no %q:\n%s", want, notes)
		}
	}
	out := mustGantry(t, "passages", network, loops, "--from=2026-03-02T00:00:00Z", "--to=2026-03-03T00:00:00Z")
	_, table, _ := strings.Cut(out, passageColumns)
	rows, err := csv.NewReader(strings.NewReader(table)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 4946 {
		t.Errorf("%d passages", len(rows))
	}
	first := strings.Join(rows[0][:5], ",") + "," + strings.Join(rows[0][6:9], ",")
	if want := "2026-03-02T07:00:00.180000Z,E09,forward,6650,1,truck,16.50,84.1"; first != want {
		t.Errorf("first passage %s, want %s", first, want)
	}
	readings := mustGantry(t, "readings", network, loops, "--from=2026-03-02T00:00:00Z", "--to=2026-03-03T00:00:00Z", "--devices=E07-counter")
	if n := strings.Count(readings, `"device_id":"E07-counter"`); n != 1287-3 {
		t.Errorf("%d readings of E07, want 1284", n)
	}
}

func TestNetworkOfARecording(t *testing.T) {
	file, _ := draft(t, rawData, "--class=9=motorcycle", "--devices=counter,speed")
	read := func(args ...string) *gantryv1.Network {
		t.Helper()
		out := mustGantry(t, append([]string{"network", file, rawData}, args...)...)
		_, text, _ := strings.Cut(out, "name:")
		var n gantryv1.Network
		if err := protoyaml.Unmarshal([]byte("name:"+text), &n); err != nil {
			t.Fatal(err)
		}
		return &n
	}
	n := read("--seed=7")
	if n.GetZone() != "Europe/Helsinki" || len(n.GetDevices()) != 4 || n.GetValidFromUs() != time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC).UnixMicro() {
		t.Errorf("%v", n)
	}
	if n.GetWorld().GetScenarioYaml() != "" || strings.Contains(n.GetWorld().GetNetworkYaml(), "#") {
		t.Error("a recorded world carries a scenario, or comments")
	}
	replay, err := world.ReplayOf([]byte(n.GetWorld().GetNetworkYaml()))
	if err != nil || replay == nil || replay.Classes["9"] != world.Motorcycle || replay.Format != "fintraffic" {
		t.Errorf("replays %+v, %v", replay, err)
	}
	later := read("--seed=7", "--recorded-start=2026-11-23")
	if later.GetWorld().GetFingerprint() == n.GetWorld().GetFingerprint() {
		t.Error("another start gives the same fingerprint")
	}
	if later.GetValidFromUs() != time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC).UnixMicro() {
		t.Errorf("valid from %d", later.GetValidFromUs())
	}
	if replay, _ := world.ReplayOf([]byte(later.GetWorld().GetNetworkYaml())); replay.Start != time.Date(2026, 11, 23, 5, 0, 0, 370_000_000, time.UTC).UnixMicro() {
		t.Errorf("starts at %d, want seven in the morning in Helsinki", replay.Start)
	}
	now := read("--recorded-start=now")
	if ago := time.Since(time.UnixMicro(now.GetValidFromUs())); ago < 0 || ago > 25*time.Hour {
		t.Errorf("now is valid from %v ago", ago)
	}
}

func TestRecordedRefusals(t *testing.T) {
	file, _ := draft(t, rawData)
	text, err := os.ReadFile("../recorded/testdata/fintraffic-tms.csv")
	if err != nil {
		t.Fatal(err)
	}
	cut := filepath.Join(t.TempDir(), "cut.csv")
	if err := os.WriteFile(cut, text[:len(text)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	for want, args := range map[string][]string{
		"the recording has no date":                        {"import", loops},
		"is neither now nor a time":                        {"import", rawData, "--recorded-start=noon"},
		"--class 9: \"ufo\" is no class":                   {"import", rawData, "--class=9=ufo"},
		"neither a known IANA name nor an offset":          {"import", rawData, "--zone=Moon"},
		"the draft is no good: network file":               {"import", rawData, "--name=a b"},
		"line 3: has 1 fields, must have 16":               {"import", "--recorded=../recorded/testdata/sumo-instant-loops.xml.gz", "--recorded-format=fintraffic", "--recorded-start=now"},
		"this network replays a recording: give":           {"passages", file, "--from=2026-03-02T00:00:00Z", "--to=2026-03-03T00:00:00Z"},
		"its traffic is simulated: leave --recorded out":   {"network", rawData},
		"--recorded-start moves a recording: give a":       {"network", "--recorded-start=now"},
		"and the file given is recording ":                 {"network", file, "--recorded=" + cut},
		"zone: is \"x\", which is neither":                 {"network", file, rawData, "--zone=x"},
		"--recorded-start moves a recording: give a netwo": {"network", file, "--recorded-start=now"},
	} {
		if _, err := gantry(t, args...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: got %v, want %q", args, err, want)
		}
	}
}
