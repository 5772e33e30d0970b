package delivery_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// workflows are the files of .github/workflows by name, parsed.
func workflows(t *testing.T) map[string]object {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(root, ".github", "workflows", "*.yml"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no workflows: %v", err)
	}
	out := map[string]object{}
	for _, path := range paths {
		source, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		out[filepath.Base(path)] = parse(t, source)
	}
	return out
}

// TestWorkflowsAreSafe: make lint has actionlint say whether they are right.
func TestWorkflowsAreSafe(t *testing.T) {
	t.Parallel()
	check(t, "zizmor", "--offline", "--persona=pedantic", "--min-severity=medium", ".github/workflows")
}

// TestActionsArePinned: a tag may be moved by whoever takes its repository
// over, a commit may not.
func TestActionsArePinned(t *testing.T) {
	t.Parallel()
	pinned := regexp.MustCompile(`^\s*(?:- )?uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$`)
	shas := map[string]string{}
	for name := range workflows(t) {
		for line := range strings.Lines(read(t, ".github/workflows/"+name)) {
			line = strings.TrimRight(line, "\n")
			if !strings.Contains(line, "uses: ") {
				continue
			}
			if !pinned.MatchString(line) {
				t.Errorf("%s: %s: no commit with its version", name, strings.TrimSpace(line))
			}
			action, at, _ := strings.Cut(strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "- ")), "@")
			if before, ok := shas[action]; ok && before != at {
				t.Errorf("%s is pinned to %s and to %s", action, before, at)
			}
			shas[action] = at
		}
	}
}

// TestPermissionsAreMinimal: none by default, few by job, and a secret only
// where something is published or deployed.
func TestPermissionsAreMinimal(t *testing.T) {
	t.Parallel()
	allowed := map[string]string{ // what a job may have beyond reading the source
		"release.yml/images/packages": "write", "release.yml/images/id-token": "write", "release.yml/release/contents": "write",
		"deploy.yml/deploy/id-token": "write", "deploy.yml/deploy/packages": "read",
	}
	for name, w := range workflows(t) {
		if p, ok := w["permissions"].(object); !ok || len(p) != 0 {
			t.Errorf("%s: permissions %v by default", name, w["permissions"])
		}
		for job, body := range asObject(w["jobs"]) {
			if at(body, "timeout-minutes") == nil {
				t.Errorf("%s: job %s may hang for six hours", name, job)
			}
			for scope, level := range asObject(at(body, "permissions")) {
				if scope == "contents" && level == "read" || allowed[name+"/"+job+"/"+scope] == level {
					continue
				}
				t.Errorf("%s: job %s has %s: %v", name, job, scope, level)
			}
		}
		if strings.Contains(read(t, ".github/workflows/"+name), "secrets.") {
			t.Errorf("%s uses a stored secret", name)
		}
	}
}

// TestWorkflowsNameWhatExists: files they run, parameters they set.
func TestWorkflowsNameWhatExists(t *testing.T) {
	t.Parallel()
	parameters := asObject(parseTemplate(t, templatePath)["Parameters"])
	_, targets := stages(t)
	for _, m := range regexp.MustCompile(`\b(\w+Image)=([\w-]+)`).FindAllStringSubmatch(read(t, ".github/workflows/deploy.yml"), -1) {
		if parameters[m[1]] == nil || targets[m[2]].name == "" {
			t.Errorf("deploy.yml sets %s to image %s", m[1], m[2])
		}
	}
	for name := range workflows(t) {
		for _, path := range regexp.MustCompile(`(?:deploy|\.ci)/[\w./-]+`).FindAllString(read(t, ".github/workflows/"+name), -1) {
			if _, err := os.Stat(filepath.Join(root, path)); err != nil {
				t.Errorf("%s names %s: %v", name, path, err)
			}
		}
	}
}
