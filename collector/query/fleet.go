package query

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/gantry-dev/gantry/collector/kafka"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// Network shows the network; *kafka.NetworkView is one.
type Network interface {
	// Snapshot is the present network.
	Snapshot() *kafka.NetworkSnapshot
	// Ready is closed once the network has been read.
	Ready() <-chan struct{}
}

// Leases shows who is connected and who carries what, in any order.
type Leases interface {
	// Agents that are connected.
	Agents() []*gantryv1.Agent
	// Leases of all devices that have a holder.
	Leases() []*gantryv1.DeviceLease
	// Decider is the collector that assigns; empty while none does.
	Decider() string
	// Drain takes an agent's devices away and says how many they were.
	Drain(ctx context.Context, agentID string) (int, error)
}

// Positions shows how far devices are.
type Positions interface {
	// Device is what is known of a device; the zero value when nothing is.
	Device(deviceID string) DevicePositions
}

// DevicePositions is how far a device is.
type DevicePositions struct {
	// Epochs, in any order.
	Epochs []EpochPosition
	// ClockSkewUS is the newest live reading's observed_at less its time of
	// arrival, microseconds.
	ClockSkewUS int64
	// Rejects by code, over all epochs.
	Rejects map[gantryv1.RejectCode]uint64
}

// EpochPosition is how far an epoch is.
type EpochPosition struct {
	// Epoch id.
	Epoch uint32
	// Seq is the durable position.
	Seq uint64
	// Ended says that the epoch's end is durable.
	Ended bool
	// LastObservedAtUS is the largest observed_at, microseconds since
	// 1970-01-01 UTC; 0 when there is none.
	LastObservedAtUS int64
}

// Fleet implements gantry.v1.FleetService.
type Fleet struct {
	gantryv1.UnimplementedFleetServiceServer
	cfg       Config
	network   Network
	leases    Leases
	positions Positions
	watchers  atomic.Int64
}

// NewFleet makes the service over its sources.
func NewFleet(cfg Config, network Network, leases Leases, positions Positions) *Fleet {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	return &Fleet{cfg: cfg, network: network, leases: leases, positions: positions}
}

// ListAgents lists the connected agents.
func (f *Fleet) ListAgents(_ context.Context, req *gantryv1.ListAgentsRequest) (*gantryv1.ListAgentsResponse, error) {
	agents := f.leases.Agents()
	// Two streams of one agent may overlap while it reconnects.
	key := func(a *gantryv1.Agent) string { return a.AgentId + "\x00" + a.SessionId }
	slices.SortFunc(agents, func(a, b *gantryv1.Agent) int { return cmp.Compare(key(a), key(b)) })
	shown, next, err := page(agents, key, req.PageSize, req.PageToken, f.cfg.MaxPage)
	if err != nil {
		return nil, err
	}
	return &gantryv1.ListAgentsResponse{Agents: shown, NextPageToken: next}, nil
}

// ListLeases lists who carries each device of the network.
func (f *Fleet) ListLeases(_ context.Context, req *gantryv1.ListLeasesRequest) (*gantryv1.ListLeasesResponse, error) {
	held := f.held()
	ids := f.network.Snapshot().DeviceIDs()
	shown, next, err := page(ids, func(id string) string { return id }, req.PageSize, req.PageToken, f.cfg.MaxPage)
	if err != nil {
		return nil, err
	}
	out := &gantryv1.ListLeasesResponse{NextPageToken: next, DeciderCollectorId: f.leases.Decider()}
	for _, id := range shown {
		l := held[id]
		if l == nil {
			l = &gantryv1.DeviceLease{DeviceId: id}
		}
		out.Leases = append(out.Leases, l)
	}
	return out, nil
}

