package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"

	"github.com/gantry-dev/gantry/gantry-agent/device"
	"github.com/gantry-dev/gantry/gantry-agent/recorded"
	"github.com/gantry-dev/gantry/gantry-agent/world"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// acceptingCollector leases devices and calls everything durable.
type acceptingCollector struct {
	gantryv1.UnimplementedIngestServiceServer
	world   *gantryv1.World
	devices []string
	now     time.Time
	from    time.Time // valid_from

	mu     sync.Mutex
	counts map[string]map[uint32]uint64 // positions by device and epoch
	first  time.Time                    // of the batches taken
	last   time.Time
}

func startAccepting(t testing.TB, c *acceptingCollector) string {
	t.Helper()
	return startServer(t, c, c)
}

// startServer serves a collector that counts in the accepting one.
func startServer(t testing.TB, s gantryv1.IngestServiceServer, c *acceptingCollector) string {
	t.Helper()
	c.counts = map[string]map[uint32]uint64{}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(grpc.WaitForHandlers(true))
	gantryv1.RegisterIngestServiceServer(server, s)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	return listener.Addr().String()
}

// Connect takes one agent's readings.
func (c *acceptingCollector) Connect(st gantryv1.IngestService_ConnectServer) error {
	if _, err := st.Recv(); err != nil {
		return err
	}
	w := c.welcome()
	for _, id := range c.devices {
		w.Lease.Granted = append(w.Lease.Granted, &gantryv1.LeasedDevice{DeviceId: id, ValidFromUs: c.from.UnixMicro()})
	}
	return c.carry(st, w)
}

// welcome grants nothing yet.
func (c *acceptingCollector) welcome() *gantryv1.Welcome {
	window := &gantryv1.Window{Batches: 16, Bytes: 8 << 20}
	return &gantryv1.Welcome{CollectorTimeUs: c.now.UnixMicro(), World: c.world, HeartbeatMs: 5000, MaxBatchBytes: 1 << 20,
		MaxBatchReadings: 10_000, Flow: &gantryv1.Flow{Live: window, Backfill: window}, Lease: &gantryv1.Lease{}}
}

// carry welcomes an agent and takes what it sends.
func (c *acceptingCollector) carry(st gantryv1.IngestService_ConnectServer, w *gantryv1.Welcome) error {
	if err := st.Send(&gantryv1.ConnectResponse{Message: &gantryv1.ConnectResponse_Welcome{Welcome: w}}); err != nil {
		return err
	}
	for {
		m, err := st.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if b := m.GetBatch(); b != nil {
			if err := st.Send(&gantryv1.ConnectResponse{Message: &gantryv1.ConnectResponse_Ack{Ack: c.take(b)}}); err != nil {
				return err
			}
		}
	}
}

func (c *acceptingCollector) take(b *gantryv1.Batch) *gantryv1.Ack {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last = time.Now(); c.first.IsZero() {
		c.first = c.last
	}
	ack := &gantryv1.Ack{BatchNumber: b.GetNumber()}
	for _, d := range b.GetDevices() {
		if c.counts[d.GetDeviceId()] == nil {
			c.counts[d.GetDeviceId()] = map[uint32]uint64{}
		}
		last := d.GetFirstSeq() + uint64(len(d.GetReadings())) - 1
		c.counts[d.GetDeviceId()][d.GetEpoch()] = last
		ack.Durable = append(ack.Durable, &gantryv1.Position{DeviceId: d.GetDeviceId(), Epoch: d.GetEpoch(), Seq: last,
			Ended: d.GetReadings()[len(d.GetReadings())-1].GetEpochEnd() != nil})
	}
	return ack
}

// corridor is the shipped world as a collector names it.
func corridor(t testing.TB) (*world.World, *gantryv1.World) {
	t.Helper()
	network, _ := world.Shipped("network", "corridor")
	scenario, _ := world.Shipped("scenario", "weekday")
	w, err := world.New(world.Spec{NetworkYAML: network, ScenarioYAML: scenario, Seed: 7})
	if err != nil {
		t.Fatal(err)
	}
	return w, &gantryv1.World{Fingerprint: w.Fingerprint(), NetworkYaml: string(network), ScenarioYaml: string(scenario), Seed: 7}
}

