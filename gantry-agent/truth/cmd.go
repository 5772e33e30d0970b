package truth

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/gantry-dev/gantry/gantry-agent/world"
)

// Cmd is `gantry-agent world`.
type Cmd struct {
	Import   ImportCmd   `cmd:"" help:"Draft a network file that replays a recording: SUMO's instantInductionLoop output, or raw data of Fintraffic's TMS."`
	Network  NetworkCmd  `cmd:"" help:"Print the network with its world as YAML, for 'collector network apply'."`
	Passages PassagesCmd `cmd:"" help:"Print what really passes the stations, as CSV or Parquet."`
	Readings ReadingsCmd `cmd:"" help:"Print what the devices emit, as JSON lines. Contains number plates."`
	Schema   SchemaCmd   `cmd:"" help:"Print the JSON Schema of network, scenario or interventions files."`
	Plot     PlotCmd     `cmd:"" help:"Draw a day: speed over time and place, or the fundamental diagram."`
	Report   ReportCmd   `cmd:"" help:"Measure the world on its passages, beside the bands of real roads."`
	Whatif   WhatifCmd   `cmd:"" help:"Compare the world with and without interventions: time, delay and speeding saved."`
}

// Where says which world is meant.
type Where struct {
	Network  string `default:"corridor" placeholder:"NAME|FILE" help:"Network that comes with the program, or a file."`
	Scenario string `placeholder:"NAME|FILE" help:"Scenario that comes with the program, or a file; without it, the one that goes with the network."`
	Seed     uint64 `default:"1" help:"Seed of all chance."`
	Zone     string `placeholder:"ZONE" help:"Time zone instead of the network's: an IANA name, or an offset as +09:30 (--zone=-03:00 for one west of UTC)."`
}

// Span is the time asked for.
type Span struct {
	From    time.Time `required:"" help:"First moment, RFC 3339."`
	To      time.Time `required:"" help:"End, exclusive, RFC 3339."`
	Devices []string  `placeholder:"ID" help:"Only these devices, or their stations."`
}

// Period is the time asked for where there is a usual one.
type Period struct {
	From    time.Time `placeholder:"TIME" help:"First moment, RFC 3339, instead of the usual one."`
	To      time.Time `placeholder:"TIME" help:"End, exclusive, RFC 3339."`
	Devices []string  `placeholder:"ID" help:"Only the stations of these devices."`
}

// span is the period with what is usual: so many days from a first moment on.
func (p *Period) span(first time.Time, days int) *Span {
	s := &Span{From: p.From, To: p.To, Devices: p.Devices}
	if s.From.IsZero() {
		s.From = first
	}
	if s.To.IsZero() {
		s.To = s.From.Add(time.Duration(days) * 24 * time.Hour)
	}
	return s
}

// limits of what is read and asked for.
const (
	maxFileBytes = 4 << 20
	maxSpan      = 20 * 366 * 24 * time.Hour
)

// files are the YAML texts of the world, with the zone replaced if asked for.
func (c *Where) files() (network, scenario []byte, err error) {
	if network, err = load("network", c.Network); err != nil {
		return nil, nil, err
	}
	if c.Scenario == "" {
		c.Scenario = world.ScenarioFor(c.Network)
	}
	if scenario, err = load("scenario", c.Scenario); err != nil {
		return nil, nil, err
	}
	return network, scenario, nil
}

// open makes the world.
func (c *Where) open() (*world.World, error) { return c.openWith(nil) }

// openWith makes the world with a file of interventions on top of the
// scenario's.
func (c *Where) openWith(interventions []byte) (*world.World, error) {
	network, scenario, err := c.files()
	if err != nil {
		return nil, err
	}
	spec := world.Spec{NetworkYAML: network, ScenarioYAML: scenario, Seed: c.Seed, InterventionsYAML: interventions}
	w, err := world.New(spec)
	if err != nil || c.Zone == "" {
		return w, err
	}
	if spec.NetworkYAML, err = world.WithPlace(network, c.Zone, w.Network().ValidFrom); err != nil {
		return nil, err
	}
	return world.New(spec)
}

// load reads a shipped file by its name, or any file by its path.
func load(kind, name string) ([]byte, error) {
	if text, ok := world.Shipped(kind, name); ok {
		return text, nil
	}
	text, err := read(kind, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("--%s=%s is neither a %s that comes with the program nor a file that can be read: %w", kind, name, kind, err)
	}
	return text, err
}

// read reads a file that a flag names.
func read(flag, name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("--%s=%s: %w", flag, name, err)
	}
	defer func() { _ = f.Close() }() // read only: nothing to lose
	text, err := io.ReadAll(io.LimitReader(f, maxFileBytes+1))
	if err != nil {
		return nil, fmt.Errorf("--%s=%s: %w", flag, name, err)
	}
	if len(text) > maxFileBytes {
		return nil, fmt.Errorf("--%s=%s: has more than the %d bytes a %s may have", flag, name, maxFileBytes, flag)
	}
	return text, nil
}

// bounds checks the span and gives it in the world's time.
func (s *Span) bounds() (from, to world.Micros, err error) {
	if !s.From.Before(s.To) {
		return 0, 0, fmt.Errorf("--from (%s) must be before --to (%s)", s.From.Format(time.RFC3339), s.To.Format(time.RFC3339))
	}
	if s.To.Sub(s.From) > maxSpan {
		return 0, 0, fmt.Errorf("--from to --to are more than %d days: ask for less at a time", maxSpan/(24*time.Hour))
	}
	if s.From.Year() < 1980 {
		return 0, 0, fmt.Errorf("--from is in the year %d: the world begins in 1980", s.From.Year())
	}
	return s.From.UnixMicro(), s.To.UnixMicro(), nil
}

// devices are those asked for, all when none is, in the network's order.
func (s *Span) devices(n *world.Network) ([]world.Device, error) {
	if len(s.Devices) == 0 {
		return n.Devices, nil
	}
	wanted := map[string]bool{}
	for _, id := range s.Devices {
		wanted[id] = true
	}
	var found []world.Device
	for _, d := range n.Devices {
		if wanted[d.ID] {
			found = append(found, d)
			delete(wanted, d.ID)
		}
	}
	for _, id := range s.Devices {
		if wanted[id] {
			return nil, fmt.Errorf("--devices: network %q has no device %q; it has %s and %d more", n.Name, id, n.Devices[0].ID, len(n.Devices)-1)
		}
	}
	return found, nil
}

// stations are those of the devices asked for, in the network's order.
func (s *Span) stations(n *world.Network) ([]world.Station, error) {
	devices, err := s.devices(n)
	if err != nil || len(s.Devices) == 0 {
		return n.Stations, err
	}
	wanted := map[string]bool{}
	for _, d := range devices {
		wanted[d.StationID] = true
	}
	var stations []world.Station
	for _, station := range n.Stations {
		if wanted[station.ID] {
			stations = append(stations, station)
		}
	}
	return stations, nil
}

// toOutput runs a command with a buffered output.
func toOutput(w io.Writer, write func(io.Writer) error) error {
	out := bufio.NewWriterSize(w, 1<<16)
	if err := write(out); err != nil {
		return err
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}

// stoppable is an output that ends the command once it is to stop. Without it
// the first Ctrl-C would do nothing to what prints for minutes.
type stoppable struct {
	ctx context.Context
	out io.Writer
}

// Write is for io.Writer.
func (s stoppable) Write(b []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.out.Write(b)
}
