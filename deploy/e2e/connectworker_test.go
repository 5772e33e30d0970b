package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gantry-dev/gantry/collector/kafka/kafkalocal"
)

// connectPlugins is the folder with a folder for each plugin of Kafka Connect.
// They come from their makers, not from a registry.
const connectPlugins = "GANTRY_CONNECT_PLUGINS"

// TestKafkaConnectWorker: a real worker of Apache Kafka loads deploy/connect's
// files with whichever of their plugins are there, is killed midway and goes on.
func TestKafkaConnectWorker(t *testing.T) {
	t.Parallel()
	plugins := os.Getenv(connectPlugins)
	if plugins == "" {
		t.Skip(connectPlugins + " names no folder of plugins; TestKafkaConnectDouble posts what they would")
	}
	plugins, err := filepath.Abs(plugins)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"aiven-http-sink.json", "confluent-http-sink.json", "clickhouse-sink.json"} {
		t.Run(strings.TrimSuffix(file, ".json"), func(t *testing.T) {
			began := time.Now()
			s := newConnectStack(t, "apache", connectGroup)
			w := s.connectWorker(plugins)
			w.start()
			c := readConnector(t, file)
			if class := c.Config["connector.class"]; !w.has(class) {
				t.Skipf("%s holds no %s", plugins, class)
			}
			w.post(c)
			s.addAgent(nil)
			for _, rows := range []int{1, 30_000} {
				s.arrived(rows)
				w.kill()
				w.start()
			}
			s.proven(began)
			w.running(c)
		})
	}
}

// connectWorker is a worker's process and its REST port.
type connectWorker struct {
	*process
	rest string
}

// connectWorker is deploy/connect's worker on free ports, not started yet.
func (s *stack) connectWorker(plugins string) *connectWorker {
	s.t.Helper()
	libs, err := kafkalocal.EnsureConnect(s.t.Context(), s.t.Output())
	if err != nil {
		s.t.Fatal(err)
	}
	text, err := os.ReadFile("../connect/worker.properties")
	if err != nil {
		s.t.Fatal(err)
	}
	rest := freePort(s.t)
	// Of a property that is there twice the last counts.
	properties := filepath.Join(s.dir, "worker.properties")
	own := fmt.Sprintf("\nbootstrap.servers=%s\nplugin.path=%s\nlisteners=http://%s\nplugin.discovery=service_load\n", s.kafkaAddr, plugins, rest)
	if err := os.WriteFile(properties, append(text, own...), 0o600); err != nil {
		s.t.Fatal(err)
	}
	w := &connectWorker{rest: rest, process: &process{t: s.t, name: "connect-worker", path: "java", log: filepath.Join(s.dir, "connect-worker.log"), env: s.connectEnv(),
		args: []string{"-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", filepath.Join(libs, "*"), "org.apache.kafka.connect.cli.ConnectDistributed", properties}}}
	s.t.Cleanup(func() {
		if w.cmd != nil && w.process.running() {
			w.kill()
		}
		if s.t.Failed() {
			s.t.Logf("--- end of the worker's log:\n%s", tail(w.log))
		}
	})
	return w
}

// has says whether the worker found the connector's plugin.
func (w *connectWorker) has(class string) bool {
	w.t.Helper()
	var plugins []struct{ Class string }
	eventually(w.t, 2*time.Minute, "the worker answers", func() (bool, string) {
		err := w.get("/connector-plugins", &plugins)
		return err == nil, fmt.Sprint(err)
	})
	return slices.ContainsFunc(plugins, func(p struct{ Class string }) bool { return p.Class == class })
}

// post starts a connector.
func (w *connectWorker) post(c connector) {
	w.t.Helper()
	body, err := json.Marshal(c)
	if err != nil {
		w.t.Fatal(err)
	}
	eventually(w.t, time.Minute, "the worker takes "+c.Name, func() (bool, string) {
		response, err := http.Post("http://"+w.rest+"/connectors", "application/json", bytes.NewReader(body))
		if err != nil {
			return false, err.Error()
		}
		defer func() { _ = response.Body.Close() }()
		text, _ := io.ReadAll(response.Body)
		if response.StatusCode == http.StatusBadRequest {
			w.t.Fatalf("the worker refuses %s: %s", c.Name, text)
		}
		return response.StatusCode == http.StatusCreated, string(text)
	})
}

// running demands that the connector and all its tasks run: one that failed
// stays so.
func (w *connectWorker) running(c connector) {
	w.t.Helper()
	var status struct {
		Connector struct{ State string }
		Tasks     []struct{ State, Trace string }
	}
	if err := w.get("/connectors/"+c.Name+"/status", &status); err != nil {
		w.t.Fatal(err)
	}
	if status.Connector.State != "RUNNING" || len(status.Tasks) == 0 {
		w.t.Errorf("%s is %+v", c.Name, status)
	}
	for _, task := range status.Tasks {
		if task.State != "RUNNING" {
			w.t.Errorf("a task is %s: %.2000s", task.State, task.Trace)
		}
	}
}

func (w *connectWorker) get(path string, into any) error {
	response, err := http.Get("http://" + w.rest + path)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", path, response.Status)
	}
	return json.NewDecoder(response.Body).Decode(into)
}
