package truth

import (
	"fmt"
	"io"
	"time"

	"github.com/alecthomas/kong"
	"github.com/goccy/go-yaml"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/gantry-dev/gantry/gantry-agent/world"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// NetworkCmd is `gantry-agent world network`.
type NetworkCmd struct {
	Where
	Tape
	RecordedStart string    `placeholder:"now|DATE|TIME" help:"Another moment for the recording's first record: now, a date that keeps its time of day, or RFC 3339."`
	ValidFrom     time.Time `placeholder:"TIME" help:"When the devices' lives begin, RFC 3339, instead of the network's. Their first epoch is its UTC day."`
}

// Run prints the network.
func (c *NetworkCmd) Run(k *kong.Context) error {
	c.notes = k.Stderr
	return toOutput(k.Stdout, c.write)
}

func (c *NetworkCmd) write(out io.Writer) error {
	n, err := c.build()
	if err != nil {
		return err
	}
	text, err := marshalYAML(n)
	if err != nil {
		return fmt.Errorf("network %q as YAML: %w", n.GetName(), err)
	}
	_, err = out.Write(text)
	return err
}

// marshalYAML writes a message's JSON as YAML. protoyaml, which the collector
// reads it with, would do, but brings a validator and its expression language into
// each agent.
func marshalYAML(m proto.Message) ([]byte, error) {
	text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(m)
	if err != nil {
		return nil, err
	}
	var fields yaml.MapSlice
	if err := yaml.UnmarshalWithOptions(text, &fields, yaml.UseOrderedMap()); err != nil {
		return nil, err
	}
	return yaml.MarshalWithOptions(fields, yaml.UseLiteralStyleIfMultiline(true))
}

// build makes the contract's network out of the files. The world inside has
// zone, valid_from and a recording's start replaced, so that whoever gets it
// needs no flags but the recording.
func (c *NetworkCmd) build() (*gantryv1.Network, error) {
	spec, err := c.spec(&c.Where)
	if err != nil {
		return nil, err
	}
	if c.RecordedStart != "" {
		if spec.NetworkYAML, err = c.restart(spec.NetworkYAML, c.RecordedStart); err != nil {
			return nil, err
		}
	}
	validFrom := world.Micros(0)
	if !c.ValidFrom.IsZero() {
		validFrom = c.ValidFrom.UnixMicro()
	}
	// Also where nothing is replaced: comments are no part of a record.
	if spec.NetworkYAML, err = world.WithPlace(spec.NetworkYAML, c.Zone, validFrom); err != nil {
		return nil, err
	}
	w, err := c.make(spec)
	if err != nil {
		return nil, err
	}
	if err := w.Check(); err != nil {
		return nil, err
	}
	n := convert(w)
	n.World = &gantryv1.World{
		Fingerprint: w.Fingerprint(), NetworkYaml: string(spec.NetworkYAML),
		ScenarioYaml: string(spec.ScenarioYAML), Seed: c.Seed,
	}
	return n, nil
}

// convert is the roadside in the contract's terms.
func convert(w *world.World) *gantryv1.Network {
	in := w.Network()
	n := &gantryv1.Network{Name: in.Name, Zone: in.Zone, ValidFromUs: in.ValidFrom}
	for _, o := range in.Nodes {
		n.Nodes = append(n.Nodes, &gantryv1.Node{NodeId: o.ID, IsZone: o.Zone, LongitudeE7: o.LongitudeE7, LatitudeE7: o.LatitudeE7})
	}
	for i := range in.Links {
		n.Links = append(n.Links, link(&in.Links[i], 0))
	}
	for _, v := range w.WidenedLinks() {
		n.Links = append(n.Links, link(&v.Link, v.From))
	}
	for i := range in.Stations {
		n.Stations = append(n.Stations, station(&in.Stations[i], 0))
	}
	for _, v := range w.Widenings() {
		n.Stations = append(n.Stations, station(&v.Station, v.From))
	}
	for _, d := range in.Devices {
		n.Devices = append(n.Devices, &gantryv1.Device{
			DeviceId: d.ID, Kind: gantryv1.DeviceKind(d.Kind), StationId: d.StationID, LoopLengthCm: uint32(d.LoopLengthCM),
		})
	}
	for _, t := range in.Tariffs {
		n.Tariffs = append(n.Tariffs, &gantryv1.Tariff{
			StationId: t.StationID, VehicleClass: gantryv1.VehicleClass(t.Class),
			FromMinute: uint32(t.FromMinute), ToMinute: uint32(t.ToMinute), ChargeCents: t.Cents,
		})
	}
	return n
}

// station in the contract's terms; from is 0 for as long as the network.
func station(s *world.Station, from world.Micros) *gantryv1.Station {
	return &gantryv1.Station{
		StationId: s.ID, GantryId: s.Gantry, Road: s.Road, Direction: s.Direction, OffsetM: s.OffsetM,
		Lanes: uint32(s.Lanes), LimitKmh: uint32(s.LimitKMH), LongitudeE7: s.LongitudeE7, LatitudeE7: s.LatitudeE7, ValidFromUs: from,
		LinkId: s.Link, AtM: s.AtM,
	}
}

// link in the contract's terms; from is 0 for as long as the network.
func link(l *world.Link, from world.Micros) *gantryv1.Link {
	out := &gantryv1.Link{
		LinkId: l.ID, Kind: gantryv1.RoadKind_ROAD_KIND_MOTORWAY, Road: l.Road, Direction: l.Direction,
		OffsetM: l.OffsetM, LengthM: l.LengthM, Lanes: uint32(l.Lanes), LimitKmh: uint32(l.LimitKMH),
		FromNode: l.From, ToNode: l.To, ValidFromUs: from,
	}
	if l.Ramp {
		out.Kind = gantryv1.RoadKind_ROAD_KIND_RAMP
	}
	for _, p := range l.LonLatE7 {
		out.Points = append(out.Points, &gantryv1.Point{LongitudeE7: p[0], LatitudeE7: p[1]})
	}
	return out
}
