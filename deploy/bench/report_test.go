package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestReportHoldsFiguresByNameAndWhereTheyAreFrom(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.json")
	now := time.Date(2026, 3, 10, 12, 0, 0, 5, time.UTC)
	s := &settings{History: "2d", Agents: 3}
	r := newReport(s, thisMachine(now), []figure{{"a_s", 1.5, "s", "why"}, {"b_ms", 2, "ms", ""}})
	if err := r.write(path); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Machine struct {
			Cores int
			Go    string
			Date  string
		}
		Settings     map[string]any
		Units, Notes map[string]string
		A            float64 `json:"a_s"`
		B            float64 `json:"b_ms"`
	}
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if got.Machine.Cores < 1 || !strings.HasPrefix(got.Machine.Go, "go") || got.Machine.Date != "2026-03-10T12:00:00Z" {
		t.Errorf("machine %+v", got.Machine)
	}
	if got.Settings["history"] != "2d" || got.Settings["agents"] != 3.0 {
		t.Errorf("settings %v", got.Settings)
	}
	if got.A != 1.5 || got.B != 2 || got.Units["a_s"] != "s" || got.Notes["a_s"] != "why" {
		t.Errorf("figures %+v", got)
	}
}

func TestTableKeepsTheOrder(t *testing.T) {
	var out strings.Builder
	if err := table(&out, []figure{{"rate", 123456.7, "1/s", "n"}, {"cpu", 1.234, "µs", ""}, {"age", 12.34, "ms", ""}}); err != nil {
		t.Fatal(err)
	}
	const want = "rate  123457  1/s  n\ncpu   1.23    µs   \nage   12.3    ms   \n"
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

func TestHistoryIsReadAsTheLauncherDoes(t *testing.T) {
	for text, want := range map[string]int{"0d": 0, "28d": 28} {
		if got, err := (&settings{History: text}).historyDays(); err != nil || got != want {
			t.Errorf("%s gave %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "2", "-1d", "2h"} {
		if got, err := (&settings{History: text}).historyDays(); err == nil {
			t.Errorf("%q was read as %d", text, got)
		}
	}
}
