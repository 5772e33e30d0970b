package truth

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gantry-dev/gantry/gantry-agent/world"
)

// days is a world of known totals by day.
type days map[int]world.Totals

func (d days) Totals(day int) world.Totals { return d[day] }

func TestSavedIsWithoutLessWithPerWeekday(t *testing.T) {
	const hour = 3_600_000_000
	without := days{
		10: {Trips: 100, VehicleMicros: 50 * hour, PersonMicros: 80 * hour, VehicleDelayMicros: 20 * hour, Passages: 1000, OverLimit: 300},
		11: {Trips: 120, VehicleMicros: 70 * hour, PersonMicros: 90 * hour, VehicleDelayMicros: 30 * hour, Passages: 1000, OverLimit: 200},
	}
	with := days{
		10: {Trips: 100, VehicleMicros: 40 * hour, PersonMicros: 70 * hour, VehicleDelayMicros: 10 * hour, Passages: 1000, OverLimit: 100},
		11: {Trips: 100, VehicleMicros: 50 * hour, PersonMicros: 100 * hour, VehicleDelayMicros: 10 * hour, Passages: 500, OverLimit: 50},
	}
	r, err := compare(t.Context(), without, with, []int{10, 11})
	if err != nil {
		t.Fatal(err)
	}
	want := sums{Trips: 10, VehicleHours: 15, PersonHours: 0, VehicleDelay: 15, Passages: 250, OverLimit: 0.15}
	if r.Saved != want {
		t.Errorf("saved %+v, want %+v", r.Saved, want)
	}
	if r.Weekdays != 2 || r.Days[1].Date != "1970-01-12" || r.Days[1].With.OverLimit != 0.1 {
		t.Errorf("days %+v", r.Days)
	}
}

func TestComparingCanBeStopped(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := compare(ctx, days{}, days{}, []int{1}); err == nil {
		t.Error("it went on")
	}
}

// interventions writes a file of them.
func interventions(t *testing.T, lines ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "what.yaml")
	if err := os.WriteFile(file, []byte("interventions:\n  - "+strings.Join(lines, "\n  - ")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestABusSavesTimeOnTheFirstWeekItRuns(t *testing.T) {
	file := interventions(t, "{from: 2026-03-04, bus: {origin: south-end, destination: north-end, percent: 5, persons: 40}}")
	var r comparison
	if err := json.Unmarshal([]byte(mustGantry(t, "whatif", "--json", "--intervention="+file)), &r); err != nil {
		t.Fatal(err)
	}
	if r.From != "2026-03-09T03:00:00Z" || r.Weekdays != 5 || r.Days[0].Date != "2026-03-09" || r.Days[4].Date != "2026-03-13" {
		t.Errorf("compared %s, %d weekdays %+v", r.From, r.Weekdays, r.Days)
	}
	if r.Saved.Trips < 100 || r.Saved.VehicleHours <= 0 || r.Saved.VehicleDelay <= 0 {
		t.Errorf("saved %+v", r.Saved)
	}
	if out := mustGantry(t, "whatif", "--intervention="+file, "--from=2026-03-09T00:00:00Z", "--to=2026-03-10T00:00:00Z"); !strings.Contains(out, "mean of 1 weekdays") {
		t.Errorf("printed %s", out)
	}
}

// TestBeforeItsDateAnInterventionChangesNothing takes the days before: the same
// seed gives the same world.
func TestBeforeItsDateAnInterventionChangesNothing(t *testing.T) {
	file := interventions(t, "{from: 2026-03-06, add_lane: {link: m1-north-1}}")
	var r comparison
	out := mustGantry(t, "whatif", "--json", "--intervention="+file, "--from=2026-03-05T00:00:00Z", "--to=2026-03-07T00:00:00Z")
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatal(err)
	}
	if r.Days[0].Without != r.Days[0].With || r.Days[1].Without == r.Days[1].With {
		t.Errorf("days %+v", r.Days)
	}
}

func TestWhatifSaysTheWayOut(t *testing.T) {
	file := interventions(t, "{from: 2026-03-04, bus: {origin: south-end, destination: north-end, percent: 5, persons: 40}}")
	broken := interventions(t, "{from: 2026-03-04, tram: {}}")
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--intervention=nowhere.yaml"}, "--intervention=nowhere.yaml"},
		{[]string{"--intervention=" + broken}, "interventions file, line 2"},
		{[]string{"--intervention=" + file, "--from=2026-02-02T00:00:00Z", "--to=2026-02-04T00:00:00Z"}, "nothing to compare"},
		{[]string{"--intervention=" + file, "--from=2026-03-07T03:00:00Z", "--to=2026-03-09T03:00:00Z"}, "ask for more with --from and --to"},
		{[]string{"--intervention=" + file, "--from=2026-03-09T03:00:00Z", "--to=2026-03-09T03:00:00Z"}, "must be before"},
	} {
		if _, err := gantry(t, append([]string{"whatif"}, c.args...)...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: error %v, want %q", c.args, err, c.want)
		}
	}
}
