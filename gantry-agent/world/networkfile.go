package world

import (
	"fmt"
	"strconv"
	"time"

	"github.com/goccy/go-yaml"
)

// Limits of a network file.
const (
	maxStations = 4096
	maxRoads    = 64
	maxNodes    = 256
	maxTariffs  = 1024
)

// networkFile is a network as written. The order of its fields is part of the
// fingerprint.
type networkFile struct {
	Name      string        `yaml:"name"`
	Zone      string        `yaml:"zone"`
	ValidFrom string        `yaml:"valid_from"`
	Recorded  *recordedFile `yaml:"recorded,omitempty" json:",omitempty"`
	Roads     []roadFile    `yaml:"roads"`
	Stations  []stationFile `yaml:"stations"`
	Tariffs   []tariffFile  `yaml:"tariffs"`
}

type roadFile struct {
	ID         string     `yaml:"id"`
	LengthM    uint32     `yaml:"length_m"`
	Directions []string   `yaml:"directions,flow"`
	Nodes      []nodeFile `yaml:"nodes"`
}

type nodeFile struct {
	ID      string `yaml:"id"`
	OffsetM uint32 `yaml:"offset_m"`
}

type stationFile struct {
	ID          string   `yaml:"id"`
	Gantry      string   `yaml:"gantry"`
	Road        string   `yaml:"road"`
	Direction   string   `yaml:"direction"`
	OffsetM     uint32   `yaml:"offset_m"`
	Lanes       uint8    `yaml:"lanes"`
	LimitKMH    uint8    `yaml:"limit_kmh"`
	LongitudeE7 int32    `yaml:"longitude_e7"`
	LatitudeE7  int32    `yaml:"latitude_e7"`
	LoopCM      uint16   `yaml:"loop_cm"`
	Devices     []string `yaml:"devices,flow"`
}

type tariffFile struct {
	Class string `yaml:"class"`
	From  string `yaml:"from"`
	To    string `yaml:"to"`
	Cents uint32 `yaml:"cents"`
}

// WithPlace is a network file with another zone and another start of its
// devices' lives. Comments are lost.
func WithPlace(networkYAML []byte, zone string, validFrom Micros) ([]byte, error) {
	var f networkFile
	if err := (source{"network", networkYAML}).decode(&f); err != nil {
		return nil, err
	}
	if zone != "" {
		f.Zone = zone
	}
	f.ValidFrom = time.UnixMicro(validFrom).UTC().Format(time.RFC3339Nano)
	return yaml.Marshal(f)
}

