package web_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/gantry-dev/gantry/collector/clickhouse/clickhouselocal"
	"github.com/gantry-dev/gantry/collector/kafka/kafkatest"
	"github.com/gantry-dev/gantry/deploy/local/localtest"
	"github.com/gantry-dev/gantry/deploy/score/warehouse"
	"github.com/gantry-dev/gantry/gantry-agent/world"
)

// token opens what enforcement sees.
const token = "a token of this test"

// data is what is in ClickHouse.
type data struct {
	// days from the first Monday on, the last of them until cutMinute.
	days int
	// plantGap takes two hours of one gantry's readings away, as a failed
	// device and a lost disk would.
	plantGap bool
}

// cutMinute is the minute of the last day at which the world stands still: in
// the corridor's morning peak.
const cutMinute = 8*60 + 20

// stack is a collector with its pages, on loaded data.
type stack struct {
	t         *testing.T
	warehouse *warehouse.Warehouse
	conn      driver.Conn
	program   string
	url       string
	loginURL  string // of a second collector, at which people log in
	issuer    string // where they do
	cut       time.Time
	days      []time.Time
	gap       bool // readings were taken away
}

// start loads the data, builds the models and starts the collector's role
// query.
func start(t *testing.T, d data) *stack {
	dir := t.TempDir()
	h, err := warehouse.Start(t.Context(), filepath.Join(dir, "warehouse"), 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Stop)
	s := &stack{t: t, warehouse: h}
	if s.conn, err = h.Open(clickhouselocal.UserCollector); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.conn.Close() })
	s.load(d)
	s.models()
	s.awaitLive()
	s.build(dir)
	s.url = s.collector("--tokens-file", tokensFile(t))
	s.withLogin()
	return s
}

func (s *stack) load(d data) {
	s.t.Helper()
	network, _ := world.Shipped("network", "corridor")
	scenario, _ := world.Shipped("scenario", world.ScenarioFor("corridor"))
	w, err := world.New(world.Spec{NetworkYAML: network, ScenarioYAML: scenario, Seed: 1})
	if err != nil {
		s.t.Fatal(err)
	}
	first := time.UnixMicro(w.Network().ValidFrom).UTC().Truncate(24 * time.Hour)
	for first.Weekday() != time.Monday {
		first = first.AddDate(0, 0, 1)
	}
	for i := range d.days {
		s.days = append(s.days, first.AddDate(0, 0, i))
	}
	s.cut = s.days[d.days-1].Add(cutMinute * time.Minute)
	sum, err := s.warehouse.Load(s.t.Context(), []warehouse.Road{{World: w}}, s.days)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Logf("%d readings", sum.Readings)
	s.standStill()
	if s.gap = d.plantGap; s.gap {
		gap := s.days[0].Add(12 * time.Hour)
		s.exec(`DELETE FROM raw.readings WHERE startsWith(device_id, 'north-05-') AND observed_at >= $1 AND observed_at < $2`, gap, gap.Add(2*time.Hour))
	}
}

// standStill takes away what comes after the cut. The live minutes of hours
// gone by wait until an hour has come to rest; here it is noted as if it had.
func (s *stack) standStill() {
	s.exec(`DELETE FROM raw.readings WHERE observed_at >= $1`, s.cut)
	s.exec(`DELETE FROM raw.epoch_ends WHERE epoch >= $1`, uint32(s.days[len(s.days)-1].Unix()/86400)<<17)
	s.exec(`TRUNCATE TABLE raw.touched`)
	s.exec(`INSERT INTO raw.touched SELECT DISTINCT device_id, toStartOfHour(observed_at), now64(3, 'UTC') - INTERVAL 10 MINUTE
		FROM raw.readings WHERE observed_at >= $1`, s.days[len(s.days)-1])
}

// awaitLive waits until the minutes before the cut are computed.
func (s *stack) awaitLive() {
	s.t.Helper()
	deadline := time.Now().Add(3 * time.Minute)
	for {
		var newest time.Time
		if err := s.conn.QueryRow(s.t.Context(), `SELECT max(minute) FROM live.station_minutes`).Scan(&newest); err != nil {
			s.t.Fatal(err)
		}
		if newest.Equal(s.cut.Add(-time.Minute)) {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("live minutes end at %v after three minutes, and readings at %v", newest, s.cut)
		}
		time.Sleep(time.Second)
	}
}

func (s *stack) exec(query string, args ...any) {
	s.t.Helper()
	if err := s.conn.Exec(s.t.Context(), query, args...); err != nil {
		s.t.Fatalf("%s: %v", query, err)
	}
}

