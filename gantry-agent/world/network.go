package world

// Network is what stands at the roadside.
type Network struct {
	// Name of the network.
	Name string
	// Zone is an IANA name or a fixed offset as +09:30.
	Zone string
	// ValidFrom is when the network's life begins.
	ValidFrom Micros
	// Nodes, in the order of the file.
	Nodes []Node
	// Links, in the order of the file.
	Links []Link
	// Stations, in the order of the file.
	Stations []Station
	// Devices, in the order of their stations, then by kind.
	Devices []Device
	// Tariffs of all toll gantries; together they cover each minute of the day
	// once for each class.
	Tariffs []Tariff
}

// Node is where roads begin, end, part or meet.
type Node struct {
	// ID, unique among the nodes.
	ID string
	// Zone says whether trips begin and end here.
	Zone bool
	// LongitudeE7 and LatitudeE7 are WGS 84, in 1e-7 degrees.
	LongitudeE7, LatitudeE7 int32
}

// Link is a stretch of one direction of a road, as anybody can see it: what it
// can bear and how it is driven on is not for an inventory to know.
type Link struct {
	// ID, unique among the links.
	ID string
	// Ramp is false for a stretch of the road itself.
	Ramp bool
	// Road and Direction as on the signs.
	Road, Direction string
	// OffsetM is the distance from the road's start in the direction of travel,
	// LengthM the link's length, metres.
	OffsetM, LengthM uint32
	// Lanes, numbered from the nearside, 1-based.
	Lanes uint8
	// LimitKMH is the limit in force, km/h.
	LimitKMH uint8
	// From and To are the nodes at its ends.
	From, To string
	// LonLatE7 is its line: pairs of longitude and latitude, WGS 84, in 1e-7
	// degrees. Nobody may change it.
	LonLatE7 [][2]int32
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
	// Link that the station stands at.
	Link string
	// AtM is the distance from the link's start, metres.
	AtM uint32
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

func (n *Network) station(id string) (int, bool) {
	for i := range n.Stations {
		if n.Stations[i].ID == id {
			return i, true
		}
	}
	return 0, false
}
