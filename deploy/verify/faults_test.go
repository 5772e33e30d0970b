package main

import (
	"fmt"
	"testing"
)

// failing are faults of all kinds for the devices of the bench. The power of
// the counter fails on the first day at noon.
const failing = `
faults:
  - {device: "*", kind: drop, per_mille: 20}
  - {device: "*", kind: duplicate, per_mille: 20}
  - {device: "*", kind: over_count, per_mille: 10}
  - {device: "*", kind: late, per_mille: 20, seconds: 7200}
  - {device: "*", kind: reorder, per_mille: 50, seconds: 20}
  - {device: "*", kind: skew, seconds: -5, drift_ms_per_hour: 20, from: "2026-03-01T00:00"}
  - {device: "*-speed", kind: skew, seconds: 400000, per_mille: 2}
  - {device: "*", kind: stuck, per_day: 1, seconds: 1800}
  - {device: "*", kind: silent, per_day: 1, seconds: 900}
  - {device: "*-toll", kind: reboot, per_day: 2, seconds: 60, end: true}
  - {device: "*-counter", kind: reboot, from: "2026-03-10T12:00", seconds: 90, end: false}
  - {device: "*", kind: class_drift, per_mille: 200, days: 30, from: "2026-03-01T00:00"}
  - {device: "*", kind: misread, per_mille: 100}
`

// TestFaultsOfDevicesAreExpected: what a fault does is all right, and what is
// wrong beside it is still caught.
func TestFaultsOfDevicesAreExpected(t *testing.T) {
	b := newBench(t, failing)
	b.reset(t)
	clean := b.tally(t)
	if !clean.OK() || clean.RejectedExpected < 20 || clean.Found+clean.RejectedExpected != clean.Expected || clean.Expected < 50_000 {
		t.Fatalf("without a mistake: %+v", clean)
	}
	const (
		counter = "device_id = 'north-02-counter' AND epoch = 2689859584"
		reject  = "epoch = 2689859584 AND seq = (SELECT min(seq) FROM ideal.rejects WHERE epoch = 2689859584)"
		booted  = 2689859584 + 12*3600 + 90 // of the counter, after noon
	)
	var n uint64
	query := fmt.Sprintf("SELECT count() FROM ideal.readings WHERE device_id = 'north-02-counter' AND epoch = %d", booted)
	if err := b.conn.QueryRow(t.Context(), query).Scan(&n); err != nil || n < 1000 {
		t.Fatalf("%d readings after the reboot, %v", n, err)
	}
	for _, c := range []struct {
		name       string
		statements []string
		want       Tally // what differs from clean
	}{
		{"an end of an epoch that was not closed", []string{"INSERT INTO raw.epoch_ends (device_id, epoch, last_seq) SELECT 'north-02-counter', 2689859584, max(seq) FROM ideal.readings WHERE " + counter}, Tally{Invented: 1}},
		{"a reading after the power was cut", []string{"INSERT INTO raw.readings SELECT * REPLACE (seq + 1 AS seq) FROM (SELECT * FROM ideal.readings WHERE " + counter + " ORDER BY seq DESC LIMIT 1)"}, Tally{Invented: 1}},
		{"a boot that is not there", []string{fmt.Sprintf("INSERT INTO raw.readings SELECT * REPLACE (epoch + 1 AS epoch) FROM (SELECT * FROM ideal.readings WHERE device_id = 'north-02-counter' AND epoch = %d AND seq = 1)", booted)}, Tally{Invented: 1}},
		{"an end of a reboot dropped", []string{"DELETE FROM raw.epoch_ends WHERE device_id = 'north-02-toll' AND epoch = 2689859584"}, Tally{Missing: 1}},
		{"a reject dropped", []string{"DELETE FROM raw.rejects WHERE " + reject}, Tally{Missing: 1}},
		{"a reject for another reason", []string{"DELETE FROM raw.rejects WHERE " + reject,
			"INSERT INTO raw.rejects SELECT * REPLACE ('REJECT_CODE_MALFORMED' AS code) FROM ideal.rejects WHERE " + reject}, Tally{Missing: 1, RejectedUnexpected: 1}},
		{"what was to be refused is in raw", []string{"INSERT INTO raw.readings SELECT * REPLACE ((SELECT min(seq) FROM ideal.rejects WHERE epoch = 2689859584) AS seq) FROM (SELECT * FROM ideal.readings WHERE device_id = 'north-02-speed' AND epoch = 2689859584 AND seq = 1)"}, Tally{Altered: 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b.reset(t)
			for _, s := range c.statements {
				b.exec(t, s)
			}
			got, want := b.tally(t), c.want
			want.Expected, want.Samples = clean.Expected, got.Samples
			want.Found, want.RejectedExpected = got.Found, got.RejectedExpected
			if fmt.Sprint(*got) != fmt.Sprint(want) {
				t.Errorf("got %+v, want %+v", *got, want)
			}
			if got.OK() != (c.want.Invented+c.want.Missing+c.want.Altered+c.want.RejectedUnexpected == 0) {
				t.Error("not caught")
			}
			if got.Found+got.RejectedExpected+got.Missing != clean.Expected {
				t.Errorf("%d found, %d refused as expected, %d missing of %d", got.Found, got.RejectedExpected, got.Missing, clean.Expected)
			}
		})
	}
}
