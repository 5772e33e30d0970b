package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func openedState(t *testing.T, dir string) *state {
	t.Helper()
	s, err := openState(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.close)
	return s
}

func TestStateKeepsNameAndWorld(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "agent")
	s := openedState(t, dir)
	name, err := s.name("")
	if err != nil || name == "" {
		t.Fatal(name, err)
	}
	if err := s.belong("f00"); err != nil {
		t.Fatal(err)
	}
	if _, err := openState(dir); err == nil || !strings.Contains(err.Error(), "in use by another agent") {
		t.Errorf("a second agent: %v", err)
	}
	s.close()
	again := openedState(t, dir)
	if got, err := again.name(""); got != name || err != nil {
		t.Errorf("name %q, %v; want %q", got, err, name)
	}
	if got, err := again.name("given"); got != "given" || err != nil {
		t.Errorf("name %q, %v; want the given one", got, err)
	}
	if err := again.belong("ba4"); err == nil || !strings.Contains(err.Error(), "belongs to world f00, not to world ba4") {
		t.Errorf("another world: %v", err)
	}
	if info, err := os.Stat(again.file()); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}

func TestStateWithoutFolder(t *testing.T) {
	s := openedState(t, "")
	if _, err := s.name(""); err != nil {
		t.Error(err)
	}
	if err := s.belong("f00"); err != nil {
		t.Error(err)
	}
}

func TestStateThatIsNoState(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "agent.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openState(dir); err == nil || !strings.Contains(err.Error(), "agent.json") {
		t.Errorf("got %v", err)
	}
}
