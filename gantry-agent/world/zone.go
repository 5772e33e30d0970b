package world

import (
	"fmt"
	"strconv"
	"time"
	_ "time/tzdata" // so that a named zone works where the system has no table
)

// dayStartHour is the local hour at which a world day begins: the one at
// which the road is emptiest.
const dayStartHour = 3

// zone turns times of the world into local days and minutes.
type zone struct {
	loc    *time.Location
	fixed  bool
	offset Micros // east of UTC, when fixed
}

// parseZone reads an IANA name or a fixed offset as +09:30.
func parseZone(s string) (zone, error) {
	if off, ok := parseOffset(s); ok {
		return zone{loc: time.FixedZone(s, int(off/second)), fixed: true, offset: off}, nil
	}
	if s == "" || s == "Local" {
		return zone{}, fmt.Errorf("is %q, must be an IANA name as Australia/Adelaide or an offset as +09:30", s)
	}
	loc, err := time.LoadLocation(s)
	if err != nil {
		return zone{}, fmt.Errorf("is %q, which is neither a known IANA name nor an offset as +09:30", s)
	}
	return zone{loc: loc}, nil
}

// Location is the time zone of a network: an IANA name or a fixed offset as
// +09:30.
func Location(name string) (*time.Location, error) {
	z, err := parseZone(name)
	if err != nil {
		return nil, fmt.Errorf("time zone %w", err)
	}
	return z.loc, nil
}

// parseOffset reads ±hh:mm, at most 14 hours.
func parseOffset(s string) (Micros, bool) {
	if len(s) != 6 || s[3] != ':' || (s[0] != '+' && s[0] != '-') {
		return 0, false
	}
	h, err1 := strconv.ParseUint(s[1:3], 10, 8)
	m, err2 := strconv.ParseUint(s[4:6], 10, 8)
	if err1 != nil || err2 != nil || m > 59 || h*60+m > 14*60 {
		return 0, false
	}
	off := Micros(h)*hour + Micros(m)*minute
	if s[0] == '-' {
		off = -off
	}
	return off, true
}

// dayStart is when world day d begins; d counts days since 1970-01-01.
func (z zone) dayStart(d int) Micros {
	if z.fixed {
		return Micros(d)*24*hour + dayStartHour*hour - z.offset
	}
	return time.Date(1970, 1, 1+d, dayStartHour, 0, 0, 0, z.loc).UnixMicro()
}

// dayOf is the world day that t lies in.
func (z zone) dayOf(t Micros) int {
	if z.fixed {
		return int(floorDay(t + z.offset - dayStartHour*hour))
	}
	y, m, day := time.UnixMicro(t).In(z.loc).Date()
	d := int(floorDay(time.Date(y, m, day, 0, 0, 0, 0, time.UTC).UnixMicro()))
	if t < z.dayStart(d) {
		d--
	}
	return d
}

// minuteOf is the minute of the local day at t, 0 to 1439.
func (z zone) minuteOf(t Micros) int {
	if z.fixed {
		local := t + z.offset
		return int((local - floorDay(local)*24*hour) / minute)
	}
	local := time.UnixMicro(t).In(z.loc)
	return local.Hour()*60 + local.Minute()
}

// weekday of world day d.
func weekday(d int) time.Weekday {
	return time.Weekday(((d+int(time.Thursday))%7 + 7) % 7)
}

// floorDay is t rounded down to whole days, in days.
func floorDay(t Micros) int64 {
	q := t / (24 * hour)
	if t%(24*hour) < 0 {
		q--
	}
	return q
}
