package realism

import (
	"github.com/gantry-dev/gantry/gantry-agent/world"
)

// peaks is the measure of the weekday's shape, from quarters of an hour.
type peaks struct {
	stations []world.Station
	factors  [][]float64 // by station, of each weekday
	profile  []float64   // sum over all stations and weekdays, by quarter since local midnight
	sites    [][]float64 // the same by station
}

const (
	quartersPerHr  = 4
	quartersOfDay  = hoursOfDay * quartersPerHr
	leastPeakHour  = 200  // vehicles, below which a quarter's count is all chance
	noon           = 12   // between the two peaks
	leastProminent = 0.05 // of the greatest flow: what stands out less is no peak
)

func newPeaks(stations []world.Station) *peaks {
	p := &peaks{stations: stations, factors: make([][]float64, len(stations)), profile: make([]float64, quartersOfDay)}
	for range stations {
		p.sites = append(p.sites, make([]float64, quartersOfDay))
	}
	return p
}

func (m *peaks) add(d *day) {
	if !weekday(d.date) {
		return
	}
	for i := range d.stations {
		quarters := d.stations[i].quarters()
		if factor, ok := peakHourFactor(quarters); ok {
			m.factors[i] = append(m.factors[i], factor)
		}
		for q, n := range quarters {
			at := (q + worldDayHour*quartersPerHr) % quartersOfDay
			m.profile[at] += n
			m.sites[i][at] += n
		}
	}
}

// quarters are the counts of quarters of an hour since the day's start.
func (d *stationDay) quarters() []float64 {
	quarters := make([]float64, (len(d.bins)+blockBins-1)/blockBins)
	for i := range d.bins {
		quarters[i/blockBins] += float64(d.bins[i].all.n)
	}
	return quarters
}

// peakHour is the first quarter of the four with the greatest sum within
// [from, to).
func peakHour(quarters []float64, from, to int) (at int, sum float64) {
	at = from
	for q := from; q+quartersPerHr <= to; q++ {
		n := 0.0
		for _, x := range quarters[q : q+quartersPerHr] {
			n += x
		}
		if n > sum {
			at, sum = q, n
		}
	}
	return at, sum
}

// peakHourFactor is V60 / (4·V15max) of the day's peak hour.
func peakHourFactor(quarters []float64) (float64, bool) {
	at, sum := peakHour(quarters, 0, len(quarters))
	if sum < leastPeakHour {
		return 0, false
	}
	greatest := 0.0
	for _, x := range quarters[at : at+quartersPerHr] {
		greatest = max(greatest, x)
	}
	return sum / (quartersPerHr * greatest), true
}

// sharpness is the share of the peak hour in the three hours around it, one
// third if flat.
func sharpness(quarters []float64, from, to int) float64 {
	at, sum := peakHour(quarters, from, to)
	three := 0.0
	for q := max(at-quartersPerHr, 0); q < min(at+2*quartersPerHr, len(quarters)); q++ {
		three += quarters[q]
	}
	return sum / three
}

// summits counts the hours that stand out: greater than whatever lies between
// them and the next greater hour by at least leastProminent of the greatest.
func summits(quarters []float64) int {
	// From the world day's start on, when the road is emptiest.
	hours := make([]float64, hoursOfDay)
	greatest := 0.0
	for q, n := range quarters {
		h := (q/quartersPerHr + hoursOfDay - worldDayHour) % hoursOfDay
		hours[h] += n
		greatest = max(greatest, hours[h])
	}
	count, valley, top := 0, 0.0, 0.0
	rising := true
	for _, n := range append(hours, 0) {
		switch {
		case rising:
			top = max(top, n)
			if n < top-leastProminent*greatest {
				count, rising, valley = count+1, false, n
			}
		default:
			valley = min(valley, n)
			if n > valley+leastProminent*greatest {
				rising, top = true, n
			}
		}
	}
	return count
}

func (m *peaks) rows() []Row {
	var factors, ratios []float64
	ratio := func(quarters []float64) float64 {
		return sharpness(quarters, 0, noon*quartersPerHr) / sharpness(quarters, noon*quartersPerHr, quartersOfDay)
	}
	for i := range m.sites {
		if len(m.factors[i]) == 0 {
			continue
		}
		factors = append(factors, median(m.factors[i]))
		ratios = append(ratios, ratio(m.sites[i]))
	}
	const reason = "no weekday with a peak hour of 200 vehicles was asked for"
	if len(factors) == 0 {
		return []Row{peakFactor.empty(reason), twoPeaks.empty(reason), morningSharper.empty(reason)}
	}
	return []Row{
		peakFactor.across(factors, reason),
		twoPeaks.row(float64(summits(m.profile))),
		morningSharper.over(ratios, ratio(m.profile)),
	}
}