// models runs dbt, without its tests: those have a test of their own.
func (s *stack) models() {
	s.t.Helper()
	password, err := os.ReadFile(s.warehouse.PasswordFile(clickhouselocal.UserDBT))
	if err != nil {
		s.t.Fatal(err)
	}
	_, port, _ := strings.Cut(s.warehouse.HTTPAddr(), ":")
	target := filepath.Join(s.warehouse.Dir(), "dbt")
	cmd := exec.CommandContext(s.t.Context(), localtest.DBT(s.t), "--no-use-colors", "build", "--resource-type", "seed", "--resource-type", "model", "--profiles-dir", ".")
	cmd.Dir = filepath.Join(root, "dbt")
	cmd.Env = append(os.Environ(), "DO_NOT_TRACK=1", "DBT_TARGET_PATH="+target, "DBT_LOG_PATH="+target,
		"GANTRY_CLICKHOUSE_HOST=127.0.0.1", "GANTRY_CLICKHOUSE_HTTP_PORT="+port, "GANTRY_DBT_PASSWORD="+strings.TrimSpace(string(password)))
	began := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		s.t.Fatalf("dbt: %v\n%s", err, out)
	}
	s.t.Logf("models built in %v", time.Since(began).Round(time.Second))
}

// build compiles the collector, with the pages as they are built.
func (s *stack) build(dir string) {
	s.t.Helper()
	s.program = filepath.Join(dir, "collector")
	build := exec.CommandContext(s.t.Context(), "go", "build", "-o", s.program, "./collector")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		s.t.Fatalf("go build: %v\n%s", err, out)
	}
}

func tokensFile(t *testing.T) string {
	t.Helper()
	sum := sha256.Sum256([]byte(token))
	tokens := filepath.Join(t.TempDir(), "tokens")
	if err := os.WriteFile(tokens, []byte("enforcement "+hex.EncodeToString(sum[:])+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return tokens
}

// collector starts the program, waits until it is ready, and returns its URL.
func (s *stack) collector(flags ...string) string {
	t := s.t
	t.Helper()
	log, err := os.Create(filepath.Join(t.TempDir(), "collector.log"))
	if err != nil {
		t.Fatal(err)
	}
	// Of a flag that is given twice the last counts.
	cmd := exec.Command(s.program, append([]string{
		"query", "--kafka-brokers", kafkatest.Fake(t), "--http-addr", "127.0.0.1:0", "--grpc-addr", "127.0.0.1:0", "--admin-addr", "",
		"--clickhouse-addr", s.warehouse.TCPAddr(),
		"--clickhouse-planner-password-file", s.warehouse.PasswordFile(clickhouselocal.UserPlanner),
		"--clickhouse-enforcement-password-file", s.warehouse.PasswordFile(clickhouselocal.UserEnforcement),
	}, flags...)...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // a test that is killed leaves nothing behind
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		_ = log.Close()
	})
	return awaitReady(t, log.Name())
}

// awaitReady reads the address from the log and asks until the answer is yes.
func awaitReady(t *testing.T, log string) string {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for time.Now().Before(deadline) {
		time.Sleep(100 * time.Millisecond)
		text, _ := os.ReadFile(log)
		_, after, found := strings.Cut(string(text), " http=")
		if !found || !strings.Contains(after, "collector is ready") {
			continue
		}
		url := "http://" + strings.Fields(after)[0]
		resp, err := http.Get(url + "/healthz")
		if err != nil {
			continue
		}
		_ = resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			return url
		}
	}
	text, _ := os.ReadFile(log)
	t.Fatalf("the collector is not ready after 30 seconds:\n%s", text)
	return ""
}

// playwright runs the ways in the browser.
func (s *stack) playwright(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "npx", append([]string{"playwright", "test"}, args...)...)
	cmd.Dir = pagesDir
	cmd.Env = append(os.Environ(),
		"GANTRY_WEB_URL="+s.url,
		"GANTRY_WEB_TOKEN="+token,
		"GANTRY_WEB_CUT="+s.cut.Format(time.RFC3339),
		"GANTRY_WEB_FIRST_DATE="+s.days[0].Format(time.DateOnly),
		"GANTRY_WEB_FIGURES="+s.figures(),
		"GANTRY_WEB_LOGIN_URL="+s.loginURL,
		"GANTRY_WEB_ISSUER="+s.issuer,
	)
	began := time.Now()
	out, err := cmd.CombinedOutput()
	fmt.Printf("%s", out)
	if err != nil {
		t.Fatalf("playwright: %v", err)
	}
	t.Logf("browser: %v", time.Since(began).Round(time.Second))
}
