package world

import "fmt"

// maxEvents limits each list of a scenario's events.
const maxEvents = 1000

type variationFile struct {
	Capacity      uint32 `yaml:"capacity,omitempty"`
	JamDensity    uint32 `yaml:"jam_density,omitempty"`
	CapacityDrop  uint32 `yaml:"capacity_drop,omitempty"`
	DetectorError uint32 `yaml:"detector_error,omitempty"`
}

type randomIncidentsFile struct {
	PerWeek     uint32 `yaml:"per_week"`
	MinMinutes  uint32 `yaml:"min_minutes"`
	MaxMinutes  uint32 `yaml:"max_minutes"`
	ClosedLanes uint32 `yaml:"closed_lanes"`
}

type incidentFile struct {
	Link        string `yaml:"link"`
	AtM         uint32 `yaml:"at_m"`
	From        string `yaml:"from"`
	Minutes     uint32 `yaml:"minutes"`
	ClosedLanes uint32 `yaml:"closed_lanes"`
}

type roadWorksFile struct {
	Link        string `yaml:"link"`
	From        string `yaml:"from"`
	To          string `yaml:"to"`
	FromHour    uint32 `yaml:"from_hour"`
	ToHour      uint32 `yaml:"to_hour"`
	ClosedLanes uint32 `yaml:"closed_lanes"`
	LimitKMH    uint32 `yaml:"limit_kmh,omitempty"`
}

type rainFile struct {
	ChancePercent   uint32 `yaml:"chance_percent"`
	MinHours        uint32 `yaml:"min_hours"`
	MaxHours        uint32 `yaml:"max_hours"`
	SpeedPercent    uint32 `yaml:"speed_percent"`
	CapacityPercent uint32 `yaml:"capacity_percent"`
}

type speedingFile struct {
	Link         string `yaml:"link"`
	SharePercent uint32 `yaml:"share_percent"`
	OverPercent  uint32 `yaml:"over_percent"`
}

// link finds a link by its identifier.
func (r *scenarioReader) link(path, id string) (int, *link, error) {
	i, ok := r.graph.byID[id]
	if !ok {
		return 0, nil, r.fault(path, "network %s has no link %s", quoted(r.net.Name), quoted(id))
	}
	return i, &r.graph.links[i], nil
}

func (r *scenarioReader) readVariation(f variationFile) error {
	r.s.variation = variation{f.Capacity, f.JamDensity, f.CapacityDrop, f.DetectorError}
	return firstError(
		func() error { return r.within("variation_percent.capacity", f.Capacity, 0, 20) },
		func() error { return r.within("variation_percent.jam_density", f.JamDensity, 0, 20) },
		func() error { return r.within("variation_percent.capacity_drop", f.CapacityDrop, 0, 20) },
		func() error { return r.within("variation_percent.detector_error", f.DetectorError, 0, 20) },
	)
}

func (r *scenarioReader) readRandomIncidents(f *randomIncidentsFile) error {
	if f == nil {
		return nil
	}
	r.s.randomIncidents = &randomIncidents{f.PerWeek, f.MinMinutes, f.MaxMinutes, uint8(f.ClosedLanes)}
	return firstError(
		func() error { return r.within("random_incidents.per_week", f.PerWeek, 0, 1000) },
		func() error { return r.within("random_incidents.min_minutes", f.MinMinutes, 1, maxIncidentMin) },
		func() error {
			return r.within("random_incidents.max_minutes", f.MaxMinutes, f.MinMinutes, maxIncidentMin)
		},
		func() error { return r.within("random_incidents.closed_lanes", f.ClosedLanes, 1, maxLanes) },
	)
}

// maxIncidentMin is how long an incident may last, minutes: its queue must be
// gone when the day ends.
const maxIncidentMin = 360

func (r *scenarioReader) readIncidents(files []incidentFile) error {
	if err := checkCount(r.source, "incidents", len(files), 0, maxEvents); err != nil {
		return err
	}
	for i, f := range files {
		path := fmt.Sprintf("incidents[%d]", i)
		li, l, err := r.link(path+".link", f.Link)
		if err != nil {
			return err
		}
		day, fromS, ok := parseMoment(f.From, r.zone)
		if !ok {
			return r.fault(path+".from", "is %s, must be a local time as 2026-03-04T07:40, from 1980 to 2060", quoted(f.From))
		}
		if fromS < (5-dayStartHour)*3600 || fromS > (20-dayStartHour)*3600 {
			return r.fault(path+".from", "is %s, must be from 05:00 to 20:00: its queue must be gone by 03:00", quoted(f.From))
		}
		err = firstError(
			func() error { return r.within(path+".at_m", f.AtM, 0, l.lengthM) },
			func() error { return r.within(path+".minutes", f.Minutes, 1, maxIncidentMin) },
			func() error { return r.closed(path, f.ClosedLanes, 1, uint32(l.lanes), l) },
		)
		if err != nil {
			return err
		}
		r.s.incidents = append(r.s.incidents, incident{li, f.AtM, day, fromS, f.Minutes * 60, uint8(f.ClosedLanes)})
	}
	return nil
}

