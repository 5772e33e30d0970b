package world

import "fmt"

// maxStations limits a network file.
const maxStations = 4096

// stationRoomM is how far a station must be from its link's ends and from the
// next station, metres: between two of them is a segment of road with queues
// of its own.
const stationRoomM = 200

type stationFile struct {
	ID      string   `yaml:"id"`
	Gantry  string   `yaml:"gantry"`
	Link    string   `yaml:"link"`
	AtM     uint32   `yaml:"at_m"`
	LoopCM  uint32   `yaml:"loop_cm,omitempty"`
	Devices []string `yaml:"devices,flow"`
}

func readStations(src source, files []stationFile, g *graph, n *Network) error {
	if err := checkCount(src, "stations", len(files), 1, maxStations); err != nil {
		return err
	}
	seen := map[string]bool{}
	taken := map[string][]int{} // stations by link
	for i, sf := range files {
		path := fmt.Sprintf("stations[%d]", i)
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
		li, ok := g.byID[sf.Link]
		if !ok {
			return src.fault(path+".link", "there is no link %s", quoted(sf.Link))
		}
		l := &g.links[li]
		if err := checkStationPlace(src, path, sf, l, n, taken[sf.Link]); err != nil {
			return err
		}
		taken[sf.Link] = append(taken[sf.Link], i)
		at := along(l.lonLatE7, sf.AtM, l.lengthM)
		n.Stations = append(n.Stations, Station{
			ID: sf.ID, Gantry: sf.Gantry, Road: l.road, Direction: l.direction, OffsetM: l.offsetM + sf.AtM,
			Lanes: l.lanes, LimitKMH: l.limitKMH, LongitudeE7: at[0], LatitudeE7: at[1], Link: sf.Link, AtM: sf.AtM,
		})
		if err := readDevices(src, path, sf, n); err != nil {
			return err
		}
	}
	return nil
}

// checkStationPlace keeps a station clear of its link's ends and of those that
// stand on the link already.
func checkStationPlace(src source, path string, sf stationFile, l *link, n *Network, others []int) error {
	if l.lengthM < 2*stationRoomM {
		return src.fault(path+".link", "link %s is %d m long, must have %d m to bear a station", quoted(l.id), l.lengthM, 2*stationRoomM)
	}
	if sf.AtM < stationRoomM || sf.AtM > l.lengthM-stationRoomM {
		return src.fault(path+".at_m", "is %d, must be %d to %d: %d m from both ends of link %s", sf.AtM, stationRoomM, l.lengthM-stationRoomM, stationRoomM, quoted(l.id))
	}
	for _, i := range others {
		o := &n.Stations[i]
		if max(o.AtM, sf.AtM)-min(o.AtM, sf.AtM) < stationRoomM {
			return src.fault(path+".at_m", "is %d, must be %d m from station %s at %d", sf.AtM, stationRoomM, quoted(o.ID), o.AtM)
		}
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
			if err := checkRange(src, path+".loop_cm", sf.LoopCM, 50, 1000); err != nil {
				return err
			}
			d.LoopLengthCM = uint16(sf.LoopCM)
		}
		n.Devices = append(n.Devices, d)
	}
	return nil
}
