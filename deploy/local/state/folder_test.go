package state

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFolderInUseIsRefusedInOneSentence(t *testing.T) {
	dir := t.TempDir()
	if InUse(dir) {
		t.Error("a new folder is in use")
	}
	lock, err := Acquire(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !InUse(dir) {
		t.Error("a locked folder is not in use")
	}
	_, err = Acquire(dir)
	if err == nil {
		t.Fatal("locked twice")
	}
	for _, part := range []string{dir, fmt.Sprintf("process %d", os.Getpid()), "STATE="} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %q", err, part)
		}
	}
	if err := lock.Release(); err != nil {
		t.Fatal(err)
	}
	if again, err := Acquire(dir); err != nil {
		t.Errorf("a released folder: %v", err)
	} else {
		_ = again.Release()
	}
}

func TestStateIsReadBackAsSaved(t *testing.T) {
	dir := t.TempDir()
	if _, err := Read(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an unused folder gave %v", err)
	}
	s, _ := Reconcile(nil, Wanted{}, noon)
	if err := s.Save(dir); err != nil {
		t.Fatal(err)
	}
	got, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	if *got != *s {
		t.Errorf("read %+v\nsaved %+v", *got, *s)
	}
}

func TestDamagedStateSaysWhatToDo(t *testing.T) {
	for content, says := range map[string]string{"{": "damaged", `{"layout": 99}`: "layout 99"} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "state.json"), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(dir); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q gave %v, want it to say %q", content, err, says)
		}
	}
}

func TestSecretsAreMadeOnceAndPrivate(t *testing.T) {
	dir := t.TempDir()
	if err := MakeSecrets(dir); err != nil {
		t.Fatal(err)
	}
	first, err := Password(dir, "operator")
	if err != nil {
		t.Fatal(err)
	}
	if err := MakeSecrets(dir); err != nil {
		t.Fatal(err)
	}
	if again, _ := Password(dir, "operator"); again != first || len(again) != 2*secretBytes {
		t.Errorf("password changed from %d to %d characters", len(first), len(again))
	}
	entries, err := os.ReadDir(filepath.Join(dir, "secrets"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if info, _ := e.Info(); info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, want 0600", e.Name(), info.Mode())
		}
	}
	token, err := Token(dir, "operator")
	if err != nil {
		t.Fatal(err)
	}
	hashed, _ := os.ReadFile(TokensFile(dir))
	if line := fmt.Sprintf("operator %x\n", sha256.Sum256([]byte(token))); !strings.Contains(string(hashed), line) {
		t.Error("the tokens file does not hold the operator's hash")
	}
}
