package world

import "fmt"

// Limits of a scenario file.
const (
	maxDemands   = 1000
	maxProfiles  = 100
	maxTrips     = 1 << 26 // of a day: what an entry of a column can name
	classIDBits  = 21
	maxPerClass  = 1 << classIDBits
	maxPersons   = 120
	minSpeedKMH  = 40
	maxSpeedKMH  = 200
	hoursOfDay   = 24
	lastMinute   = (dayStartHour + hoursOfDay) * 60
	firstMinute  = dayStartHour * 60
	maxDayFactor = 200
)

// scenarioFile is a scenario as written. The order of its fields is part of
// the fingerprint.
type scenarioFile struct {
	Name         string          `yaml:"name"`
	Days         daysFile        `yaml:"days_percent"`
	NoisePercent uint32          `yaml:"noise_percent"`
	Vehicles     perClass        `yaml:"vehicles"`
	Speeds       []speedFile     `yaml:"speeds"`
	ClassMix     []mixFile       `yaml:"class_mix"`
	Persons      []personsFile   `yaml:"persons"`
	Profiles     []profileFile   `yaml:"profiles"`
	Demand       []demandFile    `yaml:"demand"`
	Commuters    []commutersFile `yaml:"commuters"`
	// Faults stays out of the fingerprint of a scenario that has none.
	Faults []faultFile `yaml:"faults,omitempty" json:",omitempty"`
}

// daysFile is the demand of each day in percent of what demand says.
type daysFile struct {
	Monday    uint32 `yaml:"monday"`
	Tuesday   uint32 `yaml:"tuesday"`
	Wednesday uint32 `yaml:"wednesday"`
	Thursday  uint32 `yaml:"thursday"`
	Friday    uint32 `yaml:"friday"`
	Saturday  uint32 `yaml:"saturday"`
	Sunday    uint32 `yaml:"sunday"`
}

// byWeekday is indexed by time.Weekday.
func (d daysFile) byWeekday() [7]uint32 {
	return [7]uint32{d.Sunday, d.Monday, d.Tuesday, d.Wednesday, d.Thursday, d.Friday, d.Saturday}
}

// perClass is a number for each class.
type perClass struct {
	Car        uint32 `yaml:"car"`
	Van        uint32 `yaml:"van"`
	Truck      uint32 `yaml:"truck"`
	Bus        uint32 `yaml:"bus"`
	Motorcycle uint32 `yaml:"motorcycle"`
	Other      uint32 `yaml:"other"`
}

func (p perClass) byClass() [classes]uint32 {
	return [classes]uint32{0, p.Car, p.Van, p.Truck, p.Bus, p.Motorcycle, p.Other}
}

type speedFile struct {
	Class   string `yaml:"class"`
	MeanKMH uint32 `yaml:"mean_kmh"`
	SDKMH   uint32 `yaml:"sd_kmh"`
	MinKMH  uint32 `yaml:"min_kmh"`
	MaxKMH  uint32 `yaml:"max_kmh"`
}

type mixFile struct {
	FromHour uint32   `yaml:"from_hour"`
	ToHour   uint32   `yaml:"to_hour"`
	Weights  perClass `yaml:"weights"`
}

type personsFile struct {
	Class    string   `yaml:"class"`
	Purpose  string   `yaml:"purpose"`
	FromHour uint32   `yaml:"from_hour"`
	ToHour   uint32   `yaml:"to_hour"`
	Step     uint32   `yaml:"step"`
	Weights  []uint32 `yaml:"weights"`
}

