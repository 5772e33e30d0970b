package world

import (
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// withFaults is the shipped world with a scenario that has faults.
func withFaults(t testing.TB, zone, faults string) (*World, error) {
	t.Helper()
	s := spec(t, zone, 1)
	if faults != "" {
		s.ScenarioYAML = append(append([]byte(nil), s.ScenarioYAML...), "\nfaults:\n"+faults...)
	}
	return New(s)
}

func TestFaultsOfADevice(t *testing.T) {
	w, err := withFaults(t, "Australia/Adelaide", `
  - {device: north-0*-counter, kind: drop, per_mille: 20, from: "2026-07-01T07:30", to: "2026-12-01T00:00"}
  - {device: "*", kind: late, per_mille: 5, seconds: 7200}
  - {device: north-02-counter, kind: reboot, from: "2026-12-01T08:00", seconds: 95, end: false}
  - {device: "*-toll", kind: stuck, per_day: 2, seconds: 600}
  - {device: "*", kind: misread, per_mille: 150}
  - {device: south-*-speed, kind: skew, seconds: -90, drift_ms_per_hour: 250, from: "2026-01-01T00:00"}
  - {device: south-12-speed, kind: class_drift, per_mille: 300, days: 30, from: "2026-01-01T00:00"}
`)
	if err != nil {
		t.Fatal(err)
	}
	at := func(text string) Micros {
		m, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return m.UnixMicro()
	}
	const ever = math.MaxInt64
	late := Fault{Index: 1, Kind: FaultLate, To: ever, PerMille: 5, Span: 7200 * second}
	misread := Fault{Index: 4, Kind: FaultMisread, To: ever, PerMille: 150}
	for id, want := range map[string][]Fault{
		"north-02-counter": {
			// Winter and summer time of the zone.
			{Index: 0, Kind: FaultDrop, PerMille: 20, From: at("2026-07-01T07:30:00+09:30"), To: at("2026-12-01T00:00:00+10:30")},
			late,
			{Index: 2, Kind: FaultReboot, From: at("2026-12-01T08:00:00+10:30"), To: ever, Span: 95 * second},
		},
		"north-10-counter": {late},
		"north-02-toll":    {late, {Index: 3, Kind: FaultStuck, To: ever, PerDay: 2, Span: 600 * second}, misread},
		"south-12-speed": {
			late, misread,
			{Index: 5, Kind: FaultSkew, From: at("2026-01-01T00:00:00+10:30"), To: ever, PerMille: 1000, Span: -90 * second, DriftMSPerHour: 250},
			{Index: 6, Kind: FaultClassDrift, From: at("2026-01-01T00:00:00+10:30"), To: ever, PerMille: 300, Days: 30},
		},
		"nobody": nil,
	} {
		got := w.Faults(id)
		if len(got) != len(want) {
			t.Errorf("%s: %d faults, want %d", id, len(got), len(want))
			continue
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("%s: fault %d is\n%+v, want\n%+v", id, i, got[i], want[i])
			}
		}
	}
}

// TestFaultsAreInTheFingerprint: a world with faults is another one; without
// any it is the one that it was before there were faults.
func TestFaultsAreInTheFingerprint(t *testing.T) {
	fingerprint := func(faults string) string {
		w, err := withFaults(t, "+00:00", faults)
		if err != nil {
			t.Fatal(err)
		}
		return w.Fingerprint()
	}
	none := fingerprint("")
	if got := fingerprint("  []\n"); got != none {
		t.Errorf("an empty list changes the fingerprint: %s, not %s", got, none)
	}
	seen := map[string]string{none: "none"}
	for _, faults := range []string{
		"  - {device: \"*\", kind: drop, per_mille: 1}\n",
		"  - {device: \"*\", kind: drop, per_mille: 2}\n",
		"  - {device: \"*\", kind: reboot, per_day: 1, seconds: 60, end: true}\n",
		"  - {device: \"*\", kind: reboot, per_day: 1, seconds: 60, end: false}\n",
	} {
		got := fingerprint(faults)
		if other, ok := seen[got]; ok {
			t.Errorf("%q and %q have one fingerprint", faults, other)
		}
		seen[got] = faults
	}
}

