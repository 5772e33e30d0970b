package planted_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gantry-dev/gantry/deploy/score/planted"
	"github.com/gantry-dev/gantry/deploy/score/truth"
)

// workdays are the first n of the situations' lives.
func workdays(n int) []time.Time {
	var list []time.Time
	for d := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC); len(list) < n; d = d.AddDate(0, 0, 1) {
		if d.Weekday() != time.Saturday && d.Weekday() != time.Sunday {
			list = append(list, d)
		}
	}
	return list
}

// TestSituationsVaryAndShareAZone: each seed has its own roads and detectors,
// and all fit into one warehouse.
func TestSituationsVaryAndShareAZone(t *testing.T) {
	const variation = "variation_percent: {capacity: 20, jam_density: 20, capacity_drop: 20, detector_error: 20}"
	all := planted.All()
	if len(all) < 10 {
		t.Fatalf("only %d situations are planted", len(all))
	}
	for _, s := range all {
		w, err := s.World(1, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(s.Scenario), variation) {
			t.Errorf("%s: the scenario does not vary everything by 20 %%", s.Name)
		}
		if n := w.Network(); n.Zone != "+00:00" || n.Name != s.Name {
			t.Errorf("%s: network %q in zone %q, want the folder's name in +00:00", s.Name, n.Name, n.Zone)
		}
	}
}

// TestNoQueueStandsAtThree: whatever a seed makes of the roads, they are empty
// when a world day begins. Seeds 816 and 633 have nearly the least and the most
// capacity there can be; all others take minutes.
func TestNoQueueStandsAtThree(t *testing.T) {
	seeds, days := []uint64{816, 633}, workdays(5)
	if os.Getenv("GANTRY_LONG") != "" {
		days = workdays(20)
		for seed := range uint64(40) {
			seeds = append(seeds, seed+1)
		}
	}
	for _, s := range planted.All() {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			for _, seed := range seeds {
				if _, err := truth.Open(t.Context(), s, seed, days); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func TestNamed(t *testing.T) {
	list, err := planted.Named([]string{"quiet", "flat"})
	if err != nil || len(list) != 2 || list[0].Name != "quiet" || list[1].Prefix() != "flat/" {
		t.Errorf("quiet and flat: %v, %v", list, err)
	}
	if _, err := planted.Named([]string{"queit"}); err == nil || !strings.Contains(err.Error(), `"queit"`) {
		t.Errorf("a name that is none: %v", err)
	}
}
