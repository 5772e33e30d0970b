package warehouse

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/gantry-dev/gantry/collector/clickhouse/clickhouselocal"
	"github.com/gantry-dev/gantry/gantry-agent/world"
)

// writeRoadside writes what stands at a road. Nothing of demand, of capacity
// or of faults is among it.
func (w *Warehouse) writeRoadside(ctx context.Context, road *Road) (err error) {
	conn, err := w.Open(clickhouselocal.UserCollector)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	n := road.World.Network()
	from := time.UnixMicro(n.ValidFrom).UTC()
	s := scribe{ctx: ctx, conn: conn}
	s.table("raw.networks (name, zone, valid_from)", func(add func(...any)) {
		add(road.Prefix+n.Name, n.Zone, from)
	})
	s.table("raw.nodes (node_id, is_zone, longitude, latitude, valid_from)", func(add func(...any)) {
		for _, o := range n.Nodes {
			add(road.Prefix+o.ID, o.Zone, degrees(o.LongitudeE7), degrees(o.LatitudeE7), from)
		}
	})
	s.table("raw.links (link_id, kind, road, direction, offset_m, length_m, lanes, limit_kmh, from_node, to_node, points, valid_from)",
		func(add func(...any)) {
			for i := range n.Links {
				addLink(add, road.Prefix, &n.Links[i], from)
			}
			for _, v := range road.World.WidenedLinks() {
				addLink(add, road.Prefix, &v.Link, time.UnixMicro(v.From).UTC())
			}
		})
	s.table("raw.stations (station_id, gantry_id, road, direction, offset_m, lanes, limit_kmh, longitude, latitude, link_id, at_m, valid_from)",
		func(add func(...any)) {
			for i := range n.Stations {
				addStation(add, road.Prefix, &n.Stations[i], from)
			}
			for _, v := range road.World.Widenings() {
				addStation(add, road.Prefix, &v.Station, time.UnixMicro(v.From).UTC())
			}
		})
	s.table("raw.devices (device_id, kind, station_id, loop_length_cm, valid_from)", func(add func(...any)) {
		for _, d := range n.Devices {
			add(road.Prefix+d.ID, d.Kind.String(), road.Prefix+d.StationID, uint32(d.LoopLengthCM), from)
		}
	})
	s.table("raw.tariffs (station_id, vehicle_class, from_minute, to_minute, charge_cents, valid_from)", func(add func(...any)) {
		for _, t := range n.Tariffs {
			add(road.Prefix+t.StationID, t.Class.String(), t.FromMinute, t.ToMinute, t.Cents, from)
		}
	})
	return s.err
}

func addLink(add func(...any), prefix string, l *world.Link, from time.Time) {
	kind := "motorway"
	if l.Ramp {
		kind = "ramp"
	}
	var points [][]any
	for _, p := range l.LonLatE7 {
		points = append(points, []any{degrees(p[0]), degrees(p[1])})
	}
	add(prefix+l.ID, kind, prefix+l.Road, l.Direction, l.OffsetM, l.LengthM, l.Lanes, l.LimitKMH,
		prefix+l.From, prefix+l.To, points, from)
}

func addStation(add func(...any), prefix string, s *world.Station, from time.Time) {
	add(prefix+s.ID, prefix+s.Gantry, prefix+s.Road, s.Direction, s.OffsetM, s.Lanes, s.LimitKMH,
		degrees(s.LongitudeE7), degrees(s.LatitudeE7), prefix+s.Link, s.AtM, from)
}

func degrees(e7 int32) float64 { return float64(e7) / 1e7 }

// scribe fills small tables, until the first error.
type scribe struct {
	ctx  context.Context
	conn driver.Conn
	err  error
}

func (s *scribe) table(target string, rows func(add func(...any))) {
	if s.err != nil {
		return
	}
	batch, err := s.conn.PrepareBatch(s.ctx, "INSERT INTO "+target)
	if err != nil {
		s.err = fmt.Errorf("write %s: %w", target, err)
		return
	}
	rows(func(values ...any) {
		if err := batch.Append(values...); err != nil && s.err == nil {
			s.err = fmt.Errorf("write %s: %w", target, err)
		}
	})
	if s.err != nil {
		_ = batch.Abort() // the error before matters
		return
	}
	if err := batch.Send(); err != nil {
		s.err = fmt.Errorf("write %s: %w", target, err)
	}
}
