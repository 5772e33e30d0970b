package dbt_test

import (
	"maps"
	"net/url"
	"strings"
	"testing"

	"github.com/gantry-dev/gantry/collector/clickhouse/clickhousetest"
)

// engineLists are the engine's own lists of what can be asked for.
type engineLists struct {
	tables                              []clickhousetest.Table
	tableFunctions, functions, settings []string
}

// engineLists reads the lists before anybody tries what they name: the engine
// may die of that.
func (w *warehouse) engineLists() engineLists {
	w.t.Helper()
	return engineLists{
		tables:         w.server.Tables(w.t),
		tableFunctions: w.list("SELECT name FROM system.table_functions WHERE name NOT IN ('numbers', 'numbers_mt', 'zeros', 'zeros_mt', 'primes', 'generate_series', 'generateSeries')"),
		functions:      w.list("SELECT DISTINCT name FROM system.functions WHERE NOT is_aggregate AND name NOT LIKE 'sleep%' AND match(name, '^[A-Za-z_0-9]+$')"),
		settings:       w.list("SELECT name FROM system.settings WHERE type = 'String'"),
	}
}

// thief is a user who may not know the needles.
type thief struct {
	w       *warehouse
	lists   engineLists
	user    string
	needles []clickhousetest.Needle
	tried   int
	allowed int
	crashes int
}

// maxCrashes is how often the engine may die of one thief: it is not made for
// what is asked here, and a crash tells nobody a secret.
const maxCrashes = 5

// try runs a statement and fails when anything that comes back holds a secret,
// an error or a header included.
func (f *thief) try(statement string, parameters url.Values) (ok bool, answer []byte) {
	f.w.t.Helper()
	bounded := url.Values{"max_execution_time": {"5"}}
	maps.Copy(bounded, parameters)
	f.tried++
	ok, answer, err := f.w.server.Ask(f.w.t, f.user, statement, bounded)
	if err != nil {
		// Another statement's fault, maybe: this one is asked again, once.
		f.revive(statement)
		if ok, answer, err = f.w.server.Ask(f.w.t, f.user, statement, bounded); err != nil {
			f.revive(statement)
		}
	}
	if ok {
		f.allowed++
	}
	for _, name := range clickhousetest.Find(answer, f.needles) {
		f.w.t.Errorf("%s gets the %s by: %s", f.user, name, statement)
	}
	return ok, answer
}

// revive starts the engine again after it died of a statement.
func (f *thief) revive(statement string) {
	f.w.t.Helper()
	f.w.t.Logf("the engine died at statement %d of %s: %s", f.tried, f.user, statement)
	if f.crashes++; f.crashes > maxCrashes {
		f.w.t.Fatalf("the engine died %d times", f.crashes)
	}
	f.w.server.Restart(f.w.t)
}

// TestThiefGoesOn holds that a crash of the engine ends no walk and is counted.
func TestThiefGoesOn(t *testing.T) {
	f := &thief{w: &warehouse{t: t, server: clickhousetest.Start(t)}, user: clickhousetest.Planner}
	for range 2 {
		f.w.server.Kill()
		if ok, answer := f.try("SELECT 1", nil); !ok {
			t.Errorf("after a crash: %s", answer)
		}
	}
	if f.crashes != 2 {
		t.Errorf("%d crashes counted, of 2", f.crashes)
	}
}

// denied is try, and fails when the statement is carried out, or refused only
// because it is no statement.
func (f *thief) denied(statement string) {
	f.w.t.Helper()
	ok, answer := f.try(statement, nil)
	if ok {
		f.w.t.Errorf("%s may: %s", f.user, statement)
	}
	if strings.Contains(string(answer), "SYNTAX_ERROR") {
		f.w.t.Errorf("%s: denied for the wrong reason: %s: %s", f.user, statement, answer)
	}
}