// closed checks how many of a link's lanes are closed.
func (r *scenarioReader) closed(path string, v, lo, hi uint32, l *link) error {
	if v < lo || v > hi {
		return r.fault(path+".closed_lanes", "is %d, must be %d to %d: link %s has %d lanes", v, lo, hi, quoted(l.id), l.lanes)
	}
	return nil
}

func (r *scenarioReader) readRoadWorks(files []roadWorksFile) error {
	if err := checkCount(r.source, "road_works", len(files), 0, maxEvents); err != nil {
		return err
	}
	for i, f := range files {
		path := fmt.Sprintf("road_works[%d]", i)
		w, err := r.roadWorks(path, f)
		if err != nil {
			return err
		}
		for j, o := range r.s.works {
			if o.link == w.link && o.firstDay <= w.lastDay && w.firstDay <= o.lastDay && o.fromHour < w.toHour && w.fromHour < o.toHour {
				return r.fault(path+".from", "is %s, when road_works[%d] is on link %s at the same hours", quoted(f.From), j, quoted(f.Link))
			}
		}
		r.s.works = append(r.s.works, w)
	}
	return nil
}

func (r *scenarioReader) roadWorks(path string, f roadWorksFile) (w roadWorks, err error) {
	var l *link
	if w.link, l, err = r.link(path+".link", f.Link); err != nil {
		return w, err
	}
	if w.firstDay, err = r.date(path+".from", f.From); err != nil {
		return w, err
	}
	if w.lastDay, err = r.date(path+".to", f.To); err != nil {
		return w, err
	}
	w.fromHour, w.toHour = f.FromHour, f.ToHour
	w.closedLanes, w.limitKMH = uint8(f.ClosedLanes), uint8(f.LimitKMH)
	switch {
	case w.lastDay < w.firstDay:
		return w, r.fault(path+".to", "is %s, before from (%s)", quoted(f.To), f.From)
	case f.FromHour < dayStartHour || f.FromHour >= f.ToHour || f.ToHour > dayStartHour+hoursOfDay:
		return w, r.fault(path+".to_hour", "from_hour %d and to_hour %d must lie in this order from 3 to 27; 27 is 03:00 of the next day", f.FromHour, f.ToHour)
	case f.LimitKMH != 0 && f.LimitKMH < 5 || f.LimitKMH > uint32(l.limitKMH):
		return w, r.fault(path+".limit_kmh", "is %d, must be 5 to %d, or 0 for the link's own", f.LimitKMH, l.limitKMH)
	case f.ClosedLanes == 0 && f.LimitKMH == 0:
		return w, r.fault(path+".closed_lanes", "is 0 and so is limit_kmh: the works would change nothing")
	}
	return w, r.closed(path, f.ClosedLanes, 0, uint32(l.lanes)-1, l)
}

func (r *scenarioReader) readRain(f *rainFile) error {
	if f == nil {
		return nil
	}
	r.s.rain = &rain{f.ChancePercent, f.MinHours, f.MaxHours, f.SpeedPercent, f.CapacityPercent}
	return firstError(
		func() error { return r.within("rain.chance_percent", f.ChancePercent, 0, 100) },
		func() error { return r.within("rain.min_hours", f.MinHours, 1, hoursOfDay) },
		func() error { return r.within("rain.max_hours", f.MaxHours, f.MinHours, hoursOfDay) },
		func() error { return r.within("rain.speed_percent", f.SpeedPercent, 50, 100) },
		func() error { return r.within("rain.capacity_percent", f.CapacityPercent, 50, 100) },
	)
}

func (r *scenarioReader) readSpeeding(files []speedingFile) error {
	if err := checkCount(r.source, "speeding", len(files), 0, maxEvents); err != nil {
		return err
	}
	seen := map[int]bool{}
	for i, f := range files {
		path := fmt.Sprintf("speeding[%d]", i)
		li, _, err := r.link(path+".link", f.Link)
		if err != nil {
			return err
		}
		if seen[li] {
			return r.fault(path+".link", "%q stands twice", f.Link)
		}
		seen[li] = true
		err = firstError(
			func() error { return r.within(path+".share_percent", f.SharePercent, 1, 100) },
			func() error { return r.within(path+".over_percent", f.OverPercent, 1, 100) },
		)
		if err != nil {
			return err
		}
		r.s.speeding = append(r.s.speeding, speeding{li, f.SharePercent, f.OverPercent})
	}
	return nil
}
