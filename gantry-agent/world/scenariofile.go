package world

import "fmt"

// scenarioFile is a scenario as written. The order of its fields is part of
// the fingerprint.
type scenarioFile struct {
	Name            string               `yaml:"name"`
	Days            daysFile             `yaml:"days_percent"`
	NoisePercent    uint32               `yaml:"noise_percent"`
	GrowthPerMille  int32                `yaml:"growth_permille_per_year,omitempty"`
	GrowthFrom      string               `yaml:"growth_from,omitempty"`
	Holidays        []string             `yaml:"holidays,omitempty"`
	Vehicles        perClass             `yaml:"vehicles"`
	Speeds          []speedFile          `yaml:"speeds"`
	ClassMix        []mixFile            `yaml:"class_mix"`
	Persons         []personsFile        `yaml:"persons"`
	Profiles        []profileFile        `yaml:"profiles"`
	Demand          []demandFile         `yaml:"demand"`
	Commuters       []commutersFile      `yaml:"commuters,omitempty"`
	CapacityDrop    uint32               `yaml:"capacity_drop_percent"`
	Variation       variationFile        `yaml:"variation_percent,omitempty"`
	RandomIncidents *randomIncidentsFile `yaml:"random_incidents,omitempty"`
	Incidents       []incidentFile       `yaml:"incidents,omitempty"`
	RoadWorks       []roadWorksFile      `yaml:"road_works,omitempty"`
	Rain            *rainFile            `yaml:"rain,omitempty"`
	Speeding        []speedingFile       `yaml:"speeding,omitempty"`
	// Faults stays out of the fingerprint of a scenario that has none.
	Faults        []faultFile        `yaml:"faults,omitempty" json:",omitempty"`
	Interventions []interventionFile `yaml:"interventions,omitempty"`
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
	Class       string `yaml:"class"`
	MeanPercent uint32 `yaml:"mean_percent"`
	SDPercent   uint32 `yaml:"sd_percent"`
	MinPercent  uint32 `yaml:"min_percent"`
	MaxPercent  uint32 `yaml:"max_percent"`
}

// Bounds of desired speeds, percent of the link's free-flow speed.
const (
	minSpeedPercent = 30
	maxSpeedPercent = 200
)

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
	Weights  []uint32 `yaml:"weights,flow"`
}

// scenarioReader checks a scenario file, or one of interventions, against a
// network.
type scenarioReader struct {
	source
	net   *Network
	graph *graph
	zone  zone
	s     *scenario
	reach map[int][]bool // by origin
}

// parseScenario reads and checks a scenario file against a network, whose zone
// its dates and times are in.
func parseScenario(text []byte, net *Network, g *graph, z zone) (scenarioFile, *scenario, error) {
	var f scenarioFile
	s := &scenario{holidays: map[int]bool{}}
	r := &scenarioReader{source{"scenario", text}, net, g, z, s, map[int][]bool{}}
	if err := r.decode(&f); err != nil {
		return f, nil, err
	}
	err := firstError(
		func() error { return checkName(r.source, "name", f.Name) },
		func() error { return r.readTotals(&f) },
		func() error { return r.readGrowth(&f) },
		func() error { return r.readHolidays(f.Holidays) },
		func() error { return r.readSpeeds(f.Speeds) },
		func() error { return r.readMix(f.ClassMix) },
		func() error { return r.readPersons(f.Persons) },
		func() error { return r.readDemand(f.Demand, f.Profiles) },
		func() error { return r.readCommuters(f.Commuters) },
		func() error { return r.readVariation(f.Variation) },
		func() error { return r.readRandomIncidents(f.RandomIncidents) },
		func() error { return r.readIncidents(f.Incidents) },
		func() error { return r.readRoadWorks(f.RoadWorks) },
		func() error { return r.readRain(f.Rain) },
		func() error { return r.readSpeeding(f.Speeding) },
		func() (err error) { s.faults, err = readFaults(r.source, f.Faults, net, z); return err },
		func() error { return r.readInterventions(f.Interventions) },
	)
	return f, s, err
}

// within checks a number of the file.
func (r *scenarioReader) within(path string, v, lo, hi uint32) error {
	return checkRange(r.source, path, v, lo, hi)
}

func (r *scenarioReader) readTotals(f *scenarioFile) error {
	s := r.s
	s.dayPercent, s.noise = f.Days.byWeekday(), f.NoisePercent
	s.population, s.dropPercent = f.Vehicles.byClass(), f.CapacityDrop
	for i, day := range []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"} {
		if err := r.within("days_percent."+day, s.dayPercent[i], 0, maxDayFactor); err != nil {
			return err
		}
	}
	for c := Car; c < classes; c++ {
		if err := r.within("vehicles."+c.String(), s.population[c], 1, maxPerClass); err != nil {
			return err
		}
	}
	return firstError(
		func() error { return r.within("noise_percent", s.noise, 0, 50) },
		func() error { return r.within("capacity_drop_percent", s.dropPercent, 0, 30) },
	)
}

// readGrowth also needs to know from when on demand grows: not from the
// network's valid_from, which moves when history is made longer.
func (r *scenarioReader) readGrowth(f *scenarioFile) (err error) {
	r.s.growthPerMille = f.GrowthPerMille
	if f.GrowthPerMille < -200 || f.GrowthPerMille > 200 {
		return r.fault("growth_permille_per_year", "is %d, must be -200 to 200", f.GrowthPerMille)
	}
	if f.GrowthFrom == "" {
		if f.GrowthPerMille != 0 {
			return r.fault("growth_permille_per_year", "is %d, and growth_from is missing: from when on?", f.GrowthPerMille)
		}
		return nil
	}
	r.s.growthDay, err = r.date("growth_from", f.GrowthFrom)
	return err
}

