package truth

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestReportIsAsPromised measures a week of the corridor, which must show
// every property but those of a year.
func TestReportIsAsPromised(t *testing.T) {
	out := mustGantry(t, "report", "--json", "--year-days=0", "--from=2026-03-02T03:00:00Z", "--to=2026-03-09T03:00:00Z")
	var r struct {
		Rows []map[string]any `json:"rows"`
	}
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Rows) < 20 {
		t.Errorf("%d rows", len(r.Rows))
	}
	for _, row := range r.Rows {
		for _, key := range []string{"name", "value", "lo", "hi", "pass"} {
			if _, ok := row[key]; !ok {
				t.Errorf("row %v has no %s", row, key)
			}
		}
		if row["pass"] == nil && row["reason"] == nil {
			t.Errorf("row %v has neither a verdict nor a reason", row)
		}
		if ofYear := strings.HasPrefix(row["name"].(string), "K,"); ofYear != (row["value"] == nil) {
			t.Errorf("row %v", row)
		}
	}
}

func TestReportForPeopleHasALinePerProperty(t *testing.T) {
	out := mustGantry(t, "report", "--year-days=0", "--from=2026-03-02T03:00:00Z", "--to=2026-03-03T03:00:00Z", "--devices=north-02-counter")
	for _, want := range []string{"corridor, scenario weekday, seed 1, 2026-03-02T03:00:00Z to", "peak hour factor", "needs a year of hours", "within their bands"} {
		if !strings.Contains(out, want) {
			t.Errorf("lacks %q:\n%s", want, out)
		}
	}
	if _, err := gantry(t, "report", "--devices=nobody"); err == nil || !strings.Contains(err.Error(), `no device "nobody"`) {
		t.Errorf("error %v", err)
	}
	if _, err := gantry(t, "report", "--year-days=-1"); err == nil || !strings.Contains(err.Error(), "--year-days") {
		t.Errorf("error %v", err)
	}
}
