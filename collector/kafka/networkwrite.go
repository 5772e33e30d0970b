package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"google.golang.org/protobuf/proto"

	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// WriteOptions of WriteNetwork.
type WriteOptions struct {
	// NewWorld lets a file of another network or world replace what the topic
	// holds; what the file does not have is then removed.
	NewWorld bool
}

// WriteResult counts what WriteNetwork did.
type WriteResult struct {
	// Written records, new or changed.
	Written int
	// Unchanged records, there already.
	Unchanged int
	// Removed records; only with NewWorld.
	Removed int
}

// WriteNetwork brings the network topic to what n says. Applying the same
// network again writes nothing; a version of a thing that differs from the
// one before it only in valid_from is not written either. An earlier
// valid_from of a device extends its history into the past. What the topic
// has and n has not stays, the world too: a file of real devices needs none.
// n must have passed CheckNetwork.
func WriteNetwork(ctx context.Context, cfg ClientConfig, n *gantryv1.Network, opts WriteOptions) (WriteResult, error) {
	client, err := NewClient(cfg, networkFromStart())
	if err != nil {
		return WriteResult{}, err
	}
	defer client.Close()
	state, err := readNetwork(ctx, client)
	if err != nil {
		return WriteResult{}, fmt.Errorf("read what the network topic holds: %w", err)
	}
	if err := sameWorld(state.snapshot(0).Network, n); err != nil && !opts.NewWorld {
		return WriteResult{}, err
	}
	records, result := state.difference(n, opts.NewWorld)
	if len(records) == 0 {
		return result, nil
	}
	if err := client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return WriteResult{}, fmt.Errorf("write the network topic: %w; apply the file again", err)
	}
	return result, nil
}

// sameWorld refuses to mix networks or worlds: their readings would share
// identities without sharing bytes.
func sameWorld(old, n *gantryv1.Network) error {
	if len(old.Devices) == 0 {
		return nil
	}
	if old.Name != n.Name {
		return fmt.Errorf("the network topic holds network %q and the file has %q: use another Kafka for another network, or replace it with --new-world", old.Name, n.Name)
	}
	was, is := old.GetWorld().GetFingerprint(), n.GetWorld().GetFingerprint()
	if n.GetWorld() == nil && was != "" {
		// Real devices beside simulated ones: nothing of the world changes.
		if old.Zone != n.Zone {
			return fmt.Errorf("the network topic holds zone %q and the file has zone %q: a file that adds to a network must have its zone", old.Zone, n.Zone)
		}
		return nil
	}
	if was != is {
		return fmt.Errorf("the network topic holds world %q and the file has world %q, whose readings would be mistaken for those of the first: "+
			"start on an empty Kafka and ClickHouse, or replace it with --new-world if all its devices have new ids", was, is)
	}
	return nil
}

