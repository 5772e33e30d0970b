package ingest_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"

	"github.com/gantry-dev/gantry/collector/ingest"
	"github.com/gantry-dev/gantry/collector/kafka"
	"github.com/gantry-dev/gantry/collector/kafka/kafkatest"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// today is the day that the tests' collectors believe in.
const today = 20_000

var noon = time.Unix(today*86400+12*3600, 0)

func epochOf(day int) uint32 { return uint32(day) << 17 }

// fixedNetwork is a network that is always ready.
type fixedNetwork struct {
	mu   sync.Mutex
	snap *kafka.NetworkSnapshot
}

func (n *fixedNetwork) Snapshot() *kafka.NetworkSnapshot {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.snap
}

func (n *fixedNetwork) Ready() <-chan struct{} { return closed }

var closed = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

func network(fingerprint string) *fixedNetwork {
	s := &kafka.NetworkSnapshot{Network: &gantryv1.Network{Name: "test"}, Devices: map[string]*kafka.DeviceInfo{}, World: &gantryv1.World{Fingerprint: fingerprint}}
	for i := range 20 {
		id := fmt.Sprintf("D%02d", i)
		s.Devices[id] = &kafka.DeviceInfo{ID: id, Kind: gantryv1.DeviceKind_DEVICE_KIND_COUNTER, StationID: "S", Lanes: 3, ValidFromUS: (today - 10) * 86400e6}
	}
	return &fixedNetwork{snap: s}
}

// collector is a running ingest server.
type collector struct {
	t         testing.TB
	server    *ingest.Server
	positions *ingest.Positions
	client    gantryv1.IngestServiceClient
	stop      func()
}

// start runs a collector against a broker.
func start(t testing.TB, broker string, net *fixedNetwork, change func(*ingest.Config)) *collector {
	t.Helper()
	k := kafka.DefaultClientConfig(broker)
	k.Linger = time.Millisecond
	cfg := ingest.DefaultConfig("c-"+t.Name(), k)
	cfg.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	cfg.Now = func() time.Time { return noon }
	cfg.CheckpointInterval = 20 * time.Millisecond
	if change != nil {
		change(&cfg)
	}
	c := &collector{t: t, positions: ingest.NewPositions(cfg.Kafka, cfg.MaxDeviceEpochs, cfg.Log)}
	server, err := ingest.New(cfg, net, nil, c.positions)
	if err != nil {
		t.Fatal(err)
	}
	c.server = server
	c.serve(cfg)
	return c
}

func (c *collector) serve(cfg ingest.Config) {
	t := c.t
	ctx, cancel := context.WithCancel(context.Background())
	var wait sync.WaitGroup
	wait.Go(func() { _ = c.positions.Run(ctx) })
	wait.Go(func() { _ = c.server.Run(ctx) })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	opts := append([]grpc.ServerOption{grpc.StaticStreamWindowSize(1 << 20), grpc.StaticConnWindowSize(2 << 20)}, cfg.ServerOptions()...)
	g := grpc.NewServer(opts...)
	gantryv1.RegisterIngestServiceServer(g, c.server)
	wait.Go(func() { _ = g.Serve(l) })
	conn, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallSendMsgSize(64<<20)))
	if err != nil {
		t.Fatal(err)
	}
	c.client = gantryv1.NewIngestServiceClient(conn)
	c.stop = sync.OnceFunc(func() {
		_ = conn.Close()
		g.Stop()
		cancel()
		wait.Wait()
	})
	t.Cleanup(c.stop)
}

// agent is one stream to a collector.
type agent struct {
	t      testing.TB
	stream grpc.BidiStreamingClient[gantryv1.ConnectRequest, gantryv1.ConnectResponse]
	cancel context.CancelFunc
	number uint64
	ack    *gantryv1.Ack // all that was answered, merged
}

// open opens a stream without a word.
func (c *collector) open() *agent {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	c.t.Cleanup(cancel)
	s, err := c.client.Connect(ctx)
	if err != nil {
		c.t.Fatal(err)
	}
	return &agent{t: c.t, stream: s, cancel: cancel, ack: &gantryv1.Ack{}}
}

// connect says Hello and waits for Welcome.
func (c *collector) connect(h *gantryv1.Hello) (*agent, *gantryv1.Welcome) {
	c.t.Helper()
	a := c.open()
	if h.AgentId == "" {
		h.AgentId = "agent"
	}
	a.send(&gantryv1.ConnectRequest{Message: &gantryv1.ConnectRequest_Hello{Hello: h}})
	m, err := a.stream.Recv()
	if err != nil {
		c.t.Fatal(err)
	}
	if m.GetWelcome() == nil {
		c.t.Fatalf("not Welcome but %v", m)
	}
	return a, m.GetWelcome()
}

