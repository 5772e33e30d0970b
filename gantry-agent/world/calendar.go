package world

import (
	"cmp"
	"slices"
	"time"
)

// workday says whether commuters go to work.
func (w *World) workday(day int) bool {
	d := w.dayKind(day)
	return d != time.Sunday && d != time.Saturday
}

// dayKind is the weekday whose traffic a day has: a holiday is a Sunday.
func (w *World) dayKind(day int) time.Weekday {
	if w.scn.holidays[day] {
		return time.Sunday
	}
	return weekday(day)
}

// grown is the demand of a day against that of the day that growth counts from, per mille.
func (w *World) grown(day int) int64 {
	return max(1000+int64(w.scn.growthPerMille)*int64(day-w.scn.growthDay)/365, 0)
}

// change is something that sets in or ends during a day.
type change struct {
	at      uint32 // ticks since the day's start
	segment int    // -1 for all
	closed  int    // lanes more that are closed from then on
	slow    uint32 // speed limit for all, tenths of a km/h, when slowed is set
	slowed  bool
	speed   uint32 // percent of the usual from then on; 0 for no change
	serve   uint32 // percent of the usual capacity
}

// changes of a day, by time.
func (w *World) changes(day int, d *grid) []change {
	var list []change
	list = w.roadWorks(list, day, d)
	for i := range w.scn.incidents {
		if n := &w.scn.incidents[i]; n.day == day {
			list = closeLanes(list, d.segmentAt(n.link, n.atM), n.fromS, n.seconds, int(n.closedLanes))
		}
	}
	list = w.chanceIncidents(list, day, d)
	list = w.showers(list, day)
	slices.SortStableFunc(list, func(a, b change) int { return cmp.Compare(a.at, b.at) })
	return list
}

// segmentAt is the segment of a link that holds a place.
func (d *grid) segmentAt(link int, atM uint32) int {
	i, begin := d.first[link], uint32(0)
	for of := d.of(link); len(of) > 1 && atM >= begin+of[0].lengthM; of = of[1:] {
		begin += of[0].lengthM
		i++
	}
	return i
}

func closeLanes(list []change, segment int, fromS, seconds uint32, lanes int) []change {
	return append(list,
		change{at: fromS * uint32(ticksPerSec), segment: segment, closed: lanes},
		change{at: (fromS + seconds) * uint32(ticksPerSec), segment: segment, closed: -lanes})
}

func (w *World) roadWorks(list []change, day int, d *grid) []change {
	for i := range w.scn.works {
		k := &w.scn.works[i]
		if day < k.firstDay || day > k.lastDay {
			continue
		}
		from := (k.fromHour + hoursOfDay - dayStartHour) % hoursOfDay * 3600
		to := (k.toHour+hoursOfDay-dayStartHour-1)%hoursOfDay*3600 + 3600
		for s := range d.of(k.link) {
			n := d.first[k.link] + s
			list = closeLanes(list, n, from, to-from, int(k.closedLanes))
			if k.limitKMH > 0 {
				list = append(list,
					change{at: from * uint32(ticksPerSec), segment: n, slow: uint32(k.limitKMH) * 10, slowed: true},
					change{at: to * uint32(ticksPerSec), segment: n, slowed: true})
			}
		}
	}
	return list
}

// Incidents happen between these seconds of the world day: six in the morning
// and eight in the evening.
const (
	incidentsFromS = 3 * 3600
	incidentsForS  = 14 * 3600
)

// chanceIncidents draws where lanes are blocked today, by length of road.
func (w *World) chanceIncidents(list []change, day int, d *grid) []change {
	r := w.scn.randomIncidents
	if r == nil {
		return list
	}
	var lengths []uint32
	for i := range d.segments {
		n := d.segments[i].lengthM
		if d.segments[i].lanes <= int(r.closedLanes) {
			n = 0
		}
		lengths = append(lengths, n)
	}
	places, ok := newQuantiles(lengths)
	if !ok {
		return list
	}
	today := draw(key(w.seed, streamIncident), uint64(day))
	for n := range r.perWeek {
		h := draw(today, uint64(n))
		if below(h, 7) != 0 {
			continue
		}
		at := places.bin(draw(h, 1) >> 32)
		from := incidentsFromS + below(draw(h, 2), incidentsForS)
		minutes := r.minMinutes + below(draw(h, 3), r.maxMinutes-r.minMinutes+1)
		list = closeLanes(list, at, from, minutes*60, int(r.closedLanes))
	}
	return list
}

// showers draws whether it rains today, and when.
func (w *World) showers(list []change, day int) []change {
	r := w.scn.rain
	if r == nil {
		return list
	}
	h := draw(key(w.seed, streamRain), uint64(day))
	if below(h, 100) >= r.chance {
		return list
	}
	length := (r.minHours + below(draw(h, 1), r.maxHours-r.minHours+1)) * 3600
	from := below(draw(h, 2), hoursOfDay*3600-length)
	return append(list,
		change{at: from * uint32(ticksPerSec), segment: -1, speed: r.speedPercent, serve: r.capacityPercent},
		change{at: (from + length) * uint32(ticksPerSec), segment: -1, speed: 100, serve: 100})
}

// apply makes a change take effect.
func (f *flow) apply(c *change) {
	if c.speed > 0 {
		f.weather.speedPercent, f.weather.servePercent = c.speed, c.serve
	}
	if c.segment < 0 {
		return
	}
	s := &f.stretches[c.segment]
	s.closed += c.closed
	open := uint8(max(s.lanes-s.closed, 0))
	for l := s.exit.open + 1; l <= open; l++ {
		s.exit.free[l] = max(s.exit.free[l], c.at) // who waited goes now, not when they came
	}
	s.exit.open = open
	s.exit.drops = s.closed > 0
	s.exit.dropping = s.exit.dropping && s.exit.drops
	s.want = 0
	if c.slowed {
		s.slow = c.slow
	}
}
