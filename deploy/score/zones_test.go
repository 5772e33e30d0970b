package main

import (
	"testing"
	"time"

	"github.com/gantry-dev/gantry/deploy/score/planted"
	"github.com/gantry-dev/gantry/gantry-agent/world"
)

func TestDays(t *testing.T) {
	format := func(list []time.Time) (out []string) {
		for _, d := range list {
			out = append(out, d.Format("Mon 02"))
		}
		return out
	}
	valid := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	first := firstMonday(valid.UnixMicro())
	dates := days(first, 6, true)
	if got := format(dates); len(got) != 6 || got[0] != "Mon 05" || got[4] != "Fri 09" || got[5] != "Mon 12" {
		t.Errorf("workdays %v", got)
	}
	for name, want := range map[string]int{"+00:00": 6, "+09:30": 8, "-03:00": 8} {
		zone, err := world.Location(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := utcDays(dates, zone); len(got) != want {
			t.Errorf("%s: UTC days %v, want %d", name, format(got), want)
		}
	}
}

// TestByZone: what is in another zone needs a warehouse of its own.
func TestByZone(t *testing.T) {
	list, err := planted.Named([]string{"quiet", "peak", "flat"})
	if err != nil {
		t.Fatal(err)
	}
	if list[1].Network, err = world.WithPlace(list[1].Network, "Europe/Paris", 0); err != nil {
		t.Fatal(err)
	}
	zones, err := byZone(1, list)
	if err != nil || len(zones) != 2 {
		t.Fatalf("%d zones, %v", len(zones), err)
	}
	if z := zones[0]; len(z.roads) != 2 || z.roads[1].Prefix != "flat/" || z.suffix() != "" {
		t.Errorf("first zone: %+v", z)
	}
	if z := zones[1]; len(z.roads) != 1 || z.situations[0].Name != "peak" || z.suffix() != "-Europe-Paris" {
		t.Errorf("second zone: %+v", z)
	}
}

func TestWhichFaultsMislead(t *testing.T) {
	harmless := 0
	for k := world.FaultDrop; k <= world.FaultMisread; k++ {
		if !misleads(world.Fault{Kind: k}) {
			harmless++
		}
	}
	if harmless != 3 || misleads(world.Fault{Kind: world.FaultLate}) || !misleads(world.Fault{Kind: world.FaultOverCount}) {
		t.Errorf("%d kinds do no harm, want late, reorder and duplicate", harmless)
	}
}