// command parses a run command as main does, and runs it until ctx ends.
func command(ctx context.Context, t testing.TB, args ...string) error {
	t.Helper()
	return runAgent(ctx, t, append([]string{"run"}, args...)...)
}

// runAgent is command with the command's name among the arguments.
func runAgent(ctx context.Context, t testing.TB, args ...string) error {
	t.Helper()
	var c cli
	kctx, err := parseCLI(&c, args, io.Discard, io.Discard)
	if err != nil {
		return err
	}
	kctx.Bind(signals{ctx}, slog.New(slog.DiscardHandler))
	return kctx.Run()
}

func TestRunBackfillsAWorld(t *testing.T) {
	w, named := corridor(t)
	from := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	var ids []string
	for _, d := range w.Network().Devices[:3] {
		ids = append(ids, d.ID)
	}
	c := &acceptingCollector{world: named, devices: ids, from: from, now: from.Add(60 * time.Hour)}
	addr := startAccepting(t, c)
	dir := filepath.Join(t.TempDir(), "agent")
	err := command(t.Context(), t, "--collector", addr, "--devices", strings.Join(ids, ","), "--clock", "backfill",
		"--from", "2026-11-20", "--to", "2026-11-22", "--state", dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		d, err := device.New(w, id, from.UnixMicro())
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range d.Epochs(from.UnixMicro(), from.Add(48*time.Hour).UnixMicro()) {
			want := uint64(1) // the end
			for range d.Readings(e, 0) {
				want++
			}
			if got := c.counts[id][e.ID]; got != want {
				t.Errorf("%s/%d: %d positions, want %d", id, e.ID, got, want)
			}
		}
		if len(c.counts[id]) != 2 {
			t.Errorf("%s: epochs %v, want two", id, c.counts[id])
		}
	}
	// The folder is of that world now.
	c.world = &gantryv1.World{Fingerprint: "other", NetworkYaml: named.NetworkYaml, ScenarioYaml: named.ScenarioYaml}
	err = command(t.Context(), t, "--collector", addr, "--state", dir)
	if err == nil || !strings.Contains(err.Error(), "of world other") {
		t.Errorf("another world: %v", err)
	}
	err = command(t.Context(), t, "--collector", addr)
	if err == nil || !strings.Contains(err.Error(), "run the agent of the version") {
		t.Errorf("another version's world: %v", err)
	}
}

func TestRunRefusesNonsense(t *testing.T) {
	for want, args := range map[string][]string{
		"needs --from":              {"--clock", "accelerated:2"},
		"--from must be before":     {"--from", "2026-11-02", "--to", "2026-11-01"},
		"is no clock":               {"--clock", "sundial"},
		"is no date":                {"--from", "monday"},
		"neither a number nor":      {"--devices", ","},
		"change --network":          {"--zone", "+09:30"},
		"neither a shipped network": {"--network", "nowhere"},
		"read the token":            {"--token-file", "/nonexistent/token"},
		"--to is after tomorrow":    {"--clock", "backfill", "--to", "2999-01-01"},
	} {
		if err := command(t.Context(), t, args...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: got %v, want an error with %q", args, err, want)
		}
	}
}

func TestParseDevices(t *testing.T) {
	if n, ids, err := parseDevices("0"); n != capacityOfAll || ids != nil || err != nil {
		t.Error(n, ids, err)
	}
	if n, ids, err := parseDevices("12"); n != 12 || ids != nil || err != nil {
		t.Error(n, ids, err)
	}
	if n, ids, err := parseDevices("a, b,"); n != 0 || !slices.Equal(ids, []string{"a", "b"}) || err != nil {
		t.Error(n, ids, err)
	}
}

func TestHealth(t *testing.T) {
	well := false
	server := httptest.NewServer(healthHandler(prometheus.NewRegistry(), func() bool { return well }))
	defer server.Close()
	check := healthcheckCmd{HTTP: strings.TrimPrefix(server.URL, "http://"), Timeout: time.Minute}
	if err := check.Run(signals{t.Context()}); err == nil {
		t.Error("an agent without a collector is called well")
	}
	alive := check
	alive.Live = true
	if err := alive.Run(signals{t.Context()}); err != nil {
		t.Errorf("an agent that waits for a collector is called dead: %v", err)
	}
	well = true
	if err := check.Run(signals{t.Context()}); err != nil {
		t.Error(err)
	}
}

