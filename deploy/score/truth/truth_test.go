package truth

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/gantry-dev/gantry/deploy/score/planted"
	"github.com/gantry-dev/gantry/gantry-agent/world"
)

// monday is the first day of the tests.
var monday = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)

func open(t *testing.T, name string, days int) *Site {
	t.Helper()
	list, err := planted.Named([]string{name})
	if err != nil {
		t.Fatal(err)
	}
	var dates []time.Time
	for i := range days {
		dates = append(dates, monday.AddDate(0, 0, i))
	}
	site, err := Open(t.Context(), list[0], 501, dates)
	if err != nil {
		t.Fatal(err)
	}
	return site
}

// TestSavedIsTheWorldsDifference: against the world's own totals, and once only.
func TestSavedIsTheWorldsDifference(t *testing.T) {
	site := open(t, "lane-drop", 2)
	saved, err := site.Lane(t.Context(), "in-3")
	if err != nil {
		t.Fatal(err)
	}
	with, err := site.Situation.World(501, []byte("interventions:\n  - {from: 2026-01-02, add_lane: {link: in-3}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	var vehicles, persons float64
	for _, day := range site.Days() {
		n := with.DayNumber(day.Add(12 * time.Hour).UnixMicro())
		before, after := site.World().Totals(n), with.Totals(n)
		vehicles += (float64(before.VehicleMicros) - float64(after.VehicleMicros)) / 3.6e9 / 2
		persons += (float64(before.PersonMicros) - float64(after.PersonMicros)) / 3.6e9 / 2
	}
	if math.Abs(saved.VehicleH-vehicles) > 1e-6 || math.Abs(saved.PersonH-persons) > 1e-6 || vehicles < 10 {
		t.Errorf("a lane saves %+v, the worlds differ by %v vehicle-hours and %v person-hours", saved, vehicles, persons)
	}
	again, err := site.Lane(t.Context(), "in-3")
	if err != nil || again != saved || len(site.answered) != 1 {
		t.Errorf("asked again: %+v, %v, and %d comparisons", again, err, len(site.answered))
	}
	if _, err := site.Lane(t.Context(), "in-9"); err == nil {
		t.Error("a link that is none has an answer")
	}
}

// TestBusiest finds the commuters' hour, before and after noon.
func TestBusiest(t *testing.T) {
	site := open(t, "lane-drop", 2)
	in, out := Direction{"A1", "in"}, Direction{"A1", "out"}
	if got := site.Directions(); len(got) != 2 || got[0] != in || got[1] != out {
		t.Fatalf("directions %v", got)
	}
	for _, c := range []struct {
		d    Direction
		peak string
		lo   Minute
		hi   Minute
	}{{in, AM, 6*60 + 45, 8 * 60}, {out, PM, 16 * 60, 17*60 + 30}} {
		if got := site.Busiest(c.d, c.peak, 60); got.From < c.lo || got.From > c.hi || got.To != got.From+60 {
			t.Errorf("%v %s: %v, want an hour from between %v and %v", c.d, c.peak, got, c.lo.clock(), c.hi.clock())
		}
	}
	if got := site.Busiest(in, AM, 120); got.To != got.From+120 {
		t.Errorf("two hours: %v", got)
	}
}

// TestStationsKnowWhoSpeeds, and where a queue stands.
func TestStationsKnowWhoSpeeds(t *testing.T) {
	for name, check := range map[string]func(s Station) bool{
		"speeding": func(s Station) bool {
			fast := s.Link == "in-2" || s.Link == "out-2"
			return (s.V85KMH > EnforcedKMH(s.LimitKMH)) == fast && s.FreeFlow > 1000 && s.CongestedMin < 5
		},
		"lane-drop": func(s Station) bool {
			return (s.CongestedMin > 10) == (s.ID == "in-04") && s.V85KMH < EnforcedKMH(s.LimitKMH)
		},
	} {
		stations, err := open(t, name, 2).Stations(t.Context())
		if err != nil || len(stations) < 6 {
			t.Fatalf("%s: %d stations, %v", name, len(stations), err)
		}
		for _, s := range stations {
			if !check(s) {
				t.Errorf("%s: %+v", name, s)
			}
		}
	}
}

// TestFreeFlowIsByLaneAndHeadway on vehicles made up.
func TestFreeFlowIsByLaneAndHeadway(t *testing.T) {
	var o observer
	o.bins = make([]bin, 2)
	for i := range 100 {
		o.vehicles = append(o.vehicles, vehicle{0, uint16(800 + i)})
		o.bins[0].n, o.bins[0].pace = o.bins[0].n+1, o.bins[0].pace+10/float64(800+i)
	}
	// A jam, of whose vehicles none counts, however fast.
	o.vehicles = append(o.vehicles, vehicle{1, 2000})
	o.bins[1] = bin{20, 20.0 / 30}
	got := o.station(&world.Station{ID: "s", LimitKMH: 80}, 1)
	if got.FreeFlow != 100 || got.V85KMH != 88.4 || got.OverLimit != 0.99 || got.CongestedMin != 5 {
		t.Errorf("got %+v, want 100 vehicles, V85 88.4, 0.99 over the limit, 5 minutes of congestion", got)
	}
	if e := EnforcedKMH(80); math.Abs(e-91.21869) > 1e-5 {
		t.Errorf("80 km/h is enforced from %v on", e)
	}
}

// TestSpanIsTheLocalDay, wherever the network is.
func TestSpanIsTheLocalDay(t *testing.T) {
	s := open(t, "quiet", 1).Situation
	for zone, from := range map[string]string{
		"+00:00": "2026-01-05T03:00:00Z", "+13:45": "2026-01-04T13:15:00Z", "-11:00": "2026-01-05T14:00:00Z", "Europe/Paris": "2026-01-05T02:00:00Z",
	} {
		text, err := world.WithPlace(s.Network, zone, 0)
		if err != nil {
			t.Fatal(err)
		}
		w, err := world.New(world.Spec{NetworkYAML: text, ScenarioYAML: s.Scenario, Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		begin, end := span(w, monday)
		if got := time.UnixMicro(begin).UTC().Format(time.RFC3339); got != from || end-begin != 24*hourMicros {
			t.Errorf("%s: the 5th begins at %s and lasts %v hours, want %s and 24", zone, got, (end-begin)/hourMicros, from)
		}
	}
}

// TestFaultIsNoTruth: a scenario that leaves a queue overnight says nothing of
// a lane.
func TestFaultIsNoTruth(t *testing.T) {
	s := open(t, "lane-drop", 1).Situation
	s.Scenario = bytes.ReplaceAll(s.Scenario, []byte("vehicles: 8600,"), []byte("vehicles: 60000,"))
	_, err := Open(t.Context(), s, 501, []time.Time{monday})
	if !errors.Is(err, ErrFault) || !strings.Contains(err.Error(), "lane-drop, seed 501") {
		t.Errorf("got %v, want ErrFault with the situation and the seed", err)
	}
	if _, err := Open(t.Context(), planted.Situation{Name: "x"}, 501, []time.Time{monday}); err == nil || errors.Is(err, ErrFault) {
		t.Errorf("a situation without files: %v", err)
	}
}
