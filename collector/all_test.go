package main

import (
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/gantry-dev/gantry/collector/clickhouse/clickhousetest"
	"github.com/gantry-dev/gantry/collector/kafka/kafkatest"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

func dial(t *testing.T, c *collector) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(c.grpcListener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// agent is the least an agent can be: one device, a few readings of today.
type agent struct {
	t      *testing.T
	stream grpc.BidiStreamingClient[gantryv1.ConnectRequest, gantryv1.ConnectResponse]
	epoch  uint32

	batches uint64
}

// connect says Hello and waits until d1 is leased to it.
func connect(t *testing.T, conn *grpc.ClientConn) *agent {
	t.Helper()
	stream, err := gantryv1.NewIngestServiceClient(conn).Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	a := &agent{t: t, stream: stream, epoch: uint32(time.Now().Unix()/86400) << 17}
	a.send(&gantryv1.ConnectRequest{Message: &gantryv1.ConnectRequest_Hello{Hello: &gantryv1.Hello{AgentId: "agent-1", Version: "test", Capacity: 10}}})
	a.await("a lease of d1", func(m *gantryv1.ConnectResponse) bool {
		lease := m.GetLease()
		if w := m.GetWelcome(); w != nil {
			lease = w.Lease
		}
		return len(lease.GetGranted()) == 1 && lease.Granted[0].DeviceId == "d1"
	})
	return a
}

func (a *agent) send(m *gantryv1.ConnectRequest) {
	a.t.Helper()
	if err := a.stream.Send(m); err != nil {
		a.t.Fatal(err)
	}
}

func (a *agent) await(what string, is func(*gantryv1.ConnectResponse) bool) {
	a.t.Helper()
	for {
		m, err := a.stream.Recv()
		if err != nil {
			a.t.Fatalf("waiting for %s: %v", what, err)
		}
		if is(m) {
			return
		}
	}
}

// deliver sends readings 1 to n and waits until they are durable.
func (a *agent) deliver(n int) { a.deliverFrom(1, n) }

// deliverFrom sends n readings from a position on, and waits likewise.
func (a *agent) deliverFrom(first uint64, n int) {
	a.t.Helper()
	a.batches++
	batch := &gantryv1.DeviceBatch{DeviceId: "d1", Epoch: a.epoch, FirstSeq: first}
	for range n {
		batch.Readings = append(batch.Readings, &gantryv1.Reading{
			ObservedAtUs: time.Now().UnixMicro(), Lane: 1,
			Measurement: &gantryv1.Reading_Counter{Counter: &gantryv1.CounterReading{VehicleClass: 1, LengthCm: 450, OccupiedMs: 200}},
		})
	}
	a.send(&gantryv1.ConnectRequest{Message: &gantryv1.ConnectRequest_Batch{Batch: &gantryv1.Batch{Number: a.batches, Devices: []*gantryv1.DeviceBatch{batch}}}})
	a.await("the acknowledgement", func(m *gantryv1.ConnectResponse) bool {
		for _, p := range m.GetAck().GetDurable() {
			if p.DeviceId == "d1" && p.Epoch == a.epoch && p.Seq == first+uint64(n)-1 {
				return true
			}
		}
		return false
	})
}

// TestAll is the whole way of a reading in one process: agent, gRPC, Kafka,
// ClickHouse; the fleet shows it; and the process stops while the agent is
// still connected.
func TestAll(t *testing.T) {
	broker, server := kafkatest.Fake(t), clickhousetest.Start(t)
	applyNetwork(t, broker)
	flags := &GRPCFlags{GRPCAddr: "127.0.0.1:0", Reflection: true, LeaseTTL: 3 * time.Second}
	c, stop := start(t, settings{ServeFlags: serveFlags(broker), grpc: flags, sink: sinkFlags(t, server), ingest: &IngestFlags{}, plateKeyFile: plateKeyFile(t)})
	conn := dial(t, c)
	for _, service := range []string{"", "gantry.v1.IngestService", "gantry.v1.FleetService"} {
		resp, err := grpc_health_v1.NewHealthClient(conn).Check(t.Context(), &grpc_health_v1.HealthCheckRequest{Service: service})
		if err != nil || resp.Status != grpc_health_v1.HealthCheckResponse_SERVING {
			t.Errorf("health of %q: %v, %v", service, resp, err)
		}
	}

	a := connect(t, conn)
	a.deliver(20)
	count := counter(t, server)
	eventually(t, "in raw.readings", func() bool {
		return count("SELECT count() FROM raw.readings FINAL WHERE device_id = 'd1'") == 20
	})
	fleet := gantryv1.NewFleetServiceClient(conn)
	device, err := fleet.GetDevice(t.Context(), &gantryv1.GetDeviceRequest{DeviceId: "d1"})
	if err != nil || device.State.Seq != 20 || device.State.AgentId != "agent-1" || device.State.Epoch != a.epoch {
		t.Errorf("the device is %v, %v", device, err)
	}
	if _, err := fleet.DrainAgent(t.Context(), &gantryv1.DrainAgentRequest{AgentId: "agent-1"}); status.Code(err) != codes.Unauthenticated {
		t.Errorf("a drain by nobody: %v", err)
	}
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		for {
			if m, err := a.stream.Recv(); err != nil || m.GetDrain() != nil {
				_ = a.stream.CloseSend()
				return
			}
		}
	}()
	stop()
	<-drained

	// What one process knew, another finds in Kafka.
	next, _ := start(t, settings{ServeFlags: serveFlags(broker), grpc: flags})
	fleet = gantryv1.NewFleetServiceClient(dial(t, next))
	eventually(t, "known to the next process", func() bool {
		d, err := fleet.GetDevice(t.Context(), &gantryv1.GetDeviceRequest{DeviceId: "d1"})
		return err == nil && d.State.Seq == 20 && d.State.AgentId == ""
	})
}
