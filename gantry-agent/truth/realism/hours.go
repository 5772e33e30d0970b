package realism

import (
	"math"
	"slices"

	"github.com/gantry-dev/gantry/gantry-agent/world"
)

// years is the measure of what takes hourly counts: of a year for K and AADT,
// of the detailed days for the week.
type years struct {
	stations  []world.Station
	firstDate int        // local date
	dates     int        // complete dates wanted
	detailed  int        // of these, from the first on
	counts    [][]uint32 // by station, by local hour since the first date
}

// AADT is the annual average daily traffic of one site.
type AADT struct {
	// Station it is of.
	Station string `json:"station_id"`
	// Vehicles a day.
	Vehicles float64 `json:"aadt"`
	// K is the 30th highest hour of the year over it.
	K float64 `json:"k"`
}

func newYears(stations []world.Station, firstDate, dates, detailed int) *years {
	y := &years{stations: stations, firstDate: firstDate, dates: dates, detailed: detailed}
	for range stations {
		y.counts = append(y.counts, make([]uint32, dates*hoursOfDay))
	}
	return y
}

func (y *years) add(d *day) {
	first := (d.date-y.firstDate)*hoursOfDay + worldDayHour
	for i, hours := range d.hours {
		for h, n := range hours {
			// Where clocks go back the day has an hour more: it is added to the last.
			if at := first + min(h, hoursOfDay-1); 0 <= at && at < len(y.counts[i]) {
				y.counts[i][at] += n
			}
		}
	}
}

// daily is what passed on each date.
func daily(hours []uint32) []float64 {
	days := make([]float64, len(hours)/hoursOfDay)
	for h, n := range hours {
		days[h/hoursOfDay] += float64(n)
	}
	return days
}

// aadt is the average over the days of the week of the average over the months
// of a day of the week's mean count: no month or weekday that is missing or
// counted more often weighs less or more (AASHTO).
func aadt(days []float64, firstDate int) float64 {
	var sums [7][12]average
	for i, n := range days {
		date := civil(firstDate + i)
		sums[date.Weekday()][date.Month()-1].add(n, 1)
	}
	var week average
	for _, months := range sums {
		var year average
		for _, m := range months {
			if m.weight > 0 {
				year.add(m.value(), 1)
			}
		}
		if year.weight > 0 {
			week.add(year.value(), 1)
		}
	}
	return week.value()
}

// designHour is which hour of the year, by flow, roads are made for.
const designHour = 30

// k is the 30th highest hour over AADT.
func k(hours []uint32, firstDate int) (k, vehicles float64) {
	vehicles = aadt(daily(hours), firstDate)
	sorted := slices.Clone(hours)
	slices.SortFunc(sorted, func(a, b uint32) int { return int(int64(b) - int64(a)) })
	return float64(sorted[designHour-1]) / vehicles, vehicles
}

// bothWays adds up the stations of each gantry.
func (y *years) bothWays() [][]uint32 {
	at := map[string]int{}
	var sites [][]uint32
	var directions []int
	for i := range y.stations {
		name := y.stations[i].Road + "\x00" + y.stations[i].Gantry
		j, known := at[name]
		if !known {
			j = len(sites)
			at[name] = j
			sites = append(sites, make([]uint32, len(y.counts[i])))
			directions = append(directions, 0)
		}
		directions[j]++
		for h, n := range y.counts[i] {
			sites[j][h] += n
		}
	}
	var both [][]uint32
	for j, n := range directions {
		if n == 2 {
			both = append(both, sites[j])
		}
	}
	return both
}

// aadts are those of all stations.
func (y *years) aadts() []AADT {
	var all []AADT
	if y.dates < leastYear {
		return nil
	}
	for i := range y.stations {
		if k, vehicles := k(y.counts[i], y.firstDate); vehicles > 0 {
			all = append(all, AADT{y.stations[i].ID, math.Round(vehicles), rounded(k)})
		}
	}
	return all
}

// leastYear is how many days make a year good enough for a 30th hour.
const leastYear = 360

func (y *years) rows() []Row {
	const short = "needs a year of hours: ask for 365 days"
	var one, both []float64
	for _, a := range y.aadts() {
		one = append(one, a.K)
	}
	reason := "no gantry stands over both directions"
	if y.dates < leastYear {
		reason = short
	}
	for _, hours := range y.bothWays() {
		if k, vehicles := k(hours, y.firstDate); y.dates >= leastYear && vehicles > 0 {
			both = append(both, k)
		}
	}
	rows := []Row{kBoth.across(both, reason), kOne.across(one, short)}
	return append(rows, y.week()...)
}

// week are the rows about days of the week.
func (y *years) week() []Row {
	var ratios, variations []float64
	for i := range y.counts {
		var work, end []float64
		for j, n := range daily(y.counts[i][:y.detailed*hoursOfDay]) {
			if weekday(y.firstDate + j) {
				work = append(work, n)
			} else {
				end = append(end, n)
			}
		}
		if len(work) < 2 || len(end) == 0 {
			continue
		}
		mean, variance := spread(work)
		if mean == 0 {
			continue
		}
		variations = append(variations, math.Sqrt(variance)/mean)
		sum := 0.0
		for _, n := range end {
			sum += n
		}
		ratios = append(ratios, sum/float64(len(end))/mean)
	}
	const reason = "needs two weekdays and a day of a weekend"
	return []Row{weekendRatio.across(ratios, reason), dayVariation.across(variations, reason)}
}
