package dbt_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/gantry-dev/gantry/collector/clickhouse/clickhousetest"
)

func TestMain(m *testing.M) { clickhousetest.Main(m) }

func TestIncrements(t *testing.T) {
	if testing.Short() {
		t.Skip("starts dbt many times, seconds each")
	}
	dir := t.TempDir() // one for all, so that dbt parses the project once
	t.Run("fold what comes late", func(t *testing.T) { foldLate(t, dir) })
	t.Run("find a day lost half-way", func(t *testing.T) { findLostDay(t, dir) })
}

// foldLate takes the project through a life: a build before the first
// reading, a first day, then late readings, copies, a day of history and a device that the network learns of
// afterwards, each folded by an incremental run, and at last a rebuild, which
// must give the very same table.
func foldLate(t *testing.T, dir string) {
	w := newWarehouse(t, dir)
	w.dbt("build")
	w.described()
	if n := w.count(`SELECT count() FROM serving.station_flow_5m`); n != 0 {
		t.Errorf("%d rows from no readings", n)
	}
	w.emit(4)

	// Most of the last three days and nothing of the day before them; one
	// reading in ten is late, and device C9 is not in the network yet.
	const onTime, late = " AND cityHash64(device_id, seq) % 10 != 0", " AND cityHash64(device_id, seq) % 10 = 0"
	w.insert("toDate(observed_at) >= " + w.daysAgo(2) + onTime)
	w.dbt("run")
	w.agrees()
	w.current()

	before := w.computedAt()
	w.insert("toDate(observed_at) = " + w.daysAgo(2) + late)
	w.insert("toDate(observed_at) = " + w.daysAgo(2) + " AND cityHash64(device_id, seq) % 3 = 0") // copies
	w.insert("toDate(observed_at) = " + w.daysAgo(3))                                             // history
	w.know("C9", "S4")                                                                            // heals every day it reported on
	w.dbt(again...)
	w.agrees()
	w.current()
	w.answers()
	if n := w.count(`SELECT countIf(station_id = '') FROM staging.int_station_flow_5m`); n != 0 {
		t.Errorf("%d rows are still without a station after the network got the device", n)
	}
	if len(before) != 3 {
		t.Errorf("the first build covers %d days, want 3", len(before))
	}

	before = w.computedAt()
	w.insert("toDate(observed_at) = " + w.daysAgo(1) + late)
	w.dbt("run")
	w.agrees()
	w.current()
	for day, at := range w.computedAt() {
		if touched := "'"+day+"'" == w.daysAgo(1); touched == at.Equal(before[day]) {
			t.Errorf("%s: computed at %v, before that at %v; it got new rows: %v", day, at, before[day], touched)
		}
	}

	w.keep(kept)
	w.dbt(append(again, "--full-refresh")...)
	w.agrees()
	w.sameAsKept(kept)
}

// again is a build without unit tests, which say the same each time.
var again = []string{"build", "--exclude-resource-type", "unit_test"}

// findLostDay: a run that was killed after it had replaced some days
// leaves the others to the next run, in both tables.
func findLostDay(t *testing.T, dir string) {
	w := newWarehouse(t, dir)
	w.emit(3)
	w.know("C9", "S4")
	w.insert("1")
	w.dbt("build", "--exclude-resource-type", "test", "unit_test")
	w.keep(kept)
	w.exec("ALTER TABLE staging.int_station_flow_5m DROP PARTITION " + w.daysAgo(1))
	w.exec("ALTER TABLE staging.int_device_hour DROP PARTITION " + w.daysAgo(2))
	w.exec("ALTER TABLE serving.station_flow_5m DROP PARTITION " + w.daysAgo(2))
	w.dbt("run")
	w.agrees()
	w.sameAsKept(kept)
}

