package screen

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

var update = flag.Bool("update", false, "write the golden files anew")

var at = time.Date(2026, 3, 10, 7, 42, 5, 0, time.UTC)

// models are the screens of the golden files.
func models() map[string]Model {
	look := []string{
		"grpcurl -plaintext 127.0.0.1:50051 gantry.v1.FleetService/ListDevices",
		"make sql Q='select count() from raw.readings'",
		"http://127.0.0.1:8080/metrics",
	}
	base := Model{Network: "corridor", Seed: 1, Local: at, Zone: "+09:30", Look: look}
	starting := base
	starting.Up, starting.Step = 3*time.Second, "starting ClickHouse …"
	starting.ReadingsPerS, starting.Rows, starting.DataAge = Unknown, Unknown, Unknown
	starting.LagLive, starting.LagBackfill = Unknown, Unknown
	starting.DaysDone, starting.DaysTotal = Unknown, Unknown
	starting.DBT.Never = true
	starting.Processes = []Process{{Name: "broker", Phase: "running", RSSBytes: 50 << 20}}

	running := base
	running.Up = 3*time.Minute + 12*time.Second
	running.ReadingsPerS, running.Rows = 4812.4, 1234567
	running.LagLive, running.LagBackfill, running.DataAge = 120, 34000, 2100*time.Millisecond
	running.DaysDone, running.DaysTotal = 148, 360
	running.DBT = DBT{OK: true, Passed: 12, Total: 12, Took: 9100 * time.Millisecond, Ago: time.Minute}
	running.Processes = []Process{
		{Name: "broker", Phase: "running", RSSBytes: 52 << 20},
		{Name: "clickhouse", Phase: "running", RSSBytes: 312 << 20},
		{Name: "collector", Phase: "running", RSSBytes: 61 << 20},
		{Name: "agent-1", Phase: "running", RSSBytes: 14 << 20},
		{Name: "agent-2", Phase: "running", RSSBytes: 14 << 20},
	}
	running.Events = []Event{{At: at.Add(-time.Minute), Sentence: "first live row in raw 14.2s after the start"}}

	trouble := running
	trouble.Up = 2*time.Hour + 5*time.Minute
	trouble.DaysDone = 360
	trouble.DBT = DBT{Running: true, Message: "unit test speed_is_harmonic failed", Ago: 200 * time.Second}
	trouble.Processes = []Process{
		{Name: "broker", Phase: "running", RSSBytes: 52 << 20},
		{Name: "clickhouse", Phase: "restarting", Restarts: 2, LastExit: "signal killed"},
		{Name: "collector", Phase: "running", RSSBytes: 61 << 20, Restarts: 1, LastExit: "exit code 1"},
	}
	return map[string]Model{"starting": starting, "running": running, "trouble": trouble}
}

func TestScreensMatchTheirGoldenFiles(t *testing.T) {
	for name, m := range models() {
		t.Run(name, func(t *testing.T) {
			got := strings.Join(Lines(m, 100), "\n") + "\n\n" + Plain(m) + "\n"
			path := filepath.Join("testdata", name+".txt")
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got\n%s\nwant\n%s(go test ./deploy/local/screen -update writes it anew)", got, want)
			}
		})
	}
}

func TestNoLineIsWiderThanTheTerminal(t *testing.T) {
	for name, m := range models() {
		for width := range 120 {
			for _, line := range Lines(m, width) {
				if n := utf8.RuneCountInString(line); n > max(1, width) {
					t.Fatalf("%s at width %d: %q has %d characters", name, width, line, n)
				}
			}
		}
	}
}

func TestPainterWritesInPlace(t *testing.T) {
	var out bytes.Buffer
	height := 50
	p := &Painter{out: &out, size: func() (int, int) { return 80, height }}
	m := models()["running"]
	if err := p.Paint(m); err != nil {
		t.Fatal(err)
	}
	painted := p.lines
	if n := strings.Count(out.String(), "\n"); n != painted {
		t.Errorf("%d lines written, %d noted", n, painted)
	}
	out.Reset()
	height = 10
	if err := p.Paint(m); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(out.String(), fmt.Sprintf("\x1b[%dA", painted)) {
		t.Errorf("the second screen does not go back %d lines: %q", painted, out.String()[:10])
	}
	if p.lines != 9 {
		t.Errorf("%d lines on a terminal of 10", p.lines)
	}
}
