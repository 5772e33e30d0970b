package query

import (
	"encoding/csv"
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestIncidentsHaveTheThresholdsOfTheModels: a recurrent queue is the same
// thing on every page.
func TestIncidentsHaveTheThresholdsOfTheModels(t *testing.T) {
	file, err := os.Open("../../dbt/seeds/thresholds.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	lines, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	value := map[string]string{}
	for _, l := range lines {
		value[l[0]] = l[1]
	}
	for name, used := range map[string]string{
		"evaluation_days":         "local_date - %s AND",
		"evaluation_workdays_min": "compared_day_count >= %s AND",
		"recurrent_day_share_min": "queue_day_count < %s * compared_day_count",
	} {
		if text := fmt.Sprintf(used, value[name]); !strings.Contains(incidentsTable, text) {
			t.Errorf("%s is %s in the seeds, and there is no %q in the question", name, value[name], text)
		}
	}
}
