package delivery_test

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gantry-dev/gantry/collector/ingest"
	"github.com/gantry-dev/gantry/collector/kafka"
	"github.com/gantry-dev/gantry/gantry-agent/uplink"
)

const templatePath = "deploy/ecs/gantry.yaml"

func TestTemplateLints(t *testing.T) {
	t.Parallel()
	check(t, "cfn-lint", templatePath)
	if size := len(read(t, templatePath)); size > 51_200 {
		t.Errorf("%d bytes: above 51 200 a template must go through a bucket", size)
	}
}

// TestTemplateOnMoto creates the stack and scales its agents.
func TestTemplateOnMoto(t *testing.T) {
	t.Parallel()
	check(t, "python", "-W", "ignore", "deploy/e2e/delivery/testdata/create_stack.py", templatePath)
}

// program is a container of ours: the program and command that run in it.
type program struct {
	task, container string
	name            string
	command         []string
	// stop is how long it takes to end in order.
	stop time.Duration
}

func programs(t *testing.T, template object) []program {
	t.Helper()
	drain, err := time.ParseDuration(text(at(template, "Resources", "CollectorTask", "Properties", "ContainerDefinitions", "collector",
		"Environment", "GANTRY_SHUTDOWN_TIMEOUT", "Value")))
	if err != nil {
		t.Fatalf("GANTRY_SHUTDOWN_TIMEOUT: %v", err)
	}
	return []program{
		{"CollectorTask", "collector", "collector", []string{"all"}, drain},
		{"AgentTask", "gantry-agent", "gantry-agent", []string{"run"}, uplink.DefaultTiming().Finish},
	}
}

func (p program) definition(template object) object {
	return asObject(at(template, "Resources", p.task, "Properties", "ContainerDefinitions", p.container))
}

// TestStopsWithinBudget: SIGKILL comes at StopTimeout, and cuts what drains.
func TestStopsWithinBudget(t *testing.T) {
	template := parseTemplate(t, templatePath)
	for _, p := range programs(t, template) {
		given, _ := p.definition(template)["StopTimeout"].(int)
		if stop := time.Duration(given) * time.Second; stop < p.stop+5*time.Second || stop > 120*time.Second {
			t.Errorf("%s: StopTimeout %s; an orderly stop takes up to %s, and Fargate gives 2 min", p.container, stop, p.stop)
		}
	}
	// The collector gives streams 35 % of its time, and they want DrainGrace.
	grace := ingest.DefaultConfig("x", kafka.DefaultClientConfig("x:1")).DrainGrace
	if drain := programs(t, template)[0].stop; drain*35/100 < grace {
		t.Errorf("of %s, streams get %s; they are given up to %s", drain, drain*35/100, grace)
	}
}

// TestVariablesAndCommandsExist holds the template against the programs.
func TestVariablesAndCommandsExist(t *testing.T) {
	template := parseTemplate(t, templatePath)
	for _, p := range programs(t, template) {
		known := variables(t, p.name, p.command...)
		known["GOMEMLIMIT"] = true
		definition := p.definition(template)
		if got := values(definition["Command"]); text(got) != text(p.command) {
			t.Errorf("%s runs %v", p.container, got)
		}
		for _, list := range []string{"Environment", "Secrets"} {
			for name := range entries(t, definition[list]) {
				if !known[name] {
					t.Errorf("%s is given %s, which it does not read", p.container, name)
				}
			}
		}
		checkHealthCommand(t, p, values(at(definition, "HealthCheck", "Command")))
	}
	known := dbtVariables(t)
	dbt := asObject(at(template, "Resources", "DbtTask", "Properties", "ContainerDefinitions", "dbt"))
	for _, list := range []string{"Environment", "Secrets"} {
		for name := range entries(t, dbt[list]) {
			if !known[name] {
				t.Errorf("dbt is given %s, which profiles.yml does not read", name)
			}
		}
	}
}

