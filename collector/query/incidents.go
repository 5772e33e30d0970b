package query

import (
	"context"

	"github.com/gantry-dev/gantry/collector/query/rows"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// incidentsTable compares each queue with the days of its kind in the four
// weeks before. Truth about incidents is nowhere in the data, so this is what
// is left of one: a queue at a link and a time of day at which there is none
// otherwise. Four days and one in five are dbt's thresholds for recurrent
// congestion (evaluation_workdays_min, recurrent_day_share_min), by which the
// screen of road upgrades tells incidents from a want of road; 28 days are
// evaluation_days. A day counts when most of the link's bins were measured.
const incidentsTable = `(SELECT q.link_id AS link_id, q.down_station_id AS down_station_id, q.road AS road, q.direction AS direction, q.local_date AS local_date,
	q.first_minute AS first_minute, q.last_minute AS last_minute, q.queue_length_m AS queue_length_m, q.delay_vehicle_h AS delay_vehicle_h,
	uniqExact(d.local_date) AS compared_day_count, uniqExactIf(d.local_date, p.link_id != '') AS queue_day_count
	FROM serving.bottlenecks AS q
	INNER JOIN (SELECT link_id, local_date FROM serving.link_flow_day WHERE 2 * measured_bin_count > bin_count) AS d ON d.link_id = q.link_id
	LEFT JOIN serving.bottlenecks AS p ON p.link_id = d.link_id AND p.local_date = d.local_date
		AND p.first_minute < q.last_minute AND p.last_minute > q.first_minute
	WHERE d.local_date < q.local_date AND d.local_date >= q.local_date - 28 AND (toDayOfWeek(d.local_date) > 5) = (toDayOfWeek(q.local_date) > 5)
	GROUP BY ALL
	HAVING compared_day_count >= 4 AND queue_day_count < 0.2 * compared_day_count)`

// suspectedIncidents are queues that are not recurrent.
var suspectedIncidents = list{
	table: incidentsTable,
	order: rows.By("local_date Date", "link_id", "down_station_id").NewestFirst(),
	filters: map[string]filter{
		"road":      byRoad,
		"direction": byDirection,
		"link_id":   byLink,
		"from_date": sinceDate,
		"to_date":   untilDate,
	},
}

// ListSuspectedIncidents implements gantry.v1.QueryService.
func (t *Traffic) ListSuspectedIncidents(ctx context.Context, req *gantryv1.ListSuspectedIncidentsRequest) (*gantryv1.ListSuspectedIncidentsResponse, error) {
	return listed(ctx, t, suspectedIncidents, req, &gantryv1.ListSuspectedIncidentsResponse{})
}
