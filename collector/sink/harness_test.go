package sink

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"google.golang.org/protobuf/encoding/protowire"
	pb "google.golang.org/protobuf/proto"

	"github.com/gantry-dev/gantry/collector/clickhouse"
	"github.com/gantry-dev/gantry/collector/clickhouse/clickhousetest"
	"github.com/gantry-dev/gantry/collector/kafka"
	"github.com/gantry-dev/gantry/collector/kafka/kafkatest"
	"github.com/gantry-dev/gantry/collector/platekey"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

func TestMain(m *testing.M) {
	crashingSink()
	clickhousetest.Main(m)
}

// testKey is the key of all tests' tokens.
var testKey = platekey.New([platekey.Bytes]byte([]byte("0123456789abcdef")))

// day0 is the UTC midnight that tests' readings begin at, microseconds.
const day0 = int64(20_000) * dayUS

// awaitTimeout is far beyond what any wait takes, kill -9 included.
const awaitTimeout = 20 * time.Second

// stack is a broker, a ClickHouse and a producer.
type stack struct {
	ch     *clickhousetest.Server
	broker string
	client *kgo.Client
}

func newStack(t testing.TB) *stack {
	t.Helper()
	return newStackOn(t, kafkatest.Fake(t))
}

func newStackOn(t testing.TB, broker string) *stack {
	t.Helper()
	ch := clickhousetest.Start(t)
	s := &stack{ch: ch, broker: broker, client: kafkatest.Client(t, broker)}
	// A killed sink's partitions are to be free again soon.
	shortest := "100"
	_, err := kadm.NewClient(s.client).AlterBrokerConfigs(t.Context(), []kadm.AlterConfig{{Name: "group.min.session.timeout.ms", Value: &shortest}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *stack) config() Config { return testConfig(s.broker, s.ch.Config(clickhousetest.Collector)) }

// testConfig has short times, so that tests are short.
func testConfig(broker string, ch clickhouse.Config) Config {
	cfg := DefaultConfig(kafka.DefaultClientConfig(broker), ch, testKey)
	cfg.Live.FlushEvery, cfg.Backfill.FlushEvery, cfg.Slow.FlushEvery = 50*time.Millisecond, 50*time.Millisecond, 50*time.Millisecond
	cfg.Live.FetchMinBytes, cfg.Backfill.FetchMinBytes = 1, 1
	cfg.RetryMin, cfg.RetryMax = 10*time.Millisecond, 100*time.Millisecond
	cfg.RevokeWait, cfg.ShutdownWait = 2*time.Second, 2*time.Second
	cfg.SessionTimeout, cfg.HeartbeatEvery = time.Second, 100*time.Millisecond
	cfg.LagEvery, cfg.PurgesEvery = 100*time.Millisecond, 100*time.Millisecond
	return cfg
}

// keepCopies stops the merges that collapse copies, so that they can be
// counted.
func (s *stack) keepCopies(t testing.TB) {
	t.Helper()
	if err := s.ch.Conn(t, clickhousetest.Operator).Exec(t.Context(), "SYSTEM STOP MERGES raw.readings"); err != nil {
		t.Fatal(err)
	}
}

// run starts a sink; stop ends it and waits.
func (s *stack) run(t testing.TB, cfg Config) (reg *prometheus.Registry, stop func()) {
	t.Helper()
	reg = prometheus.NewRegistry()
	log := slog.New(slog.DiscardHandler)
	if testing.Verbose() {
		log = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	snk, err := New(cfg, log, reg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := snk.Run(ctx); err != nil {
			t.Error("sink ended:", err)
		}
	}()
	stop = func() {
		cancel()
		<-done
	}
	t.Cleanup(stop)
	return reg, stop
}

// produce writes values to the topic, keyed by key, and waits.
func (s *stack) produce(t testing.TB, topic, key string, values ...[]byte) {
	t.Helper()
	records := make([]*kgo.Record, len(values))
	for i, v := range values {
		records[i] = &kgo.Record{Topic: topic, Key: []byte(key), Value: v}
	}
	if err := s.client.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// awaitCommitted waits until the group has committed all of the topic.
func (s *stack) awaitCommitted(t testing.TB, group, topic string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), awaitTimeout)
	defer cancel()
	admin := kadm.NewClient(s.client)
	await(t, ctx, fmt.Sprintf("group %s to commit all of %s", group, topic), func() bool {
		lags, err := admin.Lag(ctx, group)
		if err != nil {
			return false
		}
		lag, ok := lags[group].Lag.TotalByTopic()[topic]
		return ok && lag.Lag == 0
	})
}

// await asks every few milliseconds until the condition holds.
func await(t testing.TB, ctx context.Context, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-ctx.Done():
			t.Fatalf("waited for %s: %v", what, context.Cause(ctx))
		case <-tick.C:
		}
	}
}

// reading gives a record value of a speed reading, as ingest writes it. It
// observes seq seconds after the device's day began.
func reading(t testing.TB, device string, epoch uint32, seq uint64, at int64) []byte {
	t.Helper()
	m := &gantryv1.Reading{
		ObservedAtUs: at, Lane: uint32(seq%3 + 1),
		Measurement: &gantryv1.Reading_Speed{Speed: &gantryv1.SpeedReading{
			SpeedTenthKmh: uint32(600 + seq%700), LimitKmh: 100, Plate: fmt.Sprintf("P%05d", seq%90_000), ConfidencePercent: 97,
			VehicleClass: gantryv1.VehicleClass(seq%6 + 1),
		}},
	}
	return withIdentity(t, m, device, epoch, seq)
}

func withIdentity(t testing.TB, m *gantryv1.Reading, device string, epoch uint32, seq uint64) []byte {
	t.Helper()
	body, err := pb.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return append(kafka.AppendIdentity(nil, []byte(device), epoch, seq), body...)
}

// readings gives values with seqs from first up to and with last of an epoch
// on day0 plus so many days.
func readingsOf(t testing.TB, device string, day int64, first, last uint64) [][]byte {
	t.Helper()
	var out [][]byte
	for seq := first; seq <= last; seq++ {
		out = append(out, reading(t, device, uint32(day0/dayUS+day)<<17, seq, day0+day*dayUS+int64(seq)*1000))
	}
	return out
}

// bigVarint is a field with a value that no column holds.
func bigVarint(number protowire.Number) []byte {
	return binary.AppendUvarint(protowire.AppendTag(nil, number, protowire.VarintType), 1<<40)
}

// counted sums a counter or gauge over its labels.
func counted(t testing.TB, reg *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, f := range families {
		if f.GetName() == name {
			for _, m := range f.GetMetric() {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return sum
}
