package realism

import (
	"math"
	"slices"

	"github.com/gantry-dev/gantry/gantry-agent/world"
)

// limits is the measure of who drives more than 10 % over the limit.
type limits struct {
	src         Source
	stations    []world.Station
	fast, total []float64
}

func (m *limits) add(d *day) {
	m.fast, m.total = sized(m.fast, len(d.stations)), sized(m.total, len(d.stations))
	for i := range d.stations {
		m.fast[i] += float64(d.stations[i].fast)
		m.total[i] += float64(d.stations[i].total)
	}
}

func (m *limits) rows() []Row {
	named := map[string]bool{}
	s, knows := m.src.(speeding)
	if knows {
		for _, id := range s.SpeedingStations() {
			named[id] = true
		}
	}
	var ordinary, problem []float64
	for i := range m.total {
		switch share := m.fast[i] / m.total[i]; {
		case m.total[i] == 0:
		case named[m.stations[i].ID]:
			problem = append(problem, share)
		default:
			ordinary = append(ordinary, share)
		}
	}
	const reason = "every site is one where the scenario has drivers too fast"
	rows := []Row{ordinarySite.across(ordinary, reason), worstSite.empty(reason), problemSite.empty("the scenario names no link for speeding")}
	if len(ordinary) > 0 {
		rows[1] = worstSite.over(ordinary, slices.Max(ordinary))
	}
	if len(problem) > 0 {
		rows[2] = problemSite.over(problem, slices.Min(problem))
	}
	return rows
}

// agreement is the measure of counts against the demand planned.
type agreement struct {
	src         Source
	stations    []world.Station
	good, hours []float64
}

// goodGEH is what a count and a model may be apart.
const goodGEH = 5

// geh is Havers' measure of an hour's count c against a model's m.
func geh(m, c float64) float64 {
	if m+c == 0 {
		return 0
	}
	return math.Sqrt(2 * (m - c) * (m - c) / (m + c))
}

func (m *agreement) add(d *day) {
	p, ok := m.src.(planner)
	if !ok {
		return
	}
	m.good, m.hours = sized(m.good, len(d.stations)), sized(m.hours, len(d.stations))
	for i := range d.stations {
		for h, count := range d.hours[i] {
			from := d.start + world.Micros(h)*hour
			planned := p.Planned(m.stations[i].ID, from, min(from+hour, d.end))
			m.hours[i]++
			if geh(float64(planned), float64(count)) < goodGEH {
				m.good[i]++
			}
		}
	}
}

func (m *agreement) rows() []Row {
	var sites []float64
	var all average
	for i := range m.hours {
		sites = append(sites, m.good[i]/m.hours[i])
		all.add(m.good[i]/m.hours[i], m.hours[i])
	}
	if len(sites) == 0 {
		return []Row{gehShare.empty("the source of the passages does not know its demand")}
	}
	return []Row{gehShare.over(sites, all.value())}
}
