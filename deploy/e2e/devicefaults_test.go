package e2e_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gantry-dev/gantry/deploy/local/state"
	"github.com/gantry-dev/gantry/gantry-agent/world"
)

// failingScenario writes an ordinary week in which devices have faults of all
// kinds: at all times, and two reboots that are live at a moment, one closed
// and one not. Its times are local to zone.
func failingScenario(t *testing.T, zone string, reboot time.Time) string {
	t.Helper()
	scenario, _ := world.Shipped("scenario", "weekday")
	local := func(at time.Time) string {
		offset, err := time.Parse("-07:00", zone)
		if err != nil {
			t.Fatal(err)
		}
		return at.In(offset.Location()).Format("2006-01-02T15:04")
	}
	today := time.Now().UTC().Truncate(24 * time.Hour)
	text := fmt.Appendf(scenario, `
faults:
  - {device: "*", kind: drop, per_mille: 10}
  - {device: "*", kind: duplicate, per_mille: 20}
  - {device: "*", kind: over_count, per_mille: 10}
  - {device: "*", kind: late, per_mille: 10, seconds: 14400}
  - {device: "*", kind: late, per_mille: 20, seconds: 5}
  - {device: "*", kind: reorder, per_mille: 50, seconds: 3}
  - {device: "*", kind: skew, seconds: -4, drift_ms_per_hour: 30, from: %[1]q}
  - {device: "*", kind: skew, seconds: 400000, per_mille: 1}
  - {device: "*", kind: stuck, per_day: 2, seconds: 900}
  - {device: "*", kind: silent, per_day: 2, seconds: 600}
  - {device: north-*, kind: silent, from: %[2]q, to: %[3]q}
  - {device: "*", kind: reboot, per_day: 2, seconds: 40, end: true}
  - {device: "*", kind: reboot, per_day: 1, seconds: 300, end: false}
  - {device: "*-counter", kind: reboot, from: %[3]q, seconds: 120, end: false}
  - {device: north-*, kind: reboot, from: %[4]q, seconds: 5, end: false}
  - {device: south-*, kind: reboot, from: %[4]q, seconds: 8, end: true}
  - {device: "*", kind: class_drift, per_mille: 300, days: 7, from: %[1]q}
  - {device: "*", kind: misread, per_mille: 50}
`, local(today.AddDate(0, 0, -5)), local(today.Add(-90*time.Minute)), local(today.Add(-time.Minute)), local(reboot))
	file := filepath.Join(t.TempDir(), "failing.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestDevicesThatFail runs a fleet whose devices have every fault there is,
// kills agents while history and live readings flow, and has a device's past
// sent once more. Nothing that was emitted is lost, and nothing counts twice.
func TestDevicesThatFail(t *testing.T) {
	t.Parallel()
	reboot := time.Now().Add(90 * time.Second).Truncate(time.Minute)
	zone := state.Zone(time.Now())
	s := newStack(t, options{broker: "fake", network: "corridor", scenario: failingScenario(t, zone, reboot), zone: zone, historyDays: 2})
	c := s.addCollector("all")
	for range 3 {
		s.addAgent(nil)
	}
	s.flowing()
	// No agent has reconnected yet: what came again came from the devices.
	eventually(t, 30*time.Second, "duplicates are acknowledged without producing", func() (bool, string) {
		n := c.metric("gantry_ingest_readings_skipped_total")
		return n > 0, fmt.Sprint(n)
	})
	s.agents[0].kill() // never comes back
	s.flowing()
	s.agents[1].kill()
	s.agents[1].start()

	// History sent again ends, though epochs without an end are in it.
	again := s.addAgent([]string{"--clock", "backfill", "--resend", "--devices", "north-01-counter,south-02-toll,north-06-speed"})
	select {
	case <-again.ended():
		if again.err != nil {
			t.Errorf("the backfill ended with %v; its log ends with:\n%s", again.err, tail(again.log))
		}
	case <-time.After(2 * time.Minute):
		t.Fatalf("the backfill does not end; its log ends with:\n%s", tail(again.log))
	}
	time.Sleep(time.Until(reboot.Add(20 * time.Second)))
	until := time.Now()
	got := s.allZero(until, 4*time.Minute)
	// Copies say nothing here: ClickHouse may have merged them away by now.
	if got.RejectedExpected == 0 {
		t.Error("no reading was refused as foreseen: the test shows too little")
	}
	s.rebooted(reboot)
}

// rebooted demands of raw that devices began epochs after the reboots and left
// some without an end.
func (s *stack) rebooted(live time.Time) {
	s.t.Helper()
	const secondOf = "bitAnd(epoch, 131071)"
	booted := func(after int) int {
		at := live.Unix()%86400 + int64(after)
		return s.count(fmt.Sprintf("SELECT uniqExact(device_id) FROM raw.readings WHERE %s = %d AND bitShiftRight(epoch, 17) = %d", secondOf, at, live.Unix()/86400))
	}
	if north, south := booted(5), booted(8); north < 10 || south < 10 {
		s.t.Errorf("%d devices in the north and %d in the south have an epoch since the reboot at %s", north, south, live)
	}
	if n := s.count("SELECT uniqExact(device_id, epoch) FROM raw.readings WHERE " + secondOf + " > 0"); n < 2*3*20 {
		s.t.Errorf("%d epochs began with a reboot", n)
	}
	if n := s.count(`SELECT uniqExact(device_id, epoch) FROM raw.readings WHERE bitShiftRight(epoch, 17) < toUnixTimestamp(today()) / 86400
		AND (device_id, epoch) NOT IN (SELECT device_id, epoch FROM raw.epoch_ends)`); n < 20 {
		s.t.Errorf("%d epochs of days gone by have no end", n)
	}
	if n := s.count("SELECT count() FROM raw.rejects WHERE code != 'REJECT_CODE_OBSERVED_AT_OUT_OF_EPOCH'"); n > 0 {
		s.t.Errorf("%d readings were refused for another reason than their clock", n)
	}
}

// metric is the value of a counter without labels; 0 while the collector is
// away.
func (c *collector) metric(name string) float64 {
	res, err := http.Get("http://" + c.httpAddr + "/metrics")
	if err != nil {
		return 0
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			v, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil {
				c.t.Fatalf("metric %s is %q", name, value)
			}
			return v
		}
	}
	return 0
}
