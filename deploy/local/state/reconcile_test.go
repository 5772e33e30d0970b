package state

import (
	"strings"
	"testing"
	"time"
)

func ptr[T any](v T) *T { return &v }

var noon = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

func TestFirstRunTakesDefaults(t *testing.T) {
	s, err := Reconcile(nil, Wanted{Dir: ".gantry"}, noon)
	if err != nil {
		t.Fatal(err)
	}
	want := State{
		Seed: 1, Network: "corridor", Zone: "-04:30", Kafka: "fake",
		ValidFrom: time.Date(2026, 3, 3, 0, 0, 0, 0, time.UTC), Ports: DefaultPorts, CreatedAt: noon,
	}
	if *s != want {
		t.Errorf("got %+v\nwant %+v", *s, want)
	}
}

func TestLaterRunKeepsWhatWasNotAskedFor(t *testing.T) {
	first, _ := Reconcile(nil, Wanted{Seed: ptr(uint64(7)), HistoryDays: ptr(3), Ports: Ports{HTTP: 8888}}, noon)
	later, err := Reconcile(first, Wanted{}, noon.AddDate(0, 0, 30))
	if err != nil {
		t.Fatal(err)
	}
	if *later != *first {
		t.Errorf("later run has %+v\nwant %+v", *later, *first)
	}
}

func TestLongerHistoryMovesValidFromBackOnly(t *testing.T) {
	first, _ := Reconcile(nil, Wanted{HistoryDays: ptr(7)}, noon)
	for days, want := range map[int]time.Time{
		28: midnight(noon, 28),
		1:  first.ValidFrom,
	} {
		later, err := Reconcile(first, Wanted{HistoryDays: &days}, noon)
		if err != nil {
			t.Fatal(err)
		}
		if !later.ValidFrom.Equal(want) {
			t.Errorf("HISTORY=%dd gave valid_from %v, want %v", days, later.ValidFrom, want)
		}
	}
}

func TestAnotherWorldIsRefusedInOneSentence(t *testing.T) {
	old, _ := Reconcile(nil, Wanted{}, noon)
	for _, c := range []struct {
		name   string
		wanted Wanted
		says   []string
	}{
		{"seed", Wanted{Seed: ptr(uint64(2))}, []string{"SEED=1", "SEED=2", "STATE="}},
		{"network", Wanted{Network: "ring"}, []string{"NETWORK=corridor", "NETWORK=ring", "STATE="}},
		{"recorded", Wanted{Recorded: "/a/loops.xml"}, []string{"RECORDED=,", "RECORDED=/a/loops.xml", "STATE="}},
		{"kafka", Wanted{Kafka: "apache"}, []string{"KAFKA=fake", "KAFKA=apache", "STATE="}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.wanted.Dir = "folder"
			_, err := Reconcile(old, c.wanted, noon)
			if err == nil {
				t.Fatal("accepted")
			}
			for _, part := range append(c.says, "folder") {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not say %q", err, part)
				}
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("%q is more than a sentence", err)
			}
		})
	}
}

func TestZoneSeesTheMorningPeakAtEveryMinute(t *testing.T) {
	for minute := range 24 * 60 {
		now := time.Date(2026, 3, 10, 0, minute, 0, 0, time.UTC)
		zone := Zone(now)
		if len(zone) != len("+09:30") {
			t.Fatalf("zone %q at minute %d", zone, minute)
		}
		at, err := time.Parse("-07:00", zone)
		if err != nil {
			t.Fatalf("zone %q: %v", zone, err)
		}
		_, offset := at.Zone()
		if offset%(15*60) != 0 || offset < -12*3600 || offset > 14*3600 {
			t.Errorf("zone %q is no offset of a place", zone)
		}
		local := now.Add(time.Duration(offset) * time.Second)
		peak := time.Date(local.Year(), local.Month(), local.Day(), 7, 30, 0, 0, time.UTC)
		if away := local.Sub(peak).Abs(); away > 8*time.Minute {
			t.Errorf("at %s UTC zone %s has local time %s", now.Format("15:04"), zone, local.Format("15:04"))
		}
	}
}