// agrees compares serving.station_flow_5m with the readings that were inserted,
// summed up here without FINAL, without parts and without dbt, and the other
// grains with those.
func (w *warehouse) agrees() {
	w.t.Helper()
	// One row of `wrong` per bin that differs, either way.
	const wrong = `
WITH
  (SELECT groupUniqArray(device_id) FROM raw.devices) AS known,
  sent AS (
    SELECT DISTINCT device_id, epoch, seq, observed_at, kind, lane, vehicle_class, length_cm, occupied_ms, speed_tenth_kmh
    FROM raw.readings WHERE kind != 'toll' AND has(known, device_id)),
  spot AS (
    SELECT *, 'S' || substring(device_id, 2) AS named, if(named = 'S9', 'S4', named) AS station_id,
      if(kind = 'speed', speed_tenth_kmh / 10, (length_cm + 200) / 100 / (occupied_ms / 1000) * 3.6) AS v_kmh,
      kind = if(station_id IN ('S1', 'S3'), 'speed', 'counter') AS speaks
    FROM sent),
  want AS (
    SELECT station_id, lane, toString(vehicle_class) AS vehicle_class,
      toDateTime(intDiv(toUnixTimestamp(observed_at), 300) * 300, 'UTC') AS bin_start,
      countIf(kind = 'counter') AS n,
      countIf(speaks) AS n_speed,
      avgOrNullIf(v_kmh, speaks) AS time_mean,
      n_speed / sumOrNullIf(1 / v_kmh, speaks) AS space_mean
    FROM spot GROUP BY ALL)
SELECT count() FROM want FULL OUTER JOIN serving.station_flow_5m AS got
  ON want.station_id = got.station_id AND want.lane = got.lane
    AND want.vehicle_class = got.vehicle_class AND want.bin_start = got.bin_start
WHERE want.station_id = '' OR got.station_id = ''
  OR n != vehicle_count OR n_speed != speed_count
  OR NOT ifNull(flow_veh_h, -1) = if(got.station_id = 'S3', -1, n * 12)
  OR isNull(time_mean) != isNull(time_mean_speed_kmh) OR isNull(space_mean) != isNull(space_mean_speed_kmh)
  OR abs(time_mean - time_mean_speed_kmh) > 0.001 OR abs(space_mean - space_mean_speed_kmh) > 0.001
SETTINGS join_use_nulls = 0`
	if n := w.count(wrong); n != 0 {
		w.t.Errorf("%d bins of serving.station_flow_5m are not what the readings in raw say", n)
	}
	if w.count(`SELECT count() FROM serving.station_flow_5m`) == 0 {
		w.t.Error("serving.station_flow_5m is empty: nothing was compared")
	}
	w.grainsAgree()
}

// current fails where the two incremental tables do not tell of the same days.
func (w *warehouse) current() {
	w.t.Helper()
	n := w.count(`
SELECT count()
FROM (SELECT DISTINCT toDate(bin_start) AS day, computed_at FROM staging.int_station_flow_5m WHERE station_id != '') AS parts
FULL OUTER JOIN (SELECT DISTINCT toDate(bin_start) AS day, computed_at FROM serving.station_flow_5m) AS flow USING (day, computed_at)
WHERE parts.computed_at = 0 OR flow.computed_at = 0 SETTINGS join_use_nulls = 0`)
	if n != 0 {
		w.t.Errorf("%d days of serving.station_flow_5m are not those of its parts", n)
	}
}

// computedAt is when each day of the serving table was computed.
func (w *warehouse) computedAt() map[string]time.Time {
	w.t.Helper()
	rows, err := w.conn.Query(w.t.Context(),
		`SELECT toString(toDate(bin_start)), min(computed_at) FROM serving.station_flow_5m GROUP BY 1`)
	if err != nil {
		w.t.Fatal(err)
	}
	defer rows.Close()
	days := map[string]time.Time{}
	for rows.Next() {
		var day string
		var at time.Time
		if err := rows.Scan(&day, &at); err != nil {
			w.t.Fatal(err)
		}
		days[day] = at
	}
	if err := rows.Err(); err != nil {
		w.t.Fatal(err)
	}
	return days
}

// kept are the tables that a rebuild, or a run after a crash, must give anew:
// those that are incremental, and of those made whole from them the ones that
// something is derived from.
var kept = []string{
	"staging.int_station_flow_5m", "staging.int_device_hour",
	"staging.int_station_5m", "staging.int_station_hour", "staging.int_device_health",
	"serving.station_flow_5m", "serving.station_flow_hour", "serving.station_flow_day",
	"serving.device_health", "serving.toll_reconciliation", "serving.station_annual",
}

// keep sets tables aside, for sameAsKept.
func (w *warehouse) keep(tables []string) {
	w.t.Helper()
	for _, table := range tables {
		w.exec(fmt.Sprintf("CREATE TABLE %s_kept ENGINE = MergeTree ORDER BY () AS SELECT * FROM %[1]s", table))
	}
}

// sameAsKept fails unless the tables hold, bit for bit, the rows set aside.
func (w *warehouse) sameAsKept(tables []string) {
	w.t.Helper()
	for _, table := range tables {
		// These are not columns of all; EXCEPT passes over what is not there.
		now := "SELECT * EXCEPT (computed_at, journeys_stamp) FROM " + table
		if w.count("SELECT count() FROM "+table) == 0 {
			w.t.Errorf("%s is empty: nothing was compared", table)
		}
		for _, less := range []string{now + " EXCEPT ALL " + now + "_kept", now + "_kept EXCEPT ALL " + now} {
			if n := w.count("SELECT count() FROM (" + less + ")"); n != 0 {
				w.t.Errorf("%d rows differ: %s", n, less)
			}
		}
	}
}
