package realism

import "slices"

// laneUse is the measure of how two lanes share the flow.
type laneUse struct{ sites []siteLanes }

// siteLanes is one station with two lanes: vehicles by class of flow.
type siteLanes struct{ inner, all, bins [useClasses]float64 }

const (
	useWidth   = 100 // veh/h/lane
	useClasses = 30
	// lowVehH is low flow per lane; near capacity is from nearShare of the
	// greatest flow on, where that is at least nearLeast.
	lowVehH   = 400
	nearShare = 0.85
	nearLeast = 1500
	// leastUse bins make the share of a class.
	leastUse = 12
)

func (m *laneUse) add(d *day) {
	m.sites = sized(m.sites, len(d.stations))
	for i := range d.stations {
		s := &d.stations[i]
		if s.station.Lanes != 2 {
			continue
		}
		for b := range s.bins {
			if s.bins[b].congested || s.bins[b].all.n == 0 {
				continue
			}
			c := min(int(s.bins[b].flow)/useWidth, useClasses-1)
			m.sites[i].inner[c] += float64(s.of(b)[1].n())
			m.sites[i].all[c] += float64(s.bins[b].all.n)
			m.sites[i].bins[c]++
		}
	}
}

// share is that of the inner lane in flow classes [from, to).
func (s *siteLanes) share(from, to int) (share float64, ok bool) {
	var inner, all, bins float64
	for c := from; c < to; c++ {
		inner, all, bins = inner+s.inner[c], all+s.all[c], bins+s.bins[c]
	}
	return inner / all, bins >= leastUse
}

// top is the first class without anything in it or above.
func (s *siteLanes) top() int {
	top := useClasses
	for top > 0 && s.bins[top-1] == 0 {
		top--
	}
	return top
}

// steps are the shares of the classes, low flows first.
func (s *siteLanes) steps() []float64 {
	var steps []float64
	for c := range useClasses {
		if share, ok := s.share(c, c+1); ok {
			steps = append(steps, share)
		}
	}
	return steps
}

func (m *laneUse) rows() []Row {
	var low, near, rising []float64
	for i := range m.sites {
		s := &m.sites[i]
		if share, ok := s.share(0, lowVehH/useWidth); ok {
			low = append(low, share)
		}
		top := s.top()
		if share, ok := s.share(int(nearShare*float64(top)), top); ok && top*useWidth >= nearLeast {
			near = append(near, share)
		}
		if steps := s.steps(); len(steps) >= 5 {
			rising = append(rising, rankCorrelation(steps))
		}
	}
	const reason = "no station with two lanes has such flows often enough"
	rows := []Row{innerLow.across(low, reason), innerNear.across(near, reason), innerRising.across(rising, reason)}
	if len(rising) > 0 {
		rows[2] = innerRising.over(rising, slices.Min(rising))
	}
	return rows
}
