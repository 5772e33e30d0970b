package dbt_test

import "fmt"

// grainsAgree fails unless every grain holds as many vehicles of every
// station as the counters that the network knows reported, each reading once,
// and the hours of devices as many readings as raw has.
func (w *warehouse) grainsAgree() {
	w.t.Helper()
	sent := `SELECT if(device_id = 'C9', 'S4', 'S' || substring(device_id, 2)) AS station_id, uniqExact(device_id, epoch, seq) AS n
		FROM raw.readings WHERE kind = 'counter' AND device_id IN (SELECT device_id FROM raw.devices) GROUP BY station_id`
	for _, table := range []string{
		"staging.int_station_5m", "staging.int_station_hour",
		"serving.station_flow_5m", "serving.station_flow_hour", "serving.station_flow_day",
	} {
		got := "SELECT station_id, sum(vehicle_count) AS n FROM " + table + " GROUP BY station_id HAVING n > 0"
		if n := w.count(fmt.Sprintf("SELECT count() FROM ((%[1]s EXCEPT %[2]s) UNION ALL (%[2]s EXCEPT %[1]s))", sent, got)); n != 0 {
			w.t.Errorf("%s: the vehicles of %d stations are not those that their counters reported", table, n)
		}
	}
	const devices = `
SELECT count()
FROM (SELECT device_id, uniqExact(epoch, seq) AS n FROM raw.readings GROUP BY device_id) AS sent
FULL OUTER JOIN (SELECT device_id, sum(reading_count) AS n FROM staging.int_device_hour GROUP BY device_id) AS got USING (device_id)
WHERE sent.n != got.n`
	if n := w.count(devices); n != 0 {
		w.t.Errorf("staging.int_device_hour: the readings of %d devices are not those in raw", n)
	}
	// Bins follow one another without a hole, and none is told twice.
	const holes = `
SELECT count()
FROM (SELECT station_id, uniqExact(bin_start) AS n, count() AS rows, dateDiff('second', min(bin_start), max(bin_start)) / 300 + 1 AS want
	FROM staging.int_station_5m GROUP BY station_id)
WHERE n != want OR rows != want`
	if n := w.count(holes); n != 0 {
		w.t.Errorf("staging.int_station_5m: the bins of %d stations have holes or copies", n)
	}
}
