package truth

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestWorldsLieWithinTheBands: every property that the field has published is
// within its band, for both networks. Two weeks of one seed here; ten seeds with
// a year of hours with GANTRY_LONG (make test-long), an hour of processor time.
func TestWorldsLieWithinTheBands(t *testing.T) {
	if testing.Short() {
		t.Skip("two weeks of two networks")
	}
	seeds, year := 1, "--year-days=0"
	if os.Getenv("GANTRY_LONG") != "" {
		seeds, year = 10, "--year-days=365"
	}
	for _, network := range []string{"corridor", "metro"} {
		for seed := range seeds {
			t.Run(fmt.Sprintf("%s %d", network, seed+1), func(t *testing.T) {
				checkBands(t, network, fmt.Sprintf("--seed=%d", seed+1), year)
			})
		}
	}
}

func checkBands(t *testing.T, network, seed, year string) {
	t.Helper()
	var r struct {
		Rows []struct {
			Name          string
			Value, Lo, Hi *float64
			Pass          *bool
			Reason        string
		} `json:"rows"`
	}
	if err := json.Unmarshal([]byte(mustGantry(t, "report", "--json", "--network="+network, seed, year)), &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Rows) != 32 {
		t.Errorf("%d properties", len(r.Rows))
	}
	for _, row := range r.Rows {
		switch {
		case row.Pass != nil && *row.Pass:
		case row.Pass != nil:
			t.Errorf("%s is %v, outside %v to %v", row.Name, *row.Value, *row.Lo, *row.Hi)
		case strings.HasPrefix(row.Name, "K,") && year == "--year-days=0": // takes a year
		default:
			t.Errorf("%s is not to be seen: %s", row.Name, row.Reason)
		}
	}
}