// checkHealthCommand holds it against healthcheck's own help.
func checkHealthCommand(t *testing.T, p program, command []any) {
	t.Helper()
	if len(command) < 3 || text(command[:3]) != "[CMD /"+p.name+" healthcheck]" {
		t.Errorf("%s: health command %v", p.container, command)
		return
	}
	known := help(t, p.name, "healthcheck")
	for _, arg := range command[3:] {
		flag, _, _ := strings.Cut(text(arg), "=")
		if !regexp.MustCompile(regexp.QuoteMeta(flag) + `[= ]`).MatchString(known) {
			t.Errorf("%s healthcheck has no %s", p.name, flag)
		}
	}
}

// entries are the variables of a container with their values, those of every
// condition.
func entries(t *testing.T, list any) map[string]any {
	t.Helper()
	out := map[string]any{}
	for _, e := range values(list) {
		for _, side := range branches(e) {
			if name, ok := asObject(side)["Name"].(string); ok {
				out[name] = side
			} else if text(side) != text(object{"Ref": "AWS::NoValue"}) {
				t.Errorf("an entry without a name: %v", side)
			}
		}
	}
	return out
}

// TestSecretsAreSecret: what is secret comes from Secrets Manager, and no
// parameter could carry it.
func TestSecretsAreSecret(t *testing.T) {
	template := parseTemplate(t, templatePath)
	secret := regexp.MustCompile(`(?i)password|secret|token|plate_?key|tls_(cert|key)|credential`)
	found := 0
	for task, properties := range ofType(template, "AWS::ECS::TaskDefinition") {
		for _, c := range values(properties["ContainerDefinitions"]) {
			for name := range entries(t, at(c, "Environment")) {
				if secret.MatchString(name) {
					t.Errorf("%s: %s stands in the plain environment", task, name)
				}
			}
			for name, e := range entries(t, at(c, "Secrets")) {
				found++
				if !regexp.MustCompile(`\$\{(Gantry|ClickHouse|Kafka)SecretArn\}:\w+::`).MatchString(text(at(e, "ValueFrom"))) {
					t.Errorf("%s: %s comes from %v", task, name, at(e, "ValueFrom"))
				}
			}
		}
	}
	if found < 8 {
		t.Errorf("only %d secrets were seen", found)
	}
	for name := range asObject(template["Parameters"]) {
		if secret.MatchString(name) && !strings.HasSuffix(name, "Arn") {
			t.Errorf("parameter %s seems to carry a secret", name)
		}
	}
}

// TestTasksAreConfined: no root, no capabilities, nothing to write to.
func TestTasksAreConfined(t *testing.T) {
	template := parseTemplate(t, templatePath)
	tasks := ofType(template, "AWS::ECS::TaskDefinition")
	if len(tasks) != 3 {
		t.Fatalf("%d task definitions", len(tasks))
	}
	for task, properties := range tasks {
		for _, c := range values(properties["ContainerDefinitions"]) {
			name := text(at(c, "Name"))
			log := asObject(at(c, "LogConfiguration", "Options"))
			if log["mode"] != "non-blocking" || log["max-buffer-size"] == nil {
				t.Errorf("%s/%s: logging may block: %v", task, name, log)
			}
			group := text(at(log["awslogs-group"], "Ref"))
			if at(template, "Resources", group, "Properties", "RetentionInDays") == nil {
				t.Errorf("%s/%s: log group %s keeps everything for ever", task, name, group)
			}
			if name == "metrics" {
				continue // another's image
			}
			if at(c, "ReadonlyRootFilesystem") != true || at(c, "User") != "65532:65532" || text(at(c, "LinuxParameters", "Capabilities", "Drop")) != "[ALL]" {
				t.Errorf("%s/%s may do more than it needs", task, name)
			}
		}
	}
}

