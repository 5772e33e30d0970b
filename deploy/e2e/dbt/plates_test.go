package dbt_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// platesKept are the tables made of plate tokens that a rebuild must give anew.
var platesKept = []string{
	"staging.int_journeys", "staging.int_plate_pairs_5m", "staging.int_od_flow_5m",
	"serving.travel_time_5m", "serving.travel_time_hour", "serving.travel_time_reliability",
	"serving.od_flow_hour", "serving.commuter_share",
}

// TestPlates takes plates that travel between stations through late readings,
// copies, a network that learns of a camera, and a rebuild.
func TestPlates(t *testing.T) {
	if testing.Short() {
		t.Skip("starts dbt many times, seconds each")
	}
	w := newWarehouse(t, t.TempDir())
	w.buildMotorway()
	w.dbtPlates("build")
	w.drive(4)
	const late = "cityHash64(device_id, seq) % 10 = 0"
	w.insert("toDate(observed_at) >= " + w.daysAgo(2) + " AND NOT " + late)
	w.dbtPlates("run")
	w.matches()

	// At noon of yesterday nothing of another day's journeys is near.
	before := w.platesComputedAt()
	w.insert("toDate(observed_at) = " + w.daysAgo(1) + " AND toHour(observed_at) = 12 AND " + late)
	w.dbtPlates("run")
	w.matches()
	w.recomputed(before, map[string]bool{w.daysAgo(1): true})

	// At the end of a day are the first sightings of journeys of the next.
	before = w.platesComputedAt()
	w.insert("toDate(observed_at) = " + w.daysAgo(2) + " AND toHour(observed_at) = 23 AND " + late)
	w.dbtPlates("run")
	w.matches()
	w.recomputed(before, map[string]bool{w.daysAgo(2): true, w.daysAgo(1): true})

	w.keep(platesKept)
	w.insert("toDate(observed_at) >= " + w.daysAgo(1) + " AND NOT " + late + " AND seq % 3 = 0") // copies
	w.dbtPlates("run")
	w.sameAsKept(platesKept)

	w.standAt("V9", "speed", "P4") // heals every day
	w.insert("toDate(observed_at) = " + w.daysAgo(3))
	w.insert(late)
	w.dbtPlates("build")
	w.matches()

	for _, table := range platesKept {
		w.exec("DROP TABLE IF EXISTS " + table + "_kept")
	}
	w.keep(platesKept)
	w.dbtPlates("run", "--full-refresh")
	w.matches()
	w.sameAsKept(platesKept)
	w.noToken()
}

// buildMotorway adds a road of four stations with cameras, of which the network
// does not hold the last's yet, from west to east past mid's two ramps.
func (w *warehouse) buildMotorway() {
	w.t.Helper()
	w.exec(`INSERT INTO raw.stations (station_id, gantry_id, road, direction, offset_m, lanes, limit_kmh, link_id, valid_from)
		SELECT 'P' || toString(number + 1), 'G2', 'M2', 'eastbound', number * 2000 + 1000, 2, 110,
			if(number < 2, 'm2-1', 'm2-2'), today() - 9 FROM numbers(4)`)
	w.exec(`INSERT INTO raw.nodes (node_id, is_zone, valid_from)
		SELECT arrayJoin(['west', 'mid', 'east', 'junction']) AS node_id, node_id != 'junction', today() - 9`)
	w.exec(`INSERT INTO raw.links (link_id, kind, road, direction, offset_m, length_m, lanes, limit_kmh, from_node, to_node, valid_from)
		SELECT x.1, x.2, 'M2', 'eastbound', x.3, 4000, 2, 110, x.4, x.5, today() - 9 FROM (SELECT arrayJoin([
			('m2-1', 'motorway', 0, 'west', 'junction'), ('m2-2', 'motorway', 4000, 'junction', 'east'),
			('off', 'ramp', 4000, 'junction', 'mid'), ('on', 'ramp', 4000, 'mid', 'junction')]) AS x)`)
	for i := 1; i <= 3; i++ {
		w.standAt(fmt.Sprintf("V%d", i+5), "speed", fmt.Sprintf("P%d", i))
	}
	w.standAt("T7", "toll", "P2")
	w.standAt("C7", "counter", "P2")
}