func readNetwork(ctx context.Context, client *kgo.Client) (*networkState, error) {
	end, err := networkEnd(ctx, client, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	state := newNetworkState()
	for next := int64(0); next < end; {
		fetches := client.PollFetches(ctx)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		var failed error
		fetches.EachRecord(func(r *kgo.Record) {
			next = r.Offset + 1
			failed = errors.Join(failed, state.apply(r))
		})
		if failed != nil {
			return nil, failed
		}
	}
	return state, nil
}

// Keys of the network topic's records.
func networkKey(n *gantryv1.Network) string { return "network/" + n.Name }
func nodeKey(o *gantryv1.Node) string       { return fmt.Sprintf("node/%s/%d", o.NodeId, o.ValidFromUs) }
func linkKey(l *gantryv1.Link) string       { return fmt.Sprintf("link/%s/%d", l.LinkId, l.ValidFromUs) }
func stationKey(s *gantryv1.Station) string {
	return fmt.Sprintf("station/%s/%d", s.StationId, s.ValidFromUs)
}
func deviceKey(d *gantryv1.Device) string {
	return fmt.Sprintf("device/%s/%d", d.DeviceId, d.ValidFromUs)
}
func tariffKey(t *gantryv1.Tariff) string {
	return fmt.Sprintf("tariff/%s/%d/%d/%d", t.StationId, t.VehicleClass, t.FromMinute, t.ValidFromUs)
}

const worldKey = "world"

// entry is one wanted record.
type entry struct {
	key    string
	record *gantryv1.NetworkRecord
}

// entries lists what n consists of, without its header: each thing behind those
// that it refers to, nodes, links, stations, devices.
func entries(n *gantryv1.Network) []entry {
	var out []entry
	if n.World != nil {
		out = append(out, entry{worldKey, &gantryv1.NetworkRecord{Record: &gantryv1.NetworkRecord_World{World: n.World}}})
	}
	for _, o := range n.Nodes {
		out = append(out, entry{nodeKey(o), &gantryv1.NetworkRecord{Record: &gantryv1.NetworkRecord_Node{Node: o}}})
	}
	for _, l := range n.Links {
		out = append(out, entry{linkKey(l), &gantryv1.NetworkRecord{Record: &gantryv1.NetworkRecord_Link{Link: l}}})
	}
	for _, s := range n.Stations {
		out = append(out, entry{stationKey(s), &gantryv1.NetworkRecord{Record: &gantryv1.NetworkRecord_Station{Station: s}}})
	}
	for _, t := range n.Tariffs {
		out = append(out, entry{tariffKey(t), &gantryv1.NetworkRecord{Record: &gantryv1.NetworkRecord_Tariff{Tariff: t}}})
	}
	for _, d := range n.Devices {
		out = append(out, entry{deviceKey(d), &gantryv1.NetworkRecord{Record: &gantryv1.NetworkRecord_Device{Device: d}}})
	}
	return out
}

// difference gives the records that turn the state into n: removals first,
// the header last, so that the topic never ends in a tombstone, which
// compaction would drop and a follower wait for.
func (s *networkState) difference(n *gantryv1.Network, replace bool) ([]*kgo.Record, WriteResult) {
	var result WriteResult
	wanted := entries(n)
	header := &gantryv1.Network{Name: n.Name, Zone: n.Zone, ValidFromUs: n.ValidFromUs}
	if old := s.records[networkKey(n)].GetNetwork(); old != nil && !replace {
		header.ValidFromUs = min(header.ValidFromUs, old.ValidFromUs)
	}
	head := entry{networkKey(n), &gantryv1.NetworkRecord{Record: &gantryv1.NetworkRecord_Network{Network: header}}}

	versions := s.versions()
	var records []*kgo.Record
	if replace {
		keep := map[string]bool{head.key: true}
		for _, e := range wanted {
			keep[e.key] = true
		}
		for _, key := range slices.Sorted(maps.Keys(s.records)) {
			if !keep[key] {
				records = append(records, networkRecord(key, nil))
				result.Removed++
			}
		}
	}
	for _, e := range wanted {
		if proto.Equal(s.records[e.key], e.record) || (!replace && redundant(e, versions)) {
			result.Unchanged++
			continue
		}
		records = append(records, networkRecord(e.key, e.record))
		result.Written++
	}
	if proto.Equal(s.records[head.key], head.record) && len(records) == 0 {
		result.Unchanged++
		return nil, result
	}
	result.Written++
	return append(records, networkRecord(head.key, head.record)), result
}

// version is what a thing is from a time on.
type version struct {
	fromUS int64
	plain  *gantryv1.NetworkRecord
}

// versions indexes the state by key without valid_from.
func (s *networkState) versions() map[string][]version {
	out := map[string][]version{}
	for key, r := range s.records {
		if from, plain := stripValidFrom(r); plain != nil {
			out[keyStem(key)] = append(out[keyStem(key)], version{from, plain})
		}
	}
	return out
}

func keyStem(key string) string { return key[:strings.LastIndexByte(key, '/')+1] }

// redundant tells whether the version in force when e begins says the same:
// a file whose default valid_from moved on each day would otherwise add a
// version of everything each day.
func redundant(e entry, versions map[string][]version) bool {
	from, plain := stripValidFrom(e.record)
	if plain == nil {
		return false
	}
	var inForce *version
	for _, v := range versions[keyStem(e.key)] {
		if v.fromUS <= from && (inForce == nil || v.fromUS > inForce.fromUS) {
			inForce = &v
		}
	}
	return inForce != nil && proto.Equal(inForce.plain, plain)
}

// stripValidFrom copies a record of a versioned thing without its valid_from;
// nil for the others.
func stripValidFrom(r *gantryv1.NetworkRecord) (int64, *gantryv1.NetworkRecord) {
	c := proto.CloneOf(r)
	var from *int64
	switch v := c.GetRecord().(type) {
	case *gantryv1.NetworkRecord_Node:
		from = &v.Node.ValidFromUs
	case *gantryv1.NetworkRecord_Link:
		from = &v.Link.ValidFromUs
	case *gantryv1.NetworkRecord_Station:
		from = &v.Station.ValidFromUs
	case *gantryv1.NetworkRecord_Device:
		from = &v.Device.ValidFromUs
	case *gantryv1.NetworkRecord_Tariff:
		from = &v.Tariff.ValidFromUs
	default:
		return 0, nil
	}
	was := *from
	*from = 0
	return was, c
}

func networkRecord(key string, r *gantryv1.NetworkRecord) *kgo.Record {
	out := &kgo.Record{Topic: TopicNetwork, Key: []byte(key), Timestamp: time.Now()}
	if r != nil {
		value, err := proto.MarshalOptions{Deterministic: true}.Marshal(r)
		if err != nil {
			panic(fmt.Sprintf("marshal %s: %v", cmp.Or(key, "record"), err)) // only invalid UTF-8 fails, and YAML has none
		}
		out.Value = value
	}
	return out
}