func TestMainExitCodes(t *testing.T) {
	for want, args := range map[int][]string{0: {"version"}, 2: {"nonsense"}, 1: {"run", "--network", "nowhere"}} {
		var out, errOut bytes.Buffer
		if got := run(args, &out, &errOut); got != want {
			t.Errorf("%v: exit code %d, want %d: %s", args, got, want, errOut.String())
		}
	}
}

// BenchmarkRunBackfill is the whole agent: making, encoding and sending of a
// day of the corridor, to a collector in this process that decodes it.
func BenchmarkRunBackfill(b *testing.B) {
	w, named := corridor(b)
	from := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	var ids []string
	for _, d := range w.Network().Devices {
		ids = append(ids, d.ID)
	}
	c := &acceptingCollector{world: named, devices: ids, from: from, now: from.Add(60 * time.Hour)}
	addr := startAccepting(b, c)
	var n uint64
	var took time.Duration
	for b.Loop() {
		c.counts, c.first = map[string]map[uint32]uint64{}, time.Time{}
		if err := command(b.Context(), b, "--collector", addr, "--clock", "backfill", "--to", "2026-11-21"); err != nil {
			b.Fatal(err)
		}
		for _, epochs := range c.counts {
			for _, last := range epochs {
				n += last
			}
		}
		took += c.last.Sub(c.first) // without the wait for devices yet to come
	}
	b.ReportMetric(float64(n)/took.Seconds(), "readings/s")
}

// recordedWorld is the sample as a collector names its world.
func recordedWorld(t *testing.T) (devices []string, named *gantryv1.World) {
	t.Helper()
	r, err := recorded.Read(sampleFile, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	network, err := recorded.Draft(r, recorded.DraftOptions{
		Name: "sample", Road: "road", Zone: "+00:00", Start: time.Date(2026, 11, 20, 23, 50, 0, 0, time.UTC), Devices: []string{"counter"},
	})
	if err != nil {
		t.Fatal(err)
	}
	w, err := world.NewRecorded(world.Spec{NetworkYAML: network, Seed: 7}, &r.Recording)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range w.Network().Devices {
		devices = append(devices, d.ID)
	}
	return devices, &gantryv1.World{Fingerprint: w.Fingerprint(), NetworkYaml: string(network), Seed: 7}
}

const sampleFile = "recorded/testdata/sumo-instant-loops.xml.gz"

func TestRunReplaysARecording(t *testing.T) {
	devices, named := recordedWorld(t)
	from := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	c := &acceptingCollector{world: named, devices: devices, from: from, now: from.Add(200 * time.Hour)}
	args := []string{"--collector", startAccepting(t, c), "--clock", "backfill", "--to", "2026-11-25", "--state", filepath.Join(t.TempDir(), "agent")}
	if err := command(t.Context(), t, args...); err == nil || !strings.Contains(err.Error(), "this network replays a recording: give the recording's file with --recorded") {
		t.Errorf("without the recording: %v", err)
	}
	if err := command(t.Context(), t, append(args, "--recorded", "recorded/testdata/fintraffic-tms.csv")...); err == nil || !strings.Contains(err.Error(), "has no <instantE1>") {
		t.Errorf("with another recording: %v", err)
	}
	if err := command(t.Context(), t, append(args, "--recorded", sampleFile)...); err != nil {
		t.Fatal(err)
	}
	positions, epochs := uint64(0), 0
	for _, of := range c.counts {
		for _, last := range of {
			positions += last
			epochs++
		}
	}
	// Over midnight: two epochs of four devices, with an end each, and none of
	// the days after.
	if epochs != 8 || positions != 4946+8 {
		t.Errorf("%d positions in %d epochs, want 4954 in 8", positions, epochs)
	}
	simulated := &acceptingCollector{devices: devices, from: from, now: c.now}
	_, simulated.world = corridor(t)
	err := command(t.Context(), t, "--collector", startAccepting(t, simulated), "--recorded", sampleFile)
	if err == nil || !strings.Contains(err.Error(), "its traffic is simulated: leave --recorded out") {
		t.Errorf("with a simulated world: %v", err)
	}
}