// TestServicesRollBack: a release that does not come up is taken back, and
// collectors come before others go.
func TestServicesRollBack(t *testing.T) {
	services := ofType(parseTemplate(t, templatePath), "AWS::ECS::Service")
	if len(services) != 2 {
		t.Fatalf("%d services", len(services))
	}
	for name, s := range services {
		if breaker := at(s, "DeploymentConfiguration", "DeploymentCircuitBreaker"); at(breaker, "Enable") != true || at(breaker, "Rollback") != true {
			t.Errorf("%s: circuit breaker %v", name, breaker)
		}
	}
	if low := at(services["CollectorService"], "DeploymentConfiguration", "MinimumHealthyPercent"); low != 100 {
		t.Errorf("a release leaves %v %% of the collectors", low)
	}
	spot := false
	for _, p := range values(at(services["AgentService"], "CapacityProviderStrategy")) {
		spot = spot || at(p, "CapacityProvider") == "FARGATE_SPOT"
	}
	if !spot {
		t.Error("agents do not run on Spot")
	}
}

func TestBalancer(t *testing.T) {
	template := parseTemplate(t, templatePath)
	r := asObject(template["Resources"])
	for path, want := range map[string]any{
		"Balancer/Type":     "network",
		"Listener/Protocol": "TCP",
		"Listener/ListenerAttributes/tcp.idle_timeout.seconds/Value": "350",
		"CollectorTargets/Protocol":                                  "TCP",
		"CollectorTargets/TargetType":                                "ip",
		"CollectorTargets/HealthCheckProtocol":                       "HTTPS",
		"CollectorTargets/HealthCheckPath":                           "/livez",
		"CollectorTargets/HealthCheckPort":                           "8080",
		"CollectorService/HealthCheckGracePeriodSeconds":             90,
		"CollectorScaling/ScalableDimension":                         "ecs:service:DesiredCount",
		"CollectorTargets/TargetGroupAttributes/deregistration_delay.connection_termination.enabled/Value": "false",
	} {
		steps := strings.Split(path, "/")
		if got := at(r, append([]string{steps[0], "Properties"}, steps[1:]...)...); got != want {
			t.Errorf("%s is %v, want %v", path, got, want)
		}
	}
	// The idle timeout must be far above what heartbeats leave.
	if beat := ingest.DefaultConfig("x", kafka.DefaultClientConfig("x:1")).Heartbeat; beat > 60*time.Second {
		t.Errorf("a heartbeat every %s", beat)
	}
	delay, err := strconv.Atoi(text(at(r, "CollectorTargets", "Properties", "TargetGroupAttributes", "deregistration_delay.timeout_seconds", "Value")))
	if err != nil || delay > 30 {
		t.Errorf("streams do not end while a target is taken out, so %d s only delay each release", delay)
	}
}

// TestSchedule: dbt's task starts by a role that may do nothing else, is tried
// again, and a call that failed for good is kept.
func TestSchedule(t *testing.T) {
	template := parseTemplate(t, templatePath)
	schedules := ofType(template, "AWS::Scheduler::Schedule")
	for name, s := range schedules {
		target := asObject(s["Target"])
		for path, want := range map[string]string{
			"Arn": "Cluster.Arn", "RoleArn": "SchedulerRole.Arn", "DeadLetterConfig/Arn": "DbtDeadLetters.Arn",
		} {
			if got := at(target, append(strings.Split(path, "/"), "Fn::GetAtt")...); got != want {
				t.Errorf("%s: %s is %v", name, path, got)
			}
		}
		if at(target, "EcsParameters", "TaskDefinitionArn", "Ref") != "DbtTask" {
			t.Errorf("%s starts %v", name, at(target, "EcsParameters"))
		}
		if n, _ := at(target, "RetryPolicy", "MaximumRetryAttempts").(int); n < 1 {
			t.Errorf("%s is not tried again", name)
		}
	}
	if len(schedules) != 2 {
		t.Errorf("%d schedules", len(schedules))
	}
	if family := text(at(template, "Resources", "DbtTask", "Properties", "Family")); !strings.Contains(policies(template, "SchedulerRole"), strings.TrimSuffix(strings.TrimPrefix(family, "map[Fn::Sub:"), "]")+":*") {
		t.Errorf("the scheduler may not run tasks of family %s", family)
	}
}

// policies is the text of what a role may do.
func policies(template object, role string) string {
	return text(at(template, "Resources", role, "Properties", "Policies"))
}