// standAt adds a device of the motorway to the network.
func (w *warehouse) standAt(device, kind, station string) {
	w.t.Helper()
	w.exec(`INSERT INTO raw.devices (device_id, kind, station_id, loop_length_cm, valid_from)
		SELECT $1, $2, $3, if($2 = 'counter', 200, 0), today() - 9`, device, kind, station)
}

// drive makes the readings of so many days: 400 vehicles a day pass all four
// stations, one every 216 s, so that one is on its way at midnight; each has
// a plate of its own but for every 40th, a commuter, which comes every day at
// its time. One plate in twenty is misread at the third station. The toll
// gantry reads tags, and the plate of none.
func (w *warehouse) drive(days int) {
	w.t.Helper()
	w.exec(`DROP TABLE IF EXISTS raw.emitted`)
	w.exec(`CREATE TABLE raw.emitted AS raw.readings ENGINE = MergeTree ORDER BY (device_id, observed_at)`)
	w.exec(`INSERT INTO raw.emitted (device_id, epoch, seq, observed_at, kind, lane, vehicle_class, length_cm, occupied_ms,
			headway_ms, speed_tenth_kmh, limit_kmh, confidence_percent, plate, plate_token, plate_key_id, axles, persons, received_at)
		WITH day * 400 + trips.number AS trip,
			cityHash64(trip) AS h,
			toInt64(toUnixTimestamp(toDate($2) - day)) * 1000000 + trips.number * 216000000 - 100000000 AS start_us,
			if(trips.number % 40 = 0, trips.number, 1000 + trip) AS vehicle,
			if(stop = 3 AND h % 20 = 0, 100000 + trip, vehicle) AS read,
			start_us + (stop - 1) * (66000000 + h % 9000000) AS us
		SELECT device, toUInt32(intDiv(us, 86400000000)) * 131072, trip + 1, fromUnixTimestamp64Micro(us, 'UTC'),
			kind, 1, if(h % 7 = 0, 'truck', 'car'), if(kind = 'counter', 450, 0), if(kind = 'counter', 234, 0),
			0, if(kind = 'speed', 1000, 0), if(kind = 'speed', 110, 0), if(kind = 'speed', 90, 0), if(kind = 'speed', 'X', ''),
			multiIf(kind = 'speed', cityHash64('plate', read), kind = 'toll', cityHash64('tag', vehicle), 0), if(kind = 'counter', 0, 1),
			if(kind = 'toll', 2, 0), if(kind = 'toll', 1 + h % 3, 0), fromUnixTimestamp64Micro(us, 'UTC')
		FROM numbers(400) AS trips
		CROSS JOIN (SELECT number AS day FROM numbers($1)) AS days
		CROSS JOIN (SELECT x.1 AS device, x.2 AS kind, x.3 AS stop FROM (SELECT arrayJoin([('V6', 'speed', 1), ('V7', 'speed', 2),
			('V8', 'speed', 3), ('V9', 'speed', 4), ('T7', 'toll', 2), ('C7', 'counter', 2)]) AS x)) AS devices`,
		days, w.today.Format(time.DateOnly))
}

// dbtPlates runs a command of dbt on what plates are needed for. Tests that
// need other models too are left out, and unit tests.
func (w *warehouse) dbtPlates(args ...string) {
	w.t.Helper()
	command := slices.Concat(args, []string{"--select", "+travel_time_reliability", "+travel_time_hour", "+od_flow_hour", "+commuter_share"})
	if args[0] == "build" {
		command = append(command, "--indirect-selection", "cautious", "--exclude-resource-type", "unit_test")
	}
	w.dbt(command...)
}

// seenTwice is, of the readings in raw of devices that the network holds, the
// cameras that read one plate within ten minutes of each other, one row per
// sighting with the one before. No trip takes longer, and none meets another.
const seenTwice = `
	SELECT *, lagInFrame(device_id) OVER trip AS before, dateDiff('millisecond', lagInFrame(observed_at) OVER trip, observed_at) AS ms,
		before = '' OR ms > 600000 AS is_first
	FROM (SELECT DISTINCT device_id, plate_token, observed_at FROM raw.readings
		WHERE kind = 'speed' AND device_id IN (SELECT device_id FROM raw.devices) AND device_id IN ('V6', 'V7', 'V8', 'V9'))
	WINDOW trip AS (PARTITION BY plate_token ORDER BY observed_at ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)`

