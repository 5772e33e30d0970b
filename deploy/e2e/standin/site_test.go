//go:build linux

package standin_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gantry-dev/gantry/collector/clickhouse/clickhousetest"
	"github.com/gantry-dev/gantry/collector/kafka/kafkatest"
	"github.com/gantry-dev/gantry/deploy/local/state"
	"github.com/gantry-dev/gantry/gantry-agent/world"
	"github.com/gantry-dev/gantry/proto/transport"
	"github.com/gantry-dev/gantry/proto/transport/devca"
)

// patience is how long anything is waited for: long enough for a machine that
// has much else to do. Nothing waits that long unless it is broken.
const patience = 5 * time.Minute

// site is what is outside of the stack, and the stack.
type site struct {
	t             *testing.T
	dir, programs string
	server        *clickhousetest.Server
	broker        string
	tls           transport.Files
	metadata      *endpoint
	tasks         atomic.Int32
	services      []*service

	agents, collectors       *service
	agentTask, collectorTask *definition
}

// newSite starts what outlives the stack, applies the network, and then starts
// the template's collectors.
func newSite(t *testing.T) *site {
	t.Helper()
	if refused := os.Getenv(refusedVariable); refused != "" {
		t.Skipf("tasks need network namespaces, and this user may not make any (%s): run the test as root", refused)
	}
	s := &site{t: t, dir: t.TempDir(), programs: os.Getenv(programsVariable), server: clickhousetest.Start(t)}
	t.Cleanup(s.logs)
	s.broker, _ = kafkatest.FakeAt(t, hostAddress.String()+":9092", filepath.Join(s.dir, "kafka"))
	forward(t, hostAddress.String()+":9000", func() (string, error) { return s.server.TCPAddr(), nil })
	s.metadata = serveMetadata(t)
	s.makeSecrets()
	s.applyNetwork()
	k := s.stack()
	onThisMachine := map[string]string{
		"GANTRY_KAFKA_TLS": "", "GANTRY_KAFKA_PLAINTEXT": "true", "GANTRY_KAFKA_SASL_MECHANISM": "", "GANTRY_REPLICATION_FACTOR": "1",
		"GANTRY_CLICKHOUSE_TLS": "", "GANTRY_CLICKHOUSE_PLAINTEXT": "true",
	}
	s.collectorTask = k.task("CollectorTask", "collector", onThisMachine)
	s.agentTask = k.task("AgentTask", "gantry-agent", nil)
	s.collectors = newService(s, "collectors", k.deployment("CollectorService"), newBalancer(t, k.targetGroup("CollectorTargets")))
	s.agents = newService(s, "agents", k.deployment("AgentService"), nil)
	t.Cleanup(func() {
		for _, v := range s.services {
			v.close()
		}
	})
	s.collectors.update(s.collectorTask, k.number("CollectorService", "DesiredCount"))
	s.steady(s.collectors)
	return s
}

func (s *site) nextTask() int { return int(s.tasks.Add(1)) }

// check ends the test where the stand-in itself could not go on.
func (s *site) check(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) makeSecrets() {
	s.t.Helper()
	s.check(state.MakeSecrets(s.dir))
	s.check(os.WriteFile(s.operatorFile(), []byte(s.server.Password(clickhousetest.Operator)), 0o600))
	ca, err := devca.Open(filepath.Join(s.dir, "tls"), time.Now)
	s.check(err)
	s.tls, err = ca.Issue(devca.Who{Name: "collector", Hosts: []string{hostAddress.String()}})
	s.check(err)
}

func (s *site) operatorFile() string { return filepath.Join(s.dir, "operator-password") }
func (s *site) networkFile() string  { return filepath.Join(s.dir, "network.yaml") }

func (s *site) read(path string) string {
	s.t.Helper()
	text, err := os.ReadFile(path)
	s.check(err)
	return string(text)
}

// stack creates the template, with what the runbook has one prepare.
func (s *site) stack() *stack {
	s.t.Helper()
	agentToken, err := state.Token(s.dir, "agent")
	s.check(err)
	return newStack(s.t, map[string]any{
		"AWS::Region": "us-east-1", "AWS::StackName": "standin", "GantrySecretArn": "gantry", "ClickHouseSecretArn": "clickhouse",
		"CollectorName": hostAddress.String(), "KafkaBrokers": s.broker, "ClickHouseHost": hostAddress.String(), "ClickHouseNativePort": 9000,
	}, map[string]string{
		"gantry:plate_key": s.read(state.PlateKeyFile(s.dir)), "gantry:tokens": s.read(state.TokensFile(s.dir)), "gantry:agent_token": agentToken,
		"gantry:tls_certificate": s.read(s.tls.Cert), "gantry:tls_key": s.read(s.tls.Key), "gantry:tls_ca": s.read(s.tls.CA),
		"clickhouse:collector":   s.server.Password(clickhousetest.Collector),
		"clickhouse:planner":     s.server.Password(clickhousetest.Planner),
		"clickhouse:enforcement": s.server.Password(clickhousetest.Enforcement),
	})
}

