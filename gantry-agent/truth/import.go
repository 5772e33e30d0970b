package truth

import (
	"fmt"
	"io"
	"time"

	"github.com/alecthomas/kong"

	"github.com/gantry-dev/gantry/gantry-agent/recorded"
	"github.com/gantry-dev/gantry/gantry-agent/world"
)

// ImportCmd is `gantry-agent world import`.
type ImportCmd struct {
	Recorded       string            `required:"" type:"existingfile" placeholder:"FILE" help:"The recording, gzip'd or not."`
	RecordedFormat string            `enum:"auto,sumo,fintraffic" default:"auto" help:"Format of the recording: auto (told by its first sign), sumo or fintraffic."`
	RecordedStart  string            `placeholder:"now|DATE|TIME" help:"When the first record happens: now, a date that keeps its time of day, or RFC 3339. Default: when it did, where the recording knows its date."`
	Detectors      string            `type:"existingfile" placeholder:"FILE" help:"SUMO's additional file that defines the detectors: where along which edge each is."`
	Class          map[string]string `placeholder:"TYPE=CLASS" help:"What a type of the recording is that is not known, as hgv=truck; may be repeated."`
	Devices        []string          `enum:"counter,speed" default:"counter" help:"Devices at each station: counter, speed. Toll gantries need tariffs: write those into the file."`
	Name           string            `default:"recorded" help:"Name of the network."`
	Road           string            `default:"road" help:"Road that SUMO's stations stand at."`
	Zone           string            `placeholder:"ZONE" help:"Time zone of the place, an IANA name or an offset (default: +00:00 for SUMO, Europe/Helsinki for Fintraffic)."`
	Longitude      float64           `default:"0" help:"Longitude at which the roads begin that are made up, degrees."`
	Latitude       float64           `default:"0" help:"Latitude at which they begin, degrees."`
}

// Run prints the draft, and tells on standard error what was read.
func (c *ImportCmd) Run(k *kong.Context) error {
	return toOutput(k.Stdout, func(out io.Writer) error { return c.write(out, k.Stderr, time.Now()) })
}

func (c *ImportCmd) write(out, notes io.Writer, now time.Time) error {
	o := recorded.DraftOptions{
		Name: c.Name, Road: c.Road, Zone: c.Zone, Devices: c.Devices, Longitude: c.Longitude, Latitude: c.Latitude, Classes: map[string]world.Class{},
	}
	for name, class := range c.Class {
		var err error
		if o.Classes[name], err = world.ParseClass(class); err != nil {
			return fmt.Errorf("--class %s: %w", name, err)
		}
	}
	format := c.RecordedFormat
	if format == "auto" {
		format = ""
	}
	r, err := recorded.Read(c.Recorded, format, o.Classes)
	if err != nil {
		return err
	}
	if c.Detectors != "" {
		if o.Detectors, err = recorded.ReadDetectors(c.Detectors); err != nil {
			return err
		}
	}
	if o.Zone == "" {
		if o.Zone = "+00:00"; r.Dated {
			o.Zone = "Europe/Helsinki"
		}
	}
	zone, err := world.Location(o.Zone)
	if err != nil {
		return err
	}
	if o.Start, err = r.StartAt(c.RecordedStart, zone, now); err != nil {
		return err
	}
	return c.draft(out, notes, r, o)
}

// draft prints the network once it is known to be one.
func (c *ImportCmd) draft(out, notes io.Writer, r *recorded.Recording, o recorded.DraftOptions) error {
	text, err := recorded.Draft(r, o)
	if err != nil {
		return err
	}
	// Names and places come from flags and may be none.
	w, err := world.NewRecorded(world.Spec{NetworkYAML: text}, &r.Recording)
	if err != nil {
		return fmt.Errorf("the draft is no good: %w", err)
	}
	if _, err := r.Report.WriteTo(notes); err != nil {
		return err
	}
	from, to := w.Span()
	if _, err := fmt.Fprintf(notes, "%d stations, from %s to %s\n", len(w.Network().Stations), stamp(from), stamp(to)); err != nil {
		return err
	}
	_, err = out.Write(text)
	return err
}

func stamp(us world.Micros) string { return time.UnixMicro(us).UTC().Format(time.RFC3339) }
