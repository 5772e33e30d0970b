package delivery_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// root is the project's folder, from here.
const root = "../../.."

// checks gives the folder of the programs in Python that check formats,
// installing them when the cache does not hold them.
var checks = sync.OnceValues(func() (string, error) {
	cmd := exec.Command("go", "run", "./deploy/local", "install", "--checks")
	cmd.Dir, cmd.Stderr = root, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("install the checks: %w", err)
	}
	for line := range strings.Lines(string(out)) {
		if dir, ok := strings.CutPrefix(strings.TrimSpace(line), "GANTRY_CHECKS="); ok {
			return dir, nil
		}
	}
	return "", os.ErrNotExist
})

// check runs one of them from the project's folder and fails the test with
// what it says when it finds something.
func check(t *testing.T, program string, args ...string) string {
	t.Helper()
	dir, err := checks()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(dir, program), args...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1", "PATH="+dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// built is the folder of the tree's programs, built once.
var built = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "gantry-delivery")
	if err != nil {
		return "", err
	}
	cmd := exec.Command("go", "build", "-o", dir+"/", "./gantry-agent", "./collector")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return dir, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if dir, err := built(); err == nil {
		_ = os.RemoveAll(dir)
	}
	os.Exit(code)
}

// help is what a program says of one of its commands.
func help(t *testing.T, program string, command ...string) string {
	t.Helper()
	dir, err := built()
	if err != nil {
		t.Fatal(err)
	}
	// Wide, or it breaks the names of variables.
	cmd := exec.CommandContext(t.Context(), filepath.Join(dir, program), append(command, "--help")...)
	cmd.Env = append(os.Environ(), "COLUMNS=1000")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v --help: %v\n%s", program, command, err, out)
	}
	return string(out)
}

// variables are the environment variables that a command says it reads, with
// those that stand in for a file (package proto/secretenv).
func variables(t *testing.T, program string, command ...string) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	for _, m := range regexp.MustCompile(`\$(GANTRY_[A-Z0-9_]+)`).FindAllStringSubmatch(help(t, program, command...), -1) {
		out[m[1]] = true
		if bare, isFile := strings.CutSuffix(m[1], "_FILE"); isFile {
			out[bare] = true
		}
	}
	if len(out) < 5 {
		t.Fatalf("%s %v names only %v", program, command, out)
	}
	return out
}

// dbtVariables are those that dbt's profile reads.
func dbtVariables(t *testing.T) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	for _, m := range regexp.MustCompile(`env_var\('([A-Z_]+)'`).FindAllStringSubmatch(read(t, "dbt/profiles.yml"), -1) {
		out[m[1]] = true
	}
	return out
}

// read gives a file of the project.
func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