func (r *scenarioReader) readHolidays(dates []string) error {
	if err := checkCount(r.source, "holidays", len(dates), 0, 400); err != nil {
		return err
	}
	for i, text := range dates {
		day, err := r.date(fmt.Sprintf("holidays[%d]", i), text)
		if err != nil {
			return err
		}
		if r.s.holidays[day] {
			return r.fault(fmt.Sprintf("holidays[%d]", i), "%s stands twice", text)
		}
		r.s.holidays[day] = true
	}
	return nil
}

// date is a world day.
func (r *scenarioReader) date(path, text string) (int, error) {
	day, ok := parseDate(text)
	if !ok {
		return 0, r.fault(path, "is %s, must be a date as 2026-03-31, from 1980 to 2060", quoted(text))
	}
	return day, nil
}

func (r *scenarioReader) readSpeeds(files []speedFile) error {
	for i, f := range files {
		path := fmt.Sprintf("speeds[%d]", i)
		c := parseClass(f.Class)
		switch {
		case c == 0 || r.s.speeds[c].meanPerMille != 0:
			return r.fault(path+".class", "is %s, must be one of the six classes, each once", quoted(f.Class))
		case f.MinPercent < minSpeedPercent || f.MaxPercent > maxSpeedPercent || f.MinPercent > f.MeanPercent || f.MeanPercent > f.MaxPercent:
			return r.fault(path+".mean_percent", "%d must lie between min_percent (%d, at least %d) and max_percent (%d, at most %d)",
				f.MeanPercent, f.MinPercent, minSpeedPercent, f.MaxPercent, maxSpeedPercent)
		case f.SDPercent > 40:
			return r.fault(path+".sd_percent", "is %d, must be at most 40", f.SDPercent)
		}
		r.s.speeds[c] = speeds{int64(f.MeanPercent) * 10, int64(f.SDPercent) * 10, int64(f.MinPercent) * 10, int64(f.MaxPercent) * 10}
	}
	for c := Car; c < classes; c++ {
		if r.s.speeds[c].meanPerMille == 0 {
			return r.fault("speeds", "has no entry for %s", c)
		}
	}
	return nil
}

func (r *scenarioReader) checkHours(path string, from, to uint32) error {
	if from >= to || to > hoursOfDay {
		return r.fault(path+".to_hour", "is %d, must be after from_hour (%d) and at most 24", to, from)
	}
	return nil
}

func (r *scenarioReader) readMix(files []mixFile) error {
	for i, f := range files {
		path := fmt.Sprintf("class_mix[%d]", i)
		if err := r.checkHours(path, f.FromHour, f.ToHour); err != nil {
			return err
		}
		weights := f.Weights.byClass()
		q, ok := newQuantiles(weights[:])
		if !ok {
			return r.fault(path+".weights", "must have a sum of 1 to %d", maxWeight)
		}
		for h := f.FromHour; h < f.ToHour; h++ {
			if r.s.mix[h] != nil {
				return r.fault(path+".from_hour", "hour %d is given twice", h)
			}
			r.s.mix[h] = q
		}
	}
	for h, q := range r.s.mix {
		if q == nil {
			return r.fault("class_mix", "has no entry for hour %d", h)
		}
	}
	return nil
}

func (r *scenarioReader) readPersons(files []personsFile) error {
	for i, f := range files {
		path := fmt.Sprintf("persons[%d]", i)
		c := parseClass(f.Class)
		purpose := purposeOther
		if f.Purpose == "commute" {
			purpose = purposeCommute
		} else if f.Purpose != "other" {
			return r.fault(path+".purpose", "is %s, must be commute or other", quoted(f.Purpose))
		}
		if c == 0 {
			return r.fault(path+".class", "is %s, must be one of the six classes", quoted(f.Class))
		}
		if err := r.checkHours(path, f.FromHour, f.ToHour); err != nil {
			return err
		}
		if f.Step < 1 || uint64(f.Step)*uint64(len(f.Weights)) > maxPersons {
			return r.fault(path+".step", "is %d, must be at least 1, and at most %d over the number of weights", f.Step, maxPersons)
		}
		q, ok := newQuantiles(f.Weights)
		if !ok {
			return r.fault(path+".weights", "must have a sum of 1 to %d", maxWeight)
		}
		for h := f.FromHour; h < f.ToHour; h++ {
			if r.s.persons[purpose][c][h] != nil {
				return r.fault(path+".from_hour", "hour %d is given twice for %s", h, f.Class)
			}
			r.s.persons[purpose][c][h] = &persons{f.Step, q}
		}
	}
	return r.checkPersons()
}

func (r *scenarioReader) checkPersons() error {
	for h := range hoursOfDay {
		for c := Car; c < classes; c++ {
			if r.s.persons[purposeOther][c][h] == nil {
				return r.fault("persons", "has no entry for %s, other, hour %d", c, h)
			}
		}
		if r.s.persons[purposeCommute][Car][h] == nil {
			return r.fault("persons", "has no entry for car, commute, hour %d", h)
		}
	}
	return nil
}
