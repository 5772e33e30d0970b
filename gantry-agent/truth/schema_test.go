package truth

import (
	"encoding/json"
	"testing"
)

func TestSchemasArePrinted(t *testing.T) {
	for _, kind := range []string{"network", "scenario", "interventions"} {
		var schema struct {
			ID string `json:"$id"`
		}
		if err := json.Unmarshal([]byte(mustGantry(t, "schema", kind)), &schema); err != nil {
			t.Fatal(err)
		}
		if want := "urn:gantry-dev:gantry:" + kind; schema.ID != want {
			t.Errorf("schema of %q, want %q", schema.ID, want)
		}
	}
	if _, err := gantry(t, "schema", "weather"); err == nil {
		t.Error("there is a schema of the weather")
	}
}
