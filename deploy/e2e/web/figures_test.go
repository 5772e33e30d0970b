package web_test

import (
	"encoding/json"
	"time"

	"github.com/gantry-dev/gantry/collector/clickhouse/clickhouselocal"
)

// lastDay bounds what the page of violations shows: 24 hours of data.
const lastDay = ` >= toStartOfSecond((SELECT toDateTime64(as_of, 6, 'UTC') FROM serving.freshness) - INTERVAL 24 HOUR)`

// figures are numbers that pages must show, by SQL on what dbt made; at least
// one of each page. One that is nothing would compare nothing.
func (s *stack) figures() string {
	s.t.Helper()
	lastDate, firstDate := s.days[len(s.days)-1].Format(time.DateOnly), s.days[0].Format(time.DateOnly)
	out := map[string]float64{}
	for user, queries := range map[string]map[string]string{
		clickhouselocal.UserOperator: {
			"live_vehicles_north_09": `SELECT toFloat64(sum(counter_count)) FROM live.station_minutes WHERE station_id = 'north-09' AND minute >= toDateTime('` + s.cut.Add(-5*time.Minute).Format(time.DateTime) + `', 'UTC')`,
			"queue_delay_vehicle_h":  `SELECT max(delay_vehicle_h) FROM serving.bottlenecks WHERE road = 'M1' AND direction = 'north' AND local_date = '` + firstDate + `'`,
			"suspected_incidents": `SELECT toFloat64(count()) FROM serving.bottlenecks AS q WHERE direction = 'south' AND local_date = '` + lastDate + `'
				AND (link_id, local_date) NOT IN (SELECT a.link_id, a.local_date FROM serving.bottlenecks AS a INNER JOIN serving.bottlenecks AS b ON a.link_id = b.link_id
					WHERE b.local_date < a.local_date AND b.first_minute < a.last_minute AND b.last_minute > a.first_minute)`,
			"station_vehicles":       `SELECT toFloat64(sum(measured_vehicle_count)) FROM serving.station_flow_day WHERE station_id = 'north-09' AND local_date = '` + firstDate + `'`,
			"upgrade_value":          `SELECT ifNull(max(value), 0) FROM serving.screen_upgrade WHERE link_id = 'm1-north-6'`,
			"public_transport_cars":  `SELECT max(cars_per_workday) FROM serving.screen_public_transport`,
			"public_transport_value": `SELECT ifNull(max(value), 0) FROM serving.screen_public_transport`,
			"flexi_time_at_10":       `SELECT ifNull(max(saved_vehicle_h_per_weekday), 0) FROM serving.flexi_time_curve WHERE road = 'M1' AND direction = 'north' AND peak = 'am' AND shift_percent = 10`,
			"speed_camera_v85":       `SELECT ifNull(max(value), 0) FROM serving.screen_speed_cameras`,
			"fleet_readings":         `SELECT toFloat64(sum(received_count)) FROM serving.device_health WHERE day = '` + lastDate + `'`,
			"quality_received":       `SELECT toFloat64(sum(received_count)) FROM serving.pipeline_days`,
			"quality_lost":           `SELECT toFloat64(sum(lost_count)) FROM serving.pipeline_days`,
		},
		clickhouselocal.UserEnforcement: {
			"violations":         `SELECT toFloat64(count()) FROM enforcement.violations WHERE is_usable AND observed_at` + lastDay,
			"section_violations": `SELECT toFloat64(count()) FROM enforcement.average_speed_violations WHERE is_usable AND to_observed_at` + lastDay,
			"most_over_kmh":      `SELECT max(over_kmh) FROM (SELECT over_kmh FROM enforcement.violations WHERE is_usable AND observed_at` + lastDay + ` ORDER BY observed_at DESC, device_id DESC, epoch DESC, seq DESC LIMIT 1000)`,
		},
	} {
		conn, err := s.warehouse.Open(user)
		if err != nil {
			s.t.Fatal(err)
		}
		for name, query := range queries {
			var value float64
			if err := conn.QueryRow(s.t.Context(), query).Scan(&value); err != nil {
				s.t.Errorf("%s: %v", query, err)
			} else if value <= 0 && name != "suspected_incidents" && (name != "quality_lost" || s.gap) {
				s.t.Errorf("%s is %v: nothing would be compared", name, value)
			}
			out[name] = value
		}
		_ = conn.Close()
	}
	text, err := json.Marshal(out)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Logf("by SQL: %s", text)
	return string(text)
}