type profileFile struct {
	ID     string   `yaml:"id"`
	ByHour []uint32 `yaml:"by_hour"`
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

// scenario is a checked scenario on a network.
type scenario struct {
	dayPercent [7]uint32
	noise      uint32
	population [classes]uint32
	speeds     [classes]speedFile
	mix        [hoursOfDay]quantiles
	persons    [2][classes][hoursOfDay]*persons
	demand     []demand
	commuters  []commuters
	commuting  uint32             // cars with an owner who commutes: the first of their class
	faults     map[string][]Fault // by device
}

// Purposes of a trip.
const (
	purposeCommute = iota
	purposeOther
)

// persons is how many are aboard: (bin of weights)·step + 1 and, within a
// step, evenly.
type persons struct {
	step    uint32
	weights quantiles
}

// demand is vehicles per day on a way.
type demand struct {
	way
	vehicles         uint32
	workday, weekend quantiles
}

// commuters leave home each workday at about the same time, and come back.
type commuters struct {
	out, back             way
	first, cars, present  uint32
	outAt, backAt, jitter int64 // seconds since the day's start; ± jitter
	outSpread, backSpread int64 // seconds
}

// parseScenario reads and checks a scenario file against a network.
func parseScenario(text []byte, roads []road) (scenarioFile, *scenario, error) {
	src := source{"scenario", text}
	var f scenarioFile
	if err := src.decode(&f); err != nil {
		return f, nil, err
	}
	s := &scenario{dayPercent: f.Days.byWeekday(), noise: f.NoisePercent, population: f.Vehicles.byClass()}
	err := firstError(
		func() error { return checkName(src, "name", f.Name) },
		func() error { return s.checkTotals(src) },
		func() error { return s.readSpeeds(src, f.Speeds) },
		func() error { return s.readMix(src, f.ClassMix) },
		func() error { return s.readPersons(src, f.Persons) },
		func() error { return s.readDemand(src, f.Demand, f.Profiles, roads) },
		func() error { return s.readCommuters(src, f.Commuters, roads) },
	)
	return f, s, err
}

func (s *scenario) checkTotals(src source) error {
	for _, p := range s.dayPercent {
		if p > maxDayFactor {
			return src.fault("days_percent", "has %d, must be at most %d", p, maxDayFactor)
		}
	}
	if s.noise > 50 {
		return src.fault("noise_percent", "is %d, must be at most 50", s.noise)
	}
	for c := Car; c < classes; c++ {
		if s.population[c] < 1 || s.population[c] > maxPerClass {
			return src.fault("vehicles."+c.String(), "is %d, must be 1 to %d", s.population[c], maxPerClass)
		}
	}
	return nil
}

func (s *scenario) readSpeeds(src source, files []speedFile) error {
	for i, f := range files {
		path := fmt.Sprintf("speeds[%d]", i)
		c := parseClass(f.Class)
		switch {
		case c == 0 || s.speeds[c].Class != "":
			return src.fault(path+".class", "is %s, must be one of the six classes, each once", quoted(f.Class))
		case f.MinKMH < minSpeedKMH || f.MaxKMH > maxSpeedKMH || f.MinKMH > f.MeanKMH || f.MeanKMH > f.MaxKMH:
			return src.fault(path+".mean_kmh", "%d must lie between min_kmh (at least %d) and max_kmh (at most %d)", f.MeanKMH, minSpeedKMH, maxSpeedKMH)
		case f.SDKMH > 40:
			return src.fault(path+".sd_kmh", "is %d, must be at most 40", f.SDKMH)
		}
		s.speeds[c] = f
	}
	for c := Car; c < classes; c++ {
		if s.speeds[c].Class == "" {
			return src.fault("speeds", "has no entry for %s", c)
		}
	}
	return nil
}

func checkHours(src source, path string, from, to uint32) error {
	if from >= to || to > hoursOfDay {
		return src.fault(path+".to_hour", "is %d, must be after from_hour (%d) and at most 24", to, from)
	}
	return nil
}

func (s *scenario) readMix(src source, files []mixFile) error {
	for i, f := range files {
		path := fmt.Sprintf("class_mix[%d]", i)
		if err := checkHours(src, path, f.FromHour, f.ToHour); err != nil {
			return err
		}
		weights := f.Weights.byClass()
		q, ok := newQuantiles(weights[:])
		if !ok {
			return src.fault(path+".weights", "must have a sum of 1 to %d", maxWeight)
		}
		for h := f.FromHour; h < f.ToHour; h++ {
			if s.mix[h] != nil {
				return src.fault(path+".from_hour", "hour %d is given twice", h)
			}
			s.mix[h] = q
		}
	}
	for h, q := range s.mix {
		if q == nil {
			return src.fault("class_mix", "has no entry for hour %d", h)
		}
	}
	return nil
}

func (s *scenario) readPersons(src source, files []personsFile) error {
	for i, f := range files {
		path := fmt.Sprintf("persons[%d]", i)
		c := parseClass(f.Class)
		purpose := purposeOther
		if f.Purpose == "commute" {
			purpose = purposeCommute
		} else if f.Purpose != "other" {
			return src.fault(path+".purpose", "is %s, must be commute or other", quoted(f.Purpose))
		}
		if c == 0 {
			return src.fault(path+".class", "is %s, must be one of the six classes", quoted(f.Class))
		}
		if err := checkHours(src, path, f.FromHour, f.ToHour); err != nil {
			return err
		}
		if f.Step < 1 || uint64(f.Step)*uint64(len(f.Weights)) > maxPersons {
			return src.fault(path+".step", "is %d, must be at least 1, and at most %d over the number of weights", f.Step, maxPersons)
		}
		q, ok := newQuantiles(f.Weights)
		if !ok {
			return src.fault(path+".weights", "must have a sum of 1 to %d", maxWeight)
		}
		for h := f.FromHour; h < f.ToHour; h++ {
			if s.persons[purpose][c][h] != nil {
				return src.fault(path+".from_hour", "hour %d is given twice for %s", h, f.Class)
			}
			s.persons[purpose][c][h] = &persons{f.Step, q}
		}
	}
	return s.checkPersons(src)
}

func (s *scenario) checkPersons(src source) error {
	for h := range hoursOfDay {
		for c := Car; c < classes; c++ {
			if s.persons[purposeOther][c][h] == nil {
				return src.fault("persons", "has no entry for %s, other, hour %d", c, h)
			}
		}
		if s.persons[purposeCommute][Car][h] == nil {
			return src.fault("persons", "has no entry for car, commute, hour %d", h)
		}
	}
	return nil
}

func (s *scenario) readDemand(src source, files []demandFile, profiles []profileFile, roads []road) error {
	if len(files) == 0 || len(files) > maxDemands {
		return src.fault("demand", "has %d entries, must have 1 to %d", len(files), maxDemands)
	}
	byID, err := readProfiles(src, profiles)
	if err != nil {
		return err
	}
	var total uint64
	for i, f := range files {
		path := fmt.Sprintf("demand[%d]", i)
		w, ok := wayBetween(roads, f.From, f.To)
		if !ok {
			return src.fault(path+".to", "no road leads from node %s to node %s", quoted(f.From), quoted(f.To))
		}
		d := demand{way: w, vehicles: f.Vehicles, workday: byID[f.Workday], weekend: byID[f.Weekend]}
		if d.workday == nil {
			return src.fault(path+".workday", "there is no profile %s", quoted(f.Workday))
		}
		if d.weekend == nil {
			return src.fault(path+".weekend", "there is no profile %s", quoted(f.Weekend))
		}
		if total += uint64(f.Vehicles); total*maxDayFactor/100*2 > maxTrips {
			return src.fault(path+".vehicles", "%d is more than a day can hold", f.Vehicles)
		}
		s.demand = append(s.demand, d)
	}
	return nil
}

func readProfiles(src source, profiles []profileFile) (map[string]quantiles, error) {
	if len(profiles) > maxProfiles {
		return nil, src.fault("profiles", "has %d entries, must have at most %d", len(profiles), maxProfiles)
	}
	byID := map[string]quantiles{}
	for i, f := range profiles {
		path := fmt.Sprintf("profiles[%d]", i)
		if byID[f.ID] != nil {
			return nil, src.fault(path+".id", "%q stands twice", f.ID)
		}
		if len(f.ByHour) != hoursOfDay {
			return nil, src.fault(path+".by_hour", "has %d entries, must have 24", len(f.ByHour))
		}
		rotated := append(append([]uint32(nil), f.ByHour[dayStartHour:]...), f.ByHour[:dayStartHour]...)
		q, ok := newQuantiles(rotated)
		if !ok {
			return nil, src.fault(path+".by_hour", "must have a sum of 1 to %d", maxWeight)
		}
		byID[f.ID] = q
	}
	return byID, nil
}

func (s *scenario) readCommuters(src source, files []commutersFile, roads []road) error {
	if len(files) > maxDemands {
		return src.fault("commuters", "has %d entries, must have at most %d", len(files), maxDemands)
	}
	for i, f := range files {
		path := fmt.Sprintf("commuters[%d]", i)
		out, ok := wayBetween(roads, f.From, f.To)
		back, okBack := wayBetween(roads, f.To, f.From)
		if !ok || !okBack {
			return src.fault(path+".to", "no road leads from node %s to node %s and back", quoted(f.From), quoted(f.To))
		}
		if f.PresentPercent > 100 {
			return src.fault(path+".present_percent", "is %d, must be at most 100", f.PresentPercent)
		}
		if f.Cars > s.population[Car]-s.commuting {
			return src.fault(path+".cars", "%d is more than vehicles.car leaves (%d)", f.Cars, s.population[Car]-s.commuting)
		}
		c := commuters{out: out, back: back, first: s.commuting, cars: f.Cars, present: f.PresentPercent}
		c.jitter = int64(f.JitterMin) * 60
		c.outSpread, c.backSpread = int64(f.OutSpreadMin)*60, int64(f.BackSpreadMin)*60
		if c.outAt, ok = commuteTime(f.Out, f.OutSpreadMin, f.JitterMin); !ok {
			return src.fault(path+".out", "is %s, must be a time of day that with spread and jitter stays between 03:00 and 27:00", quoted(f.Out))
		}
		if c.backAt, ok = commuteTime(f.Back, f.BackSpreadMin, f.JitterMin); !ok {
			return src.fault(path+".back", "is %s, must be a time of day that with spread and jitter stays between 03:00 and 27:00", quoted(f.Back))
		}
		s.commuting += f.Cars
		s.commuters = append(s.commuters, c)
	}
	if s.population[Car] == s.commuting {
		return src.fault("vehicles.car", "is %d, must be more than all commuters' cars", s.population[Car])
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
