package realism

// speeds is the measure of free-flow speeds by lane and class, and of the
// difference between the two means.
type speeds struct {
	sites []siteSpeeds
}

// siteSpeeds are those of one station.
type siteSpeeds struct {
	fast                bool // its limit is one of those that the bands are for
	outer, inner, heavy moments
	difference          average
}

// limits that the bands for free-flow speeds are for, km/h.
const (
	motorwayFrom = 120
	motorwayTo   = 130
	leastSpeeds  = 200
	leastSpace   = 30 // vehicles in a quarter of an hour
)

func (m *speeds) add(d *day) {
	m.sites = sized(m.sites, len(d.stations))
	for i := range d.stations {
		s := &d.stations[i]
		m.sites[i].fast = motorwayFrom <= s.station.LimitKMH && s.station.LimitKMH <= motorwayTo && s.station.Lanes > 1
		for b := range s.bins {
			if !s.bins[b].congested && s.bins[b].flow <= freeFlowVehH {
				m.sites[i].add(s.of(b))
			}
		}
		for b := 0; b+blockBins <= len(s.bins); b += blockBins {
			if s.quiet(b, blockBins) {
				m.sites[i].means(s.bins[b : b+blockBins])
			}
		}
	}
}

func (m *siteSpeeds) add(lanes []lane) {
	m.outer.merge(&lanes[0].cars)
	m.inner.merge(&lanes[len(lanes)-1].cars)
	for i := range lanes {
		m.heavy.merge(&lanes[i].heavy)
	}
}

// means adds the difference of the means over a quarter of an hour.
func (m *siteSpeeds) means(bins []bin) {
	var all moments
	for i := range bins {
		all.merge(&bins[i].all)
	}
	if all.n >= leastSpace {
		m.difference.add(all.mean()-all.space(), float64(all.n))
	}
}

func (m *speeds) rows() []Row {
	var rows []Row
	for _, x := range []struct {
		mean, sd property
		of       func(*siteSpeeds) *moments
	}{
		{outerMean, outerSD, func(s *siteSpeeds) *moments { return &s.outer }},
		{innerMean, innerSD, func(s *siteSpeeds) *moments { return &s.inner }},
		{heavyMean, heavySD, func(s *siteSpeeds) *moments { return &s.heavy }},
	} {
		var means, sds []float64
		for i := range m.sites {
			if v := x.of(&m.sites[i]); m.sites[i].fast && v.n >= leastSpeeds {
				means = append(means, v.mean())
				sds = append(sds, v.sd())
			}
		}
		const reason = "no site with more than one lane has a limit of 120 to 130 km/h and enough free flow"
		rows = append(rows, x.mean.across(means, reason), x.sd.across(sds, reason))
	}
	var differences []float64
	for i := range m.sites {
		if m.sites[i].difference.weight > 0 {
			differences = append(differences, m.sites[i].difference.value())
		}
	}
	return append(rows, meanDifference.across(differences, "no site has thirty vehicles in a quarter of an hour of free flow"))
}
