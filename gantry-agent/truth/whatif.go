package truth

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/alecthomas/kong"
	"github.com/goccy/go-yaml"

	"github.com/gantry-dev/gantry/gantry-agent/truth/realism"
	"github.com/gantry-dev/gantry/gantry-agent/world"
)

// WhatifCmd is `gantry-agent world whatif`.
type WhatifCmd struct {
	Where
	Intervention string    `required:"" placeholder:"FILE" help:"YAML file of interventions, as in a scenario."`
	From         time.Time `placeholder:"TIME" help:"First moment, RFC 3339, instead of the first Monday with all interventions in force."`
	To           time.Time `placeholder:"TIME" help:"End, exclusive, RFC 3339, instead of five days later."`
	JSON         bool      `name:"json" help:"Print JSON instead of a table."`
}

// whatifDays is how many days are compared unless --to says otherwise: Monday
// to Friday.
const whatifDays = 5

// sums is a mean weekday of one world.
type sums struct {
	Trips        float64 `json:"trips"`
	VehicleHours float64 `json:"vehicle_hours"`
	PersonHours  float64 `json:"person_hours"`
	VehicleDelay float64 `json:"vehicle_delay_hours"`
	PersonDelay  float64 `json:"person_delay_hours"`
	Passages     float64 `json:"passages"`
	OverLimit    float64 `json:"over_limit_share"`
}

// comparedDay is one weekday of both worlds.
type comparedDay struct {
	Date    string `json:"date"`
	Without sums   `json:"without"`
	With    sums   `json:"with"`
}

// comparison is what --json prints.
type comparison struct {
	Network      string `json:"network"`
	Scenario     string `json:"scenario"`
	Seed         uint64 `json:"seed"`
	Intervention string `json:"intervention"`
	From         string `json:"from"`
	To           string `json:"to"`
	Weekdays     int    `json:"weekdays"`
	Without      sums   `json:"without"`
	With         sums   `json:"with"`
	// Saved is without less with: what is saved is above 0.
	Saved sums          `json:"saved_per_weekday"`
	Days  []comparedDay `json:"days"`
}

// totals is what a world says of its days.
type totals interface {
	Totals(day int) world.Totals
}

// Run compares and prints.
func (c *WhatifCmd) Run(k *kong.Context, ctx context.Context) error { //nolint:revive // kong hands arguments out by type
	return toOutput(k.Stdout, func(out io.Writer) error { return c.write(ctx, out) })
}

func (c *WhatifCmd) write(ctx context.Context, out io.Writer) error {
	text, err := read("intervention", c.Intervention)
	if err != nil {
		return err
	}
	with, err := c.openWith(text)
	if err != nil {
		return err
	}
	without, err := c.open()
	if err != nil {
		return err
	}
	span, err := c.span(without, text)
	if err != nil {
		return err
	}
	dates, err := weekdays(without, span)
	if err != nil {
		return err
	}
	r, err := compare(ctx, without, with, dates)
	if err != nil {
		return err
	}
	for _, w := range []*world.World{without, with} {
		if err := w.Fault(); err != nil {
			return err
		}
	}
	r.Network, r.Scenario, r.Seed, r.Intervention = without.Network().Name, c.Scenario, c.Seed, filepath.Base(c.Intervention)
	r.From, r.To = span.From.UTC().Format(time.RFC3339), span.To.UTC().Format(time.RFC3339)
	if c.JSON {
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		return enc.Encode(r)
	}
	return r.table(out)
}

// span is the time asked for; usually the first Monday to Friday on which all
// interventions are in force.
func (c *WhatifCmd) span(w *world.World, text []byte) (*Span, error) {
	first, last, err := inForce(w, text)
	if err != nil {
		return nil, err
	}
	p := Period{From: c.From, To: c.To}
	monday, err := firstMonday(w, max(last, w.Network().ValidFrom))
	if err != nil {
		return nil, err
	}
	span := p.span(monday, whatifDays)
	if _, _, err := span.bounds(); err != nil {
		return nil, err
	}
	if span.To.UnixMicro() <= first {
		return nil, fmt.Errorf("--to (%s) is before the first intervention (%s): there would be nothing to compare",
			span.To.Format(time.RFC3339), time.UnixMicro(first).UTC().Format(time.RFC3339))
	}
	return span, nil
}

// inForce is when the first of the interventions of a file begins, and from
// when on they all are in force. The world has checked the file.
func inForce(w *world.World, text []byte) (first, last world.Micros, err error) {
	var f struct {
		Interventions []struct {
			From string `yaml:"from"`
		} `yaml:"interventions"`
	}
	if err := yaml.Unmarshal(text, &f); err != nil {
		return 0, 0, fmt.Errorf("interventions file: %w", err)
	}
	zone, err := realism.Location(w.Network().Zone)
	if err != nil {
		return 0, 0, err
	}
	for i, v := range f.Interventions {
		from, err := time.ParseInLocation(time.DateOnly, v.From, zone)
		if err != nil {
			return 0, 0, fmt.Errorf("interventions file, interventions[%d].from: %w", i, err)
		}
		// By noon the world day of that date has begun, whatever the clocks do.
		start := w.DayStart(from.Add(12 * time.Hour).UnixMicro())
		if i == 0 || start < first {
			first = start
		}
		last = max(last, start)
	}
	return first, last, nil
}

