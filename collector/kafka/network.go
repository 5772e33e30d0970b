package kafka

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"google.golang.org/protobuf/proto"

	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// DeviceInfo is a device with what judging its readings takes.
type DeviceInfo struct {
	// ID of the device.
	ID string
	// Kind of the device.
	Kind gantryv1.DeviceKind
	// StationID is where it stands.
	StationID string
	// Lanes of the station.
	Lanes uint32
	// ValidFromUS is the start of the device's first day, microseconds since
	// 1970-01-01 UTC: the smallest valid_from of all its versions.
	ValidFromUS int64
}

// NetworkSnapshot is the network at one moment. Nobody may change it.
type NetworkSnapshot struct {
	// Network has every version of everything, ordered by id and valid_from.
	Network *gantryv1.Network
	// Devices by id, those whose station is known.
	Devices map[string]*DeviceInfo
	// World the devices live in; nil for real devices.
	World *gantryv1.World
	// Version grows with every change: the offset behind the last record.
	Version int64
}

// DeviceIDs lists the devices, ordered.
func (s *NetworkSnapshot) DeviceIDs() []string {
	return slices.Sorted(maps.Keys(s.Devices))
}

// NetworkView follows the network topic. All methods may be called from
// anywhere.
type NetworkView struct {
	cfg   ClientConfig
	log   *slog.Logger
	snap  atomic.Pointer[NetworkSnapshot]
	ready chan struct{}

	mu      sync.Mutex
	changed chan struct{}
}

// NewNetworkView makes a view; Run fills it. Until then the snapshot is an
// empty network.
func NewNetworkView(cfg ClientConfig, log *slog.Logger) *NetworkView {
	v := &NetworkView{cfg: cfg, log: log, ready: make(chan struct{}), changed: make(chan struct{})}
	v.snap.Store(newNetworkState().snapshot(0))
	return v
}

// Snapshot gives the newest snapshot, never nil.
func (v *NetworkView) Snapshot() *NetworkSnapshot { return v.snap.Load() }

// Ready is closed once everything has been read that the topic held when Run
// began.
func (v *NetworkView) Ready() <-chan struct{} { return v.ready }

// Changed gives a channel that is closed when a newer snapshot than the
// present one is published. Call it before Snapshot, and again after each
// change, and none is missed.
func (v *NetworkView) Changed() <-chan struct{} {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.changed
}

// Run follows the topic until the context ends; it returns nil then.
func (v *NetworkView) Run(ctx context.Context) error {
	client, err := NewClient(v.cfg, networkFromStart())
	if err != nil {
		return err
	}
	defer client.Close()
	end, err := networkEnd(ctx, client, v.log)
	if err != nil {
		return nil // only the context's end gets here
	}
	state, next := newNetworkState(), int64(0)
	if end == 0 {
		close(v.ready)
	}
	for {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil || fetches.IsClientClosed() {
			return nil
		}
		fetches.EachError(func(topic string, _ int32, err error) {
			v.log.Warn("network topic cannot be read, trying again", "topic", topic, "error", err)
		})
		before := next
		fetches.EachRecord(func(r *kgo.Record) {
			next = r.Offset + 1
			if err := state.apply(r); err != nil {
				v.log.Error("record of the network topic left out", "offset", r.Offset, "error", err)
			}
		})
		if next == before {
			continue
		}
		v.publish(state.snapshot(next))
		// The last record of the topic is never a tombstone (WriteNetwork
		// sees to it), so compaction keeps it and its offset is reached.
		if before < end && next >= end {
			close(v.ready)
		}
	}
}

func (v *NetworkView) publish(s *NetworkSnapshot) {
	v.snap.Store(s)
	v.mu.Lock()
	defer v.mu.Unlock()
	close(v.changed)
	v.changed = make(chan struct{})
}

func networkFromStart() kgo.Opt {
	return kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{
		TopicNetwork: {0: kgo.NewOffset().AtStart()},
	})
}

