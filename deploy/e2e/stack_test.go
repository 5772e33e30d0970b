package e2e_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/gantry-dev/gantry/collector/clickhouse/clickhouselocal"
	"github.com/gantry-dev/gantry/collector/kafka/kafkalocal"
	"github.com/gantry-dev/gantry/deploy/local/state"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// leaseTTL is short, so that a take-over does not make up the test's time.
const leaseTTL = 3 * time.Second

// options say what a stack is made of.
type options struct {
	broker      string // fake or apache
	network     string // shipped name or file
	scenario    string // shipped name or file; weekday where it is not given
	zone        string // offset of the world; that of a morning where it is not given
	historyDays int
	// recorded is a recording to replay instead, recordedFlags how it is
	// imported, recordedFaults a scenario file for its devices.
	recorded       string
	recordedFlags  []string
	recordedFaults string
}

// stack is a whole installation of real processes on free ports.
type stack struct {
	t          *testing.T
	dir, bin   string
	recorded   string
	tokensOnly bool // readings come by the JSON topics, without plates
	broker     *process
	clickhouse *process
	collectors []*collector
	agents     []*process

	kafkaAddr, tcpAddr, httpAddr string
	operatorPassword             string
}

// collector is a collector's process and where it listens.
type collector struct {
	*process
	role               string
	grpcAddr, httpAddr string
	conn               *grpc.ClientConn
}

// newStack starts a broker and ClickHouse, migrates and applies the network.
func newStack(t *testing.T, o options) *stack {
	t.Helper()
	bin, err := binaries()
	if err != nil {
		t.Fatal(err)
	}
	s := &stack{t: t, dir: t.TempDir(), bin: bin, recorded: o.recorded, kafkaAddr: freePort(t), tcpAddr: freePort(t), httpAddr: freePort(t)}
	t.Cleanup(s.killAll)
	if err := state.MakeSecrets(s.dir); err != nil {
		t.Fatalf("make secrets: %v", err)
	}
	if s.operatorPassword, err = state.Password(s.dir, "operator"); err != nil {
		t.Fatalf("operator's password: %v", err)
	}
	lib, err := clickhouselocal.Ensure(context.Background(), nil)
	if err != nil {
		t.Fatalf("the embedded ClickHouse: %v", err)
	}
	brokerArgs := []string{"broker", "--state", s.dir, "--addr", s.kafkaAddr, "--kind", "fake", "--clean-every", "5s"}
	if o.broker == "apache" {
		libs, err := kafkalocal.EnsureApache(context.Background(), os.Stderr)
		if err != nil {
			t.Fatalf("Apache Kafka: %v", err)
		}
		brokerArgs = []string{"broker", "--state", s.dir, "--addr", s.kafkaAddr, "--kind", "apache", "--libs", libs}
	}
	s.broker = s.process("broker", "local", brokerArgs...)
	s.clickhouse = s.process("clickhouse", "local", "clickhouse", "--state", s.dir, "--lib", lib,
		"--tcp-addr", s.tcpAddr, "--http-addr", s.httpAddr)
	// The embedded engine may abort when a client is killed in the middle of
	// its handshake; a broker may find its port still taken.
	s.clickhouse.keep, s.broker.keep = true, true
	s.broker.start()
	s.clickhouse.start()
	eventually(t, time.Minute, "the broker answers", answers(s.kafkaAddr))
	eventually(t, time.Minute, "ClickHouse answers", func() (bool, string) {
		out, err := s.query("SELECT 1")
		return err == nil, fmt.Sprint(out, err)
	})
	s.applyNetwork(o)
	return s
}

// applyNetwork writes the network's file and gives it to the collectors.
func (s *stack) applyNetwork(o options) {
	s.t.Helper()
	from := time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -o.historyDays)
	args := []string{"world", "network", "--network", o.network, "--scenario", cmp.Or(o.scenario, "weekday"),
		"--seed", "7", "--zone=" + cmp.Or(o.zone, state.Zone(time.Now())), "--valid-from", from.Format(time.RFC3339)}
	if o.recorded != "" {
		draft := filepath.Join(s.dir, "draft.yaml")
		text := s.output("gantry-agent", append([]string{"world", "import", "--recorded", o.recorded}, o.recordedFlags...)...)
		if err := os.WriteFile(draft, text, 0o600); err != nil {
			s.t.Fatalf("write the draft: %v", err)
		}
		args = []string{"world", "network", "--network", draft, "--recorded", o.recorded}
		if o.recordedFaults != "" {
			args = append(args, "--scenario", o.recordedFaults)
		}
	}
	yaml := s.output("gantry-agent", args...)
	if err := os.WriteFile(s.networkFile(), yaml, 0o600); err != nil {
		s.t.Fatalf("write the network: %v", err)
	}
	s.output("collector", append([]string{"migrate"}, s.clickhouseFlags()...)...)
	s.output("collector", "network", "apply", s.networkFile(), "--kafka-brokers", s.kafkaAddr)
}

