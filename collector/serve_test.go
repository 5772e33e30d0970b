package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"google.golang.org/protobuf/proto"

	"github.com/gantry-dev/gantry/collector/clickhouse"
	"github.com/gantry-dev/gantry/collector/clickhouse/clickhousetest"
	"github.com/gantry-dev/gantry/collector/kafka"
	"github.com/gantry-dev/gantry/collector/kafka/kafkatest"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

func TestMain(m *testing.M) { clickhousetest.Main(m) }

func serveFlags(broker string) *ServeFlags {
	return &ServeFlags{
		KafkaFlags: KafkaFlags{KafkaBrokers: []string{broker}, ReplicationFactor: 1},
		HTTPAddr:   "127.0.0.1:0", AdminAddr: "127.0.0.1:0", CollectorID: "test", ShutdownTimeout: 10 * time.Second,
	}
}

func sinkFlags(t *testing.T, server *clickhousetest.Server) *SinkFlags {
	t.Helper()
	return &SinkFlags{
		ClickHouseFlags: ClickHouseFlags{
			ClickhouseAddr: server.TCPAddr(), ClickhouseUser: clickhousetest.Collector,
			ClickhousePasswordFile: secretFile(t, "password", server.Password(clickhousetest.Collector)+"\n"),
		},
		SinkReadings: true,
	}
}

func plateKeyFile(t *testing.T) string {
	t.Helper()
	return secretFile(t, "key", strings.Repeat("0123456789abcdef", 2))
}

func testLog(t *testing.T) *slog.Logger { return slog.New(slog.NewTextHandler(t.Output(), nil)) }

// start runs a collector; the function stops it and fails the test when that
// was not orderly.
func start(t *testing.T, s settings) (*collector, func()) {
	t.Helper()
	c := newCollector(testLog(t), s)
	if err := c.prepare(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.run(ctx) }()
	stopped := false
	stop := func() {
		if stopped {
			return
		}
		stopped = true
		began := time.Now()
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the collector ended with: %v", err)
		}
		if took := time.Since(began); took > s.ShutdownTimeout {
			t.Errorf("it took %s to stop", took)
		}
	}
	t.Cleanup(stop)
	eventually(t, "ready", func() bool { return healthz(t, c) == http.StatusOK })
	return c, stop
}

func healthz(t *testing.T, c *collector) int {
	t.Helper()
	client, url := http.DefaultClient, "http://"+c.httpListener.Addr().String()
	if c.tls != nil {
		client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
		url = strings.Replace(url, "http", "https", 1)
	}
	resp, err := client.Get(url + "/healthz")
	if err != nil {
		return 0
	}
	defer func() { _ = resp.Body.Close() }()
	var body map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&body); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode
}

// eventually waits for a condition that other processes bring about.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-deadline:
			t.Fatalf("not %s within 30 s", what)
		case <-tick.C:
		}
	}
}

func applyNetwork(t *testing.T, broker string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "network.yaml")
	text := `name: test
zone: UTC
valid_from_us: 1700000000000000
stations: [{station_id: s1, lanes: 2, limit_kmh: 100}]
devices: [{device_id: d1, kind: DEVICE_KIND_COUNTER, station_id: s1, loop_length_cm: 200}]
`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	apply := networkApplyCmd{KafkaFlags: serveFlags(broker).KafkaFlags, File: path, Timeout: 30 * time.Second}
	if err := apply.Run(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
}

// counter asks ClickHouse for one number at a time over one pool: the
// embedded engine does not survive hundreds of connections.
func counter(t *testing.T, server *clickhousetest.Server) func(query string) uint64 {
	t.Helper()
	conn := server.Conn(t, clickhousetest.Operator)
	return func(query string) uint64 {
		var n uint64
		if err := conn.QueryRow(t.Context(), query).Scan(&n); err != nil {
			return 0 // the tables come with the sink
		}
		return n
	}
}

// TestSinkRole: a process with the sink alone migrates, carries a reading to
// ClickHouse, mirrors the network, and outlives ClickHouse's absence.
func TestSinkRole(t *testing.T) {
	broker, server := kafkatest.Fake(t), clickhousetest.Start(t)
	applyNetwork(t, broker)
	client := kafkatest.Client(t, broker)
	_, stop := start(t, settings{ServeFlags: serveFlags(broker), sink: sinkFlags(t, server), plateKeyFile: plateKeyFile(t)})

	now := time.Now().UTC()
	sent, err := proto.Marshal(&gantryv1.Reading{ObservedAtUs: now.UnixMicro(), Lane: 1, Measurement: &gantryv1.Reading_Counter{
		Counter: &gantryv1.CounterReading{VehicleClass: 1, LengthCm: 450, OccupiedMs: 200}}})
	if err != nil {
		t.Fatal(err)
	}
	value := append(kafka.AppendIdentity(nil, []byte("d1"), uint32(now.Unix()/86400)<<17, 1), sent...)
	if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: kafka.TopicReading, Key: []byte("d1"), Value: value}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	count := counter(t, server)
	eventually(t, "in raw.readings", func() bool {
		return count("SELECT count() FROM raw.readings WHERE device_id = 'd1' AND length_cm = 450") == 1
	})
	eventually(t, "in raw.devices", func() bool { return count("SELECT count() FROM raw.devices FINAL") == 1 })
	stop()
}

// TestUnfitSchemaEndsTheProcess instead of being tried for ever: the database
// has seen a newer program.
func TestUnfitSchemaEndsTheProcess(t *testing.T) {
	broker, server := kafkatest.Fake(t), clickhousetest.Start(t)
	s := settings{ServeFlags: serveFlags(broker), sink: sinkFlags(t, server), plateKeyFile: plateKeyFile(t)}
	c := newCollector(testLog(t), s)
	if err := c.prepare(); err != nil {
		t.Fatal(err)
	}
	if err := migrate(t.Context(), c.sinkConfig.ClickHouse); err != nil {
		t.Fatal(err)
	}
	if err := server.Conn(t, clickhousetest.Collector).Exec(t.Context(),
		"INSERT INTO raw.schema_migrations (version, checksum, name) VALUES (9999, 'x', '9999_tomorrow')"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	err := c.run(ctx)
	if !errors.Is(err, clickhouse.ErrSchema) || !strings.Contains(err.Error(), "9999_tomorrow") || strings.Contains(err.Error(), "\n") {
		t.Errorf("the collector ended with %v, want one sentence on migration 9999", err)
	}
}
