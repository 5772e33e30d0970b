package world

import (
	"strconv"
	"time"
)

// parseClock reads hh:mm as minutes, hours up to 27 so that a scenario can
// speak of the end of its day.
func parseClock(s string) (int, bool) {
	if len(s) != 5 || s[2] != ':' {
		return 0, false
	}
	h, err1 := strconv.ParseUint(s[:2], 10, 8)
	m, err2 := strconv.ParseUint(s[3:], 10, 8)
	if err1 != nil || err2 != nil || h > 27 || m > 59 {
		return 0, false
	}
	return int(h*60 + m), true
}

// parseDate reads a local date as the number of the world day that begins on
// it: days since 1970-01-01.
func parseDate(s string) (int, bool) {
	t, err := time.Parse("2006-01-02", s)
	if err != nil || !yearInRange(t) {
		return 0, false
	}
	return int(floorDay(t.UnixMicro())), true
}

// parseMoment reads a local date and time, from 03:00 on, as a world day and
// the seconds since its start.
func parseMoment(s string, z zone) (day int, seconds uint32, ok bool) {
	t, err := time.ParseInLocation("2006-01-02T15:04", s, z.loc)
	if err != nil || !yearInRange(t) {
		return 0, 0, false
	}
	day = z.dayOf(t.UnixMicro())
	return day, uint32((t.UnixMicro() - z.dayStart(day)) / second), true
}

// yearInRange keeps dates where times in microseconds and zones are at ease.
func yearInRange(t time.Time) bool { return t.Year() >= 1980 && t.Year() <= 2060 }
