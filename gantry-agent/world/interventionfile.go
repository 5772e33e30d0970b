package world

import "fmt"

// maxInterventions limits a file of interventions, and those of a scenario.
const maxInterventions = 100

// interventionsFile is a file of interventions alone, for a comparison with
// and without them.
type interventionsFile struct {
	Interventions []interventionFile `yaml:"interventions"`
}

type interventionFile struct {
	From        string           `yaml:"from"`
	AddLane     *addLaneFile     `yaml:"add_lane,omitempty"`
	SpeedCamera *speedCameraFile `yaml:"speed_camera,omitempty"`
	Shift       *shiftFile       `yaml:"shift,omitempty"`
	Bus         *busFile         `yaml:"bus,omitempty"`
}

type addLaneFile struct {
	Link string `yaml:"link"`
}

type speedCameraFile struct {
	Station           string `yaml:"station"`
	ReachM            uint32 `yaml:"reach_m"`
	CompliancePercent uint32 `yaml:"compliance_percent"`
}

type shiftFile struct {
	Road      string `yaml:"road,omitempty"`
	Direction string `yaml:"direction"`
	From      string `yaml:"from"`
	To        string `yaml:"to"`
	Percent   uint32 `yaml:"percent"`
	Minutes   uint32 `yaml:"minutes"`
}

type busFile struct {
	Origin      string `yaml:"origin"`
	Destination string `yaml:"destination"`
	Percent     uint32 `yaml:"percent"`
	Persons     uint32 `yaml:"persons"`
}

// parseInterventions reads and checks a file of interventions against a
// network and a scenario on it, which is not changed.
func parseInterventions(text []byte, net *Network, g *graph, s *scenario) ([]intervention, error) {
	own := *s
	r := &scenarioReader{source: source{"interventions", text}, net: net, graph: g, s: &own, reach: map[int][]bool{}}
	var f interventionsFile
	if err := r.decode(&f); err != nil {
		return nil, err
	}
	if err := checkCount(r.source, "interventions", len(f.Interventions), 1, maxInterventions); err != nil {
		return nil, err
	}
	before := len(s.interventions)
	own.interventions = append([]intervention(nil), s.interventions...)
	err := r.readInterventions(f.Interventions)
	return own.interventions[before:], err
}

func (r *scenarioReader) readInterventions(files []interventionFile) error {
	if err := checkCount(r.source, "interventions", len(files), 0, maxInterventions); err != nil {
		return err
	}
	for i, f := range files {
		path := fmt.Sprintf("interventions[%d]", i)
		day, err := r.date(path+".from", f.From)
		if err != nil {
			return err
		}
		kinds := 0
		for _, given := range []bool{f.AddLane != nil, f.SpeedCamera != nil, f.Shift != nil, f.Bus != nil} {
			if given {
				kinds++
			}
		}
		if kinds != 1 {
			return r.fault(path, "has %d kinds, must have one of add_lane, speed_camera, shift and bus", kinds)
		}
		v := intervention{day: day}
		switch {
		case f.AddLane != nil:
			v.addLane, err = r.addLane(path+".add_lane", f.AddLane)
		case f.SpeedCamera != nil:
			v.camera, err = r.camera(path+".speed_camera", f.SpeedCamera)
		case f.Shift != nil:
			v.shift, err = r.shift(path+".shift", f.Shift)
		default:
			v.bus, err = r.bus(path+".bus", f.Bus)
		}
		if err != nil {
			return err
		}
		r.s.interventions = append(r.s.interventions, v)
	}
	return nil
}

func (r *scenarioReader) addLane(path string, f *addLaneFile) (*addLane, error) {
	li, l, err := r.link(path+".link", f.Link)
	if err != nil {
		return nil, err
	}
	lanes := int(l.lanes) + 1
	for _, o := range r.s.interventions {
		if o.addLane != nil && o.addLane.link == li {
			lanes++
		}
	}
	if lanes > maxLanes {
		return nil, r.fault(path+".link", "link %s would have %d lanes, must have at most %d", quoted(f.Link), lanes, maxLanes)
	}
	return &addLane{li}, nil
}

func (r *scenarioReader) camera(path string, f *speedCameraFile) (*camera, error) {
	si, ok := r.net.station(f.Station)
	if !ok {
		return nil, r.fault(path+".station", "network %s has no station %s", quoted(r.net.Name), quoted(f.Station))
	}
	c := &camera{si, r.graph.byID[r.net.Stations[si].Link], f.ReachM, f.CompliancePercent}
	return c, firstError(
		func() error { return r.within(path+".reach_m", f.ReachM, 100, 10_000) },
		func() error { return r.within(path+".compliance_percent", f.CompliancePercent, 1, 100) },
	)
}

func (r *scenarioReader) shift(path string, f *shiftFile) (*shift, error) {
	if !r.hasRoad(f.Road, f.Direction) {
		return nil, r.fault(path+".direction", "network %s has no links of road %s, direction %s", quoted(r.net.Name), quoted(f.Road), quoted(f.Direction))
	}
	from, okFrom := parseClock(f.From)
	to, okTo := parseClock(f.To)
	switch {
	case !okFrom || from < firstMinute:
		return nil, r.fault(path+".from", "is %s, must be a time of day from 03:00 on", quoted(f.From))
	case !okTo || to <= from || to > lastMinute:
		return nil, r.fault(path+".to", "is %s, must be a time of day after from, at most 27:00", quoted(f.To))
	}
	s := &shift{
		road: f.Road, direction: f.Direction, fromS: uint32(from-firstMinute) * 60, toS: uint32(to-firstMinute) * 60,
		percent: f.Percent, minutes: f.Minutes,
	}
	return s, firstError(
		func() error { return r.within(path+".percent", f.Percent, 1, 100) },
		func() error { return r.within(path+".minutes", f.Minutes, 1, 180) },
	)
}

// hasRoad says whether there is a link of that road, any when it is empty, and
// direction.
func (r *scenarioReader) hasRoad(road, direction string) bool {
	for i := range r.graph.links {
		l := &r.graph.links[i]
		if (road == "" || l.road == road) && l.direction == direction {
			return true
		}
	}
	return false
}

func (r *scenarioReader) bus(path string, f *busFile) (*bus, error) {
	origin, destination, err := r.pair(path, "origin", f.Origin, "destination", f.Destination)
	if err != nil {
		return nil, err
	}
	if !r.hasDemand(origin, destination) {
		return nil, r.fault(path+".destination", "the scenario has no demand from zone %s to zone %s", quoted(f.Origin), quoted(f.Destination))
	}
	return &bus{origin, destination, f.Percent, f.Persons}, firstError(
		func() error { return r.within(path+".percent", f.Percent, 1, 100) },
		func() error { return r.within(path+".persons", f.Persons, 1, maxPersons) },
	)
}

func (r *scenarioReader) hasDemand(origin, destination int) bool {
	for _, d := range r.s.demand {
		if d.origin == origin && d.destination == destination {
			return true
		}
	}
	for _, c := range r.s.commuters {
		if c.origin == origin && c.destination == destination || c.origin == destination && c.destination == origin {
			return true
		}
	}
	return false
}
