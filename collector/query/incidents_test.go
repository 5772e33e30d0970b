package query_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gantry-dev/gantry/collector/query/querytest"
	"github.com/gantry-dev/gantry/collector/query/rows"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// TestSuspectedIncidents: a queue of an hour and place at which there is none
// on days of its kind, told only where there are days to compare.
func TestSuspectedIncidents(t *testing.T) {
	d := open(t, querytest.Start(t), rows.DefaultLimits())
	d.Exec(`TRUNCATE TABLE serving.bottlenecks`)
	d.Exec(`TRUNCATE TABLE serving.link_flow_day`)
	// L0 and L2 are measured from Monday 2026-02-02 on, L1 on three workdays.
	d.Exec(`INSERT INTO serving.link_flow_day (link_id, road, direction, local_date, bin_count, measured_bin_count)
		SELECT arrayJoin(['L0', 'L2']), 'M1', 'north', toDate('2026-02-02') + number, 288, 288 FROM numbers(28)`)
	d.Exec(`INSERT INTO serving.link_flow_day (link_id, road, direction, local_date, bin_count, measured_bin_count)
		SELECT 'L1', 'M1', 'north', toDate('2026-02-23') + number, 288, if(number = 3, 100, 288) FROM numbers(4)`)
	var queues []string
	queue := func(link, date string, from, to int) {
		queues = append(queues, fmt.Sprintf(`('%s', 'S0', 'M1', 'north', '%s', %d, %d, 1500, 40)`, link, date, from, to))
	}
	for day := 2; day <= 27; day++ { // L0 queues every morning
		queue("L0", fmt.Sprintf("2026-02-%02d", day), 450, 540)
	}
	queue("L0", "2026-02-27", 840, 900) // at noon: an incident, on the 20th workday
	queue("L0", "2026-02-05", 840, 900) // three workdays to compare: not told
	queue("L1", "2026-02-27", 450, 540) // three measured days: not told
	queue("L2", "2026-02-24", 600, 660) // an incident; one of 16 workdays had another
	queue("L2", "2026-02-10", 590, 605)
	queue("L2", "2026-02-28", 600, 660) // a Saturday, with six days of weekends before it
	d.Exec(`INSERT INTO serving.bottlenecks (link_id, down_station_id, road, direction, local_date, first_minute, last_minute, queue_length_m, delay_vehicle_h)
		VALUES ` + strings.Join(queues, ", "))
	resp, err := d.client().ListSuspectedIncidents(t.Context(), &gantryv1.ListSuspectedIncidentsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, i := range resp.Incidents {
		got = append(got, fmt.Sprintf("%s %s %d %d of %d", i.LocalDate, i.LinkId, i.FirstMinute, i.QueueDayCount, i.ComparedDayCount))
	}
	want := []string{
		"2026-02-28 L2 600 0 of 6", "2026-02-27 L0 840 1 of 19", "2026-02-24 L2 600 1 of 16", "2026-02-10 L2 590 0 of 6",
	}
	if !slices.Equal(got, want) {
		t.Errorf("incidents\n%s, want\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	one, err := d.client().ListSuspectedIncidents(t.Context(), &gantryv1.ListSuspectedIncidentsRequest{LinkId: "L0", FromDate: "2026-02-27", PageSize: 1})
	if err != nil || len(one.Incidents) != 1 || one.Incidents[0].QueueLengthM != 1500 || one.Incidents[0].DelayVehicleH != 40 || one.NextPageToken != "" {
		t.Errorf("of one link: %v, %v", one, err)
	}
}
