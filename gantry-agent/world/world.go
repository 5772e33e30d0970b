package world

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"sync"
)

// Version is part of the fingerprint. It grows with every change after which
// the same files and seed give other passages or other readings.
const Version = 1

//go:embed shipped/*.yaml
var shipped embed.FS

// Shipped is a network or scenario file that comes with the program; kind is
// "network" or "scenario".
func Shipped(kind, name string) ([]byte, bool) {
	b, err := shipped.ReadFile("shipped/" + kind + "-" + name + ".yaml")
	return b, err == nil
}

// Spec is all that a world depends on.
type Spec struct {
	// NetworkYAML and ScenarioYAML are the files' text.
	NetworkYAML, ScenarioYAML []byte
	// Seed of all chance.
	Seed uint64
}

// World is a simulated road network. It may be used by several goroutines.
type World struct {
	seed        uint64
	net         *Network
	zone        zone
	roads       []road
	scn         *scenario
	fleet       *fleet
	fingerprint string
	stations    map[string]int
	lines       []int // by station
	spot, lane  []uint64
	tail        Micros // after a day's end, its last vehicle has left by then
	days        dayCache
	recorded    *recorded // where passages come from a recording: then nothing is simulated
	scratch     sync.Pool // of *[]crossing, for sorting
}

// New checks the files and prepares the world. Errors name the kind of file,
// the line and the field.
func New(spec Spec) (*World, error) {
	nf, net, roads, err := parseNetwork(spec.NetworkYAML)
	if err != nil {
		return nil, err
	}
	if err := checkSimulated(source{"network", spec.NetworkYAML}, &nf); err != nil {
		return nil, err
	}
	sf, scn, err := parseScenario(spec.ScenarioYAML, roads)
	if err != nil {
		return nil, err
	}
	z, err := parseZone(net.Zone)
	if err != nil {
		return nil, fmt.Errorf("zone %w", err)
	}
	w := &World{seed: spec.Seed, net: net, zone: z, roads: roads, scn: scn, stations: map[string]int{}}
	if w.fingerprint, err = fingerprint(nf, sf, spec.Seed); err != nil {
		return nil, err
	}
	if w.fleet, err = newFleet(spec.Seed); err != nil {
		return nil, err
	}
	w.tail = longestTail(roads)
	for i := range net.Stations {
		s := &net.Stations[i]
		line, _ := lineOf(roads, s)
		w.stations[s.ID] = i
		w.lines = append(w.lines, line)
		w.spot = append(w.spot, draw(key(spec.Seed, streamSpot), uint64(i)))
		w.lane = append(w.lane, draw(key(spec.Seed, streamLane), uint64(i)))
	}
	return w, nil
}

// longestTail is how long after a day's end a vehicle of that day may still
// cross a station: an hour when clocks change and the day has 23 hours, the
// longest road at the least speed, and some waiting.
func longestTail(roads []road) Micros {
	longest := uint32(0)
	for _, r := range roads {
		longest = max(longest, r.lengthM)
	}
	return hour + Micros(longest)*36*second/(minSpeedKMH*10) + 10*minute
}

// fingerprint hashes what the passages and readings depend on. valid_from is
// left out: history may be made longer later without changing a reading.
func fingerprint(nf networkFile, sf scenarioFile, seed uint64) (string, error) {
	nf.ValidFrom = ""
	b, err := json.Marshal(struct {
		Version  int
		Network  networkFile
		Scenario scenarioFile
		Seed     uint64
	}{Version, nf, sf, seed})
	if err != nil {
		return "", fmt.Errorf("world: fingerprint: %w", err)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:16]), nil
}

// Fingerprint is the same for two worlds only if they give the same readings,
// 32 hexadecimal digits.
func (w *World) Fingerprint() string { return w.fingerprint }

// Network is what stands at the roadside. It must not be changed.
func (w *World) Network() *Network { return w.net }

// Seed of all chance.
func (w *World) Seed() uint64 { return w.seed }

// Station finds a station by its identifier.
func (w *World) Station(id string) (*Station, bool) {
	i, ok := w.stations[id]
	if !ok {
		return nil, false
	}
	return &w.net.Stations[i], true
}

// Device finds a device by its identifier.
func (w *World) Device(id string) (*Device, bool) {
	i := slices.IndexFunc(w.net.Devices, func(d Device) bool { return d.ID == id })
	if i < 0 {
		return nil, false
	}
	return &w.net.Devices[i], true
}

// MinuteOfDay is the minute of the local day at t, 0 to 1439.
func (w *World) MinuteOfDay(t Micros) int { return w.zone.minuteOf(t) }

// DayStart is when the world day that t lies in begins, 03:00 local time.
func (w *World) DayStart(t Micros) Micros { return w.zone.dayStart(w.zone.dayOf(t)) }

// Prototype is what a vehicle has in common with others of its make.
func (w *World) Prototype(v Vehicle) Prototype { return *w.fleet.prototype(v) }

// Plate writes the plate of a vehicle, personal data.
func (w *World) Plate(v Vehicle, t *Text) { w.fleet.writePlate(v, t) }

// Tag writes the toll tag of a vehicle into t, and is false when it has none.
func (w *World) Tag(v Vehicle, t *Text) bool {
	if !w.fleet.prototype(v).Tagged {
		return false
	}
	w.fleet.writeTag(v, t)
	return true
}

// DeviceKey is where a device draws its errors from.
func (w *World) DeviceKey(deviceID string) uint64 {
	k := key(w.seed, streamDevice)
	for _, c := range []byte(deviceID) {
		k = draw(k, uint64(c)+1)
	}
	return k
}

// Chance is draw id of a key: 64 bits, uniform.
func Chance(key, id uint64) uint64 { return draw(key, id) }

// Bell turns a draw into one from a bell curve with mean 0 and deviation sd;
// no value is beyond 3.5 sd.
func Bell(h uint64, sd int64) int64 { return bell(h) * sd / bellSD }

// Passages are what crosses a station in [from, to), by time. An unknown
// station has none.
func (w *World) Passages(stationID string, from, to Micros) iter.Seq[Passage] {
	return func(yield func(Passage) bool) {
		c, ok := w.Open(stationID, from, to)
		if !ok {
			return
		}
		var p Passage
		for c.Next(&p) {
			if !yield(p) {
				return
			}
		}
	}
}
