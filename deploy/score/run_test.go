package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gantry-dev/gantry/collector/clickhouse/clickhouselocal"
	"github.com/gantry-dev/gantry/deploy/local/localtest"
)

func TestMain(m *testing.M) {
	clickhouselocal.Main()
	os.Exit(m.Run())
}

// TestScore goes all the way, with two roads and one week: one has a lane too
// few behind its second ramp, on the other everything is well.
func TestScore(t *testing.T) {
	if testing.Short() {
		t.Skip("loads and builds a warehouse, a minute")
	}
	out := filepath.Join(t.TempDir(), "score.json")
	c := runCommand{
		Seeds: 1, FirstSeed: 303, Situation: []string{"lane-drop", "quiet"}, Workdays: 5,
		DBT: localtest.DBT(t), Project: "../../dbt", Out: out,
	}
	if err := c.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	var r report
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	upgrade := r.Questions[askUpgrade]
	if upgrade.TP != 1 || upgrade.FN != 0 || upgrade.FP != 0 || upgrade.TN == 0 {
		t.Errorf("road upgrades: %d right yes, %d missed, %d wrong yes, %d right no; want 1, 0, 0 and some\n%s",
			upgrade.TP, upgrade.FN, upgrade.FP, upgrade.TN, text)
	}
	for _, question := range []string{askPublicTransport, askFlexiTime, askSpeedCameras} {
		q, ok := r.Questions[question]
		if !ok || q.TP+q.TN+q.Unscored == 0 || q.FP > 0 {
			t.Errorf("%s: %+v", question, q)
		}
	}
}

// TestFolderOfSituations: a folder of files may be given in three ways, and a
// mistake is told with its place.
func TestFolderOfSituations(t *testing.T) {
	dir := t.TempDir()
	for from, to := range map[string]string{
		"quiet/network.yaml": "a/network.yaml", "quiet/scenario.yaml": "a/scenario.yaml",
		"peak/network.yaml": "network-b.yaml", "peak/scenario.yaml": "scenario-b.yaml",
		"solo/scenario.yaml": "scenario-c.yaml",
	} {
		text, err := os.ReadFile(filepath.Join("planted", from))
		if err != nil {
			t.Fatal(err)
		}
		to = filepath.Join(dir, to)
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := runCommand{Scenarios: dir}
	list, err := c.situations()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range list {
		names = append(names, s.Name)
	}
	if got := strings.Join(names, " "); got != "a b c" {
		t.Errorf("situations %q, want a b c", got)
	}
	if err := os.WriteFile(filepath.Join(dir, "scenario-b.yaml"), []byte("name: b\ndemnd: []\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := c.situations(); err == nil || !strings.Contains(err.Error(), "scenario-b.yaml") || !strings.Contains(err.Error(), "demnd") {
		t.Errorf("a scenario with an unknown field: %v, want its file and the field named", err)
	}
	if _, err := (&runCommand{Scenarios: t.TempDir()}).situations(); err == nil || !strings.Contains(err.Error(), "holds no situation") {
		t.Errorf("an empty folder: %v", err)
	}
}