// weekdays are the Mondays to Fridays whose world day begins in the span.
func weekdays(w *world.World, span *Span) ([]int, error) {
	var days []int
	for t := w.DayStart(span.From.UnixMicro()); t < span.To.UnixMicro(); t = w.DayStart(t + (26 * time.Hour).Microseconds()) {
		if d := w.DayNumber(t); t >= span.From.UnixMicro() && !weekend(dateOf(d)) {
			days = append(days, d)
		}
	}
	if len(days) == 0 {
		return nil, fmt.Errorf("no Monday to Friday begins (at 03:00 local time) from %s to %s: ask for more with --from and --to",
			span.From.Format(time.RFC3339), span.To.Format(time.RFC3339))
	}
	return days, nil
}

// dateOf is midnight UTC of a world day's date.
func dateOf(day int) time.Time { return time.Unix(int64(day)*24*3600, 0).UTC() }

// weekend says whether a date is a Saturday or Sunday.
func weekend(date time.Time) bool {
	return date.Weekday() == time.Saturday || date.Weekday() == time.Sunday
}

// compare evaluates the days of both worlds side by side.
func compare(ctx context.Context, without, with totals, days []int) (*comparison, error) {
	r := &comparison{Weekdays: len(days), Days: make([]comparedDay, len(days))}
	run := func(w totals, to func(*comparedDay) *sums) {
		for i, d := range days {
			if ctx.Err() != nil {
				return
			}
			t := w.Totals(d)
			*to(&r.Days[i]) = sumsOf(&t)
		}
	}
	var both sync.WaitGroup
	both.Go(func() { run(without, func(d *comparedDay) *sums { return &d.Without }) })
	both.Go(func() { run(with, func(d *comparedDay) *sums { return &d.With }) })
	both.Wait()
	for i := range r.Days {
		d := &r.Days[i]
		d.Date = dateOf(days[i]).Format(time.DateOnly)
		r.Without.add(&d.Without, 1/float64(len(days)))
		r.With.add(&d.With, 1/float64(len(days)))
	}
	r.Saved = r.Without
	r.Saved.add(&r.With, -1)
	for _, s := range []*sums{&r.Without, &r.With, &r.Saved} {
		s.round()
	}
	for i := range r.Days {
		r.Days[i].Without.round()
		r.Days[i].With.round()
	}
	return r, ctx.Err()
}

// sumsOf is a day's totals in the units printed.
func sumsOf(t *world.Totals) sums {
	hours := func(micros uint64) float64 { return float64(micros) / 3.6e9 }
	s := sums{
		Trips: float64(t.Trips), VehicleHours: hours(t.VehicleMicros), PersonHours: hours(t.PersonMicros),
		VehicleDelay: hours(t.VehicleDelayMicros), PersonDelay: hours(t.PersonDelayMicros), Passages: float64(t.Passages),
	}
	if t.Passages > 0 {
		s.OverLimit = float64(t.OverLimit) / float64(t.Passages)
	}
	return s
}

func (s *sums) add(o *sums, times float64) {
	s.Trips += o.Trips * times
	s.VehicleHours += o.VehicleHours * times
	s.PersonHours += o.PersonHours * times
	s.VehicleDelay += o.VehicleDelay * times
	s.PersonDelay += o.PersonDelay * times
	s.Passages += o.Passages * times
	s.OverLimit += o.OverLimit * times
}

// round leaves what is meant: seconds of an hour, vehicles, and a share.
func (s *sums) round() {
	for _, x := range []*float64{&s.Trips, &s.VehicleHours, &s.PersonHours, &s.VehicleDelay, &s.PersonDelay, &s.Passages} {
		*x = math.Round(*x*1e4) / 1e4
	}
	s.OverLimit = math.Round(s.OverLimit*1e7) / 1e7
}

// table prints the comparison for people.
func (r *comparison) table(out io.Writer) error {
	fmt.Fprintf(out, "%s, scenario %s, seed %d, %s; mean of %d weekdays, %s to %s\n\n",
		r.Network, r.Scenario, r.Seed, r.Intervention, r.Weekdays, r.Days[0].Date, r.Days[len(r.Days)-1].Date)
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\twithout\twith\tsaved\t")
	for _, row := range []struct {
		name          string
		without, with float64
		digits        int
	}{
		{"trips", r.Without.Trips, r.With.Trips, 0},
		{"vehicle-hours", r.Without.VehicleHours, r.With.VehicleHours, 1},
		{"person-hours", r.Without.PersonHours, r.With.PersonHours, 1},
		{"of delay, vehicle-hours", r.Without.VehicleDelay, r.With.VehicleDelay, 1},
		{"of delay, person-hours", r.Without.PersonDelay, r.With.PersonDelay, 1},
		{"passages over the limit, %", 100 * r.Without.OverLimit, 100 * r.With.OverLimit, 2},
	} {
		fmt.Fprintf(t, "%s\t%.*f\t%.*f\t%.*f\t\n", row.name, row.digits, row.without, row.digits, row.with, row.digits, row.without-row.with)
	}
	return t.Flush()
}
