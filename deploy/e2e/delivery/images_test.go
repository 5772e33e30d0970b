package delivery_test

import (
	"regexp"
	"strings"
	"testing"
)

const dockerfilePath = "deploy/images/Dockerfile"

// stage is one FROM of a Dockerfile with what follows it.
type stage struct {
	from, name string
	lines      []string
}

// stages reads a Dockerfile, lines that go on joined; the arguments before the
// first stage are given by their names.
func stages(t *testing.T) (arguments map[string]string, all map[string]stage) {
	t.Helper()
	arguments, all = map[string]string{}, map[string]stage{}
	source := strings.ReplaceAll(read(t, dockerfilePath), "\\\n", "")
	current := ""
	for line := range strings.Lines(source) {
		line = strings.TrimSpace(line)
		if m := regexp.MustCompile(`^FROM (?:--platform=\S+ )?(\S+) AS (\S+)$`).FindStringSubmatch(line); m != nil {
			current = m[2]
			all[current] = stage{from: m[1], name: current}
		} else if s, ok := all[current]; ok {
			s.lines = append(s.lines, line)
			all[current] = s
		} else if m := regexp.MustCompile(`^ARG (\w+)=(\S+)$`).FindStringSubmatch(line); m != nil {
			arguments[m[1]] = m[2]
		}
	}
	return arguments, all
}

// TestDockerfile: bases by digest, no root, a health check that exists.
func TestDockerfile(t *testing.T) {
	t.Parallel()
	arguments, all := stages(t)
	for _, s := range all {
		name := strings.Trim(s.from, "${}")
		if !regexp.MustCompile(`@sha256:[0-9a-f]{64}$`).MatchString(arguments[name]) {
			t.Errorf("stage %s begins from %s, which is no argument with a digest", s.name, s.from)
		}
	}
	for target, program := range map[string]string{"gantry-agent": "gantry-agent", "collector": "collector", "dbt": ""} {
		body := strings.Join(all[target].lines, "\n")
		for _, needed := range []string{"\nUSER 65532:65532\n", "org.opencontainers.image.version=", "org.opencontainers.image.revision=", "ENTRYPOINT [\""} {
			if !strings.Contains(body, needed) {
				t.Errorf("%s has no %s", target, strings.TrimSpace(needed))
			}
		}
		if strings.Contains(body, "\nRUN ") {
			t.Errorf("%s runs something in the final stage, where distroless has no shell", target)
		}
		if program == "" {
			continue
		}
		if !strings.Contains(body, `CMD ["/`+program+`", "healthcheck", "--live"]`) || !strings.Contains(help(t, program, "healthcheck"), "--live") {
			t.Errorf("%s: no health check, or none that the program has", target)
		}
	}
}

// TestContextIsSmall: what does not belong into an image does not get near it.
func TestContextIsSmall(t *testing.T) {
	t.Parallel()
	ignored := read(t, ".dockerignore")
	if !strings.Contains(ignored, "\n*\n!go.mod\n") || strings.Contains(ignored, "!deploy") || strings.Contains(ignored, "!.") {
		t.Errorf("the build context is more than what images are made of:\n%s", ignored)
	}
}
