package dbt_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/gantry-dev/gantry/gantry-agent/world"
)

// answers are what nobody may find in raw, for it is what the models are asked to
// find out: figures and names of a world that no other column holds by chance.
// Each stands in the files in place of what the shipped ones say.
var answers = []struct{ what, shipped, told string }{
	{"capacity", "capacity_veh_h: 2250", "capacity_veh_h: 2237"},
	{"a ramp's capacity", "capacity_veh_h: 1700", "capacity_veh_h: 1713"},
	{"jam density", "jam_veh_km: 145", "jam_veh_km: 147"},
	{"free-flow speed", "free_flow_kmh: 116", "free_flow_kmh: 113"},
	{"a narrower link's free-flow speed", "free_flow_kmh: 108", "free_flow_kmh: 109"},
	{"priority", " lanes: 1", " lanes: 1, priority: 97"},
	{"scenario", "name: weekday", "name: zanzibar"},
	{"demand", "vehicles: 24200", "vehicles: 24211"},
	{"a smaller demand", "vehicles: 5800", "vehicles: 5813"},
	{"fleet", "car: 620000", "car: 620011"},
}

// TestTheAnswerIsNotInRaw: capacity, free-flow speed, jam density, demand and
// scenario are in what the collector is given, and neither a value nor the name of a column
// of raw tells of them.
func TestTheAnswerIsNotInRaw(t *testing.T) {
	network, scenario := edited(t, "network", "corridor"), edited(t, "scenario", "weekday")
	w := emptyWarehouse(t, t.TempDir())
	printed := w.mirror([]string{"--network=" + network, "--scenario=" + scenario, "--seed=918273"})[0]
	for _, a := range answers {
		pair := strings.TrimPrefix(a.told, " lanes: 1, ")
		_, value, _ := strings.Cut(pair, ": ")
		if !bytes.Contains(printed, []byte(pair)) {
			t.Errorf("%s: the network's world does not say %q: nothing is shown", a.what, pair)
		}
		w.nowhere(a.what, value)
	}
	w.nowhere("seed", "918273")

	// The search finds what is there: a length, a zone, a place.
	for _, there := range []string{"6100", "south-end", "138.54693", "motorway", "corridor"} {
		if len(w.places(there)) == 0 {
			t.Errorf("%q is not found in raw, where it is: the search is blind", there)
		}
	}
	telling := regexp.MustCompile(`(?i)capac|free_?flow|jam|demand|scenario|priorit|fingerprint|seed|world`)
	for table, columns := range w.columns() {
		for _, column := range columns {
			if telling.MatchString(table + "." + column) {
				t.Errorf("column raw.%s.%s", table, column)
			}
		}
	}
}

// edited is a shipped file with the answers in it, in a folder of the test's.
func edited(t *testing.T, kind, name string) string {
	t.Helper()
	text, ok := world.Shipped(kind, name)
	if !ok {
		t.Fatalf("no %s %s is shipped", kind, name)
	}
	for _, a := range answers {
		text = bytes.ReplaceAll(text, []byte(a.shipped), []byte(a.told))
	}
	file := filepath.Join(t.TempDir(), kind+".yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func (w *warehouse) nowhere(what, value string) {
	w.t.Helper()
	for _, place := range w.places(value) {
		w.t.Errorf("%s %s is in %s", what, value, place)
	}
}

// places are the columns of raw in which a value stands, alone or as a word or number
// within something longer.
func (w *warehouse) places(value string) (found []string) {
	w.t.Helper()
	word := `(^|[^0-9A-Za-z.])` + regexp.QuoteMeta(value) + `([^0-9A-Za-z.]|$)`
	for table, columns := range w.columns() {
		for _, column := range columns {
			var n uint64
			query := fmt.Sprintf("SELECT countIf(match(toString(%#q), $1)) FROM raw.%#q", column, table)
			if err := w.conn.QueryRow(w.t.Context(), query, word).Scan(&n); err != nil {
				w.t.Fatalf("%s: %v", query, err)
			}
			if n > 0 {
				found = append(found, "raw."+table+"."+column)
			}
		}
	}
	return found
}

// columns of each table of raw, those included that `*` leaves out.
func (w *warehouse) columns() map[string][]string {
	w.t.Helper()
	rows, err := w.conn.Query(w.t.Context(), "SELECT table, name FROM system.columns WHERE database = 'raw'")
	if err != nil {
		w.t.Fatal(err)
	}
	defer rows.Close()
	all := map[string][]string{}
	for rows.Next() {
		var table, column string
		if err := rows.Scan(&table, &column); err != nil {
			w.t.Fatal(err)
		}
		all[table] = append(all[table], column)
	}
	if err := rows.Err(); err != nil {
		w.t.Fatal(err)
	}
	return all
}
