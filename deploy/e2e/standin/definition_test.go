//go:build linux

package standin_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gantry-dev/gantry/deploy/ecs/template"
)

// hurry is how much faster than the template's the waits of the stand-in are.
// Limits, as StopTimeout and a health check's timeout, are the template's: a
// machine with other work must keep to them too.
const hurry = 5

// definition is a task definition, of one container.
type definition struct {
	name     string // of program and container
	revision int
	command  []string
	env      []string
	// stopTimeout is from SIGTERM to SIGKILL.
	stopTimeout time.Duration
	health      healthCommand
}

// healthCommand is the container's health check.
type healthCommand struct {
	command                        []string
	interval, timeout, startPeriod time.Duration
	retries                        int
}

// deployment is what a service's DeploymentConfiguration says, in percent of
// the desired count.
type deployment struct {
	minimumHealthy, maximum int
	rollback                bool
}

// stack is the parsed template with what it is created with.
type stack struct {
	t       *testing.T
	parsed  template.Object
	values  template.Values
	secrets map[string]string // "secret:key"
}

// newStack reads the template; parameters are beside its defaults.
func newStack(t *testing.T, parameters map[string]any, secrets map[string]string) *stack {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "deploy", "ecs", "gantry.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := template.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return &stack{t: t, parsed: parsed, secrets: secrets, values: template.Values{
		Parameters: template.Defaults(parsed, parameters), Mappings: parsed["Mappings"],
		Conditions: map[string]bool{"KafkaBySecret": false, "KafkaByIam": false, "KafkaByScram": false},
	}}
}

// get resolves a part of a resource's properties, which must be there.
func (s *stack) get(resource string, path ...string) any {
	s.t.Helper()
	v, err := s.values.Resolve(template.At(s.parsed, append([]string{"Resources", resource, "Properties"}, path...)...))
	if err != nil || v == nil {
		s.t.Fatalf("gantry.yaml, %s %v: %v, %v", resource, path, v, err)
	}
	return v
}

func (s *stack) text(resource string, path ...string) string {
	s.t.Helper()
	return fmt.Sprint(s.get(resource, path...))
}

func (s *stack) number(resource string, path ...string) int {
	s.t.Helper()
	var n int
	if _, err := fmt.Sscan(s.text(resource, path...), &n); err != nil {
		s.t.Fatalf("gantry.yaml, %s %v: %v", resource, path, err)
	}
	return n
}

func (s *stack) seconds(resource string, path ...string) time.Duration {
	s.t.Helper()
	return time.Duration(s.number(resource, path...)) * time.Second
}

// task reads a task definition. changed are variables that are not as on AWS;
// an empty one is left out.
func (s *stack) task(resource, container string, changed map[string]string) *definition {
	s.t.Helper()
	at := func(path ...string) []string { return append([]string{"ContainerDefinitions", container}, path...) }
	env := map[string]string{}
	for _, e := range s.get(resource, at("Environment")...).([]any) {
		env[fmt.Sprint(template.At(e, "Name"))] = fmt.Sprint(template.At(e, "Value"))
	}
	for _, e := range s.get(resource, at("Secrets")...).([]any) {
		name := strings.TrimSuffix(fmt.Sprint(template.At(e, "ValueFrom")), "::")
		value, ok := s.secrets[name]
		if !ok {
			s.t.Fatalf("gantry.yaml, %s: there is no secret %s", resource, name)
		}
		env[fmt.Sprint(template.At(e, "Name"))] = value
	}
	maps.Copy(env, changed)
	d := &definition{name: container, command: texts(s.get(resource, at("Command")...)), stopTimeout: s.seconds(resource, at("StopTimeout")...)}
	for _, name := range slices.Sorted(maps.Keys(env)) {
		if env[name] != "" {
			d.env = append(d.env, name+"="+env[name])
		}
	}
	d.health = healthCommand{
		command:     texts(s.get(resource, at("HealthCheck", "Command")...))[1:], // after CMD
		interval:    s.seconds(resource, at("HealthCheck", "Interval")...),
		timeout:     s.seconds(resource, at("HealthCheck", "Timeout")...),
		startPeriod: s.seconds(resource, at("HealthCheck", "StartPeriod")...),
		retries:     s.number(resource, at("HealthCheck", "Retries")...),
	}
	return d
}

func texts(list any) []string {
	var out []string
	for _, e := range list.([]any) {
		out = append(out, fmt.Sprint(e))
	}
	return out
}

// next is the definition's next revision, with another command if one is given.
func (d *definition) next(command ...string) *definition {
	n := *d
	n.revision++
	if len(command) > 0 {
		n.command = command
	}
	return &n
}

func (s *stack) deployment(service string) deployment {
	s.t.Helper()
	return deployment{
		minimumHealthy: s.number(service, "DeploymentConfiguration", "MinimumHealthyPercent"),
		maximum:        s.number(service, "DeploymentConfiguration", "MaximumPercent"),
		rollback:       s.text(service, "DeploymentConfiguration", "DeploymentCircuitBreaker", "Rollback") == "true",
	}
}

func (s *stack) targetGroup(resource string) targetGroup {
	s.t.Helper()
	return targetGroup{
		port: s.number(resource, "Port"),
		checkURL: strings.ToLower(s.text(resource, "HealthCheckProtocol")) + "://target:" +
			s.text(resource, "HealthCheckPort") + s.text(resource, "HealthCheckPath"),
		interval:     s.seconds(resource, "HealthCheckIntervalSeconds") / hurry,
		timeout:      s.seconds(resource, "HealthCheckTimeoutSeconds"),
		healthyAfter: s.number(resource, "HealthyThresholdCount"),
		sickAfter:    s.number(resource, "UnhealthyThresholdCount"),
		drain:        s.seconds(resource, "TargetGroupAttributes", "deregistration_delay.timeout_seconds", "Value") / hurry,
	}
}
