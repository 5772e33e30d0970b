package main

import (
	"math"
	"slices"
	"strings"
	"testing"
)

const scraped = `# HELP process_cpu_seconds_total Total user and system CPU time spent in seconds.
# TYPE process_cpu_seconds_total counter
process_cpu_seconds_total 5.76
go_memstats_alloc_bytes 1.2e+07

gantry_ingest_ack_seconds_bucket{lane="live",le="+Inf"} 12
gantry_ingest_ack_seconds_bucket{lane="live",le="0.01"} 9
gantry_ingest_ack_seconds_bucket{lane="live",le="0.001"} 3
gantry_ingest_ack_seconds_bucket{lane="backfill",le="0.001"} 100
gantry_ingest_ack_seconds_sum{lane="live"} 0.5
gantry_ingest_ack_seconds_count{lane="live"} 12
`

func TestMetricsAreRead(t *testing.T) {
	m, err := parseMetrics(strings.NewReader(scraped))
	if err != nil {
		t.Fatal(err)
	}
	if len(m) != 8 || m.value("process_cpu_seconds_total") != 5.76 || m.value("go_memstats_alloc_bytes") != 1.2e7 {
		t.Errorf("read %v", m)
	}
	got := acksOf(m, "live")
	if want := (histogram{{.001, 3}, {.01, 9}, {math.Inf(1), 12}}); !slices.Equal(got, want) {
		t.Errorf("histogram %v, want %v", got, want)
	}
	if absent := acksOf(m, "none"); absent != nil {
		t.Errorf("an absent lane has %v", absent)
	}
}

func TestDamagedMetricsAreRefused(t *testing.T) {
	for _, text := range []string{"name", "name value"} {
		if m, err := parseMetrics(strings.NewReader(text)); err == nil {
			t.Errorf("%q was read as %v", text, m)
		}
	}
}