// applyNetwork says what stands at the roadside, as a task run once does. The
// devices have emitted for six hours at the least, which is what agents have to
// send at first, at full speed.
func (s *site) applyNetwork() {
	s.t.Helper()
	from := time.Now().UTC().Add(-6 * time.Hour).Truncate(24 * time.Hour)
	yaml, err := s.run("gantry-agent", "world", "network", "--network", "corridor", "--scenario", s.quietScenario(),
		"--seed", "7", "--zone="+state.Zone(time.Now()), "--valid-from", from.Format(time.RFC3339))
	s.check(err)
	s.check(os.WriteFile(s.networkFile(), yaml, 0o600))
	_, err = s.run("collector", "network", "apply", s.networkFile(), "--kafka-brokers", s.broker, "--kafka-plaintext")
	s.check(err)
}

// quietScenario is the shipped one with a third of its traffic: what takes time
// here is to evaluate and compare days, and fewer vehicles pass the same devices.
func (s *site) quietScenario() string {
	s.t.Helper()
	shipped, _ := world.Shipped("scenario", "weekday")
	quiet := regexp.MustCompile(`(monday|tuesday|wednesday|thursday|friday|saturday|sunday): \d+`).ReplaceAll(shipped, []byte("$1: 20"))
	path := filepath.Join(s.dir, "scenario.yaml")
	s.check(os.WriteFile(path, quiet, 0o600))
	return path
}

// run runs a program to its end and gives what it printed.
func (s *site) run(program string, args ...string) ([]byte, error) {
	var errs bytes.Buffer
	cmd := exec.Command(filepath.Join(s.programs, program), args...)
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%s %s: %w\n%s", program, strings.Join(args, " "), err, errs.String())
	}
	return out, err
}

// await polls until ok, and ends the test with what it was waiting for.
func (s *site) await(what string, ok func() (bool, string)) {
	s.t.Helper()
	began, tick := time.Now(), time.NewTicker(stepEvery)
	defer tick.Stop()
	for {
		done, last := ok()
		if done {
			return
		}
		if time.Since(began) > patience {
			s.t.Fatalf("%s: not within %v; last: %s", what, patience, last)
		}
		<-tick.C
	}
}

// steady waits until a service is what it is to be.
func (s *site) steady(v *service) {
	s.t.Helper()
	began := time.Now()
	s.await(v.name+" are steady", v.steady)
	s.t.Logf("%s: %d tasks ready after %.1f s, %+v", v.name, len(v.running()), time.Since(began).Seconds(), v.counted())
}

// tally is what verify prints.
type tally struct {
	Expected, Found, Missing, Altered, Invented uint64
	RejectedUnexpected                          uint64 `json:"rejected_unexpected"`
	Duplicate                                   uint64 `json:"duplicate_under_final"`
	Copies                                      uint64
	Samples                                     []string
}

// verified demands that everything emitted up to now arrives, once, unaltered.
func (s *site) verified() {
	s.t.Helper()
	until, began := time.Now(), time.Now()
	var got tally
	s.await("verify is all zero", func() (bool, string) {
		out, err := s.run("verify", "--network-file", s.networkFile(), "--plate-key-file", state.PlateKeyFile(s.dir),
			"--clickhouse-addr", s.server.TCPAddr(), "--clickhouse-password-file", s.operatorFile(),
			"--until", until.UTC().Format(time.RFC3339Nano), "--json")
		if bad := json.Unmarshal(out, &got); bad != nil {
			return false, fmt.Sprint(err, bad)
		}
		return err == nil, fmt.Sprintf("%+v", got)
	})
	s.t.Logf("verified %.1f s later: %d expected, %d found, %d harmless copies", time.Since(began).Seconds(), got.Expected, got.Found, got.Copies)
}

// rows are the readings that are in ClickHouse, copies included.
func (s *site) rows() uint64 {
	s.t.Helper()
	return s.server.Count(s.t, "SELECT count() FROM raw.readings")
}

// flowing waits until more readings than before are there.
func (s *site) flowing() {
	s.t.Helper()
	before := s.rows()
	s.await("readings flow", func() (bool, string) {
		n := s.rows()
		return n > before, strconv.FormatUint(n, 10) + " rows"
	})
}

// logs shows the ends of the tasks' logs when the test failed.
func (s *site) logs() {
	if !s.t.Failed() {
		return
	}
	const most = 2500
	paths, _ := filepath.Glob(filepath.Join(s.dir, "*.log")) // the pattern is right
	for _, path := range paths[:min(len(paths), 12)] {
		text, err := os.ReadFile(path)
		s.t.Logf("--- %s: %v\n%s", filepath.Base(path), err, text[max(0, len(text)-most):])
	}
}