// ListDevices lists the network's devices with their state.
func (f *Fleet) ListDevices(_ context.Context, req *gantryv1.ListDevicesRequest) (*gantryv1.ListDevicesResponse, error) {
	if err := f.ready(); err != nil {
		return nil, err
	}
	snap := f.network.Snapshot()
	ids := snap.DeviceIDs()
	if req.StationId != "" {
		if !slices.ContainsFunc(snap.Network.Stations, func(s *gantryv1.Station) bool { return s.StationId == req.StationId }) {
			return nil, status.Errorf(codes.NotFound, "the network has no station %q: ListDevices without station_id shows the stations of all devices", req.StationId)
		}
		ids = slices.DeleteFunc(ids, func(id string) bool { return snap.Devices[id].StationID != req.StationId })
	}
	shown, next, err := page(ids, func(id string) string { return id }, req.PageSize, req.PageToken, f.cfg.MaxPage)
	if err != nil {
		return nil, err
	}
	return &gantryv1.ListDevicesResponse{Devices: f.states(snap, shown), NextPageToken: next}, nil
}

// GetDevice shows one device in full.
func (f *Fleet) GetDevice(_ context.Context, req *gantryv1.GetDeviceRequest) (*gantryv1.GetDeviceResponse, error) {
	if err := f.ready(); err != nil {
		return nil, err
	}
	info := f.network.Snapshot().Devices[req.DeviceId]
	if info == nil {
		return nil, noDevice(req.DeviceId)
	}
	p := f.positions.Device(info.ID)
	out := &gantryv1.GetDeviceResponse{
		State:         deviceState(info, f.held()[info.ID], p, f.cfg.Now()),
		RejectsByCode: map[string]uint64{},
	}
	slices.SortFunc(p.Epochs, func(a, b EpochPosition) int { return cmp.Compare(b.Epoch, a.Epoch) })
	for _, e := range p.Epochs {
		out.Epochs = append(out.Epochs, &gantryv1.EpochPosition{
			Epoch: e.Epoch, StartedAt: rfc3339(epochStart(e.Epoch)), Seq: e.Seq, Ended: e.Ended,
			LastObservedAt: observedAt(e.LastObservedAtUS),
		})
	}
	for code, n := range p.Rejects {
		out.RejectsByCode[code.String()] = n
	}
	return out, nil
}

// DrainAgent takes an agent's devices away.
func (f *Fleet) DrainAgent(ctx context.Context, req *gantryv1.DrainAgentRequest) (*gantryv1.DrainAgentResponse, error) {
	if !slices.ContainsFunc(f.leases.Agents(), func(a *gantryv1.Agent) bool { return a.AgentId == req.AgentId }) {
		return nil, status.Errorf(codes.NotFound, "no agent %q is connected: gantry.v1.FleetService/ListAgents lists those that are", req.AgentId)
	}
	n, err := f.leases.Drain(ctx, req.AgentId)
	if err != nil {
		return nil, status.Errorf(codes.Unavailable, "agent %q could not be drained: %v; try again", req.AgentId, err)
	}
	f.cfg.Log.Info("agent drained by an operator", "agent_id", req.AgentId, "devices", n)
	return &gantryv1.DrainAgentResponse{Devices: uint32(n)}, nil
}

// ready refuses answers that would show an empty network as a fact.
func (f *Fleet) ready() error {
	select {
	case <-f.network.Ready():
		return nil
	default:
		return status.Error(codes.Unavailable, "the network has not been read from Kafka yet: try again in a moment")
	}
}

// held gives the leases by device.
func (f *Fleet) held() map[string]*gantryv1.DeviceLease {
	all := f.leases.Leases()
	out := make(map[string]*gantryv1.DeviceLease, len(all))
	for _, l := range all {
		out[l.DeviceId] = l
	}
	return out
}

func (f *Fleet) states(snap *kafka.NetworkSnapshot, ids []string) []*gantryv1.DeviceState {
	held, now := f.held(), f.cfg.Now()
	out := make([]*gantryv1.DeviceState, 0, len(ids))
	for _, id := range ids {
		if info := snap.Devices[id]; info != nil {
			out = append(out, deviceState(info, held[id], f.positions.Device(id), now))
		}
	}
	return out
}

func noDevice(id string) error {
	return status.Errorf(codes.NotFound, "the network has no device %q: gantry.v1.FleetService/ListDevices lists those it has", id)
}