func (s *stack) networkFile() string { return filepath.Join(s.dir, "network.yaml") }

func (s *stack) clickhouseFlags() []string {
	return []string{
		"--clickhouse-addr", s.tcpAddr, "--clickhouse-user", "collector",
		"--clickhouse-password-file", filepath.Join(s.dir, "secrets", "clickhouse-collector"),
	}
}

func (s *stack) process(name, program string, args ...string) *process {
	return &process{t: s.t, name: name, path: filepath.Join(s.bin, program), args: args, log: filepath.Join(s.dir, name+".log")}
}

// output runs a program to its end and returns what it printed.
func (s *stack) output(program string, args ...string) []byte {
	s.t.Helper()
	var out, errs bytes.Buffer
	cmd := exec.Command(filepath.Join(s.bin, program), args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		s.t.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, errs.String())
	}
	return out.Bytes()
}

// addCollector starts one more collector of a role, with more flags if given.
func (s *stack) addCollector(role string, flags ...string) *collector {
	s.t.Helper()
	name := role + "-" + strconv.Itoa(len(s.collectors)+1)
	c := &collector{role: role, grpcAddr: freePort(s.t), httpAddr: freePort(s.t)}
	args := []string{
		role, "--collector-id", name, "--http-addr", c.httpAddr, "--admin-addr", freePort(s.t), "--kafka-brokers", s.kafkaAddr,
	}
	if role != "sink" {
		args = append(args, "--grpc-addr", c.grpcAddr, "--tokens-file", state.TokensFile(s.dir), "--lease-ttl", leaseTTL.String())
	}
	if role != "ingest" {
		args = append(append(args, "--plate-key-file", state.PlateKeyFile(s.dir)), s.clickhouseFlags()...)
	}
	c.process = s.process(name, "collector", append(args, flags...)...)
	conn, err := grpc.NewClient(c.grpcAddr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		s.t.Fatalf("client of %s: %v", name, err)
	}
	c.conn = conn
	s.t.Cleanup(func() { _ = conn.Close() })
	s.collectors = append(s.collectors, c)
	c.start()
	c.answers()
	return c
}

// answers waits until the collector is ready.
func (c *collector) answers() {
	c.t.Helper()
	eventually(c.t, 30*time.Second, c.name+" is ready", func() (bool, string) {
		res, err := http.Get("http://" + c.httpAddr + "/healthz")
		if err != nil {
			return false, err.Error()
		}
		defer func() { _ = res.Body.Close() }()
		return res.StatusCode == http.StatusOK, res.Status
	})
}

// addAgent starts one more agent that knows all collectors there are.
func (s *stack) addAgent(args []string, env ...string) *process {
	s.t.Helper()
	var addrs []string
	for _, c := range s.collectors {
		if c.role != "sink" {
			addrs = append(addrs, c.grpcAddr)
		}
	}
	name := "agent-" + strconv.Itoa(len(s.agents)+1)
	p := s.process(name, "gantry-agent", append([]string{
		"run", "--agent-id", name, "--collector", strings.Join(addrs, ","),
		"--state", filepath.Join(s.dir, name), "--token-file", filepath.Join(s.dir, "secrets", "token-agent"),
	}, args...)...)
	if s.recorded != "" {
		p.args = append(p.args, "--recorded", s.recorded)
	}
	s.agents = append(s.agents, p)
	p.start(env...)
	return p
}

func (s *stack) killAll() {
	all := append([]*process{}, s.agents...)
	for _, c := range s.collectors {
		all = append(all, c.process)
	}
	for _, p := range append(all, s.broker, s.clickhouse) {
		if p == nil {
			continue
		}
		how := "ran to the end"
		if p.running() {
			p.kill()
		} else {
			how = fmt.Sprint("had ended: ", p.err)
		}
		if s.t.Failed() {
			s.t.Logf("--- %s %s; end of its log:\n%s", p.name, how, tail(p.log))
		}
	}
	if s.t.Failed() {
		s.t.Logf("--- end of the engine's own log:\n%s", tail(filepath.Join(s.dir, "clickhouse", "log", "clickhouse.err.log")))
	}
}