// TestRoles: who may take each role, and that it grants no more than it names.
func TestRoles(t *testing.T) {
	template := parseTemplate(t, templatePath)
	want := map[string]string{
		"CollectorExecutionRole": "ecs-tasks.amazonaws.com", "AgentExecutionRole": "ecs-tasks.amazonaws.com",
		"DbtExecutionRole": "ecs-tasks.amazonaws.com", "CollectorTaskRole": "ecs-tasks.amazonaws.com",
		"SchedulerRole": "scheduler.amazonaws.com",
	}
	roles := ofType(template, "AWS::IAM::Role")
	if got := slices.Sorted(maps.Keys(roles)); len(got) != len(want) {
		t.Errorf("roles %v", got)
	}
	for name, role := range roles {
		trust := asObject(values(at(role, "AssumeRolePolicyDocument", "Statement"))[0])
		if got := at(trust, "Principal", "Service"); got != want[name] {
			t.Errorf("%s is taken by %v", name, got)
		}
		if at(trust, "Condition", "StringEquals", "aws:SourceAccount") == nil {
			t.Errorf("%s may be taken on behalf of another account", name)
		}
		if role["ManagedPolicyArns"] != nil {
			t.Errorf("%s has policies that others write", name)
		}
		for _, p := range values(role["Policies"]) {
			checkStatements(t, name, p)
		}
	}
	for name, p := range ofType(template, "AWS::IAM::Policy") {
		checkStatements(t, name, p)
	}
	for _, task := range []string{"AgentTask", "DbtTask"} {
		if role := at(template, "Resources", task, "Properties", "TaskRoleArn"); role != nil {
			t.Errorf("%s has AWS credentials and calls nothing there", task)
		}
	}
}

func checkStatements(t *testing.T, role string, policy any) {
	t.Helper()
	statements := values(at(policy, "PolicyDocument", "Statement"))
	if len(statements) == 0 {
		t.Errorf("%s: a policy without statements: %v", role, policy)
	}
	for _, entry := range statements {
		for _, s := range branches(entry) {
			if at(s, "Ref") != nil {
				continue // no value
			}
			for _, action := range values(at(s, "Action")) {
				if strings.Contains(text(action), "*") {
					t.Errorf("%s may %v", role, action)
				}
				if action == "iam:PassRole" && at(s, "Condition", "StringEquals", "iam:PassedToService") == nil {
					t.Errorf("%s may pass a role to any service", role)
				}
			}
			for _, resource := range values(at(s, "Resource")) {
				if resource == "*" && text(at(s, "Action")) != "ecr:GetAuthorizationToken" {
					t.Errorf("%s may %v everything", role, at(s, "Action"))
				}
			}
		}
	}
}

// TestAlarmsTell: each alarm tells somebody, and they cover what goes wrong.
func TestAlarmsTell(t *testing.T) {
	template := parseTemplate(t, templatePath)
	alarms := ofType(template, "AWS::CloudWatch::Alarm")
	watched := map[string]bool{}
	for name, a := range alarms {
		if text(a["AlarmActions"]) != text([]any{object{"Ref": "Alarms"}}) {
			t.Errorf("%s tells %v", name, a["AlarmActions"])
		}
		if a["TreatMissingData"] == nil {
			t.Errorf("%s does not say what silence means", name)
		}
		watched[text(a["MetricName"])] = true
	}
	for _, metric := range []string{"gantry_sink_lag_records", "gantry_sink_oldest_uncommitted_seconds", "gantry_ingest_readings_rejected_total", "UnHealthyHostCount"} {
		if !watched[metric] {
			t.Errorf("nothing watches %s", metric)
		}
	}
	// What is watched of ours must be carried to CloudWatch.
	carried := text(at(template, "Resources", "CollectorTask", "Properties", "ContainerDefinitions", "metrics", "Environment", "AOT_CONFIG_CONTENT"))
	for metric := range watched {
		if strings.HasPrefix(metric, "gantry_") && !strings.Contains(carried, metric) {
			t.Errorf("%s is watched, and not carried to CloudWatch", metric)
		}
	}
}
