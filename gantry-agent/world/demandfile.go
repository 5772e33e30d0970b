package world

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Limits of a scenario file.
const (
	maxDemands  = 4000
	maxProfiles = 100
)

type profileFile struct {
	ID     string   `yaml:"id"`
	ByHour []uint32 `yaml:"by_hour,flow"`
}

type demandFile struct {
	From     string `yaml:"from"`
	To       string `yaml:"to"`
	Vehicles uint32 `yaml:"vehicles"`
	Workday  string `yaml:"workday"`
	Weekend  string `yaml:"weekend"`
}

type commutersFile struct {
	From           string `yaml:"from"`
	To             string `yaml:"to"`
	Cars           uint32 `yaml:"cars"`
	PresentPercent uint32 `yaml:"present_percent"`
	Out            string `yaml:"out"`
	OutSpreadMin   uint32 `yaml:"out_spread_min"`
	Back           string `yaml:"back"`
	BackSpreadMin  uint32 `yaml:"back_spread_min"`
	JitterMin      uint32 `yaml:"jitter_min"`
}

// pair is the zones at both ends of a trip; from and to are the names of its
// fields.
func (r *scenarioReader) pair(path, fromField, from, toField, to string) (origin, destination int, err error) {
	if origin, err = r.zoneNode(path+"."+fromField, from); err != nil {
		return 0, 0, err
	}
	if destination, err = r.zoneNode(path+"."+toField, to); err != nil {
		return 0, 0, err
	}
	if origin == destination {
		return 0, 0, r.fault(path+"."+toField, "is %s as %s is, must be another zone", quoted(to), fromField)
	}
	return origin, destination, r.checkRoute(path+"."+toField, origin, destination)
}

func (r *scenarioReader) zoneNode(path, id string) (int, error) {
	n, ok := r.graph.zones[id]
	if ok {
		return n, nil
	}
	names := slices.Sorted(maps.Keys(r.graph.zones))
	if len(names) > 8 {
		names = append(names[:8], "…")
	}
	return 0, r.fault(path, "network %s has no zone %s (it has %s): is the scenario for another network?",
		quoted(r.net.Name), quoted(id), strings.Join(names, ", "))
}

// checkRoute says whether links lead from one zone to another.
func (r *scenarioReader) checkRoute(path string, origin, destination int) error {
	if r.reach[origin] == nil {
		r.reach[origin] = r.graph.reach(origin)
	}
	if !r.reach[origin][destination] {
		return r.fault(path, "no links lead from zone %s to zone %s without passing through another zone",
			quoted(r.graph.nodes[origin].id), quoted(r.graph.nodes[destination].id))
	}
	return nil
}

func (r *scenarioReader) readDemand(files []demandFile, profiles []profileFile) error {
	if err := checkCount(r.source, "demand", len(files), 1, maxDemands); err != nil {
		return err
	}
	byID, err := r.readProfiles(profiles)
	if err != nil {
		return err
	}
	var total uint64
	for i, f := range files {
		path := fmt.Sprintf("demand[%d]", i)
		d := demand{vehicles: f.Vehicles, workday: byID[f.Workday], weekend: byID[f.Weekend]}
		if d.origin, d.destination, err = r.pair(path, "from", f.From, "to", f.To); err != nil {
			return err
		}
		if d.workday == nil {
			return r.fault(path+".workday", "there is no profile %s", quoted(f.Workday))
		}
		if d.weekend == nil {
			return r.fault(path+".weekend", "there is no profile %s", quoted(f.Weekend))
		}
		total += uint64(f.Vehicles)
		if busiest := total * uint64(slices.Max(r.s.dayPercent[:])) / 100 * uint64(100+2*r.s.noise) / 100; busiest > maxTrips {
			return r.fault(path+".vehicles", "%d makes %d trips on the busiest day, more than the %d a day can hold: split the network", f.Vehicles, busiest, maxTrips)
		}
		r.s.demand = append(r.s.demand, d)
	}
	return nil
}

// readProfiles gives the weights of each profile from the world day's first
// hour on.
func (r *scenarioReader) readProfiles(profiles []profileFile) (map[string][]uint32, error) {
	if err := checkCount(r.source, "profiles", len(profiles), 1, maxProfiles); err != nil {
		return nil, err
	}
	byID := map[string][]uint32{}
	for i, f := range profiles {
		path := fmt.Sprintf("profiles[%d]", i)
		if err := checkName(r.source, path+".id", f.ID); err != nil {
			return nil, err
		}
		if byID[f.ID] != nil {
			return nil, r.fault(path+".id", "%q stands twice", f.ID)
		}
		if len(f.ByHour) != hoursOfDay {
			return nil, r.fault(path+".by_hour", "has %d entries, must have 24", len(f.ByHour))
		}
		if _, ok := newQuantiles(f.ByHour); !ok {
			return nil, r.fault(path+".by_hour", "must have a sum of 1 to %d", maxWeight)
		}
		byID[f.ID] = append(slices.Clone(f.ByHour[dayStartHour:]), f.ByHour[:dayStartHour]...)
	}
	return byID, nil
}

func (r *scenarioReader) readCommuters(files []commutersFile) error {
	if err := checkCount(r.source, "commuters", len(files), 0, maxDemands); err != nil {
		return err
	}
	for i, f := range files {
		path := fmt.Sprintf("commuters[%d]", i)
		c := commuters{first: r.s.commuting, cars: f.Cars, present: f.PresentPercent}
		var err error
		if c.origin, c.destination, err = r.pair(path, "from", f.From, "to", f.To); err != nil {
			return err
		}
		if err := r.checkRoute(path+".to", c.destination, c.origin); err != nil {
			return err
		}
		if err := r.within(path+".present_percent", f.PresentPercent, 0, 100); err != nil {
			return err
		}
		if left := r.s.population[Car] - r.s.commuting; f.Cars > left {
			return r.fault(path+".cars", "%d is more than vehicles.car leaves (%d)", f.Cars, left)
		}
		c.jitter = int64(f.JitterMin) * 60
		c.outSpread, c.backSpread = int64(f.OutSpreadMin)*60, int64(f.BackSpreadMin)*60
		var ok bool
		if c.outAt, ok = commuteTime(f.Out, f.OutSpreadMin, f.JitterMin); !ok {
			return r.fault(path+".out", "is %s, must be a time of day that with spread and jitter stays between 03:00 and 27:00", quoted(f.Out))
		}
		if c.backAt, ok = commuteTime(f.Back, f.BackSpreadMin, f.JitterMin); !ok {
			return r.fault(path+".back", "is %s, must be a time of day that with spread and jitter stays between 03:00 and 27:00", quoted(f.Back))
		}
		r.s.commuting += f.Cars
		r.s.commuters = append(r.s.commuters, c)
	}
	if r.s.population[Car] == r.s.commuting {
		return r.fault("vehicles.car", "is %d, must be more than all commuters' cars", r.s.population[Car])
	}
	return nil
}

// commuteTime is a time of day in seconds since the world day's start.
func commuteTime(s string, spread, jitter uint32) (int64, bool) {
	at, ok := parseClock(s)
	margin := int(min(spread, 10_000) + min(jitter, 10_000))
	if !ok || at-margin < firstMinute || at+margin > lastMinute {
		return 0, false
	}
	return int64(at-firstMinute) * 60, true
}