// matches compares journeys, matched pairs and flows with the readings in raw.
func (w *warehouse) matches() {
	w.t.Helper()
	const pairs = `
SELECT count() FROM
	(SELECT before AS f, device_id AS t, toStartOfFiveMinutes(observed_at) AS bin_start, count() AS n FROM (` + seenTwice + `)
		WHERE NOT is_first GROUP BY ALL) AS want
FULL OUTER JOIN
	(SELECT 'V' || toString(toUInt8(substring(from_station_id, 2)) + 5) AS f, 'V' || toString(toUInt8(substring(to_station_id, 2)) + 5) AS t,
		bin_start, match_count AS n FROM staging.int_plate_pairs_5m WHERE from_station_id LIKE 'P%' AND rejected_count = 0) AS got USING (f, t, bin_start)
WHERE want.n != got.n SETTINGS join_use_nulls = 0`
	if n := w.count(pairs); n != 0 {
		w.t.Errorf("%d pairs and bins of int_plate_pairs_5m are not what raw says", n)
	}
	const journeys = `SELECT count() FROM staging.int_journeys WHERE camera_count > 0 AND first_station_id LIKE 'P%'`
	if got, want := w.count(journeys), w.count(`SELECT countIf(is_first) FROM (`+seenTwice+`)`); got != want || got == 0 {
		w.t.Errorf("%d journeys, raw says %d", got, want)
	}
	// Between two zones there are two cameras here, of which one is enough.
	const begun = `SELECT sum(begin_count) FROM staging.int_od_flow_5m WHERE station_id LIKE 'P%'`
	if got, want := w.count(begun), w.count(journeys); got != want {
		w.t.Errorf("%d journeys begin in int_od_flow_5m, of %d", got, want)
	}
	const tolled = `SELECT countIf(toll_count = 1 AND camera_count > 0) FROM staging.int_journeys WHERE first_station_id LIKE 'P%'`
	const beside = `SELECT count() FROM (SELECT DISTINCT plate_token, observed_at FROM raw.readings WHERE device_id = 'T7') AS toll
		INNER JOIN (SELECT DISTINCT observed_at FROM raw.readings WHERE device_id = 'V7') AS camera USING (observed_at)`
	if got, want := w.count(tolled), w.count(beside); got != want || got == 0 {
		w.t.Errorf("%d journeys with a toll reading, raw says %d", got, want)
	}
}

// platesComputedAt is when each day of the journeys, and of what is made of
// them, was computed, by table and day.
func (w *warehouse) platesComputedAt() map[string]time.Time {
	w.t.Helper()
	at := map[string]time.Time{}
	for table, column := range map[string]string{"int_journeys": "last_at", "int_plate_pairs_5m": "bin_start", "int_od_flow_5m": "bin_start"} {
		rows, err := w.conn.Query(w.t.Context(), fmt.Sprintf(
			`SELECT '%s ' || toString(toDate(%s)), min(computed_at) FROM staging.%[1]s GROUP BY 1`, table, column))
		if err != nil {
			w.t.Fatal(err)
		}
		for rows.Next() {
			var day string
			var when time.Time
			if err := rows.Scan(&day, &when); err != nil {
				w.t.Fatal(err)
			}
			at[day] = when
		}
		if err := rows.Err(); err != nil {
			w.t.Fatal(err)
		}
		rows.Close()
	}
	return at
}

// recomputed fails unless just these days were computed since before.
func (w *warehouse) recomputed(before map[string]time.Time, days map[string]bool) {
	w.t.Helper()
	for key, at := range w.platesComputedAt() {
		_, day, _ := strings.Cut(key, " ")
		if touched := days["'"+day+"'"]; touched == at.Equal(before[key]) {
			w.t.Errorf("%s: computed at %v, before that at %v; it should have been: %v", key, at, before[key], touched)
		}
	}
}

// noToken fails if serving has a column that a token would fit in.
func (w *warehouse) noToken() {
	w.t.Helper()
	const wide = `SELECT count() FROM system.columns WHERE database = 'serving' AND (type LIKE '%Int128%' OR name LIKE '%token%')`
	if n := w.count(wide); n != 0 {
		w.t.Errorf("serving has %d columns for tokens", n)
	}
}
