package world

// Network is what stands at the roadside.
type Network struct {
	// Name of the network.
	Name string
	// Zone is an IANA name or a fixed offset as +09:30.
	Zone string
	// ValidFrom is when the network's life begins.
	ValidFrom Micros
	// Stations, in the order of the file.
	Stations []Station
	// Devices, in the order of their stations, then by kind.
	Devices []Device
	// Tariffs of all toll gantries; together they cover each minute of the day
	// once for each class.
	Tariffs []Tariff
}

// Station is all devices of one direction at one gantry.
type Station struct {
	// ID, unique in the network.
	ID string
	// Gantry is shared by the stations of both directions.
	Gantry string
	// Road and Direction as on the signs.
	Road, Direction string
	// OffsetM is the distance from the road's start in the direction of travel,
	// metres.
	OffsetM uint32
	// Lanes, numbered from the nearside, 1-based.
	Lanes uint8
	// LimitKMH is the limit in force, km/h.
	LimitKMH uint8
	// LongitudeE7 and LatitudeE7 are WGS 84, in 1e-7 degrees.
	LongitudeE7, LatitudeE7 int32
}

// Device is one instrument.
type Device struct {
	// ID is the station's, a hyphen and the kind.
	ID string
	// Kind of the instrument.
	Kind Kind
	// StationID of its station.
	StationID string
	// LoopLengthCM is the length of a counter's loop along the road, cm; 0 for
	// others.
	LoopLengthCM uint16
}

// Tariff is what a class pays at a station within hours of the local day.
type Tariff struct {
	// StationID of the toll gantry.
	StationID string
	// Class that pays.
	Class Class
	// FromMinute and ToMinute of the local day; to is exclusive.
	FromMinute, ToMinute uint16
	// Cents charged.
	Cents uint32
}

// road is a road with its two directions, as the demand sees it.
type road struct {
	id         string
	lengthM    uint32
	directions [2]string
	nodes      []node
}

// node is where vehicles come and go; the offset is along the first
// direction.
type node struct {
	id      string
	offsetM uint32
}

// way is a stretch of one direction of a road.
type way struct {
	line         int // 2·road + direction
	fromM, overM uint32
}

// wayBetween is the stretch from one node to another of the same road.
func wayBetween(roads []road, from, to string) (way, bool) {
	for i, r := range roads {
		a, okA := r.offset(from)
		b, okB := r.offset(to)
		switch {
		case !okA || !okB:
		case a < b:
			return way{line: 2 * i, fromM: a, overM: b}, true
		case a > b:
			return way{line: 2*i + 1, fromM: r.lengthM - a, overM: r.lengthM - b}, true
		}
	}
	return way{}, false
}

func (r road) offset(id string) (uint32, bool) {
	for _, n := range r.nodes {
		if n.id == id {
			return n.offsetM, true
		}
	}
	return 0, false
}

// lineOf is the line of a station.
func lineOf(roads []road, s *Station) (int, bool) {
	for i, r := range roads {
		for d, name := range r.directions {
			if r.id == s.Road && name == s.Direction {
				return 2*i + d, true
			}
		}
	}
	return 0, false
}
