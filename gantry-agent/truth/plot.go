package truth

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/gantry-dev/gantry/gantry-agent/truth/diagram"
	"github.com/gantry-dev/gantry/gantry-agent/truth/realism"
	"github.com/gantry-dev/gantry/gantry-agent/world"
)

// PlotCmd is `gantry-agent world plot`.
type PlotCmd struct {
	Where
	What      string `enum:"space-time,fundamental" default:"space-time" help:"Picture: space-time (speed over time and place) or fundamental (flow over density)."`
	Day       string `placeholder:"DATE" help:"Local date, as 2026-03-04; the first Tuesday of the network's life if not given."`
	Road      string `help:"Road; not needed where only one has the direction."`
	Direction string `help:"Direction; the first one of the network if not given."`
	Out       string `short:"o" placeholder:"FILE" help:"File to write, .png or .svg; standard output if not given."`
	Format    string `placeholder:"png|svg" help:"Format, if the file's name does not say it; png otherwise."`
}

// Run draws the picture.
func (c *PlotCmd) Run(k *kong.Context) error {
	format, err := c.format()
	if err != nil {
		return err
	}
	picture, err := c.picture()
	if err != nil {
		return err
	}
	write := func(out io.Writer) error { return picture.Write(out, format) }
	if c.Out == "" {
		return toOutput(k.Stdout, write)
	}
	f, err := os.Create(c.Out)
	if err != nil {
		return fmt.Errorf("--out=%s cannot be written: %w", c.Out, err)
	}
	if err := toOutput(f, write); err != nil {
		_ = f.Close() // the first error says more
		return err
	}
	return f.Close()
}

// format is the one asked for, or that of the file's name.
func (c *PlotCmd) format() (string, error) {
	formats := []string{diagram.PNG, diagram.SVG}
	ending := strings.TrimPrefix(strings.ToLower(filepath.Ext(c.Out)), ".")
	switch {
	case c.Format == "" && c.Out == "":
		return diagram.PNG, nil
	case c.Format == "" && slices.Contains(formats, ending):
		return ending, nil
	case c.Format == "":
		return "", fmt.Errorf("--out=%s ends neither in .png nor in .svg: name it so, or give --format", c.Out)
	case !slices.Contains(formats, c.Format):
		return "", fmt.Errorf("--format=%s is neither png nor svg", c.Format)
	}
	return c.Format, nil
}

// picture reads the day and draws it.
func (c *PlotCmd) picture() (*diagram.Picture, error) {
	w, err := c.open()
	if err != nil {
		return nil, err
	}
	stations, err := c.stations(w.Network())
	if err != nil {
		return nil, err
	}
	day, err := c.day(w)
	if err != nil {
		return nil, err
	}
	for _, s := range stations {
		cursor, _ := w.Open(s.ID, day.From.UnixMicro(), day.To.UnixMicro())
		day.Add(s, cursor)
	}
	where := stations[0].Road + ", " + stations[0].Direction
	note := fmt.Sprintf("network %s, scenario %s, seed %d, zone %s, from the passages at %d stations",
		w.Network().Name, filepath.Base(c.Scenario), c.Seed, w.Network().Zone, len(stations))
	date := day.From.Format("Monday 2 January 2006")
	if c.What == "fundamental" {
		p := diagram.Fundamental(day)
		p.Title, p.Note = "Fundamental diagram of "+where+", "+date, note
		return p, nil
	}
	if len(stations) < 2 {
		return nil, fmt.Errorf("--what=space-time needs two stations in a direction; %s has one: use --what=fundamental or another --road", where)
	}
	p := diagram.SpaceTime(day)
	p.Title, p.Note = "Speed on "+where+", "+date, note+"; between these smoothed along free and queued traffic"
	return p, nil
}

// stations are those of the road and direction, as one drives past them.
func (c *PlotCmd) stations(n *world.Network) ([]world.Station, error) {
	direction := c.Direction
	if direction == "" {
		direction = n.Stations[0].Direction
	}
	var roads, directions []string
	var found []world.Station
	for _, s := range n.Stations {
		if !slices.Contains(directions, s.Direction) {
			directions = append(directions, s.Direction)
		}
		if s.Direction != direction {
			continue
		}
		if !slices.Contains(roads, s.Road) {
			roads = append(roads, s.Road)
		}
		if c.Road == "" || s.Road == c.Road {
			found = append(found, s)
		}
	}
	switch {
	case len(roads) == 0:
		return nil, fmt.Errorf("--direction=%s: network %q has %s", direction, n.Name, strings.Join(directions, ", "))
	case len(found) == 0:
		return nil, fmt.Errorf("--road=%s has no station in direction %s; these have: %s", c.Road, direction, strings.Join(roads, ", "))
	case c.Road == "" && len(roads) > 1:
		return nil, fmt.Errorf("direction %s is one of several roads: give --road, one of %s", direction, strings.Join(roads, ", "))
	}
	slices.SortStableFunc(found, func(a, b world.Station) int { return int(a.OffsetM) - int(b.OffsetM) })
	return found, nil
}

// day is the local day asked for, from midnight to midnight.
func (c *PlotCmd) day(w *world.World) (*diagram.Day, error) {
	zone, err := realism.Location(w.Network().Zone)
	if err != nil {
		return nil, err
	}
	from, err := time.ParseInLocation(time.DateOnly, c.Day, zone)
	if c.Day == "" {
		var monday time.Time
		monday, err = firstMonday(w, w.Network().ValidFrom)
		y, m, d := monday.In(zone).Date()
		from = time.Date(y, m, d+1, 0, 0, 0, 0, zone)
	}
	if err != nil {
		return nil, fmt.Errorf("--day=%s must be a date as 2026-03-04", c.Day)
	}
	to := time.Date(from.Year(), from.Month(), from.Day()+1, 0, 0, 0, 0, zone)
	if _, _, err := (&Span{From: from, To: to}).bounds(); err != nil {
		return nil, err
	}
	return &diagram.Day{From: from, To: to}, nil
}
