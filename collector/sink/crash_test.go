package sink

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gantry-dev/gantry/collector/clickhouse"
	"github.com/gantry-dev/gantry/collector/clickhouse/clickhousetest"
	"github.com/gantry-dev/gantry/collector/kafka"
)

// crashMarker is set in the environment of a process that is to be a sink
// which kills itself; its value is a crashPlan.
const crashMarker = "GANTRY_SINK_TEST_CRASH"

// crashPlan kills at the n-th time that the point is reached.
type crashPlan struct {
	Broker     string
	ClickHouse clickhouse.Config
	Point      string
	Hit        int64
}

// crashingSink makes this process the sink that kills itself, if it is to be.
func crashingSink() {
	text := os.Getenv(crashMarker)
	if text == "" {
		return
	}
	var plan crashPlan
	if err := json.Unmarshal([]byte(text), &plan); err != nil {
		panic(err)
	}
	cfg := crashConfig(plan.Broker, plan.ClickHouse)
	var hits atomic.Int64
	cfg.Crash = func(point string) {
		if point == plan.Point && hits.Add(1) == plan.Hit {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	s, err := New(cfg, slog.New(slog.NewTextHandler(os.Stderr, nil)), nil)
	if err == nil {
		err = s.Run(context.Background())
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(3)
}

// crashConfig makes small blocks, so that there are many moments to die at.
func crashConfig(broker string, ch clickhouse.Config) Config {
	cfg := testConfig(broker, ch)
	cfg.Live.MaxRows, cfg.Live.PollRecords = 1000, 700
	return cfg
}

// crash runs a sink as a process of its own until it kills itself.
func (s *stack) crash(t testing.TB, point string, hit int64) {
	t.Helper()
	text, err := json.Marshal(crashPlan{Broker: s.broker, ClickHouse: s.ch.Config(clickhousetest.Collector), Point: point, Hit: hit})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), awaitTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), crashMarker+"="+string(text))
	begin := time.Now()
	out, err := cmd.CombinedOutput()
	t.Logf("crash %d after %s", hit, time.Since(begin).Round(time.Millisecond))
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ctx.Err() != nil || !ok || status.Signal() != syscall.SIGKILL {
		t.Fatalf("the sink ended otherwise than planned: %v: %s", err, out)
	}
}

// TestCrashBetweenInsertAndCommit: rows are inserted again and collapse.
func TestCrashBetweenInsertAndCommit(t *testing.T) {
	s := newStack(t)
	s.keepCopies(t)
	const n = 3000
	for _, device := range []string{"a", "b", "c", "d"} {
		s.produce(t, kafka.TopicReading, device, readingsOf(t, device, 0, 1, n)...)
	}
	cfg := crashConfig(s.broker, s.ch.Config(clickhousetest.Collector))
	for hit := range int64(4) {
		s.crash(t, "sink.inserted", hit+1)
	}
	s.run(t, cfg)
	s.awaitCommitted(t, kafka.GroupSinkLive, kafka.TopicReading)
	s.exactly(t, 4*n)
	if copies := s.ch.Count(t, "SELECT count() FROM raw.readings"); copies <= 4*n {
		t.Errorf("%d rows: no crash made a copy, so none came between insert and commit", copies)
	}
}

// exactly holds raw.readings under FINAL against that many different
// readings, each as reading makes it.
func (s *stack) exactly(t testing.TB, want uint64) {
	t.Helper()
	for _, query := range []string{
		"SELECT count() FROM raw.readings FINAL",
		"SELECT uniqExact(device_id, epoch, seq) FROM raw.readings",
		// Nothing altered: what a row says follows from its identity.
		fmt.Sprintf("SELECT countIf(toUnixTimestamp64Micro(observed_at) = intDiv(epoch, 131072) * %d + seq * 1000 "+
			"AND speed_tenth_kmh = 600 + seq %% 700 AND lane = seq %% 3 + 1 AND toInt8(vehicle_class) = seq %% 6 + 1) FROM raw.readings FINAL", dayUS),
	} {
		if got := s.ch.Count(t, query); got != want {
			t.Errorf("%s: %d, want %d", query, got, want)
		}
	}
}
