package delivery_test

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

const composePath = "deploy/compose/compose.yaml"

// composed is the file as podman-compose understands it, anchors resolved.
func composed(t *testing.T) object {
	t.Helper()
	dir, err := checks()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(dir, "podman-compose"), "--file", composePath, "config")
	cmd.Dir = root
	// It only asks podman for its version.
	fake := t.TempDir()
	if err := os.WriteFile(filepath.Join(fake, "podman"), []byte("#!/bin/sh\necho podman version 5.0.0\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	cmd.Env = append(os.Environ(), "PATH="+fake+string(os.PathListSeparator)+os.Getenv("PATH"))
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("podman-compose config: %v\n%s", err, out)
	}
	return parse(t, out)
}

func TestCompose(t *testing.T) {
	t.Parallel()
	services := asObject(composed(t)["services"])
	want := []string{"agent", "clickhouse", "collector", "dbt", "kafka", "network"}
	if got := slices.Sorted(maps.Keys(services)); !slices.Equal(got, want) {
		t.Fatalf("services %v", got)
	}
	for name, service := range services {
		ours := strings.HasPrefix(text(at(service, "image")), "gantry/")
		if ours {
			checkConfined(t, name, service)
		} else if !regexp.MustCompile(`@sha256:[0-9a-f]{64}$`).MatchString(text(at(service, "image"))) {
			t.Errorf("%s: the image is not pinned", name)
		}
		if name != "network" && name != "dbt" && at(service, "healthcheck", "test") == nil {
			t.Errorf("%s has no health check", name)
		}
		for other := range asObject(at(service, "depends_on")) {
			if services[other] == nil {
				t.Errorf("%s waits for %s, which is none", name, other)
			}
		}
		for _, port := range values(at(service, "ports")) {
			if !strings.HasPrefix(text(port), "127.0.0.1:") {
				t.Errorf("%s is open to other machines: %v", name, port)
			}
		}
	}
	if n := at(services["collector"], "deploy", "replicas"); n != 2 {
		t.Errorf("%v collectors", n)
	}
}

// checkConfined holds a service of ours against what the programs read.
func checkConfined(t *testing.T, name string, service any) {
	t.Helper()
	if at(service, "read_only") != true || at(service, "user") != "65532:65532" || text(at(service, "cap_drop")) != "[ALL]" {
		t.Errorf("%s may do more than it needs", name)
	}
	var known map[string]bool
	switch name {
	case "agent":
		known = variables(t, "gantry-agent", "run")
	case "collector":
		known = variables(t, "collector", "all")
	case "network":
		known = variables(t, "collector", "network", "apply")
	default:
		known = dbtVariables(t)
		known["GANTRY_DBT_PAUSE"] = true // its own loop's
	}
	for variable, value := range asObject(at(service, "environment")) {
		if !known[variable] {
			t.Errorf("%s is given %s, which it does not read", name, variable)
		}
		secret, isSecret := strings.CutPrefix(text(value), "/run/secrets/")
		if isSecret && !slices.Contains(values(at(service, "secrets")), any(secret)) {
			t.Errorf("%s reads secret %s, which it does not get", name, secret)
		}
	}
}

// TestComposeStopsWithinBudget: docker kills after stop_grace_period.
func TestComposeStopsWithinBudget(t *testing.T) {
	t.Parallel()
	services := asObject(composed(t)["services"])
	m := regexp.MustCompile(`--shutdown-timeout=(\w+)`).FindStringSubmatch(help(t, "collector", "all"))
	if m == nil {
		t.Fatal("the collector has no --shutdown-timeout")
	}
	drain, err := time.ParseDuration(m[1])
	if err != nil {
		t.Fatal(err)
	}
	grace, err := time.ParseDuration(text(at(services["collector"], "stop_grace_period")))
	if err != nil || grace < drain+5*time.Second {
		t.Errorf("a collector gets %s to stop and takes up to %s (%v)", grace, drain, err)
	}
}

// TestComposeState: the secrets that compose.yaml names are made, with nobody
// else able to reach them, and a second run keeps them.
func TestComposeState(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "state")
	prepare := func() map[string]string {
		cmd := exec.CommandContext(t.Context(), "go", "run", "./deploy/compose", "--state", dir)
		cmd.Dir = root
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		contents := map[string]string{}
		for _, secret := range asObject(composed(t)["secrets"]) {
			path := filepath.Join(dir, strings.TrimPrefix(text(at(secret, "file")), "./state/"))
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			contents[path] = string(content)
		}
		users, err := os.ReadFile(filepath.Join(dir, "users.xml"))
		if err != nil || !strings.Contains(string(users), "<collector>") {
			t.Fatalf("users.xml: %v", err)
		}
		contents["users.xml"] = string(users)
		return contents
	}
	first := prepare()
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder is open to others: %v, %v", info.Mode(), err)
	}
	if second := prepare(); !maps.Equal(first, second) || len(first) < 6 {
		t.Errorf("a second run changed the secrets, or there are few: %d", len(first))
	}
}
