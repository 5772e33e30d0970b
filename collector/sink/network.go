package sink

import (
	"slices"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/twmb/franz-go/pkg/kgo"
	pb "google.golang.org/protobuf/proto"

	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// networkRows are rows of raw.networks, nodes, links, stations, devices and
// tariffs. The world is left out: ClickHouse must not know what it is asked to find out.
// Removals are left out too: raw keeps what once stood at the roadside.
type networkRows struct {
	networks, nodes, links, stations, devices, tariffs versions

	name, zone proto.ColStr

	node                        proto.ColStr
	isZone                      proto.ColBool
	nodeLongitude, nodeLatitude proto.ColFloat64

	link linkColumns

	station, gantry, road, direction proto.ColStr
	stationOffset                    proto.ColUInt32
	lanes, limit                     proto.ColUInt8
	longitude, latitude              proto.ColFloat64
	stationLink                      proto.ColStr
	stationAt                        proto.ColUInt32

	device, deviceStation proto.ColStr
	kind                  proto.ColInt8
	loop                  proto.ColUInt32

	tariffStation        proto.ColStr
	class                proto.ColInt8
	fromMinute, toMinute proto.ColUInt16
	charge               proto.ColUInt32
}

// versions is a table whose rows hold from a time on.
type versions struct {
	validFrom proto.ColDateTime64
	input     proto.Input
}

func (v *versions) init(columns proto.Input) {
	v.validFrom = *new(proto.ColDateTime64).WithPrecision(proto.PrecisionMicro).WithLocation(utc)
	v.input = slices.Concat(columns, proto.Input{{Name: "valid_from", Data: &v.validFrom}})
}

func (v *versions) append(validFromUS int64) {
	v.validFrom.Data = append(v.validFrom.Data, proto.DateTime64(validFromUS))
}

func newNetworkRows() *networkRows {
	c := &networkRows{}
	c.networks.init(proto.Input{{Name: "name", Data: &c.name}, {Name: "zone", Data: &c.zone}})
	c.nodes.init(proto.Input{
		{Name: "node_id", Data: &c.node},
		{Name: "is_zone", Data: &c.isZone},
		{Name: "longitude", Data: &c.nodeLongitude},
		{Name: "latitude", Data: &c.nodeLatitude},
	})
	c.links.init(c.link.input())
	c.stations.init(proto.Input{
		{Name: "station_id", Data: &c.station},
		{Name: "gantry_id", Data: &c.gantry},
		{Name: "road", Data: &c.road},
		{Name: "direction", Data: &c.direction},
		{Name: "offset_m", Data: &c.stationOffset},
		{Name: "lanes", Data: &c.lanes},
		{Name: "limit_kmh", Data: &c.limit},
		{Name: "longitude", Data: &c.longitude},
		{Name: "latitude", Data: &c.latitude},
		{Name: "link_id", Data: &c.stationLink},
		{Name: "at_m", Data: &c.stationAt},
	})
	c.devices.init(proto.Input{
		{Name: "device_id", Data: &c.device},
		{Name: "kind", Data: proto.Alias(&c.kind, typeKind)},
		{Name: "station_id", Data: &c.deviceStation},
		{Name: "loop_length_cm", Data: &c.loop},
	})
	c.tariffs.init(proto.Input{
		{Name: "station_id", Data: &c.tariffStation},
		{Name: "vehicle_class", Data: proto.Alias(&c.class, typeClass)},
		{Name: "from_minute", Data: &c.fromMinute},
		{Name: "to_minute", Data: &c.toMinute},
		{Name: "charge_cents", Data: &c.charge},
	})
	return c
}

func (c *networkRows) add(r *kgo.Record) error {
	if len(r.Value) == 0 {
		return nil // a removal
	}
	record := &gantryv1.NetworkRecord{}
	if err := pb.Unmarshal(r.Value, record); err != nil {
		return &poison{code: gantryv1.RejectCode_REJECT_CODE_MALFORMED, field: "value", reason: "is no NetworkRecord"}
	}
	switch v := record.Record.(type) {
	case *gantryv1.NetworkRecord_Network:
		c.name.Append(v.Network.Name)
		c.zone.Append(v.Network.Zone)
		c.networks.append(v.Network.ValidFromUs)
	case *gantryv1.NetworkRecord_Node:
		c.node.Append(v.Node.NodeId)
		c.isZone.Append(v.Node.IsZone)
		c.nodeLongitude.Append(degrees(v.Node.LongitudeE7))
		c.nodeLatitude.Append(degrees(v.Node.LatitudeE7))
		c.nodes.append(v.Node.ValidFromUs)
	case *gantryv1.NetworkRecord_Link:
		if v.Link.Kind < 1 || v.Link.Kind > 2 {
			return &poison{code: gantryv1.RejectCode_REJECT_CODE_IMPOSSIBLE_FIELD, field: "kind", reason: "is none of the kinds"}
		}
		c.link.append(v.Link)
		c.links.append(v.Link.ValidFromUs)
	case *gantryv1.NetworkRecord_Station:
		c.addStation(v.Station)
	case *gantryv1.NetworkRecord_Device:
		if v.Device.Kind < 1 || v.Device.Kind > 3 {
			return &poison{code: gantryv1.RejectCode_REJECT_CODE_IMPOSSIBLE_FIELD, field: "kind", reason: "is none of the kinds"}
		}
		c.device.Append(v.Device.DeviceId)
		c.kind.Append(int8(v.Device.Kind))
		c.deviceStation.Append(v.Device.StationId)
		c.loop.Append(v.Device.LoopLengthCm)
		c.devices.append(v.Device.ValidFromUs)
	case *gantryv1.NetworkRecord_Tariff:
		if v.Tariff.VehicleClass < 1 || v.Tariff.VehicleClass > 6 {
			return &poison{code: gantryv1.RejectCode_REJECT_CODE_IMPOSSIBLE_FIELD, field: "vehicle_class", reason: "is none of the classes"}
		}
		c.tariffStation.Append(v.Tariff.StationId)
		c.class.Append(int8(v.Tariff.VehicleClass))
		c.fromMinute.Append(uint16(v.Tariff.FromMinute))
		c.toMinute.Append(uint16(v.Tariff.ToMinute))
		c.charge.Append(v.Tariff.ChargeCents)
		c.tariffs.append(v.Tariff.ValidFromUs)
	}
	return nil
}

func (c *networkRows) addStation(s *gantryv1.Station) {
	c.station.Append(s.StationId)
	c.gantry.Append(s.GantryId)
	c.road.Append(s.Road)
	c.direction.Append(s.Direction)
	c.stationOffset.Append(s.OffsetM)
	c.lanes.Append(uint8(s.Lanes))
	c.limit.Append(uint8(s.LimitKmh))
	c.longitude.Append(degrees(s.LongitudeE7))
	c.latitude.Append(degrees(s.LatitudeE7))
	c.stationLink.Append(s.LinkId)
	c.stationAt.Append(s.AtM)
	c.stations.append(s.ValidFromUs)
}

func (c *networkRows) tables() []table {
	var out []table
	for _, t := range []struct {
		name string
		v    *versions
	}{{"raw.networks", &c.networks}, {"raw.nodes", &c.nodes}, {"raw.links", &c.links}, {"raw.stations", &c.stations}, {"raw.devices", &c.devices}, {"raw.tariffs", &c.tariffs}} {
		if n := len(t.v.validFrom.Data); n > 0 {
			out = append(out, table{t.name, n, t.v.input})
		}
	}
	return out
}

func (c *networkRows) reset() {
	for _, v := range []*versions{&c.networks, &c.nodes, &c.links, &c.stations, &c.devices, &c.tariffs} {
		v.input.Reset()
	}
}
