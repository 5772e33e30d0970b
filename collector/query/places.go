package query

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/gantry-dev/gantry/collector/query/rows"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// places is the network as the models have it, to tell a place that is not
// there from one without data.
type places struct {
	asked    time.Time
	name     string
	zone     *time.Location
	zoneName string
	since    time.Time
	stations []*gantryv1.RoadStation // by station_id
	names    map[string]map[string]bool
}

// Kinds of names in places.
const (
	ofStation   = "station"
	ofLink      = "link"
	ofZone      = "zone"
	ofRoad      = "road"
	ofDirection = "direction"
)

// network reads the network, at most every few seconds.
func (t *Traffic) network(ctx context.Context) (*places, error) {
	t.mu.Lock()
	last := t.places
	t.mu.Unlock()
	if last != nil && t.cfg.Now().Sub(last.asked) < t.cfg.PlacesFor {
		return last, nil
	}
	p := &places{asked: t.cfg.Now(), names: map[string]map[string]bool{}}
	found, err := t.planner.One(ctx, "SELECT name, zone, valid_from FROM serving.networks ORDER BY valid_from DESC LIMIT 1", nil, &p.name, &p.zoneName, &p.since)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, status.Error(codes.Unavailable, "the models know no network yet: apply one with `collector network apply`, and wait for dbt's next run")
	}
	if p.zone, err = zoneOf(p.zoneName); err != nil {
		return nil, status.Errorf(codes.Internal, "zone of network %s: %v", p.name, err)
	}
	if err := p.read(ctx, t.planner); err != nil {
		return nil, err
	}
	t.mu.Lock()
	t.places = p
	t.mu.Unlock()
	return p, nil
}

// read reads stations, and the names of everything.
func (p *places) read(ctx context.Context, source *rows.Source) error {
	add := func() *gantryv1.RoadStation {
		s := &gantryv1.RoadStation{}
		p.stations = append(p.stations, s)
		return s
	}
	err := fill(ctx, source, rows.Select{Table: "serving.stations", Tail: "ORDER BY station_id"}, add)
	if err != nil {
		return err
	}
	for _, s := range p.stations {
		p.note(ofStation, s.StationId)
		p.note(ofRoad, s.Road)
		p.note(ofDirection, s.Direction)
	}
	var kind, name string
	return source.Each(ctx, `SELECT 'link', link_id FROM serving.links UNION ALL SELECT 'zone', node_id FROM serving.nodes WHERE is_zone
		UNION ALL SELECT DISTINCT 'road', road FROM serving.links UNION ALL SELECT DISTINCT 'direction', direction FROM serving.links`,
		nil, []any{&kind, &name}, func() error {
			p.note(kind, name)
			return nil
		})
}

func (p *places) note(kind, name string) {
	if p.names[kind] == nil {
		p.names[kind] = map[string]bool{}
	}
	p.names[kind][name] = true
}

// check refuses a name that the network has not.
func (p *places) check(kind, field, name string) error {
	if p.names[kind][name] {
		return nil
	}
	const most = 12 // names that fit a message
	known := slices.Sorted(maps.Keys(p.names[kind]))
	there := "it has none"
	if n := len(known); n > most {
		there = fmt.Sprintf("it has %d, as %s", n, strings.Join(known[:3], ", "))
	} else if n > 0 {
		there = "it has " + strings.Join(known, ", ")
	}
	return status.Errorf(codes.NotFound, "%s: network %s has no %s %q; %s", field, p.name, kind, name, there)
}

// along gives the stations of one direction of a road, in the direction of
// travel. Either name may be empty where there is one only.
func (p *places) along(road, direction string) ([]*gantryv1.RoadStation, error) {
	if road != "" {
		if err := p.check(ofRoad, "road", road); err != nil {
			return nil, err
		}
	}
	var of []*gantryv1.RoadStation
	roads, directions := map[string]bool{}, map[string]bool{}
	for _, s := range p.stations {
		if road != "" && s.Road != road {
			continue
		}
		roads[s.Road], directions[s.Direction] = true, true
		if direction == "" || s.Direction == direction {
			of = append(of, s)
		}
	}
	if direction != "" && !directions[direction] {
		return nil, status.Errorf(codes.NotFound, "direction: road %q has no stations in direction %q; it has %s", road, direction, strings.Join(slices.Sorted(maps.Keys(directions)), ", "))
	}
	if road == "" && len(roads) > 1 {
		return nil, status.Errorf(codes.InvalidArgument, "road: say which, there are %s", strings.Join(slices.Sorted(maps.Keys(roads)), ", "))
	}
	if direction == "" && len(directions) > 1 {
		return nil, status.Errorf(codes.InvalidArgument, "direction: say which, there are %s", strings.Join(slices.Sorted(maps.Keys(directions)), ", "))
	}
	slices.SortFunc(of, func(a, b *gantryv1.RoadStation) int {
		if a.OffsetM != b.OffsetM {
			return int(a.OffsetM) - int(b.OffsetM)
		}
		return strings.Compare(a.StationId, b.StationId)
	})
	return of, nil
}

// zoneOf reads a zone as the network names it: an IANA name, or a fixed offset
// as +04:15.
func zoneOf(name string) (*time.Location, error) {
	if name == "" {
		return time.UTC, nil
	}
	if name[0] == '+' || name[0] == '-' {
		at, err := time.Parse("-07:00", name)
		if err != nil {
			return nil, err
		}
		_, seconds := at.Zone()
		return time.FixedZone(name, seconds), nil
	}
	return time.LoadLocation(name)
}
