package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// The recordings that come with the agent's tests.
const (
	recordings     = "../../gantry-agent/recorded/testdata/"
	samplePassages = 4946
)

// TestRecordedTraffic replays recordings through the whole stack, by two
// agents of which one is killed and comes back: each passage is one reading of
// its station's counter, and nothing else is there.
func TestRecordedTraffic(t *testing.T) {
	t.Parallel()
	yesterday := time.Now().UTC().AddDate(0, 0, -1)
	began := time.Now().UTC().Add(-18 * time.Minute)
	sumo := []string{"--detectors", recordings + "sumo-instant-loops.det.add.xml", "--recorded-start"}
	for _, c := range []struct {
		name, file string
		flags      []string
		readings   int
		ends       int
		// live is when a recording that is still going on has ended.
		live time.Time
	}{
		// All of it happened yesterday: four counters ended one epoch each.
		{"yesterday", "sumo-instant-loops.xml.gz", append(sumo, yesterday.Format(time.DateOnly)), samplePassages, 4, time.Time{}},
		// It reaches over the present: its end comes live.
		{"live", "sumo-instant-loops.xml.gz", append(sumo, began.Format(time.RFC3339)), samplePassages, -1, began.Add(20 * time.Minute)},
		// Two directions of a point, counters and cameras, over yesterday's
		// midnight: two epochs each, of which one ended.
		{"fintraffic", "fintraffic-tms.csv", []string{
			"--devices", "counter,speed", "--zone", "+00:00",
			"--recorded-start", yesterday.Truncate(24 * time.Hour).Add(-5 * time.Minute).Format(time.RFC3339),
		}, 2 * 589, 2 * 4, time.Time{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			file, err := filepath.Abs(recordings + c.file)
			if err != nil {
				t.Fatal(err)
			}
			s := newStack(t, options{broker: "fake", recorded: file, recordedFlags: c.flags})
			s.addCollector("all")
			first := s.addAgent(nil)
			s.flowing()
			s.addAgent(nil)
			first.kill()
			first.start()
			until := time.Now()
			if c.live.After(until) {
				time.Sleep(time.Until(c.live))
				until = c.live
			}
			ends := c.ends
			var got tally
			eventually(t, 90*time.Second, "verify is all zero with the whole recording", func() (bool, string) {
				var ok bool
				got, ok = s.verify(until)
				if c.ends < 0 { // over midnight it is one for each counter
					ends = s.count("SELECT count() FROM raw.epoch_ends FINAL")
				}
				return ok && got.Found == got.Expected && got.Found == uint64(c.readings+ends), fmt.Sprintf("%+v", got)
			})
			if n := s.count("SELECT count() FROM raw.readings FINAL"); n != c.readings {
				t.Errorf("%d readings in raw, want %d", n, c.readings)
			}
			t.Logf("verified: %d expected, %d found (%d ends), %d harmless copies", got.Expected, got.Found, ends, got.Copies)
		})
	}
}

// recordedFaults are faults of every kind, for the counters of the sample.
const recordedFaults = `
name: sick
faults:
  - {device: "*", kind: drop, per_mille: 20}
  - {device: "*", kind: duplicate, per_mille: 20}
  - {device: "*", kind: over_count, per_mille: 30}
  - {device: "*", kind: late, per_mille: 30, seconds: 7200}
  - {device: "*", kind: reorder, per_mille: 50, seconds: 20}
  - {device: E07-counter, kind: skew, seconds: 90}
  - {device: E08-counter, kind: stuck, per_day: 48, seconds: 300}
  - {device: E09-counter, kind: silent, per_day: 48, seconds: 120}
  - {device: E11-counter, kind: reboot, per_day: 48, seconds: 30, end: false}
  - {device: E09-counter, kind: reboot, per_day: 24, seconds: 60, end: true}
  - {device: "*", kind: class_drift, per_mille: 100}
`

// TestRecordedTrafficOfFaultyDevices replays the sample, of yesterday, by
// devices that fail in every way a counter can.
func TestRecordedTrafficOfFaultyDevices(t *testing.T) {
	t.Parallel()
	file, err := filepath.Abs(recordings + "sumo-instant-loops.xml.gz")
	if err != nil {
		t.Fatal(err)
	}
	faults := filepath.Join(t.TempDir(), "sick.yaml")
	if err := os.WriteFile(faults, []byte(recordedFaults), 0o600); err != nil {
		t.Fatal(err)
	}
	s := newStack(t, options{broker: "fake", recorded: file, recordedFaults: faults, recordedFlags: []string{
		"--recorded-start", time.Now().UTC().AddDate(0, 0, -1).Format(time.DateOnly),
	}})
	s.addCollector("all")
	agent := s.addAgent(nil)
	s.flowing()
	agent.kill()
	agent.start()
	var got tally
	eventually(t, 90*time.Second, "verify is all zero", func() (bool, string) {
		var ok bool
		got, ok = s.verify(time.Now())
		return ok && got.Expected > samplePassages/2, fmt.Sprintf("%+v", got)
	})
	t.Logf("verified: %d expected, %d found, %d refused as foreseen, %d harmless copies", got.Expected, got.Found, got.RejectedExpected, got.Copies)
}
