package world

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
)

// maxClassNames limits the names that a network file explains.
const maxClassNames = 256

// Formats are the kinds of recording that a network file may name.
var Formats = []string{"sumo", "fintraffic"}

// recordedFile says that passages come from a recording. The recording itself
// is far too large for a network file, or for a record of the network topic;
// its hash stands for it.
type recordedFile struct {
	Format  string          `yaml:"format"`
	Start   string          `yaml:"start"`
	Hash    string          `yaml:"hash"`
	Classes []typeClassFile `yaml:"classes,omitempty"`
}

// typeClassFile says what a type of the recording is.
type typeClassFile struct {
	Type  string `yaml:"type"`
	Class string `yaml:"class"`
}

// Replay is what a network file says of the recording that it replays.
type Replay struct {
	// Format is one of Formats.
	Format string
	// Zone of the network.
	Zone string
	// Start is when the recording's first record happens.
	Start Micros
	// Hash of the recording, see Recording.Hash.
	Hash string
	// Classes of types that the format's own names do not cover.
	Classes map[string]Class
}

// ReplayOf is what a network file replays, nil when its traffic is simulated.
// The whole file is checked.
func ReplayOf(networkYAML []byte) (*Replay, error) {
	f, _, _, err := parseNetwork(networkYAML)
	if err != nil || f.Recorded == nil {
		return nil, err
	}
	r, err := readReplay(source{"network", networkYAML}, f.Recorded)
	if err == nil {
		r.Zone = f.Zone
	}
	return r, err
}

// WithReplayAt is a network file whose recording starts at another moment, and
// its devices' lives with that moment's UTC day. Comments are lost.
func WithReplayAt(networkYAML []byte, start Micros) ([]byte, error) {
	src := source{"network", networkYAML}
	var f networkFile
	if err := src.decode(&f); err != nil {
		return nil, err
	}
	if f.Recorded == nil {
		return nil, errNotRecorded
	}
	f.Recorded.Start = formatMicros(start)
	f.ValidFrom = formatMicros(floorDay(start) * 24 * hour)
	return yaml.Marshal(f)
}

func formatMicros(t Micros) string { return time.UnixMicro(t).UTC().Format(time.RFC3339Nano) }

// errNotRecorded is for networks whose traffic is simulated.
var errNotRecorded = fmt.Errorf("network file: has no part %q, so it replays no recording: let gantry-agent world import draft one from the recording", "recorded")

func readReplay(src source, f *recordedFile) (*Replay, error) {
	r := &Replay{Format: f.Format, Hash: f.Hash, Classes: map[string]Class{}}
	if !slices.Contains(Formats, f.Format) {
		return nil, src.fault("recorded.format", "is %s, must be %s", quoted(f.Format), strings.Join(Formats, " or "))
	}
	t, err := time.Parse(time.RFC3339, f.Start)
	if err != nil {
		return nil, src.fault("recorded.start", "is %s, must be a time as 2026-01-31T07:00:00Z", quoted(f.Start))
	}
	if t.Year() < 1980 || t.Year() > 2050 {
		return nil, src.fault("recorded.start", "is in the year %d, must be from 1980 to 2050", t.Year())
	}
	r.Start = t.UnixMicro()
	if len(f.Hash) != hashDigits || strings.Trim(f.Hash, "0123456789abcdef") != "" {
		return nil, src.fault("recorded.hash", "is %s, must be %d hexadecimal digits", quoted(f.Hash), hashDigits)
	}
	if len(f.Classes) > maxClassNames {
		return nil, src.fault("recorded.classes", "has %d entries, must have at most %d", len(f.Classes), maxClassNames)
	}
	for i, given := range f.Classes {
		path := fmt.Sprintf("recorded.classes[%d]", i)
		c := parseClass(given.Class)
		if c == 0 {
			return nil, src.fault(path+".class", "is %s, must be car, van, truck, bus, motorcycle or other", quoted(given.Class))
		}
		if _, twice := r.Classes[given.Type]; twice {
			return nil, src.fault(path+".type", "%s stands twice", quoted(given.Type))
		}
		r.Classes[given.Type] = c
	}
	return r, nil
}

// recordedScenarioFile is a scenario for a recording: traffic is as it is, but
// devices may fail.
type recordedScenarioFile struct {
	Name   string      `yaml:"name"`
	Faults []faultFile `yaml:"faults"`
}

// parseRecordedScenario reads a scenario for a recording; an empty one is one
// without faults.
func parseRecordedScenario(text []byte, net *Network, z zone) (f recordedScenarioFile, s *scenario, err error) {
	if s = (&scenario{}); len(text) == 0 {
		return f, s, nil
	}
	src := source{"scenario", text}
	if err := src.decode(&f); err != nil {
		return f, nil, fmt.Errorf("of a scenario, a recording takes name and faults alone: %w", err)
	}
	if err := checkName(src, "name", f.Name); err != nil {
		return f, nil, err
	}
	s.faults, err = readFaults(src, f.Faults, net, z)
	return f, s, err
}

// checkSimulated refuses a network whose passages are not to be simulated.
func checkSimulated(src source, f *networkFile) error {
	if f.Recorded == nil {
		return nil
	}
	return src.fault("recorded", "this network replays a recording: give the recording's file with --recorded")
}

// ParseClass is the class of a name as car.
func ParseClass(name string) (Class, error) {
	c := parseClass(name)
	if c == 0 {
		return 0, fmt.Errorf("%s is no class: give car, van, truck, bus, motorcycle or other", quoted(name))
	}
	return c, nil
}