// parseNetwork reads and checks a network file.
func parseNetwork(text []byte) (networkFile, *Network, []road, error) {
	src := source{"network", text}
	var f networkFile
	if err := src.decode(&f); err != nil {
		return f, nil, nil, err
	}
	n := &Network{Name: f.Name, Zone: f.Zone}
	var roads []road
	err := firstError(
		func() error { return checkName(src, "name", f.Name) },
		func() error { return readPlace(src, &f, n) },
		func() (err error) { roads, err = readRoads(src, f.Roads); return err },
		func() error { return readStations(src, &f, roads, n) },
		func() error { return readTariffs(src, &f, n) },
	)
	return f, n, roads, err
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

func readRoads(src source, files []roadFile) ([]road, error) {
	if len(files) == 0 || len(files) > maxRoads {
		return nil, src.fault("roads", "has %d entries, must have 1 to %d", len(files), maxRoads)
	}
	seen := map[string]bool{}
	var roads []road
	for i, f := range files {
		path := fmt.Sprintf("roads[%d]", i)
		if err := checkName(src, path+".id", f.ID); err != nil {
			return nil, err
		}
		if seen["road "+f.ID] {
			return nil, src.fault(path+".id", "%q stands twice", f.ID)
		}
		seen["road "+f.ID] = true
		if f.LengthM < 100 || f.LengthM > 1_000_000 {
			return nil, src.fault(path+".length_m", "is %d, must be 100 to 1000000", f.LengthM)
		}
		for j, name := range f.Directions {
			if err := checkName(src, fmt.Sprintf("%s.directions[%d]", path, j), name); err != nil {
				return nil, err
			}
		}
		if len(f.Directions) != 2 || f.Directions[0] == f.Directions[1] {
			return nil, src.fault(path+".directions", "must be two different names")
		}
		nodes, err := readNodes(src, path, f, seen)
		if err != nil {
			return nil, err
		}
		roads = append(roads, road{f.ID, f.LengthM, [2]string(f.Directions), nodes})
	}
	return roads, nil
}

func readNodes(src source, path string, f roadFile, seen map[string]bool) ([]node, error) {
	if len(f.Nodes) < 2 || len(f.Nodes) > maxNodes {
		return nil, src.fault(path+".nodes", "has %d entries, must have 2 to %d", len(f.Nodes), maxNodes)
	}
	var nodes []node
	for j, nf := range f.Nodes {
		np := fmt.Sprintf("%s.nodes[%d]", path, j)
		if err := checkName(src, np+".id", nf.ID); err != nil {
			return nil, err
		}
		if seen["node "+nf.ID] {
			return nil, src.fault(np+".id", "%q stands twice", nf.ID)
		}
		seen["node "+nf.ID] = true
		if nf.OffsetM > f.LengthM || j > 0 && nf.OffsetM <= f.Nodes[j-1].OffsetM {
			return nil, src.fault(np+".offset_m", "is %d, must grow from node to node up to length_m (%d)", nf.OffsetM, f.LengthM)
		}
		nodes = append(nodes, node{nf.ID, nf.OffsetM})
	}
	return nodes, nil
}

func readStations(src source, f *networkFile, roads []road, n *Network) error {
	if len(f.Stations) == 0 || len(f.Stations) > maxStations {
		return src.fault("stations", "has %d entries, must have 1 to %d", len(f.Stations), maxStations)
	}
	seen := map[string]bool{}
	for i, sf := range f.Stations {
		path := fmt.Sprintf("stations[%d]", i)
		s := Station{sf.ID, sf.Gantry, sf.Road, sf.Direction, sf.OffsetM, sf.Lanes, sf.LimitKMH, sf.LongitudeE7, sf.LatitudeE7}
		if err := checkName(src, path+".id", sf.ID); err != nil {
			return err
		}
		if err := checkName(src, path+".gantry", sf.Gantry); err != nil {
			return err
		}
		if seen[sf.ID] {
			return src.fault(path+".id", "%q stands twice", sf.ID)
		}
		seen[sf.ID] = true
		if err := checkStation(src, path, &s, roads); err != nil {
			return err
		}
		n.Stations = append(n.Stations, s)
		if err := readDevices(src, path, sf, n); err != nil {
			return err
		}
	}
	return nil
}

func checkStation(src source, path string, s *Station, roads []road) error {
	line, ok := lineOf(roads, s)
	switch {
	case !ok:
		return src.fault(path+".direction", "no road %q has a direction %q", s.Road, s.Direction)
	case s.OffsetM > roads[line/2].lengthM:
		return src.fault(path+".offset_m", "is %d, beyond the road's end at %d", s.OffsetM, roads[line/2].lengthM)
	case s.Lanes < 1 || s.Lanes > 16:
		return src.fault(path+".lanes", "is %d, must be 1 to 16", s.Lanes)
	case s.LimitKMH < 5 || s.LimitKMH > 200:
		return src.fault(path+".limit_kmh", "is %d, must be 5 to 200", s.LimitKMH)
	case s.LongitudeE7 < -180e7 || s.LongitudeE7 > 180e7:
		return src.fault(path+".longitude_e7", "is %d, beyond 180 degrees", s.LongitudeE7)
	case s.LatitudeE7 < -90e7 || s.LatitudeE7 > 90e7:
		return src.fault(path+".latitude_e7", "is %d, beyond 90 degrees", s.LatitudeE7)
	}
	return nil
}

func readDevices(src source, path string, sf stationFile, n *Network) error {
	last := Kind(0)
	for j, name := range sf.Devices {
		kind := parseKind(name)
		dp := fmt.Sprintf("%s.devices[%d]", path, j)
		if kind == 0 {
			return src.fault(dp, "is %s, must be counter, speed or toll", quoted(name))
		}
		if kind <= last {
			return src.fault(dp, "%s must stand once, in the order counter, speed, toll", name)
		}
		last = kind
		d := Device{ID: sf.ID + "-" + name, Kind: kind, StationID: sf.ID}
		if kind == Counter {
			if sf.LoopCM < 50 || sf.LoopCM > 1000 {
				return src.fault(path+".loop_cm", "is %d, must be 50 to 1000", sf.LoopCM)
			}
			d.LoopLengthCM = sf.LoopCM
		}
		n.Devices = append(n.Devices, d)
	}
	return nil
}

func readTariffs(src source, f *networkFile, n *Network) error {
	if len(f.Tariffs) > maxTariffs {
		return src.fault("tariffs", "has %d entries, must have at most %d", len(f.Tariffs), maxTariffs)
	}
	var covered [classes][24 * 60]bool
	var rates []Tariff
	for i, tf := range f.Tariffs {
		path := fmt.Sprintf("tariffs[%d]", i)
		from, okFrom := parseClock(tf.From)
		to, okTo := parseClock(tf.To)
		r := Tariff{Class: parseClass(tf.Class), FromMinute: uint16(from), ToMinute: uint16(to), Cents: tf.Cents}
		switch {
		case r.Class == 0:
			return src.fault(path+".class", "is %s, must be car, van, truck, bus, motorcycle or other", quoted(tf.Class))
		case !okFrom:
			return src.fault(path+".from", "is %s, must be a time of day as 06:30", quoted(tf.From))
		case !okTo || to <= from || to > 24*60:
			return src.fault(path+".to", "is %s, must be a time of day after from, at most 24:00", quoted(tf.To))
		case tf.Cents > 1_000_000:
			return src.fault(path+".cents", "is %d, must be at most 1000000", tf.Cents)
		}
		for m := from; m < to; m++ {
			if covered[r.Class][m] {
				return src.fault(path+".from", "%02d:%02d has a tariff for %s already", m/60, m%60, tf.Class)
			}
			covered[r.Class][m] = true
		}
		rates = append(rates, r)
	}
	for _, d := range n.Devices {
		if d.Kind != Toll {
			continue
		}
		if err := checkCovered(src, &covered); err != nil {
			return err
		}
		for _, r := range rates {
			r.StationID = d.StationID
			n.Tariffs = append(n.Tariffs, r)
		}
	}
	return nil
}

func checkCovered(src source, covered *[classes][24 * 60]bool) error {
	for c := Car; c < classes; c++ {
		for m, ok := range covered[c] {
			if !ok {
				return src.fault("tariffs", "no tariff for %s at %02d:%02d, and there are toll gantries", c, m/60, m%60)
			}
		}
	}
	return nil
}

// parseClock reads hh:mm as minutes, hours up to 27 so that a scenario can
// speak of the end of its day.
func parseClock(s string) (int, bool) {
	if len(s) != 5 || s[2] != ':' {
		return 0, false
	}
	h, err1 := strconv.ParseUint(s[:2], 10, 8)
	m, err2 := strconv.ParseUint(s[3:], 10, 8)
	if err1 != nil || err2 != nil || h > 27 || m > 59 {
		return 0, false
	}
	return int(h*60 + m), true
}
