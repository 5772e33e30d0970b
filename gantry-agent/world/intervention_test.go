package world

import (
	"strings"
	"testing"
)

// with is the corridor's world with interventions on top.
func with(t testing.TB, interventions string) *World {
	t.Helper()
	s := spec(t, "+00:00", 1)
	if interventions != "" {
		s.InterventionsYAML = []byte("interventions:\n  - {from: 2026-03-01, " + interventions + "}\n")
	}
	w, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// TestInterventionsDoWhatTheyAreFor on an ordinary Friday, and nothing before
// their date.
func TestInterventionsDoWhatTheyAreFor(t *testing.T) {
	without := with(t, "")
	friday, before := without.DayNumber(micros(2026, 3, 6, 12)), without.DayNumber(micros(2026, 2, 27, 12))
	base := without.Totals(friday)
	hours := func(micros uint64) float64 { return float64(micros) / float64(hour) }
	for _, c := range []struct {
		name, intervention string
		better             func(with Totals) bool
	}{
		{"a lane behind the drop", "add_lane: {link: m1-north-6}", func(got Totals) bool {
			return got.Trips == base.Trips && hours(base.VehicleDelayMicros)-hours(got.VehicleDelayMicros) > 100
		}},
		{"a lane where there is room", "add_lane: {link: m1-south-2}", func(got Totals) bool {
			saved := hours(base.VehicleMicros) - hours(got.VehicleMicros)
			return got.Trips == base.Trips && saved > -20 && saved < 20
		}},
		{"a camera where many speed", "speed_camera: {station: south-06, reach_m: 3000, compliance_percent: 90}", func(got Totals) bool {
			return got.Passages == base.Passages && got.OverLimit*10 < base.OverLimit*9
		}},
		{"flexible hours", `shift: {direction: north, from: "06:45", to: "08:15", percent: 15, minutes: 60}`, func(got Totals) bool {
			return got.Trips == base.Trips && hours(base.VehicleDelayMicros)-hours(got.VehicleDelayMicros) > 50
		}},
		{"a bus", "bus: {origin: south-end, destination: north-end, percent: 20, persons: 40}", func(got Totals) bool {
			// Persons stay, but for one driver a bus.
			buses := got.Persons - base.Persons
			return got.Trips+1000 < base.Trips && buses > 50 && buses < 300 && got.VehicleMicros < base.VehicleMicros
		}},
	} {
		w := with(t, c.intervention)
		if got := w.Totals(friday); !c.better(got) {
			t.Errorf("%s:\n  with %+v\n  without %+v", c.name, got, base)
		}
		if w.Totals(before) != without.Totals(before) {
			t.Errorf("%s: changes a day before it", c.name)
		}
		if w.Fingerprint() == without.Fingerprint() {
			t.Errorf("%s: the fingerprint is the same", c.name)
		}
	}
}

func TestWideningsSayWhenAStationGetsALane(t *testing.T) {
	w := with(t, "add_lane: {link: m1-north-1}")
	got := w.Widenings()
	if len(got) != 4 || got[0].Station.ID != "north-01" || got[0].Station.Lanes != 3 || got[0].From != micros(2026, 3, 1, 3) {
		t.Errorf("widenings %+v", got)
	}
}

func TestWidenedLinksSayWhenALinkGetsALane(t *testing.T) {
	w := with(t, "add_lane: {link: m1-north-1}")
	got := w.WidenedLinks()
	if len(got) != 1 || got[0].Link.ID != "m1-north-1" || got[0].Link.Lanes != 3 || got[0].From != micros(2026, 3, 1, 3) {
		t.Errorf("widened links %+v", got)
	}
	if l := w.Network().Links[0]; l.ID != "m1-north-1" || l.Lanes != 2 || l.From != "south-end" || l.To != "m1-north-riverside-off" ||
		l.LengthM != 6100 || l.LimitKMH != 130 || l.Ramp || len(l.LonLatE7) != 4 {
		t.Errorf("before that it is %+v", l)
	}
	if n := w.Network().Nodes; len(n) != 14 || n[0] != (Node{"south-end", true, 1385202000, -349500000}) || n[4].Zone {
		t.Errorf("nodes %+v", n)
	}
}

// TestStandingQueueIsAFaultOfTheScenario: the field begins anew at 03:00, so
// no queue may stand then.
func TestStandingQueueIsAFaultOfTheScenario(t *testing.T) {
	s := spec(t, "+00:00", 1)
	s.ScenarioYAML = []byte(strings.Replace(string(s.ScenarioYAML), "vehicles: 24200", "vehicles: 160000", 1))
	w, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	err = w.Check()
	if err == nil || !strings.Contains(err.Error(), "scenario: 2026-01-02: ") || !strings.Contains(err.Error(), "when the world day ends at 03:00: lower the demand") {
		t.Errorf("error %v", err)
	}
	if err := with(t, "").Check(); err != nil {
		t.Error(err)
	}
}

// TestExpectedStationsAlone gives the same passages as all stations do, also
// when another station is asked for later.
func TestExpectedStationsAlone(t *testing.T) {
	all, some := quietWorld(t, "+00:00", 2), quietWorld(t, "+00:00", 2)
	for _, s := range all.Network().Stations {
		all.Expect(s.ID)
	}
	from, to := micros(2026, 3, 4, 1), micros(2026, 3, 4, 9)
	for _, id := range []string{"north-03", "south-11", "north-04"} {
		a, b := digestOf(all, id, from, to), digestOf(some, id, from, to)
		if a != b {
			t.Errorf("%s: %s when all are expected, %s alone", id, a, b)
		}
	}
}