func TestFaultFilesThatAreRefused(t *testing.T) {
	for _, c := range []struct{ entry, want string }{
		{`{kind: drop, per_mille: 1}`, `faults[0].device: is missing`},
		{`{device: north-99-counter, kind: drop, per_mille: 1}`, `faults[0].device: is "north-99-counter"`},
		{`{device: "east-*", kind: drop, per_mille: 1}`, `faults[0].device: is "east-*"`},
		{`{device: "*-counter", kind: misread, per_mille: 1}`, `must be the id of a camera or toll gantry`},
		{`{device: "*", kind: lost, per_mille: 1}`, `faults[0].kind: is "lost", must be one of drop, duplicate, over_count, late,`},
		{`{device: "*", per_mille: 1}`, `faults[0].kind: is missing`},
		{`{device: "*", kind: drop}`, `faults[0].per_mille: is 0, must be 1 to 1000`},
		{`{device: "*", kind: drop, per_mille: 1001}`, `faults[0].per_mille: is 1001`},
		{`{device: "*", kind: drop, per_mille: -1}`, `scenario file, line`},
		{`{device: "*", kind: drop, per_mile: 1}`, `has no field "per_mile", only device`},
		{`{device: "*", kind: drop, per_mille: 1, seconds: 5}`, `faults[0].seconds: says nothing for drop, which takes per_mille: leave it out`},
		{`{device: "*", kind: skew, seconds: 5, end: true}`, `faults[0].end: says nothing for skew, which takes per_mille, seconds, drift_ms_per_hour`},
		{`{device: "*", kind: misread, per_mille: 1, days: 3}`, `faults[0].days: says nothing`},
		{`{device: "*", kind: drop, per_mille: 1, from: "2026-03-04"}`, `faults[0].from: is "2026-03-04", must be a local time as 2026-03-04T07:40`},
		{`{device: "*", kind: drop, per_mille: 1, to: "1979-03-04T00:00"}`, `faults[0].to: is "1979-03-04T00:00"`},
		{`{device: "*", kind: drop, per_mille: 1, from: "2026-03-04T07:40", to: "2026-03-04T07:40"}`, `faults[0].to: is "2026-03-04T07:40", must be after from`},
		{`{device: "*", kind: late, per_mille: 1}`, `faults[0].seconds: is 0, must be 1 to 43200`},
		{`{device: "*", kind: late, per_mille: 1, seconds: 43201}`, `faults[0].seconds: is 43201`},
		{`{device: "*", kind: reorder, per_mille: 1, seconds: 61}`, `faults[0].seconds: is 61, must be 1 to 60`},
		{`{device: "*", kind: skew}`, `faults[0].seconds: is missing`},
		{`{device: "*", kind: skew, seconds: 1000001}`, `faults[0].seconds: is 1000001, must be -1000000 to 1000000`},
		{`{device: "*", kind: skew, drift_ms_per_hour: -60001, from: "2026-03-04T07:40"}`, `faults[0].drift_ms_per_hour: is -60001`},
		{`{device: "*", kind: skew, drift_ms_per_hour: 5}`, `faults[0].from: is missing: what grows needs to know since when`},
		{`{device: "*", kind: class_drift, per_mille: 5, days: 5}`, `faults[0].from: is missing`},
		{`{device: "*", kind: class_drift, per_mille: 5, days: 3651, from: "2026-03-04T07:40"}`, `faults[0].days: is 3651`},
		{`{device: "*", kind: stuck, seconds: 5}`, `faults[0].seconds: says nothing without per_day: stuck lasts from from to to`},
		{`{device: "*", kind: silent, per_day: 49, seconds: 5}`, `faults[0].per_day: is 49, must be at most 48`},
		{`{device: "*", kind: silent, per_day: 2, seconds: 21601}`, `faults[0].seconds: is 21601, must be 1 to 21600`},
		{`{device: "*", kind: silent, per_day: 2}`, `faults[0].seconds: is 0`},
		{`{device: "*", kind: reboot, from: "2026-03-04T07:40", seconds: 5}`, `faults[0].end: is missing: say true`},
		{`{device: "*", kind: reboot, seconds: 5, end: true}`, `faults[0].from: is missing: a reboot needs its moment, or per_day`},
		{`{device: "*", kind: reboot, from: "2026-03-04T07:40", to: "2026-03-05T07:40", seconds: 5, end: true}`, `faults[0].to: says nothing without per_day`},
		{`{device: "*", kind: reboot, from: "2026-03-04T07:40", seconds: 86401, end: true}`, `faults[0].seconds: is 86401, must be 1 to 86400`},
	} {
		_, err := withFaults(t, "+00:00", "  - "+c.entry+"\n")
		switch {
		case err == nil:
			t.Errorf("%s: no error", c.entry)
		case !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "scenario file, line ") || strings.Contains(err.Error(), "\n"):
			t.Errorf("%s:\n  %v\nwant\n  %s", c.entry, err, c.want)
		}
	}
	if _, err := withFaults(t, "+00:00", strings.Repeat("  - {device: \"*\", kind: drop, per_mille: 1}\n", maxFaults+1)); err == nil || !strings.Contains(err.Error(), "faults: has 1001 entries") {
		t.Errorf("too many faults: %v", err)
	}
}

func TestPatternsMatchAsTheirPartsSay(t *testing.T) {
	for _, c := range []struct {
		pattern, id string
		want        bool
	}{
		{"a", "a", true}, {"a", "ab", false}, {"", "a", false}, {"*", "", true}, {"*", "abc", true}, {"a*", "abc", true}, {"b*", "abc", false},
		{"*c", "abc", true}, {"*b", "abc", false}, {"a*c", "ac", true}, {"a*a", "a", false}, {"a*b*c", "aXbYc", true}, {"a*b*c", "acb", false},
		{"**", "a", true}, {"north-*-toll", "north-02-toll", true}, {"north-*-toll", "south-02-toll", false}, {"*1*1", "1", false},
	} {
		if got := matches(c.pattern, c.id); got != c.want {
			t.Errorf("%q matches %q: %v", c.pattern, c.id, got)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		parts := rapid.SliceOfN(rapid.StringMatching("[ab]{0,3}"), 1, 4).Draw(rt, "parts")
		id := parts[0]
		for _, p := range parts[1:] {
			id += rapid.StringMatching("[ab]{0,3}").Draw(rt, "between") + p
		}
		if pattern := strings.Join(parts, "*"); !matches(pattern, id) {
			rt.Fatalf("%q does not match %q", pattern, id)
		}
	})
}
