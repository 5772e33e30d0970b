package images_test

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gantry-dev/gantry/collector/clickhouse/clickhousetest"
	"github.com/gantry-dev/gantry/collector/kafka/kafkatest"
)

const (
	root = "../../.."
	tag  = "test"
)

func TestMain(m *testing.M) { clickhousetest.Main(m) }

// TestImages builds the three, runs them in the order of the way of a reading
// and stops them.
func TestImages(t *testing.T) {
	if os.Getenv("GANTRY_IMAGES") == "" {
		t.Skip("minutes, and podman: make test-images")
	}
	targets := []string{"gantry-agent", "collector", "dbt"}
	first := build(t, targets...)
	second := build(t, targets...)
	for _, target := range targets {
		if first[target] != second[target] {
			t.Errorf("%s: two builds differ: %s and %s", target, first[target], second[target])
		}
	}
	haveNoShell(t, "gantry-agent", "collector")
	s := newSite(t)
	s.applyNetwork()
	s.startCollector()
	s.run("gantry-agent", "agent", nil,
		[]string{"GANTRY_COLLECTOR=" + s.grpc, "GANTRY_TOKEN=" + s.token, "GANTRY_HTTP=127.0.0.1:" + port(t)})
	s.await("readings in ClickHouse", func() bool { return s.server.Count(t, "SELECT count() FROM raw.readings") > 1000 })
	s.buildModels()
	s.healthy("agent", "/gantry-agent")
	s.healthy("collector", "/collector", "--http-addr="+s.http)
	s.stop("agent")
	s.stop("collector")
}

// build makes images anew, with FLAGS of the environment, and gives their
// digests.
func build(t *testing.T, targets ...string) map[string]string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "deploy/images/build", targets...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "ENGINE=podman", "TAG="+tag,
		"REVISION=test", "SOURCE_DATE_EPOCH=1700000000") // a commit between the builds is no difference
	began := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	t.Logf("built in %s", time.Since(began).Round(time.Second))
	digests := map[string]string{}
	for _, target := range targets {
		digests[target] = podman(t, "image", "inspect", "--format={{.Digest}}", image(target))
	}
	return digests
}

func image(target string) string { return "localhost/gantry/" + target + ":" + tag }

// podman runs it and gives what it prints.
func podman(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command("podman", args...)
	var problem strings.Builder
	cmd.Stderr = &problem
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("podman %s: %v\n%s%s", strings.Join(args, " "), err, problem.String(), out)
	}
	return strings.TrimSpace(string(out))
}

func haveNoShell(t *testing.T, targets ...string) {
	t.Helper()
	for _, target := range targets {
		if out, err := exec.Command("podman", "run", "--rm", "--network=none", "--no-healthcheck", "--entrypoint=/bin/sh", image(target), "-c", "true").CombinedOutput(); err == nil {
			t.Errorf("%s has a shell: %s", target, out)
		}
	}
}

// site is what the containers run against.
type site struct {
	t          *testing.T
	dir, token string
	broker     string
	grpc, http string
	server     *clickhousetest.Server
	containers map[string]string // id by name
	tokensHash string
}

func newSite(t *testing.T) *site {
	s := &site{
		t: t, dir: t.TempDir(), token: rand.Text(), broker: kafkatest.Fake(t), server: clickhousetest.Start(t),
		grpc: "127.0.0.1:" + port(t), http: "127.0.0.1:" + port(t), containers: map[string]string{},
	}
	sum := sha256.Sum256([]byte(s.token))
	s.tokensHash = "agent " + hex.EncodeToString(sum[:]) + "\n"
	t.Cleanup(func() {
		for name, id := range s.containers {
			if t.Failed() {
				out, _ := exec.Command("podman", "logs", "--tail=30", id).CombinedOutput()
				t.Logf("%s:\n%s", name, out)
			}
			_ = exec.Command("podman", "rm", "--force", "--time=1", id).Run()
		}
	})
	return s
}

// port is a free one.
func port(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, p, _ := net.SplitHostPort(l.Addr().String())
	return p
}