// networkEnd asks for the topic's end until it is answered.
func networkEnd(ctx context.Context, client *kgo.Client, log *slog.Logger) (int64, error) {
	for {
		offsets, err := kadm.NewClient(client).ListEndOffsets(ctx, TopicNetwork)
		if err == nil {
			err = offsets.Error()
		}
		if err == nil {
			o, ok := offsets.Lookup(TopicNetwork, 0)
			if ok {
				return o.Offset, nil
			}
			err = fmt.Errorf("no partition 0 in %s", TopicNetwork)
		}
		log.Warn("end of the network topic is not known yet, trying again", "error", err)
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

// networkState is the topic's content by key.
type networkState struct {
	records map[string]*gantryv1.NetworkRecord
}

func newNetworkState() *networkState {
	return &networkState{records: map[string]*gantryv1.NetworkRecord{}}
}

func (s *networkState) apply(r *kgo.Record) error {
	if len(r.Value) == 0 {
		delete(s.records, string(r.Key))
		return nil
	}
	record := &gantryv1.NetworkRecord{}
	if err := proto.Unmarshal(r.Value, record); err != nil {
		return fmt.Errorf("network record %q: %w", r.Key, err)
	}
	s.records[string(r.Key)] = record
	return nil
}

// snapshot builds the snapshot that version names.
func (s *networkState) snapshot(version int64) *NetworkSnapshot {
	n := &gantryv1.Network{}
	for _, key := range slices.Sorted(maps.Keys(s.records)) {
		switch r := s.records[key].Record.(type) {
		case *gantryv1.NetworkRecord_Network:
			n.Name, n.Zone, n.ValidFromUs = r.Network.Name, r.Network.Zone, r.Network.ValidFromUs
		case *gantryv1.NetworkRecord_Node:
			n.Nodes = append(n.Nodes, r.Node)
		case *gantryv1.NetworkRecord_Link:
			n.Links = append(n.Links, r.Link)
		case *gantryv1.NetworkRecord_Station:
			n.Stations = append(n.Stations, r.Station)
		case *gantryv1.NetworkRecord_Device:
			n.Devices = append(n.Devices, r.Device)
		case *gantryv1.NetworkRecord_Tariff:
			n.Tariffs = append(n.Tariffs, r.Tariff)
		case *gantryv1.NetworkRecord_World:
			n.World = r.World
		}
	}
	snap := SnapshotOf(n)
	snap.Version = version
	return snap
}

// SnapshotOf makes the snapshot of a network from elsewhere than the topic, as a
// file that was read; it orders what n lists.
func SnapshotOf(n *gantryv1.Network) *NetworkSnapshot {
	sortNetwork(n)
	return &NetworkSnapshot{Network: n, Devices: deviceInfos(n), World: n.World}
}

// sortNetwork orders by id and valid_from; keys order numbers as text.
func sortNetwork(n *gantryv1.Network) {
	slices.SortFunc(n.Nodes, func(a, b *gantryv1.Node) int {
		return cmp.Or(cmp.Compare(a.NodeId, b.NodeId), cmp.Compare(a.ValidFromUs, b.ValidFromUs))
	})
	slices.SortFunc(n.Links, func(a, b *gantryv1.Link) int {
		return cmp.Or(cmp.Compare(a.LinkId, b.LinkId), cmp.Compare(a.ValidFromUs, b.ValidFromUs))
	})
	slices.SortFunc(n.Stations, func(a, b *gantryv1.Station) int {
		return cmp.Or(cmp.Compare(a.StationId, b.StationId), cmp.Compare(a.ValidFromUs, b.ValidFromUs))
	})
	slices.SortFunc(n.Devices, func(a, b *gantryv1.Device) int {
		return cmp.Or(cmp.Compare(a.DeviceId, b.DeviceId), cmp.Compare(a.ValidFromUs, b.ValidFromUs))
	})
	slices.SortFunc(n.Tariffs, func(a, b *gantryv1.Tariff) int {
		return cmp.Or(cmp.Compare(a.StationId, b.StationId), cmp.Compare(a.VehicleClass, b.VehicleClass),
			cmp.Compare(a.FromMinute, b.FromMinute), cmp.Compare(a.ValidFromUs, b.ValidFromUs))
	})
}

// deviceInfos takes the newest version of each device and station, for what
// stands at the roadside now judges readings, and the oldest valid_from.
func deviceInfos(n *gantryv1.Network) map[string]*DeviceInfo {
	lanes := make(map[string]uint32, len(n.Stations))
	for _, s := range n.Stations {
		lanes[s.StationId] = s.Lanes
	}
	first := make(map[string]int64, len(n.Devices))
	out := make(map[string]*DeviceInfo, len(n.Devices))
	for _, d := range n.Devices { // oldest first
		if _, ok := first[d.DeviceId]; !ok {
			first[d.DeviceId] = d.ValidFromUs
		}
		count, ok := lanes[d.StationId]
		if !ok {
			continue // its station is still to come
		}
		out[d.DeviceId] = &DeviceInfo{
			ID: d.DeviceId, Kind: d.Kind, StationID: d.StationId, Lanes: count, ValidFromUS: first[d.DeviceId],
		}
	}
	return out
}
