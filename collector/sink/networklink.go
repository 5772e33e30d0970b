package sink

import (
	"github.com/ClickHouse/ch-go/proto"

	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// Types of raw.links.
const (
	typeRoad   = "Enum8('motorway' = 1, 'ramp' = 2)"
	typePoints = "Array(Tuple(Float64, Float64))"
)

// linkColumns are the columns of raw.links but valid_from.
type linkColumns struct {
	id, road, direction proto.ColStr
	kind                proto.ColInt8
	offset, length      proto.ColUInt32
	lanes, limit        proto.ColUInt8
	from, to            proto.ColStr
	points              *proto.ColArr[proto.Point]
}

func (c *linkColumns) input() proto.Input {
	c.points = proto.NewArray(&proto.ColPoint{})
	return proto.Input{
		{Name: "link_id", Data: &c.id},
		{Name: "kind", Data: proto.Alias(&c.kind, typeRoad)},
		{Name: "road", Data: &c.road},
		{Name: "direction", Data: &c.direction},
		{Name: "offset_m", Data: &c.offset},
		{Name: "length_m", Data: &c.length},
		{Name: "lanes", Data: &c.lanes},
		{Name: "limit_kmh", Data: &c.limit},
		{Name: "from_node", Data: &c.from},
		{Name: "to_node", Data: &c.to},
		// A point is a tuple to the wire, but not to the type's name.
		{Name: "points", Data: proto.Alias(c.points, typePoints)},
	}
}

func (c *linkColumns) append(l *gantryv1.Link) {
	c.id.Append(l.LinkId)
	c.kind.Append(int8(l.Kind))
	c.road.Append(l.Road)
	c.direction.Append(l.Direction)
	c.offset.Append(l.OffsetM)
	c.length.Append(l.LengthM)
	c.lanes.Append(uint8(l.Lanes))
	c.limit.Append(uint8(l.LimitKmh))
	c.from.Append(l.FromNode)
	c.to.Append(l.ToNode)
	points := make([]proto.Point, len(l.Points))
	for i, p := range l.Points {
		points[i] = proto.Point{X: degrees(p.LongitudeE7), Y: degrees(p.LatitudeE7)}
	}
	c.points.Append(points)
}

func degrees(e7 int32) float64 { return float64(e7) / 1e7 }