// confined is how the template runs everything.
var confined = []string{"--network=host", "--read-only", "--read-only-tmpfs=false", "--cap-drop=all", "--security-opt=no-new-privileges", "--no-healthcheck"}

// arguments of podman run for an image, its variables and command.
func arguments(options, environment []string, target string, command ...string) []string {
	args := append(append([]string{"run"}, confined...), options...)
	for _, e := range environment {
		args = append(args, "--env="+e)
	}
	return append(append(args, image(target)), command...)
}

// run starts a container.
func (s *site) run(target, name string, options, environment []string, command ...string) {
	s.t.Helper()
	s.containers[name] = podman(s.t, arguments(append(options, "--detach"), environment, target, command...)...)
}

func (s *site) applyNetwork() {
	s.t.Helper()
	podman(s.t, arguments([]string{"--rm"}, []string{"GANTRY_KAFKA_BROKERS=" + s.broker}, "collector",
		"network", "apply", "/etc/gantry/networks/corridor.yaml")...)
}

// startCollector gives every secret by its variable, as ECS does.
func (s *site) startCollector() {
	s.t.Helper()
	s.run("collector", "collector", nil, []string{
		"GANTRY_KAFKA_BROKERS=" + s.broker, "GANTRY_GRPC_ADDR=" + s.grpc, "GANTRY_HTTP_ADDR=" + s.http, "GANTRY_ADMIN_ADDR=",
		"GANTRY_TOKENS=" + s.tokensHash, "GANTRY_PLATE_KEY=" + strings.Repeat("0123456789abcdef", 2),
		"GANTRY_CLICKHOUSE_ADDR=" + s.server.TCPAddr(), "GANTRY_CLICKHOUSE_USER=" + clickhousetest.Collector,
		"GANTRY_CLICKHOUSE_PASSWORD=" + s.server.Password(clickhousetest.Collector),
	})
	s.await("a collector that is well", func() bool {
		return exec.Command("podman", "exec", s.containers["collector"], "/collector", "healthcheck", "--http-addr="+s.http).Run() == nil
	})
}

// buildModels runs dbt's own task.
func (s *site) buildModels() {
	s.t.Helper()
	host, httpPort, _ := net.SplitHostPort(s.server.HTTPAddr())
	scratch := filepath.Join(s.t.TempDir(), "scratch")
	if err := os.Mkdir(scratch, 0o777); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Chmod(scratch, 0o777); err != nil {
		s.t.Fatal(err)
	}
	out := podman(s.t, arguments([]string{"--rm", "--volume=" + scratch + ":/scratch"}, []string{
		"GANTRY_CLICKHOUSE_HOST=" + host, "GANTRY_CLICKHOUSE_HTTP_PORT=" + httpPort,
		"GANTRY_DBT_PASSWORD=" + s.server.Password(clickhousetest.DBT),
	}, "dbt", "build", "--select", "+path:models/staging", "--exclude-resource-type", "unit_test", "--exclude-resource-type", "test")...)
	if !strings.Contains(out, "Completed successfully") {
		s.t.Errorf("dbt: %s", out)
	}
}

// healthy asks as the orchestrator does.
func (s *site) healthy(name, program string, flags ...string) {
	s.t.Helper()
	podman(s.t, append([]string{"exec", s.containers[name], program, "healthcheck", "--live"}, flags...)...)
}

// stop is SIGTERM and, too late, SIGKILL, which the exit code would tell.
func (s *site) stop(name string) {
	s.t.Helper()
	began := time.Now()
	podman(s.t, "stop", "--time=60", s.containers[name])
	code := podman(s.t, "inspect", "--format={{.State.ExitCode}}", s.containers[name])
	s.t.Logf("%s stopped in %s", name, time.Since(began).Round(time.Millisecond))
	if code != "0" {
		s.t.Errorf("%s ended with %s", name, code)
	}
}

func (s *site) await(what string, ok func() bool) {
	s.t.Helper()
	deadline, tick := time.After(2*time.Minute), time.NewTicker(200*time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline:
			s.t.Fatalf("waited two minutes for %s", what)
		case <-tick.C:
		}
	}
}
