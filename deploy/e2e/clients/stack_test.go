package clients_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/consul/sdk/freeport"

	"github.com/gantry-dev/gantry/collector/clickhouse/clickhousetest"
	"github.com/gantry-dev/gantry/collector/kafka/kafkatest"
)

// root is the project's folder, from here; clients the one of the examples.
const (
	root    = "../../.."
	clients = root + "/deploy/clients"
)

// token is the agents'.
const token = "a token of this test"

func TestMain(m *testing.M) { clickhousetest.Main(m) }

// programs are the folder of Go's programs and the one of Python's.
type programs struct{ dir, python string }

// built makes them once: generated code is not in the tree, so what a test
// needs it makes.
var built = sync.OnceValues(func() (programs, error) {
	dir, err := os.MkdirTemp("", "gantry-clients")
	if err != nil {
		return programs{}, err
	}
	for _, line := range [][]string{
		{"make", "--silent", "foreign-clients"},
		{"go", "build", "-o", dir + "/", "./collector", "./gantry-agent", "./deploy/clients/go/..."},
	} {
		cmd := exec.Command(line[0], line[1:]...)
		cmd.Dir = root
		if out, err := cmd.CombinedOutput(); err != nil {
			return programs{}, fmt.Errorf("%s: %w\n%s", strings.Join(line, " "), err, out)
		}
	}
	cmd := exec.Command("go", "run", "./deploy/local", "install", "--clients")
	cmd.Dir, cmd.Stderr = root, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return programs{}, fmt.Errorf("install Python's packages: %w", err)
	}
	_, python, _ := strings.Cut(strings.TrimSpace(string(out)), "=")
	return programs{dir, python}, nil
})

// language is one in which the examples are written.
type language struct {
	name string
	// device is its own, so that all may send at once.
	device string
	// program gives the command line of an example, named as in Go.
	program func(p programs, example string) []string
}

var languages = []language{
	{"go", "counter-1", func(p programs, example string) []string { return []string{filepath.Join(p.dir, example)} }},
	{"typescript", "counter-2", func(_ programs, example string) []string {
		return []string{"node", filepath.Join(clients, "typescript", "build", example+".js")}
	}},
	{"python", "counter-3", func(p programs, example string) []string {
		return []string{filepath.Join(p.python, "python"), filepath.Join(clients, "python", strings.ReplaceAll(example, "-", "_")+".py")}
	}},
}

// example is the command of one; it is killed with the test.
func (l language) example(t *testing.T, example string, args ...string) *exec.Cmd {
	t.Helper()
	p, err := built()
	if err != nil {
		t.Fatal(err)
	}
	line := append(l.program(p, example), args...)
	return command(t, line[0], line[1:]...)
}

// command is a command that is killed with the test, and with its process.
func command(t *testing.T, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}

// program is one of Gantry's own.
func program(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	p, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return command(t, filepath.Join(p.dir, name), args...)
}

// output runs a command to its end and gives what it printed.
func output(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", strings.Join(cmd.Args, " "), err, out, said.String())
	}
	return string(out)
}

// stack is a collector with what it needs.
type stack struct {
	t          *testing.T
	clickhouse *clickhousetest.Server
	dir        string
	grpcAddr   string
	httpAddr   string
	kafkaAddr  string
	tokenFile  string
	args       []string
	collector  *exec.Cmd
}

// start starts one whose network is simulated, though nothing simulates it.
func start(t *testing.T) *stack {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	s := &stack{
		t: t, dir: dir, clickhouse: clickhousetest.Start(t), kafkaAddr: kafkatest.Fake(t),
		grpcAddr: freePort(t), httpAddr: freePort(t), tokenFile: write("token-agent", token),
	}
	sum := sha256.Sum256([]byte(token))
	warehouse := []string{
		"--clickhouse-addr", s.clickhouse.TCPAddr(), "--clickhouse-user", clickhousetest.Collector,
		"--clickhouse-password-file", write("clickhouse", s.clickhouse.Password(clickhousetest.Collector)),
	}
	output(t, program(t, "collector", append([]string{"migrate"}, warehouse...)...))
	network := write("network.yaml", output(t, program(t, "gantry-agent", "world", "network", "--network", "corridor")))
	output(t, program(t, "collector", "network", "apply", network, "--kafka-brokers", s.kafkaAddr))
	s.args = append([]string{
		"all", "--kafka-brokers", s.kafkaAddr, "--grpc-addr", s.grpcAddr, "--http-addr", s.httpAddr, "--admin-addr", "",
		"--tokens-file", write("tokens", "agent "+hex.EncodeToString(sum[:])+"\n"), "--plate-key-file", write("key", strings.Repeat("42", 16)),
	}, warehouse...)
	s.run()
	return s
}

// run starts the collector and waits until it is ready.
func (s *stack) run() {
	s.t.Helper()
	s.collector = program(s.t, "collector", s.args...)
	var log safeBuffer
	s.collector.Stdout, s.collector.Stderr = &log, &log
	if err := s.collector.Start(); err != nil {
		s.t.Fatal(err)
	}
	eventually(s.t, 30*time.Second, "the collector is ready", func() (bool, string) {
		res, err := http.Get("http://" + s.httpAddr + "/healthz")
		if err != nil {
			return false, log.String()
		}
		_ = res.Body.Close()
		return res.StatusCode == http.StatusOK, log.String()
	})
}

// stop ends it in good order, as a release does. Not by a kill, which deploy/e2e
// has: the embedded engine may abort when a client dies in its handshake.
func (s *stack) stop() {
	_ = s.collector.Process.Signal(syscall.SIGTERM)
	_ = s.collector.Wait() // its status says how it stopped, which is no matter here
}

// safeBuffer is written by a process and read by a test.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func freePort(t *testing.T) string {
	t.Helper()
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(freeport.GetOne(t)))
}

// eventually waits for a condition; what it says last stands in the failure.
func eventually(t *testing.T, budget time.Duration, what string, ok func() (bool, string)) {
	t.Helper()
	deadline := time.After(budget)
	for {
		done, last := ok()
		if done {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("%s: not within %v; last: %s", what, budget, last)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// reading is one of a counter, as a line of JSON: the length names the
// position.
func reading(seq int, began time.Time) string {
	return fmt.Sprintf(`{"lane":%d,"observedAtUs":"%d","counter":{"vehicleClass":"VEHICLE_CLASS_CAR","lengthCm":%d,"occupiedMs":180}}`+"\n",
		seq%3+1, began.UnixMicro()+int64(seq), 400+seq)
}
