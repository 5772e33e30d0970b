package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"text/tabwriter"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gantry-dev/gantry/deploy/score/planted"
	"github.com/gantry-dev/gantry/deploy/score/truth"
)

// truthCommand is `score truth`: what would really happen, as a table. It is
// what thresholds are chosen by, before anything is scored.
type truthCommand struct {
	Seed      uint64   `default:"1" help:"Seed of all chance."`
	Situation []string `placeholder:"NAME" help:"Only these situations."`
	Workdays  int      `default:"20" help:"How many workdays."`
	Window    int      `default:"60" help:"Minutes of the window whose departures are shifted: the busiest before and after noon."`
}

// truths are all answers of one situation.
type truths struct {
	site     *truth.Site
	links    []truth.Saved
	buses    []truth.Saved
	shifts   []shifted
	stations []truth.Station
}

// shifted is the answer for one peak of one direction.
type shifted struct {
	truth.Direction
	peak   string
	window truth.Window
	saved  truth.Saved
}

// Run prints the table.
func (c *truthCommand) Run(ctx context.Context) error {
	situations, err := planted.Named(c.Situation)
	if err != nil {
		return err
	}
	for _, s := range situations {
		began := time.Now()
		t, err := c.find(ctx, s)
		if err != nil {
			return err
		}
		if err := t.print(os.Stdout, time.Since(began)); err != nil {
			return err
		}
	}
	return nil
}

func (c *truthCommand) find(ctx context.Context, s planted.Situation) (*truths, error) {
	w, err := s.World(c.Seed, nil)
	if err != nil {
		return nil, err
	}
	site, err := truth.Open(ctx, s, c.Seed, days(firstMonday(w.Network().ValidFrom), c.Workdays, true))
	if err != nil {
		return nil, err
	}
	t := &truths{site: site, links: make([]truth.Saved, len(site.Links())), buses: make([]truth.Saved, len(site.Demand()))}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, link := range site.Links() {
		group.Go(func() (err error) { t.links[i], err = site.Lane(ctx, link); return err })
	}
	for i, pair := range site.Demand() {
		group.Go(func() (err error) { t.buses[i], err = site.Bus(ctx, pair); return err })
	}
	for _, d := range site.Directions() {
		for _, peak := range []string{truth.AM, truth.PM} {
			t.shifts = append(t.shifts, shifted{Direction: d, peak: peak, window: site.Busiest(d, peak, truth.Minute(c.Window))})
		}
	}
	for i := range t.shifts {
		at := &t.shifts[i]
		group.Go(func() (err error) { at.saved, err = site.Shift(ctx, at.Direction, at.window); return err })
	}
	group.Go(func() (err error) { t.stations, err = site.Stations(ctx); return err })
	return t, group.Wait()
}

func (t *truths) print(out io.Writer, took time.Duration) error {
	fmt.Fprintf(out, "\n%s, seed %d (%v)\n", t.site.Situation.Name, t.site.Seed, took.Round(100*time.Millisecond))
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for i, link := range t.site.Links() {
		fmt.Fprintf(w, "  add lane\t%s\t%.1f veh-h\t%.1f person-h\t\n", link, t.links[i].VehicleH, t.links[i].PersonH)
	}
	for i, p := range t.site.Demand() {
		fmt.Fprintf(w, "  buses\t%s to %s\t%.1f veh-h\t%.1f person-h\t\n", p.Origin, p.Destination, t.buses[i].VehicleH, t.buses[i].PersonH)
	}
	for _, s := range t.shifts {
		fmt.Fprintf(w, "  shift\t%s %s %s %v\t%.1f veh-h\t%.1f person-h\t\n", s.Road, s.Direction.Direction, s.peak, s.window, s.saved.VehicleH, s.saved.PersonH)
	}
	for _, s := range t.stations {
		fmt.Fprintf(w, "  camera\t%s (%s, limit %d)\tV85 %.1f of %.1f km/h\t%.1f %% over the limit\tn %d\tcongested %.0f min\t\n",
			s.ID, s.Link, s.LimitKMH, s.V85KMH, truth.EnforcedKMH(s.LimitKMH), 100*s.OverLimit, s.FreeFlow, s.CongestedMin)
	}
	return w.Flush()
}
