package truth

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/alecthomas/kong"

	"github.com/gantry-dev/gantry/gantry-agent/truth/realism"
	"github.com/gantry-dev/gantry/gantry-agent/world"
)

// ReportCmd is `gantry-agent world report`.
type ReportCmd struct {
	Where
	Period
	YearDays int  `default:"365" help:"Days from the same day on whose hours make K and AADT; fewer than 360 leave these out."`
	JSON     bool `name:"json" help:"Print JSON instead of a table."`
}

// reportDays is how many days are looked at in detail unless --to says
// otherwise.
const reportDays = 14

// report is what --json prints.
type report struct {
	Network  string `json:"network"`
	Scenario string `json:"scenario"`
	Seed     uint64 `json:"seed"`
	From     string `json:"from"`
	To       string `json:"to"`
	*realism.Report
}

// Run measures and prints.
func (c *ReportCmd) Run(k *kong.Context, ctx context.Context) error { //nolint:revive // kong hands arguments out by type
	return toOutput(k.Stdout, func(out io.Writer) error { return c.write(ctx, out) })
}

func (c *ReportCmd) write(ctx context.Context, out io.Writer) error {
	w, err := c.open()
	if err != nil {
		return err
	}
	first, err := firstMonday(w, w.Network().ValidFrom)
	if err != nil {
		return err
	}
	span := c.span(first, reportDays)
	if _, _, err = span.bounds(); err != nil {
		return err
	}
	stations, err := span.stations(w.Network())
	if err != nil {
		return err
	}
	if c.YearDays < 0 || c.YearDays > maxYearDays {
		return fmt.Errorf("--year-days=%d must be 0 to %d", c.YearDays, maxYearDays)
	}
	days := int((span.To.Sub(span.From) + 24*time.Hour - 1) / (24 * time.Hour))
	measured, err := realism.Measure(ctx, realism.Of(w), realism.Options{
		Stations: stations, From: span.From.UnixMicro(), Days: days, YearDays: c.YearDays,
	})
	if err != nil {
		return err
	}
	if err := w.Fault(); err != nil {
		return err
	}
	r := &report{w.Network().Name, c.Scenario, c.Seed, span.From.UTC().Format(time.RFC3339), span.To.UTC().Format(time.RFC3339), measured}
	if c.JSON {
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		return enc.Encode(r)
	}
	return r.table(out)
}

// maxYearDays is more than any figure needs.
const maxYearDays = 10 * 366

// table prints the rows for people.
func (r *report) table(out io.Writer) error {
	fmt.Fprintf(out, "%s, scenario %s, seed %d, %s to %s\n\n", r.Network, r.Scenario, r.Seed, r.From, r.To)
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\tvalue\tband\tleast\tgreatest\tsites\tproperty")
	missed, unseen := 0, 0
	for _, row := range r.Rows {
		mark, value := "ok", figure(row.Value)
		switch {
		case row.Pass == nil:
			mark, value, unseen = "-", "", unseen+1
		case !*row.Pass:
			mark, missed = "MISS", missed+1
		}
		name := row.Name
		if row.Unit != "" {
			name += ", " + row.Unit
		}
		if row.Reason != "" {
			name += ": " + row.Reason
		}
		sites := ""
		if row.Sites > 0 {
			sites = strconv.Itoa(row.Sites)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", mark, value, figure(&row.Lo)+" … "+figure(&row.Hi),
			figure(row.Least), figure(row.Greatest), sites, name)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "\n%d of %d within their bands, %d outside, %d not to be seen here. How each is measured: --json.\n",
		len(r.Rows)-missed-unseen, len(r.Rows), missed, unseen)
	return err
}

// figure prints a value as short as it is exact.
func figure(x *float64) string {
	if x == nil {
		return ""
	}
	s := strconv.FormatFloat(*x, 'f', -1, 64)
	return strings.Replace(s, "-", "−", 1)
}

// firstMonday is the start of the first world day from t on that is a Monday.
func firstMonday(w *world.World, t world.Micros) (time.Time, error) {
	zone, err := realism.Location(w.Network().Zone)
	if err != nil {
		return time.Time{}, err
	}
	day := w.DayStart(t)
	for day < t || time.UnixMicro(day).In(zone).Weekday() != time.Monday {
		day = w.DayStart(day + (26 * time.Hour).Microseconds()) // a day has 23 to 25 hours
	}
	return time.UnixMicro(day).UTC(), nil
}
