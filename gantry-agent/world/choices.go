package world

import (
	"cmp"
	"slices"
)

// intervene changes the day's trips as an intervention makes people choose.
func (p *planner) intervene(v *intervention) {
	switch {
	case v.shift != nil:
		p.shiftPeak(v.shift)
	case v.bus != nil:
		p.takeBus(v.bus)
	}
}

// shiftPeak lets a share of those who set out in a peak leave earlier or
// later: those of its first half earlier, those of its second half later.
func (p *planner) shiftPeak(s *shift) {
	from, to := s.fromS*uint32(ticksPerSec), s.toS*uint32(ticksPerSec)
	by := s.minutes * 60 * uint32(ticksPerSec)
	k := key(p.w.seed, streamShift)
	for i := range p.trips {
		t := &p.trips[i]
		if t.entry < from || t.entry >= to || below(draw(k, t.key()), 100) >= s.percent || !p.w.leadsAlong(t.route, s.road, s.direction) {
			continue
		}
		if t.entry < from+(to-from)/2 {
			t.entry -= min(by, t.entry)
		} else {
			t.entry = min(t.entry+by, p.length-1)
		}
	}
}

// leadsAlong says whether a route uses a direction of a road; "" stands for
// any.
func (w *World) leadsAlong(route uint16, road, direction string) bool {
	for _, s := range w.routes.all[route].segments {
		k := &w.graph.links[w.base.segments[s].link]
		if (road == "" || k.road == road) && (direction == "" || k.direction == direction) {
			return true
		}
	}
	return false
}

// takeBus lets a share of the car trips between two zones be made by bus: the
// cars stay away, and a bus leaves each time enough persons have gathered, the
// last one with those who remain.
func (p *planner) takeBus(b *bus) {
	k := key(p.w.seed, streamBus)
	route := p.w.routes.of[pair{b.origin, b.destination}]
	var riders []trip
	p.trips = slices.DeleteFunc(p.trips, func(t trip) bool {
		rides := t.route == route && t.class() == Car && below(draw(k, t.key()), 100) < b.percent
		if rides {
			riders = append(riders, t)
		}
		return rides
	})
	slices.SortFunc(riders, func(a, b trip) int {
		return cmp.Or(cmp.Compare(a.entry, b.entry), cmp.Compare(a.key(), b.key()))
	})
	aboard := uint32(0)
	for i := range riders {
		t := &riders[i]
		if aboard += uint32(t.persons()); aboard < b.persons && i < len(riders)-1 {
			continue
		}
		p.add(1<<62|t.key(), p.stranger(Bus), trip{entry: t.entry, route: route}, purposeOther, 0)
		last := &p.trips[len(p.trips)-1]
		last.rider = newRider(last.vehicle(), uint8(min(aboard+1, maxPersons)), false) // the driver on top
		aboard = 0
	}
}
