package truth

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/gantry-dev/gantry/gantry-agent/recorded"
	"github.com/gantry-dev/gantry/gantry-agent/world"
)

// Tape says which recording a network replays, if it replays one.
type Tape struct {
	Recorded string `placeholder:"FILE" help:"The recording that the network replays, gzip'd or not. Of a --scenario, which must be a file then, name and faults are used, and it may have nothing else."`

	notes io.Writer // where to tell what was read
}

// spec is the world that is asked for, as its files have it. The network is
// checked before anything in it is replaced: errors name lines as written.
func (c *Tape) spec(where *Where) (world.Spec, error) {
	network, scenario, err := where.files()
	if err == nil {
		_, err = world.ReplayOf(network)
	}
	if _, shipped := world.Shipped("scenario", where.Scenario); shipped && c.Recorded != "" {
		scenario = nil // of simulated traffic
	}
	return world.Spec{NetworkYAML: network, ScenarioYAML: scenario, Seed: where.Seed}, err
}

// play makes the world, simulated or recorded.
func (c *Tape) play(where *Where) (*world.World, error) {
	if c.Recorded == "" {
		return where.open()
	}
	spec, err := c.spec(where)
	if err != nil {
		return nil, err
	}
	if spec.NetworkYAML, err = world.WithPlace(spec.NetworkYAML, where.Zone, 0); err != nil {
		return nil, err
	}
	return c.make(spec)
}

// make makes the world of a spec, and tells what was read of a recording.
func (c *Tape) make(spec world.Spec) (*world.World, error) {
	w, report, err := recorded.Make(spec, c.Recorded)
	if err != nil || report == nil || c.notes == nil {
		return w, err
	}
	if _, err := report.WriteTo(c.notes); err != nil {
		return nil, fmt.Errorf("tell what was read: %w", err)
	}
	return w, nil
}

// restart moves the recording of a network to another moment.
func (c *Tape) restart(networkYAML []byte, text string) ([]byte, error) {
	replay, err := world.ReplayOf(networkYAML)
	if err != nil {
		return nil, err
	}
	if replay == nil || c.Recorded == "" {
		return nil, errors.New("--recorded-start moves a recording: give a network that replays one, and the recording with --recorded")
	}
	zone, err := world.Location(replay.Zone)
	if err != nil {
		return nil, err
	}
	r, err := recorded.Read(c.Recorded, replay.Format, replay.Classes)
	if err != nil {
		return nil, err
	}
	start, err := r.StartAt(text, zone, time.Now())
	if err != nil {
		return nil, err
	}
	return world.WithReplayAt(networkYAML, start.UnixMicro())
}
