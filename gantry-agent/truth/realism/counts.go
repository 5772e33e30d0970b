package realism

import "fmt"

// sized is a slice of n, the one given once there is one.
func sized[T any](s []T, n int) []T {
	if s == nil {
		return make([]T, n)
	}
	return s
}

// dispersion is the measure of the counts of one minute in free flow.
type dispersion struct{ sites []average }

const (
	blockBins      = 3  // a block is a quarter of an hour
	blockMinutes   = 15 // which has so many counts
	leastPerMinute = 1
	leastBlocks    = 20
)

func (m *dispersion) add(d *day) {
	m.sites = sized(m.sites, len(d.stations))
	for i := range d.stations {
		s := &d.stations[i]
		for b := 0; b+blockBins <= len(s.bins); b += blockBins {
			if !s.quiet(b, blockBins) {
				continue
			}
			if mean, variance := s.minutes(b); mean >= leastPerMinute {
				m.sites[i].add(variance/mean, 1)
			}
		}
	}
}

// minutes is mean and variance of the counts of the block that begins at a bin.
func (d *stationDay) minutes(bin int) (mean, variance float64) {
	var counts [blockMinutes]float64
	for i := range counts {
		f := d.fine[bin*finePerBin+2*i:]
		counts[i] = float64(f[0].n) + float64(f[1].n)
	}
	return spread(counts[:])
}

func (m *dispersion) rows() []Row {
	var values []float64
	for i := range m.sites {
		if m.sites[i].weight >= leastBlocks {
			values = append(values, m.sites[i].value())
		}
	}
	return []Row{countDispersion.across(values, "no site has a minute's mean of one vehicle in free flow often enough")}
}

// capacity is the measure of the greatest flows.
type capacity struct{ five, fiveLane, hour []float64 }

func (m *capacity) add(d *day) {
	n := len(d.stations)
	m.five, m.fiveLane, m.hour = sized(m.five, n), sized(m.fiveLane, n), sized(m.hour, n)
	for i := range d.stations {
		s := &d.stations[i]
		for b := range s.bins {
			m.five[i] = max(m.five[i], s.bins[b].flow)
			for _, l := range s.of(b) {
				m.fiveLane[i] = max(m.fiveLane[i], float64(l.n())*float64(binsPerHr))
			}
		}
		for _, n := range d.hours[i] {
			m.hour[i] = max(m.hour[i], float64(n)/float64(s.station.Lanes))
		}
	}
}

func (m *capacity) rows() []Row {
	rows := make([]Row, 0, 3)
	for _, x := range []struct {
		property
		sites []float64
	}{{maxFive, m.five}, {maxFiveLane, m.fiveLane}, {maxHour, m.hour}} {
		greatest := 0.0
		for _, v := range x.sites {
			greatest = max(greatest, v)
		}
		rows = append(rows, x.over(x.sites, greatest))
	}
	return rows
}

// heavies is the measure of trucks and buses by local hour.
type heavies struct {
	heavy, all [hoursOfDay]float64
	sites      [][2]average // by day, by night
}

// daytime hours: from six to ten.
const (
	dayFrom = 6
	dayTo   = 22
)

func (m *heavies) add(d *day) {
	m.sites = sized(m.sites, len(d.stations))
	for i := range d.stations {
		s := &d.stations[i]
		for b := range s.bins {
			h := localHour(b / binsPerHr)
			heavy := 0.0
			for _, l := range s.of(b) {
				heavy += float64(l.heavy.n)
			}
			all := float64(s.bins[b].all.n)
			m.heavy[h] += heavy
			m.all[h] += all
			if all > 0 {
				m.sites[i][night(h)].add(heavy/all, all)
			}
		}
	}
}

// night is 1 by night and 0 by day.
func night(hour int) int {
	if dayFrom <= hour && hour < dayTo {
		return 0
	}
	return 1
}

func (m *heavies) rows() []Row {
	var byDay, ratio []float64
	for i := range m.sites {
		if d, n := &m.sites[i][0], &m.sites[i][1]; d.sum > 0 && n.weight > 0 {
			byDay = append(byDay, d.value())
			ratio = append(ratio, n.value()/d.value())
		}
	}
	if len(byDay) == 0 {
		const reason = "no trucks or buses passed"
		return []Row{heavyShare.empty(reason), heavyNight.empty(reason), heavyHour.empty(reason)}
	}
	at := 0
	for h := range m.all {
		if m.heavy[h]*m.all[at] > m.heavy[at]*m.all[h] {
			at = h
		}
	}
	after := float64(at)
	if at >= hoursOfDay/2 {
		after -= hoursOfDay
	}
	hour := heavyHour.row(after)
	hour.How += fmt.Sprintf("; the greatest share is %.0f %%, from %02d:00 on", 100*m.heavy[at]/m.all[at], at)
	return []Row{heavyShare.across(byDay, ""), heavyNight.across(ratio, ""), hour}
}

// localHour is the hour of the local day, n hours after the world day's start.
// Where clocks change it is one off for the day's last hour.
func localHour(n int) int { return (n + worldDayHour) % hoursOfDay }

// worldDayHour is the local hour at which a world day begins.
const worldDayHour = 3
