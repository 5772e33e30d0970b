package world

import (
	"time"

	"github.com/goccy/go-yaml"
)

// networkFile is a network as written. The order of its fields is part of the
// fingerprint.
type networkFile struct {
	Name      string        `yaml:"name"`
	Zone      string        `yaml:"zone"`
	ValidFrom string        `yaml:"valid_from"`
	Recorded  *recordedFile `yaml:"recorded,omitempty" json:",omitempty"`
	Nodes     []nodeFile    `yaml:"nodes"`
	Links     []linkFile    `yaml:"links"`
	Stations  []stationFile `yaml:"stations"`
	Tariffs   []tariffFile  `yaml:"tariffs,omitempty"`
}

// WithPlace is a network file with another zone, unless that is empty, and
// another start of its devices' lives, unless that is 0. Comments are lost.
func WithPlace(networkYAML []byte, zone string, validFrom Micros) ([]byte, error) {
	var f networkFile
	if err := (source{"network", networkYAML}).decode(&f); err != nil {
		return nil, err
	}
	if zone != "" {
		f.Zone = zone
	}
	if validFrom != 0 {
		f.ValidFrom = formatMicros(validFrom)
	}
	return yaml.Marshal(f)
}

// parseNetwork reads and checks a network file.
func parseNetwork(text []byte) (networkFile, *Network, *graph, error) {
	src := source{"network", text}
	var f networkFile
	if err := src.decode(&f); err != nil {
		return f, nil, nil, err
	}
	n := &Network{Name: f.Name, Zone: f.Zone}
	g := &graph{zones: map[string]int{}, byID: map[string]int{}}
	err := firstError(
		func() error { return checkName(src, "name", f.Name) },
		func() error { return readPlace(src, &f, n) },
		func() error { return g.readNodes(src, f.Nodes) },
		func() error { return g.readLinks(src, f.Links) },
		func() error { return g.checkEnds(src) },
		func() error { return g.checkOffsets(src) },
		func() error { g.inventory(n); return nil },
		func() error { return readStations(src, f.Stations, g, n) },
		func() error { return readTariffs(src, f.Tariffs, n) },
	)
	return f, n, g, err
}

func checkName(src source, path, s string) error {
	if s == "" || len(s) > 48 {
		return src.fault(path, "has %d bytes, must have 1 to 48", len(s))
	}
	for _, c := range []byte(s) {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_') {
			return src.fault(path, "is %s, must consist of letters, digits, - and _", quoted(s))
		}
	}
	return nil
}

// checkRange is for the many numbers that must lie between two others.
func checkRange(src source, path string, v, lo, hi uint32) error {
	if v < lo || v > hi {
		return src.fault(path, "is %d, must be %d to %d", v, lo, hi)
	}
	return nil
}

// checkCount limits a list.
func checkCount(src source, path string, n, lo, hi int) error {
	if n < lo || n > hi {
		return src.fault(path, "has %d entries, must have %d to %d", n, lo, hi)
	}
	return nil
}

func readPlace(src source, f *networkFile, n *Network) error {
	if _, err := parseZone(f.Zone); err != nil {
		return src.fault("zone", "%v", err)
	}
	t, err := time.Parse(time.RFC3339, f.ValidFrom)
	if err != nil {
		return src.fault("valid_from", "is %s, must be a time as 2026-01-31T00:00:00Z", quoted(f.ValidFrom))
	}
	if t.Year() < 1980 || t.Year() > 2050 {
		return src.fault("valid_from", "is in the year %d, must be from 1980 to 2050", t.Year())
	}
	n.ValidFrom = t.UnixMicro()
	return nil
}
