package world

import (
	"iter"
	"sort"
)

// Passage is the fact: one vehicle crosses one station in one lane.
type Passage struct {
	// At is when its front crosses.
	At Micros
	// Vehicle that crosses.
	Vehicle Vehicle
	// Class of the vehicle.
	Class Class
	// Lane, numbered from the nearside, 1-based.
	Lane uint8
	// LengthCM is the vehicle's length, cm.
	LengthCM uint16
	// SpeedTenthKMH is its speed at the station, tenths of a km/h.
	SpeedTenthKMH uint16
	// Axles on the road.
	Axles uint8
	// Persons aboard, the driver included.
	Persons uint8
	// Commuting trips lead to or from work.
	Commuting bool
	// Trip identifies the vehicle's trip: the same at every station on its way,
	// unique in the world.
	Trip uint64
}

// Cursor runs through the passages of one station by time. It allocates
// nothing per passage and holds on to the columns of one day, at the border
// of two days of two. It is for one goroutine.
type Cursor struct {
	w       *World
	station int
	from    Micros
	to      Micros
	begun   bool
	over    bool
	today   part
	next    part // the day after, once today's has reached its start

	recorded []recordedPassage // what is left, of a recorded world
}

// part is what is left of a column.
type part struct {
	d    *day
	rest []crossing
}

// Open gives the passages of a station in [from, to); it is false when the
// network has no such station. Nothing is evaluated before the first passage is
// asked for: whoever reads several stations opens all of them first.
func (w *World) Open(stationID string, from, to Micros) (*Cursor, bool) {
	i, ok := w.stations[stationID]
	if !ok {
		return nil, false
	}
	if w.recorded != nil {
		return w.openRecorded(i, from, to), true
	}
	w.want(i)
	return &Cursor{w: w, station: i, from: from, to: to}, true
}

// begin loads the first day.
func (c *Cursor) begin() {
	c.begun = true
	first := c.w.zone.dayOf(c.from)
	if c.from < c.w.zone.dayStart(first)+c.w.tail {
		first-- // what entered before 03:00 may cross after it
	}
	c.today = c.load(first)
}

// load is what a day has at the station from c.from on.
func (c *Cursor) load(number int) part {
	d, column := c.w.column(number, c.station)
	p := part{d, column}
	p.rest = p.rest[sort.Search(len(p.rest), func(i int) bool { return p.at(i) >= c.from }):]
	return p
}

func (p *part) at(i int) Micros { return p.d.start + Micros(p.rest[i].at())*tick }

// Next gives the next passage; it is false at the end.
func (c *Cursor) Next(p *Passage) bool {
	if c.w.recorded != nil {
		return c.nextRecorded(p)
	}
	switch {
	case c.over:
		return false
	case !c.begun:
		c.begin()
	}
	src := c.head()
	if src == nil || src.at(0) >= c.to {
		c.Close()
		return false
	}
	c.w.passage(src.d, src.rest[0], p)
	src.rest = src.rest[1:]
	return true
}

// Close lets the days go, as the end does; there is no passage after it.
func (c *Cursor) Close() { c.over, c.today, c.next = true, part{}, part{} }

// head is the part whose first entry is next; nil when the time is over.
func (c *Cursor) head() *part {
	for {
		if c.next.d == nil {
			// No day reaches back before its start, so today's entries before the
			// next day's start need no look at the next day.
			start := c.w.zone.dayStart(c.today.d.number + 1)
			if len(c.today.rest) > 0 && c.today.at(0) < start {
				return &c.today
			}
			if start >= c.to && len(c.today.rest) == 0 {
				return nil
			}
			c.next = c.load(c.today.d.number + 1)
		}
		switch {
		case len(c.today.rest) == 0:
			c.today, c.next = c.next, part{}
		case len(c.next.rest) > 0 && c.next.at(0) < c.today.at(0):
			return &c.next
		default:
			return &c.today
		}
	}
}

// passage makes the passage of an entry.
func (w *World) passage(d *day, c crossing, p *Passage) {
	i := c.trip()
	r := d.riders[i]
	proto := w.fleet.prototype(r.vehicle())
	*p = Passage{
		At: d.start + Micros(c.at())*tick, Vehicle: r.vehicle(), Class: r.class(), Lane: c.lane(),
		LengthCM: proto.LengthCM, SpeedTenthKMH: max(c.tenthKMH(), 1), Axles: proto.Axles, Persons: r.persons(),
		Commuting: r.commuting(), Trip: uint64(d.number)<<32 | uint64(i),
	}
}

// Passages are what crosses a station in [from, to), by time. An unknown
// station has none.
func (w *World) Passages(stationID string, from, to Micros) iter.Seq[Passage] {
	return func(yield func(Passage) bool) {
		c, ok := w.Open(stationID, from, to)
		if !ok {
			return
		}
		var p Passage
		for c.Next(&p) {
			if !yield(p) {
				return
			}
		}
	}
}
