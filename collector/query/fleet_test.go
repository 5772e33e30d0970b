package query_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/reflection"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"

	"github.com/gantry-dev/gantry/collector/kafka"
	"github.com/gantry-dev/gantry/collector/query"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// fleet is a network, its leases and its positions in one; tests change it
// while it is watched.
type fleet struct {
	mu        sync.Mutex
	ready     chan struct{}
	snap      *kafka.NetworkSnapshot
	agents    []*gantryv1.Agent
	leases    []*gantryv1.DeviceLease
	positions map[string]query.DevicePositions
	drained   []string
	drainErr  error
}

func (f *fleet) Snapshot() *kafka.NetworkSnapshot { return f.snap }
func (f *fleet) Ready() <-chan struct{}           { return f.ready }
func (f *fleet) Decider() string                  { return "c1" }

func (f *fleet) Agents() []*gantryv1.Agent {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.agents)
}

func (f *fleet) Leases() []*gantryv1.DeviceLease {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.leases)
}

func (f *fleet) Drain(_ context.Context, id string) (int, error) {
	f.drained = append(f.drained, id)
	return 7, f.drainErr
}

func (f *fleet) Device(id string) query.DevicePositions {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.positions[id]
}

func (f *fleet) set(id string, p query.DevicePositions) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.positions[id] = p
}

const day = 20_000 // 2024-10-04

var now = time.Unix(day*86400+3600, 0)

// newFleet has n devices d000… at two stations by turns, all carried by a1.
func newFleet(n int) *fleet {
	f := &fleet{ready: make(chan struct{}), positions: map[string]query.DevicePositions{}}
	close(f.ready)
	f.snap = &kafka.NetworkSnapshot{
		Network: &gantryv1.Network{Stations: []*gantryv1.Station{{StationId: "s0"}, {StationId: "s1"}}},
		Devices: map[string]*kafka.DeviceInfo{},
	}
	for i := range n {
		id := fmt.Sprintf("d%03d", i)
		f.snap.Devices[id] = &kafka.DeviceInfo{ID: id, Kind: gantryv1.DeviceKind_DEVICE_KIND_SPEED, StationID: fmt.Sprintf("s%d", i%2)}
		f.leases = append(f.leases, &gantryv1.DeviceLease{DeviceId: id, AgentId: "a1", SessionId: "x", Term: 3})
	}
	f.agents = []*gantryv1.Agent{{AgentId: "a2", SessionId: "y"}, {AgentId: "a1", SessionId: "x"}}
	return f
}

