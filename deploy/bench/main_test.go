package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"github.com/gantry-dev/gantry/collector/clickhouse/clickhouselocal"
)

// TestMain lets the test program be the children that ingest alone is
// measured with.
func TestMain(m *testing.M) {
	clickhouselocal.Main()
	if slices.ContainsFunc(os.Args[1:], func(a string) bool { return strings.HasPrefix(a, "--role=") }) {
		main()
		return
	}
	os.Exit(m.Run())
}

// defaults are the settings of a run without flags.
func defaults(t *testing.T, flags ...string) *settings {
	t.Helper()
	var s settings
	parser, err := kong.New(&s)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse(flags); err != nil {
		t.Fatal(err)
	}
	return &s
}

// positive demands figures that were measured.
func positive(t *testing.T, figures []figure, names ...string) {
	t.Helper()
	for _, name := range names {
		i := slices.IndexFunc(figures, func(f figure) bool { return f.Name == name })
		if i < 0 || figures[i].Value <= 0 || figures[i].Unit == "" {
			t.Errorf("%s is not among %v", name, figures)
		}
	}
}

func TestIngestAloneIsMeasured(t *testing.T) {
	s := defaults(t, "--readings=2000", "--streams=2", "--devices=4", "--batch=100")
	figures, err := s.measureIngest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	positive(t, figures, "ingest_readings_per_s", "ingest_cpu_us_per_reading", "ingest_ack_p99_ms", "ingest_peak_rss_mib")
}

func TestStackIsMeasured(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs the whole stack: make test runs it")
	}
	t.Setenv("TMPDIR", t.TempDir())
	s := defaults(t, "--history=1d", "--live=3s", "--no-models")
	figures, err := s.measureStack(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	positive(t, figures, "first_live_row_s", "end_to_end_readings_per_s", "collector_cpu_us_per_reading",
		"live_readings_per_s", "live_ack_p50_ms", "live_ack_p99_ms", "live_visible_age_p50_ms", "live_visible_age_p99_ms",
		"live_minute_age_p50_ms", "live_minute_age_p99_ms")
	if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "gantry-bench-*")); len(left) > 0 {
		t.Errorf("left behind %v", left)
	}
}

func TestFailureIsOneSentence(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the programs: make test runs it")
	}
	t.Setenv("TMPDIR", t.TempDir())
	s := defaults(t, "--network=absent", "--live=1s")
	began := time.Now()
	_, err := s.measureStack(t.Context())
	if err == nil || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "absent") {
		t.Errorf("after %v: %v", time.Since(began), err)
	}
}
