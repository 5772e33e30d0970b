// Package localtest gives tests what the launcher installs.
package localtest

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

// DBT is the dbt program, installed where the user's cache does not hold it.
func DBT(t testing.TB) string {
	t.Helper()
	program, err := installDBT()
	if err != nil {
		t.Fatal(err)
	}
	return program
}

var installDBT = sync.OnceValues(func() (string, error) {
	root, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return "", fmt.Errorf("find the project's folder: %w", err)
	}
	cmd := exec.Command("go", "run", "./deploy/local", "install")
	cmd.Dir, cmd.Stderr = strings.TrimSpace(string(root)), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("install dbt: %w", err)
	}
	for line := range strings.Lines(string(out)) {
		if program, ok := strings.CutPrefix(strings.TrimSpace(line), "GANTRY_DBT="); ok {
			return program, nil
		}
	}
	return "", fmt.Errorf("install dbt: no GANTRY_DBT in %s", out)
})
