// Package truth says what would really follow from an intervention, and who
// really speeds: by running the world once more, with the intervention, on the
// same days with the same people.
//
// Order of operations, for one situation and seed:
//
//  1. Open makes the world as it is and sums up its days.
//  2. For each link, origin and destination, and direction with its window,
//     Saved makes a world with the intervention and compares. Each comparison is
//     made once.
//  3. Stations runs through the passages themselves.
//
// All savings are per workday, the mean of all days given.
package truth

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/gantry-dev/gantry/deploy/score/planted"
	"github.com/gantry-dev/gantry/gantry-agent/world"
)

// Site is one situation with one seed.
type Site struct {
	// Situation that is looked at.
	Situation planted.Situation
	// Seed of all chance.
	Seed uint64

	world    *world.World
	days     []time.Time
	demand   []Pair
	from     string // date of interventions, before all days
	base     sums
	mu       sync.Mutex
	answered map[string]*answer

	lookOnce sync.Once
	stations []Station
	lookErr  error
}

// ErrFault says that a scenario asks more of its roads than they can do within
// a day with this seed: then there is no truth to compare with.
var ErrFault = errors.New("no truth")

// Pair is two zones between which there is demand.
type Pair struct {
	// Origin and Destination are zones.
	Origin, Destination string
}

// sums are the time that all spend on the road, microseconds.
type sums struct{ vehicles, persons uint64 }

// answer is a comparison, made once.
type answer struct {
	once  sync.Once
	saved Saved
	err   error
}

// Saved is what an intervention saves per workday, hours; negative where it
// costs.
type Saved struct {
	// VehicleH and PersonH are hours per workday.
	VehicleH, PersonH float64
}

// Open makes the world and evaluates its days, which are given by their
// midnight, UTC.
func Open(ctx context.Context, s planted.Situation, seed uint64, days []time.Time) (*Site, error) {
	w, err := s.World(seed, nil)
	if err != nil {
		return nil, err
	}
	t := &Site{Situation: s, Seed: seed, world: w, days: days, answered: map[string]*answer{}}
	t.from = days[0].AddDate(0, 0, -1).Format(time.DateOnly)
	if t.demand, err = pairs(s.Scenario); err != nil {
		return nil, fmt.Errorf("situation %s: %w", s.Name, err)
	}
	if t.base, err = t.sum(ctx, w); err != nil {
		return nil, err
	}
	return t, nil
}

// World is the world without interventions.
func (t *Site) World() *world.World { return t.world }

// Days are the workdays, by their midnight, UTC.
func (t *Site) Days() []time.Time { return t.days }

// sum adds up the workdays of a world, which must be without fault.
func (t *Site) sum(ctx context.Context, w *world.World) (sums, error) {
	var all sums
	for _, day := range t.days {
		if err := ctx.Err(); err != nil {
			return all, err
		}
		d := w.Totals(number(day))
		all.vehicles += d.VehicleMicros
		all.persons += d.PersonMicros
		if d.Unfinished > 0 {
			return all, fmt.Errorf("%w: situation %s, seed %d: %d trips of %s never arrive", ErrFault, t.Situation.Name, t.Seed, d.Unfinished, day.Format(time.DateOnly))
		}
	}
	if err := w.Fault(); err != nil {
		return all, fmt.Errorf("%w: situation %s, seed %d: %w", ErrFault, t.Situation.Name, t.Seed, err)
	}
	return all, nil
}

// number is the world day that begins on a date, in the network's zone.
func number(day time.Time) int { return int(day.Unix() / (24 * 3600)) }

// span is when the world day of a date begins and ends.
func span(w *world.World, day time.Time) (from, to world.Micros) {
	at := day.UnixMicro()
	for w.DayNumber(at) < number(day) {
		at += hourMicros
	}
	from = w.DayStart(at)
	for w.DayNumber(at) == number(day) {
		at += hourMicros
	}
	return from, w.DayStart(at)
}

const hourMicros = world.Micros(3600 * 1_000_000)

