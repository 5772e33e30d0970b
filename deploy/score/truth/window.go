package truth

import (
	"fmt"
	"slices"
	"time"
)

// Minute is a minute of the local day.
type Minute int

// clock is the minute as interventions write it.
func (m Minute) clock() string { return fmt.Sprintf("%02d:%02d", int(m)/60, int(m)%60) }

// Window is a part of the local day; To is exclusive.
type Window struct {
	// To is the minute it ends before.
	From, To Minute
}

// Direction is one direction of a road.
type Direction struct {
	// Road and Direction as on the signs.
	Road, Direction string
}

// Peaks of a day.
const (
	AM = "am"
	PM = "pm"
)

const (
	noon       = Minute(12 * 60)
	firstHour  = Minute(3 * 60) // interventions begin with the world day
	lastHour   = Minute(24 * 60)
	windowStep = Minute(15)
)

// Directions are those that have stations, by name.
func (t *Site) Directions() []Direction {
	var list []Direction
	for _, s := range t.world.Network().Stations {
		if d := (Direction{s.Road, s.Direction}); !slices.Contains(list, d) {
			list = append(list, d)
		}
	}
	return list
}

// Busiest is the window of so many minutes before or after noon in which most
// vehicles would cross the direction's busiest station if nothing held them up.
func (t *Site) Busiest(d Direction, peak string, long Minute) Window {
	from, to := firstHour, noon
	if peak == PM {
		from, to = noon, lastHour
	}
	best, most := Window{from, from + long}, -1
	for _, s := range t.world.Network().Stations {
		if s.Road != d.Road || s.Direction != d.Direction {
			continue
		}
		quarters := t.planned(s.ID)
		for m := from; m+long <= to; m += windowStep {
			n := 0
			for _, q := range quarters[m/windowStep : (m+long)/windowStep] {
				n += q
			}
			if n > most {
				best, most = Window{m, m + long}, n
			}
		}
	}
	return best
}

// planned is the demand at a station by quarter of the local day, the sum of
// all days.
func (t *Site) planned(station string) []int {
	const step = int64(windowStep) * int64(time.Minute/time.Microsecond)
	quarters := make([]int, 24*60/windowStep)
	for _, day := range t.days {
		// World days begin at three: 03:00 to 27:00 of each workday.
		from, to := span(t.world, day)
		for at := from; at < to; at += step {
			quarters[Minute(t.world.MinuteOfDay(at))/windowStep] += t.world.Planned(station, at, at+step)
		}
	}
	return quarters
}

// String is the window as 07:00–08:00.
func (w Window) String() string { return w.From.clock() + "–" + w.To.clock() }
