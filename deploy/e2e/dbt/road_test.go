package dbt_test

import (
	"testing"
)

// zonesByLink is, for each link of the shipped networks that bears stations, the
// zones nearest upstream and downstream, read off the files by hand. Round R1,
// clockwise metres begin at A1, between airport and hillcrest.
var zonesByLink = map[string][2]string{
	"m1-north-1": {"south-end", "riverside"},
	"m1-north-3": {"riverside", "harbour"},
	"m1-north-5": {"harbour", "north-end"},
	"m1-north-6": {"harbour", "north-end"},
	"m1-south-1": {"north-end", "harbour"},
	"m1-south-3": {"harbour", "riverside"},
	"m1-south-5": {"riverside", "south-end"},
	"m1-south-6": {"riverside", "south-end"},
	"r1-cw-1":    {"airport", "hillcrest"},
	"r1-cw-3":    {"hillcrest", "dockside"},
	"r1-cw-5":    {"hillcrest", "dockside"},
	"r1-cw-7":    {"dockside", "millbrook"},
	"r1-cw-9":    {"dockside", "millbrook"},
	"r1-cw-11":   {"millbrook", "airport"},
	"r1-cw-13":   {"millbrook", "airport"},
	"r1-cw-15":   {"airport", "hillcrest"},
	"r1-acw-1":   {"airport", "millbrook"},
	"r1-acw-3":   {"airport", "millbrook"},
	"r1-acw-5":   {"millbrook", "dockside"},
	"r1-acw-7":   {"millbrook", "dockside"},
	"r1-acw-9":   {"dockside", "hillcrest"},
	"r1-acw-11":  {"dockside", "hillcrest"},
	"r1-acw-13":  {"hillcrest", "airport"},
	"r1-acw-15":  {"hillcrest", "airport"},
	"a1-in-1":    {"northgate", "parkside"},
	"a1-in-4":    {"parkside", "centre"},
	"a1-in-6":    {"parkside", "centre"},
	"a1-out-1":   {"centre", "parkside"},
	"a1-out-3":   {"centre", "parkside"},
	"a1-out-5":   {"parkside", "northgate"},
	"a2-in-1":    {"eastleigh", "centre"},
	"a2-in-3":    {"eastleigh", "centre"},
	"a2-out-1":   {"centre", "eastleigh"},
	"a2-out-3":   {"centre", "eastleigh"},
	"a3-in-1":    {"southport", "centre"},
	"a3-in-3":    {"southport", "centre"},
	"a3-out-1":   {"centre", "southport"},
	"a3-out-3":   {"centre", "southport"},
	"a4-in-1":    {"westfield", "centre"},
	"a4-in-3":    {"westfield", "centre"},
	"a4-out-1":   {"centre", "westfield"},
	"a4-out-3":   {"centre", "westfield"},
}

// TestZonesOfTheShippedNetworks: where vehicles at each station come from at the
// nearest, and where they may leave.
func TestZonesOfTheShippedNetworks(t *testing.T) {
	if testing.Short() {
		t.Skip("starts dbt, seconds")
	}
	w := emptyWarehouse(t, t.TempDir())
	w.mirror([]string{"--network=corridor"}, []string{"--network=metro"})
	w.dbt("build", "--select", "+int_station_access", "+int_link_versions", "stg_tariffs", "--indirect-selection", "buildable")
	rows, err := w.conn.Query(t.Context(), `
SELECT station_id, link_id, origin_zone, destination_zone
FROM staging.int_station_versions LEFT JOIN staging.int_station_access USING (station_id)`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	stations, links := 0, map[string]bool{}
	for rows.Next() {
		var station, link string
		var got [2]string
		if err := rows.Scan(&station, &link, &got[0], &got[1]); err != nil {
			t.Fatal(err)
		}
		if want, ok := zonesByLink[link]; !ok || got != want {
			t.Errorf("station %s at link %q lies between %q, want %q", station, link, got, want)
		}
		stations++
		links[link] = true
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	if stations != 24+70 || len(links) != len(zonesByLink) {
		t.Errorf("%d stations at %d links", stations, len(links))
	}
}