// dial serves the fleet over a real connection.
func dial(t *testing.T, f *fleet, edit ...func(*query.Config)) *grpc.ClientConn {
	t.Helper()
	cfg := query.DefaultConfig()
	cfg.Now, cfg.Log = func() time.Time { return now }, slog.New(slog.DiscardHandler)
	for _, e := range edit {
		e(&cfg)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer()
	gantryv1.RegisterFleetServiceServer(s, query.NewFleet(cfg, f, f, f))
	reflection.Register(s)
	go func() { _ = s.Serve(l) }()
	t.Cleanup(s.Stop)
	conn, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func TestPagesShowEveryDeviceOnce(t *testing.T) {
	client := gantryv1.NewFleetServiceClient(dial(t, newFleet(25)))
	var seen []string
	token := ""
	for pages := 0; ; pages++ {
		resp, err := client.ListDevices(t.Context(), &gantryv1.ListDevicesRequest{PageSize: 10, PageToken: token})
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range resp.Devices {
			seen = append(seen, d.DeviceId)
		}
		if token = resp.NextPageToken; token == "" {
			if pages != 2 {
				t.Errorf("25 devices by 10 took %d pages", pages+1)
			}
			break
		}
	}
	if len(seen) != 25 || !slices.IsSorted(seen) || len(slices.Compact(seen)) != 25 {
		t.Errorf("pages show %v", seen)
	}
}

func TestDevicesOfAStation(t *testing.T) {
	client := gantryv1.NewFleetServiceClient(dial(t, newFleet(5)))
	resp, err := client.ListDevices(t.Context(), &gantryv1.ListDevicesRequest{StationId: "s1"})
	if err != nil {
		t.Fatal(err)
	}
	if len(resp.Devices) != 2 || resp.Devices[0].DeviceId != "d001" || resp.Devices[0].AgentId != "a1" {
		t.Errorf("got %v", resp.Devices)
	}
}

func TestAgentsAndLeases(t *testing.T) {
	f := newFleet(3)
	f.leases = f.leases[1:] // d000 is carried by nobody
	client := gantryv1.NewFleetServiceClient(dial(t, f))
	agents, err := client.ListAgents(t.Context(), &gantryv1.ListAgentsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if len(agents.Agents) != 2 || agents.Agents[0].AgentId != "a1" {
		t.Errorf("agents: %v", agents.Agents)
	}
	leases, err := client.ListLeases(t.Context(), &gantryv1.ListLeasesRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if len(leases.Leases) != 3 || leases.Leases[0].AgentId != "" || leases.Leases[1].Term != 3 || leases.DeciderCollectorId != "c1" {
		t.Errorf("leases: %v", leases)
	}
}

func TestOneDeviceInFull(t *testing.T) {
	f := newFleet(1)
	f.set("d000", query.DevicePositions{
		Epochs: []query.EpochPosition{
			{Epoch: (day - 1) << 17, Seq: 900, Ended: true, LastObservedAtUS: now.Add(-2 * time.Hour).UnixMicro()},
			{Epoch: day<<17 + 60, Seq: 12, LastObservedAtUS: now.Add(-1500 * time.Millisecond).UnixMicro()},
		},
		ClockSkewUS: -250_000,
		Rejects:     map[gantryv1.RejectCode]uint64{gantryv1.RejectCode_REJECT_CODE_MALFORMED: 2, gantryv1.RejectCode_REJECT_CODE_WRONG_KIND: 1},
	})
	client := gantryv1.NewFleetServiceClient(dial(t, f))
	got, err := client.GetDevice(t.Context(), &gantryv1.GetDeviceRequest{DeviceId: "d000"})
	if err != nil {
		t.Fatal(err)
	}
	s := got.State
	if s.Epoch != day<<17+60 || s.Seq != 12 || s.LagMs != 1500 || s.ClockSkewMs != -250 || s.Rejects != 3 || s.LastObservedAt != "2024-10-04T00:59:58.500Z" {
		t.Errorf("state: %v", s)
	}
	if len(got.Epochs) != 2 || got.Epochs[0].StartedAt != "2024-10-04T00:01:00.000Z" || !got.Epochs[1].Ended {
		t.Errorf("epochs: %v", got.Epochs)
	}
	if got.RejectsByCode["REJECT_CODE_MALFORMED"] != 2 {
		t.Errorf("rejects: %v", got.RejectsByCode)
	}
}

// TestErrorsSayTheWayOut: each has its code and names what to do.
func TestErrorsSayTheWayOut(t *testing.T) {
	f := newFleet(2)
	f.drainErr = errors.New("no decider")
	client := gantryv1.NewFleetServiceClient(dial(t, f))
	unready := newFleet(1)
	unready.ready = make(chan struct{})
	early := gantryv1.NewFleetServiceClient(dial(t, unready))
	for name, c := range map[string]struct {
		call func(context.Context) error
		code codes.Code
		want string
	}{
		"device": {func(ctx context.Context) error {
			_, err := client.GetDevice(ctx, &gantryv1.GetDeviceRequest{DeviceId: "nope"})
			return err
		}, codes.NotFound, `no device "nope": gantry.v1.FleetService/ListDevices`},
		"station": {func(ctx context.Context) error {
			_, err := client.ListDevices(ctx, &gantryv1.ListDevicesRequest{StationId: "s9"})
			return err
		}, codes.NotFound, `no station "s9"`},
		"agent": {func(ctx context.Context) error {
			_, err := client.DrainAgent(ctx, &gantryv1.DrainAgentRequest{AgentId: "a9"})
			return err
		}, codes.NotFound, `no agent "a9" is connected: gantry.v1.FleetService/ListAgents`},
		"drain": {func(ctx context.Context) error {
			_, err := client.DrainAgent(ctx, &gantryv1.DrainAgentRequest{AgentId: "a1"})
			return err
		}, codes.Unavailable, "no decider; try again"},
		"token": {func(ctx context.Context) error {
			_, err := client.ListAgents(ctx, &gantryv1.ListAgentsRequest{PageToken: "%"})
			return err
		}, codes.InvalidArgument, "leave it empty to begin"},
		"early": {func(ctx context.Context) error {
			_, err := early.GetDevice(ctx, &gantryv1.GetDeviceRequest{DeviceId: "d000"})
			return err
		}, codes.Unavailable, "try again in a moment"},
	} {
		err := c.call(t.Context())
		if status.Code(err) != c.code || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s … %s", name, err, c.code, c.want)
		}
	}
}

func TestDrain(t *testing.T) {
	f := newFleet(1)
	client := gantryv1.NewFleetServiceClient(dial(t, f))
	resp, err := client.DrainAgent(t.Context(), &gantryv1.DrainAgentRequest{AgentId: "a2"})
	if err != nil || resp.Devices != 7 || !slices.Equal(f.drained, []string{"a2"}) {
		t.Errorf("got %v, %v, drained %v", resp, err, f.drained)
	}
}

// TestWatchSendsChangesOnly: the first message has all, then only what is
// different; chunks stay within a page.
func TestWatchSendsChangesOnly(t *testing.T) {
	f := newFleet(5)
	client := gantryv1.NewFleetServiceClient(dial(t, f, func(c *query.Config) {
		c.MaxPage, c.MinInterval = 3, time.Millisecond
	}))
	stream, err := client.WatchDevices(t.Context(), &gantryv1.WatchDevicesRequest{IntervalMs: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []int{3, 2} {
		msg, err := stream.Recv()
		if err != nil || len(msg.Devices) != want || msg.AsOf == "" {
			t.Fatalf("got %v, %v, want %d devices", msg, err, want)
		}
	}
	f.set("d003", query.DevicePositions{Epochs: []query.EpochPosition{{Epoch: day << 17, Seq: 1, LastObservedAtUS: now.UnixMicro()}}})
	msg, err := stream.Recv()
	if err != nil || len(msg.Devices) != 1 || msg.Devices[0].DeviceId != "d003" || msg.Devices[0].Seq != 1 {
		t.Fatalf("got %v, %v, want d003 alone", msg, err)
	}
}

func TestWatchersAreLimited(t *testing.T) {
	client := gantryv1.NewFleetServiceClient(dial(t, newFleet(1), func(c *query.Config) { c.MaxWatchers = 1 }))
	first, err := client.WatchDevices(t.Context(), &gantryv1.WatchDevicesRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := first.Recv(); err != nil {
		t.Fatal(err)
	}
	second, err := client.WatchDevices(t.Context(), &gantryv1.WatchDevicesRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := second.Recv(); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("the second watcher: %v", err)
	}
	third, err := client.WatchDevices(t.Context(), &gantryv1.WatchDevicesRequest{DeviceIds: []string{"d9"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := third.Recv(); status.Code(err) != codes.NotFound {
		t.Errorf("a device that is not there: %v", err)
	}
}

// TestReflection asks as grpcurl does.
func TestReflection(t *testing.T) {
	stream, err := reflectionpb.NewServerReflectionClient(dial(t, newFleet(1))).ServerReflectionInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	err = stream.Send(&reflectionpb.ServerReflectionRequest{
		MessageRequest: &reflectionpb.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: "gantry.v1.FleetService"},
	})
	if err != nil {
		t.Fatal(err)
	}
	resp, err := stream.Recv()
	if err != nil || len(resp.GetFileDescriptorResponse().GetFileDescriptorProto()) == 0 {
		t.Errorf("got %v, %v", resp, err)
	}
}