// query runs a statement as operator over HTTP and returns its text.
func (s *stack) query(statement string) (string, error) {
	req, err := http.NewRequest(http.MethodPost, "http://"+s.httpAddr+"/", strings.NewReader(statement))
	if err != nil {
		return "", err
	}
	req.Header.Set("X-ClickHouse-User", "operator")
	req.Header.Set("X-ClickHouse-Key", s.operatorPassword)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = res.Body.Close() }()
	out, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s", out)
	}
	return strings.TrimSpace(string(out)), err
}

// count runs a statement that gives one number; 0 while ClickHouse is away.
func (s *stack) count(statement string) int {
	out, err := s.query(statement)
	if err != nil {
		return 0
	}
	n, err := strconv.Atoi(out)
	if err != nil {
		s.t.Fatalf("%s gave %q, not a number", statement, out)
	}
	return n
}

// flowing waits until more readings than before are in ClickHouse.
func (s *stack) flowing() {
	s.t.Helper()
	before := s.count("SELECT count() FROM raw.readings")
	eventually(s.t, 120*time.Second, "readings flow", func() (bool, string) {
		n := s.count("SELECT count() FROM raw.readings")
		return n > before, fmt.Sprintf("%d rows, %d before", n, before)
	})
}

// tally is what verify prints as JSON.
type tally struct {
	Expected, Found, Missing, Altered, Invented uint64
	RejectedExpected                            uint64 `json:"rejected_expected"`
	RejectedUnexpected                          uint64 `json:"rejected_unexpected"`
	Duplicate                                   uint64 `json:"duplicate_under_final"`
	Copies                                      uint64
	Samples                                     []string
}

// verify compares everything emitted up to the time with ClickHouse.
func (s *stack) verify(until time.Time) (tally, bool) {
	s.t.Helper()
	cmd := exec.Command(filepath.Join(s.bin, "verify"), "--network-file", s.networkFile(), "--plate-key-file", state.PlateKeyFile(s.dir),
		"--clickhouse-addr", s.tcpAddr, "--clickhouse-password-file", filepath.Join(s.dir, "secrets", "clickhouse-operator"),
		"--until", until.UTC().Format(time.RFC3339Nano), "--json")
	if s.recorded != "" {
		cmd.Args = append(cmd.Args, "--recorded", s.recorded)
	}
	if s.tokensOnly {
		cmd.Args = append(cmd.Args, "--tokens-only")
	}
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	var got tally
	if jsonErr := json.Unmarshal(out, &got); jsonErr != nil {
		s.t.Fatalf("verify: %v %v\n%s", err, jsonErr, errs.String())
	}
	return got, err == nil
}

// settled waits until all history is in, and then demands that everything
// emitted up to now arrives, once, unaltered.
func (s *stack) settled(budget time.Duration) tally {
	s.t.Helper()
	now := time.Now()
	eventually(s.t, budget, "history is in", func() (bool, string) {
		out, err := s.query(`SELECT uniqExact(device_id, epoch) AS ended,
			(SELECT sum(dateDiff('day', valid_from, toStartOfDay(now('UTC')))) FROM raw.devices FINAL) AS days,
			(SELECT count() FROM raw.devices) > 0 AND ended >= days FROM raw.epoch_ends`)
		return err == nil && strings.HasSuffix(out, "\t1"), fmt.Sprint(out, " ", err)
	})
	return s.allZero(now, 90*time.Second)
}

// allZero demands that everything emitted up to a time arrives within the
// budget, once, unaltered.
func (s *stack) allZero(until time.Time, budget time.Duration) tally {
	s.t.Helper()
	var got tally
	eventually(s.t, budget, "verify is all zero", func() (bool, string) {
		var ok bool
		got, ok = s.verify(until)
		return ok, fmt.Sprintf("%+v", got)
	})
	s.t.Logf("verified: %d expected, %d found, %d harmless copies", got.Expected, got.Found, got.Copies)
	return got
}

// fleet is the inspection service of the first collector that runs.
func (s *stack) fleet() gantryv1.FleetServiceClient {
	for _, c := range s.collectors {
		if c.role != "sink" && c.running() {
			return gantryv1.NewFleetServiceClient(c.conn)
		}
	}
	s.t.Fatal("no collector runs")
	return nil
}