func (a *agent) send(m *gantryv1.ConnectRequest) {
	a.t.Helper()
	if err := a.stream.Send(m); err != nil {
		a.t.Logf("send: %v", err)
	}
}

func (a *agent) batch(devices ...*gantryv1.DeviceBatch) { a.t.Helper(); a.lane(false, devices...) }

func (a *agent) lane(backfill bool, devices ...*gantryv1.DeviceBatch) {
	a.t.Helper()
	a.number++
	a.send(&gantryv1.ConnectRequest{Message: &gantryv1.ConnectRequest_Batch{Batch: &gantryv1.Batch{Number: a.number, Backfill: backfill, Devices: devices}}})
}

// await reads until all that was sent is answered.
func (a *agent) await() *gantryv1.Ack {
	a.t.Helper()
	for a.ack.BatchNumber < a.number {
		m, err := a.stream.Recv()
		if err != nil {
			a.t.Fatal(err)
		}
		if k := m.GetAck(); k != nil {
			a.ack.BatchNumber = k.BatchNumber
			a.ack.Durable = append(a.ack.Durable, k.Durable...)
			a.ack.Rejects = append(a.ack.Rejects, k.Rejects...)
			a.ack.Resends = append(a.ack.Resends, k.Resends...)
		}
	}
	out := a.ack
	a.ack = &gantryv1.Ack{BatchNumber: out.BatchNumber}
	return out
}

// end reads until the stream ends and returns why.
func (a *agent) end() error {
	for {
		if _, err := a.stream.Recv(); err != nil {
			return err
		}
	}
}

// count makes a good counter reading of a day.
func count(day int, second int) *gantryv1.Reading {
	return &gantryv1.Reading{ObservedAtUs: int64(day)*86400e6 + int64(second)*1e6, Lane: 1,
		Measurement: &gantryv1.Reading_Counter{Counter: &gantryv1.CounterReading{
			VehicleClass: gantryv1.VehicleClass_VEHICLE_CLASS_CAR, LengthCm: 430, OccupiedMs: 250, HeadwayMs: 2000}}}
}

func endOfEpoch(last uint64) *gantryv1.Reading {
	return &gantryv1.Reading{Measurement: &gantryv1.Reading_EpochEnd{EpochEnd: &gantryv1.EpochEnd{LastSeq: last}}}
}

// run makes n good readings from a position on.
func run(device string, day int, first uint64, n int) *gantryv1.DeviceBatch {
	d := &gantryv1.DeviceBatch{DeviceId: device, Epoch: epochOf(day), FirstSeq: first}
	for i := range n {
		d.Readings = append(d.Readings, count(day, int(first)+i))
	}
	return d
}

// records reads n records of topics.
func records(t testing.TB, broker string, n int, topics ...string) []*kgo.Record {
	t.Helper()
	client, err := kafka.NewClient(kafka.DefaultClientConfig(broker), kgo.ConsumeTopics(topics...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var out []*kgo.Record
	for len(out) < n {
		f := client.PollFetches(ctx)
		if ctx.Err() != nil {
			t.Fatalf("found %d of %d records in %v", len(out), n, topics)
		}
		out = append(out, f.Records()...)
	}
	return out
}

// identities counts readings by device, epoch and seq.
func identities(t testing.TB, rs []*kgo.Record) map[string]int {
	t.Helper()
	out := map[string]int{}
	for _, r := range rs {
		m := &gantryv1.Reading{}
		if err := proto.Unmarshal(r.Value, m); err != nil {
			t.Fatal(err)
		}
		if string(r.Key) != m.DeviceId {
			t.Fatalf("key %q of a reading of %q", r.Key, m.DeviceId)
		}
		out[fmt.Sprintf("%s/%d/%d", m.DeviceId, m.Epoch, m.Seq)]++
	}
	return out
}

// broker starts a fake with the topics.
func broker(t testing.TB) (string, *kfake.Cluster) {
	t.Helper()
	c := kafkatest.FakeCluster(t)
	addr := c.ListenAddrs()[0]
	kafkatest.Client(t, addr)
	return addr, c
}

// commit lets a group have read all of a topic.
func commit(t testing.TB, broker, group, topic string) {
	t.Helper()
	client, err := kafka.NewClient(kafka.DefaultClientConfig(broker))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	ends, err := admin.ListEndOffsets(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	if err := admin.CommitAllOffsets(t.Context(), group, ends.Offsets()); err != nil {
		t.Fatal(err)
	}
}
