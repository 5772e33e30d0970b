package realism

import (
	"fmt"
	"time"

	"github.com/gantry-dev/gantry/gantry-agent/world"
)

// Passages run through what crosses a station, by time.
type Passages interface {
	// Next gives the next passage; it is false at the end.
	Next(*world.Passage) bool
}

// Source is where passages come from. It may be used by several goroutines.
type Source interface {
	// Network is what stands at the roadside.
	Network() *world.Network
	// DayStart is when the world day that t lies in begins. No queue stands
	// across it.
	DayStart(t world.Micros) world.Micros
	// Open gives the passages of a station in [from, to).
	Open(stationID string, from, to world.Micros) (Passages, bool)
}

// planner is a source that knows its own demand.
type planner interface {
	// Planned is how many trips would cross the station in [from, to) if nothing
	// slowed them.
	Planned(stationID string, from, to world.Micros) int
}

// speeding is a source that knows where it means drivers to be too fast.
type speeding interface {
	// SpeedingStations are the stations on links named so.
	SpeedingStations() []string
}

// Of is a world as a source.
func Of(w *world.World) Source { return simulated{w} }

type simulated struct{ *world.World }

// A world knows both; without these lines a change of name would only empty
// two rows.
var (
	_ planner  = simulated{}
	_ speeding = simulated{}
)

// Open gives the passages of a station in [from, to).
func (s simulated) Open(stationID string, from, to world.Micros) (Passages, bool) {
	c, ok := s.World.Open(stationID, from, to)
	return c, ok
}

// micros of what is counted in.
const (
	second world.Micros = 1_000_000
	minute              = 60 * second
	hour                = 60 * minute
)

const hoursOfDay = 24

// Location is the zone of a network: an IANA name or an offset as +09:30.
func Location(zone string) (*time.Location, error) {
	// Parse itself would give the machine's zone where the offset is the same.
	if t, err := time.ParseInLocation("-07:00", zone, time.UTC); err == nil {
		return t.Location(), nil
	}
	l, err := time.LoadLocation(zone)
	if err != nil {
		return nil, fmt.Errorf("zone of the network: %w", err)
	}
	return l, nil
}

// dateOf is the local date of t, in days since 1970-01-01.
func dateOf(t world.Micros, l *time.Location) int {
	y, m, d := time.UnixMicro(t).In(l).Date()
	return int(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86_400)
}

// civil is midnight UTC of a date, to read its parts from.
func civil(date int) time.Time { return time.Unix(int64(date)*86_400, 0).UTC() }

// weekday says whether a date is Monday to Friday. Holidays are not known to
// an outsider.
func weekday(date int) bool {
	d := civil(date).Weekday()
	return d != time.Saturday && d != time.Sunday
}

// nextDay is when the world day after the one that begins at start begins; it
// may have 23 to 25 hours.
func nextDay(src Source, start world.Micros) world.Micros { return src.DayStart(start + 26*hour) }