// Lane is what one more lane of a link saves.
func (t *Site) Lane(ctx context.Context, link string) (Saved, error) {
	return t.saved(ctx, map[string]any{"add_lane": map[string]any{"link": link}})
}

// Shares of the interventions that the questions ask about.
const (
	busPercent   = 5
	busPersons   = 50
	shiftPercent = 10
	shiftMinutes = 30
)

// Bus is what buses for one in twenty car trips between two zones save.
func (t *Site) Bus(ctx context.Context, p Pair) (Saved, error) {
	return t.saved(ctx, map[string]any{"bus": map[string]any{
		"origin": p.Origin, "destination": p.Destination, "percent": busPercent, "persons": busPersons,
	}})
}

// Shift is what it saves when one in ten of those who set out within a window
// goes half an hour earlier or later.
func (t *Site) Shift(ctx context.Context, d Direction, w Window) (Saved, error) {
	return t.saved(ctx, map[string]any{"shift": map[string]any{
		"road": d.Road, "direction": d.Direction, "from": w.From.clock(), "to": w.To.clock(), "percent": shiftPercent, "minutes": shiftMinutes,
	}})
}

// saved compares the world with an intervention to the one without.
func (t *Site) saved(ctx context.Context, intervention map[string]any) (Saved, error) {
	intervention["from"] = t.from
	text, err := yaml.Marshal(map[string]any{"interventions": []any{intervention}})
	if err != nil {
		return Saved{}, err
	}
	t.mu.Lock()
	a := t.answered[string(text)]
	if a == nil {
		a = &answer{}
		t.answered[string(text)] = a
	}
	t.mu.Unlock()
	a.once.Do(func() { a.saved, a.err = t.compare(ctx, text) })
	return a.saved, a.err
}

func (t *Site) compare(ctx context.Context, text []byte) (Saved, error) {
	w, err := t.Situation.World(t.Seed, text)
	if err != nil {
		return Saved{}, err
	}
	w.Keep(1)
	with, err := t.sum(ctx, w)
	if err != nil {
		return Saved{}, err
	}
	perDay := func(before, after uint64) float64 {
		return (float64(before) - float64(after)) / float64(time.Hour.Microseconds()) / float64(len(t.days))
	}
	return Saved{perDay(t.base.vehicles, with.vehicles), perDay(t.base.persons, with.persons)}, nil
}

// Prepare makes comparisons that will be asked for, one after the other, until
// it is enough: it is for the time in which others are waited for.
func (t *Site) Prepare(ctx context.Context, enough func() bool) error {
	var list []func() error
	list = append(list, func() error { _, err := t.Stations(ctx); return err })
	for _, link := range t.Links() {
		list = append(list, func() error { _, err := t.Lane(ctx, link); return err })
	}
	for _, p := range t.demand {
		list = append(list, func() error { _, err := t.Bus(ctx, p); return err })
	}
	for _, compare := range list {
		if enough() {
			return nil
		}
		if err := compare(); err != nil {
			return err
		}
	}
	return nil
}

// Links are the ids of all links.
func (t *Site) Links() []string {
	var ids []string
	for _, l := range t.world.Network().Links {
		ids = append(ids, l.ID)
	}
	return ids
}

// Demand is between which zones anybody travels, in the scenario's order.
func (t *Site) Demand() []Pair { return t.demand }

// pairs reads who travels where; the world has checked the file.
func pairs(scenario []byte) ([]Pair, error) {
	type ends struct {
		From string `yaml:"from"`
		To   string `yaml:"to"`
	}
	var f struct {
		Demand    []ends `yaml:"demand"`
		Commuters []ends `yaml:"commuters"`
	}
	if err := yaml.Unmarshal(scenario, &f); err != nil {
		return nil, err
	}
	var list []Pair
	add := func(p Pair) {
		if !slices.Contains(list, p) {
			list = append(list, p)
		}
	}
	for _, d := range f.Demand {
		add(Pair{d.From, d.To})
	}
	for _, c := range f.Commuters {
		add(Pair{c.From, c.To})
		add(Pair{c.To, c.From})
	}
	return list, nil
}
