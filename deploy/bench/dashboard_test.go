package main

import (
	"testing"
	"time"

	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// TestEveryMethodIsAsked: a method that is added to the service gets a budget.
func TestEveryMethodIsAsked(t *testing.T) {
	asked, names := map[string]bool{}, map[string]bool{}
	for _, q := range questions(&facts{}) {
		asked[q.method()] = true
		if names[q.name()] {
			t.Errorf("two questions are called %s", q.name())
		}
		names[q.name()] = true
	}
	methods := gantryv1.File_gantry_v1_query_proto.Services().ByName("QueryService").Methods()
	for i := range methods.Len() {
		m := methods.Get(i)
		if !m.IsStreamingServer() && !asked[string(m.Name())] {
			t.Errorf("%s is not asked: add it to questions", m.Name())
		}
	}
	if !names["get_corridor_all_days"] {
		t.Errorf("names are %v", names)
	}
}

func TestPagesAreTheSlowestOfTheirLoads(t *testing.T) {
	figures := pageFigures([]pageLoads{
		{Page: "now", FirstContentMs: []float64{30, 10, 20}, InteractiveMs: []float64{100, 300, 200}},
		{Page: "speed-cameras", FirstContentMs: []float64{5, 40, 6}, InteractiveMs: []float64{90, 80, 70}},
	}, "three days")
	want := map[string]float64{
		"page_now_first_content_ms": 20, "page_now_interactive_ms": 200,
		"page_speed_cameras_first_content_ms": 6, "page_speed_cameras_interactive_ms": 80,
		"page_slowest_first_content_ms": 40, "page_slowest_interactive_ms": 300,
	}
	for _, f := range figures {
		if f.Value != want[f.Name] {
			t.Errorf("%s is %v, want %v", f.Name, f.Value, want[f.Name])
		}
		delete(want, f.Name)
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
}

func TestDaysAreTheNetworksOwn(t *testing.T) {
	for zone, want := range map[string]string{"+04:15": "2026-01-04T19:45:00Z", "Europe/Berlin": "2026-01-04T23:00:00Z", "": "2026-01-05T00:00:00Z"} {
		first, last, err := wholeDays(&gantryv1.GetNetworkResponse{Zone: zone, FirstDate: "2026-01-05", LastDate: "2026-01-07"})
		if got := first.UTC().Format(time.RFC3339); err != nil || got != want || last.Sub(first) != 48*time.Hour {
			t.Errorf("zone %q: %s to %v, %v", zone, got, last, err)
		}
	}
	if _, _, err := wholeDays(&gantryv1.GetNetworkResponse{Zone: "Atlantis", FirstDate: "2026-01-05", LastDate: "2026-01-05"}); err == nil {
		t.Error("a zone that is none is taken")
	}
}
