package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAccountOfABuild(t *testing.T) {
	for name, c := range map[string]struct {
		results string
		failed  error
		ok      bool
		passed  int
		total   int
		message string
	}{
		"passed": {`{"results": [{"unique_id": "model.gantry.a", "status": "success"}, {"unique_id": "test.gantry.b", "status": "pass"}]}`,
			nil, true, 2, 2, ""},
		"a failing test": {`{"results": [{"unique_id": "test.gantry.not_null_a", "status": "fail", "message": "Got 3 results\nmore"},
			{"unique_id": "model.gantry.b", "status": "skipped"}]}`,
			errors.New("dbt failed (exit code 1)"), false, 0, 2, "not_null_a: Got 3 results"},
		"no account":      {"", errors.New("dbt failed (exit code 2), see dbt.log:\nno such profile"), false, 0, 0, "no such profile"},
		"damaged account": {"{", nil, false, 0, 0, "unexpected end of JSON input"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "run_results.json")
			if c.results != "" {
				if err := os.WriteFile(path, []byte(c.results), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			d := account(path, c.failed)
			if d.OK != c.ok || d.Passed != c.passed || d.Total != c.total || d.Message != c.message {
				t.Errorf("got %+v", d)
			}
		})
	}
}

func TestStatementsEndWithASemicolon(t *testing.T) {
	var got []string
	run := func(s string) error { got = append(got, s); return nil }
	if err := promptLines(strings.NewReader("\nselect 1;\nselect\n  2\n;\nselect 3"), run); err != nil {
		t.Fatal(err)
	}
	want := []string{"select 1", "select\n  2\n", "select 3"}
	if len(got) != len(want) {
		t.Fatalf("got %q, want %q", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("statement %d is %q, want %q", i, got[i], want[i])
		}
	}
}

func TestFirstFailingStatementEndsAScript(t *testing.T) {
	broken := errors.New("no such table")
	ran := 0
	err := promptLines(strings.NewReader("select 1;\nselect 2;"), func(string) error { ran++; return broken })
	if !errors.Is(err, broken) || ran != 1 {
		t.Errorf("ran %d statements, error %v", ran, err)
	}
}

func TestSQLWithoutAStackSaysHowToStartOne(t *testing.T) {
	dir := t.TempDir()
	c := sqlCommand{folderSetting: folderSetting{State: dir}, Query: "select 1"}
	says(t, c.Run(), dir+" holds no stack", "make run")
}
