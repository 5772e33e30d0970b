package dbt_test

import (
	"fmt"
	"strings"
	"testing"
)

// flowParts are the columns that live.station_minutes and int_station_flow_5m
// have in common.
var flowParts = []string{
	"counter_count", "counter_covered_ms", "counter_speed_count", "counter_sum_speed_m_h", "counter_sum_speed_squared_m2_h2", "counter_sum_pace_us_km",
	"camera_count", "camera_speed_count", "camera_sum_speed_m_h", "camera_sum_speed_squared_m2_h2", "camera_sum_pace_us_km",
	"toll_count", "toll_sum_persons", "toll_single_count",
}

// TestLiveSaysTheSame: the collector's live minutes add up to dbt's bins of
// five, number by number, so that a page that shows both does not jump.
func TestLiveSaysTheSame(t *testing.T) {
	if testing.Short() {
		t.Skip("starts dbt, seconds")
	}
	w := newWarehouse(t, t.TempDir())
	w.know("C9", "S4")
	w.emit(3)
	w.insert("1")
	w.insert("cityHash64(device_id, seq) % 3 = 0") // copies
	w.dbt("build", "--select", "+int_station_flow_5m", "--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")

	// Hours are computed when all that touched them can be seen.
	w.exec("SYSTEM STOP VIEW live.refresh_hours")
	w.exec("INSERT INTO raw.touched SELECT device_id, slot, inserted_at - INTERVAL 3 MINUTE FROM raw.touched")
	for _, slotS := range []int{60, 3600} {
		w.exec(fmt.Sprintf("INSERT INTO live.station_minute_versions SELECT * FROM raw.fresh_minutes(slot_s = %d, most = 1000000)", slotS))
	}

	key := "station_id, lane, vehicle_class, bin_start"
	row := "(" + strings.Join(flowParts, ", ") + ")"
	live := "SELECT " + key + ", (sum(" + strings.Join(flowParts, "), sum(") + ")) AS parts FROM live.station_minutes GROUP BY station_id, lane, vehicle_class, toStartOfFiveMinutes(minute) AS bin_start"
	flow := "SELECT " + key + ", " + row + " AS parts FROM staging.int_station_flow_5m"
	compared := w.count("SELECT count() FROM (" + live + ") AS live INNER JOIN (" + flow + ") AS flow USING (" + key + ") WHERE live.parts = flow.parts")
	for name, query := range map[string]string{"live": live, "dbt": flow} {
		if n := w.count("SELECT count() FROM (" + query + ")"); n != compared || n == 0 {
			t.Errorf("%s has %d rows, of which %d are the same in both", name, n, compared)
		}
	}
}
