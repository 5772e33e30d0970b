package world

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"
)

// Version is part of the fingerprint. It grows with every change after which
// the same files and seed give other passages or other readings.
const Version = 2

//go:embed shipped/*.yaml
var shipped embed.FS

// Shipped is a network or scenario file that comes with the program; kind is
// "network" or "scenario".
func Shipped(kind, name string) ([]byte, bool) {
	b, err := shipped.ReadFile("shipped/" + kind + "-" + name + ".yaml")
	return b, err == nil
}

// ScenarioFor is the scenario that goes with a network where none is named: the
// shipped one of the same name, else weekday, which is corridor's.
func ScenarioFor(network string) string {
	if _, ok := Shipped("scenario", network); ok {
		return network
	}
	return "weekday"
}

// Spec is all that a world depends on.
type Spec struct {
	// NetworkYAML and ScenarioYAML are the files' text.
	NetworkYAML, ScenarioYAML []byte
	// Seed of all chance.
	Seed uint64
	// InterventionsYAML, where given, is a file of interventions on top of the
	// scenario's.
	InterventionsYAML []byte
}

// World is a simulated road network. It may be used by several goroutines.
type World struct {
	seed        uint64
	net         *Network
	zone        zone
	graph       *graph
	scn         *scenario
	factors     factors
	profiles    []profiles // by demand
	base        *grid      // without interventions
	routes      *routes
	fleet       *fleet
	fingerprint string
	stations    map[string]int
	tail        Micros // after a day's end, its last vehicle has left by then
	days        dayCache
	keep        int    // days; guarded by days.mu
	drafts      drafts // guarded by days.mu
	plannedMu   sync.Mutex
	plannedKept [2]*planned
	recorded    *recorded // where passages come from a recording: then nothing is simulated
}

// keptDays is how many days are kept unless Keep says otherwise.
const keptDays = 3

// factors are what a seed makes of the network's and the scenario's figures,
// per mille of them; lost is per mille of capacity.
type factors struct{ capacity, jamDensity, lost, detectorError uint32 }

// New checks the files and prepares the world. Errors name the kind of file,
// the line and the field.
func New(spec Spec) (*World, error) {
	nf, net, g, err := parseNetwork(spec.NetworkYAML)
	if err != nil {
		return nil, err
	}
	if err := checkSimulated(source{"network", spec.NetworkYAML}, &nf); err != nil {
		return nil, err
	}
	z, err := parseZone(net.Zone)
	if err != nil {
		return nil, fmt.Errorf("zone %w", err)
	}
	sf, scn, err := parseScenario(spec.ScenarioYAML, net, g, z)
	if err != nil {
		return nil, err
	}
	w := &World{seed: spec.Seed, net: net, zone: z, graph: g, scn: scn, stations: map[string]int{}, keep: keptDays}
	if w.fingerprint, err = fingerprint(nf, sf, spec.Seed); err != nil {
		return nil, err
	}
	if len(spec.InterventionsYAML) > 0 {
		if err := w.add(spec.InterventionsYAML); err != nil {
			return nil, err
		}
	}
	if w.fleet, err = newFleet(spec.Seed); err != nil {
		return nil, err
	}
	for i := range net.Stations {
		w.stations[net.Stations[i].ID] = i
	}
	w.days.wanted = make([]bool, len(net.Stations))
	return w, w.prepare()
}

// add appends a file of interventions to the scenario's. The fingerprint then
// covers them too.
func (w *World) add(text []byte) error {
	more, err := parseInterventions(text, w.net, w.graph, w.scn)
	if err != nil {
		return err
	}
	w.scn.interventions = append(w.scn.interventions, more...)
	sum := sha256.Sum256(append([]byte(w.fingerprint), text...))
	w.fingerprint = hex.EncodeToString(sum[:16])
	return nil
}

// prepare computes what all days have in common.
func (w *World) prepare() error {
	w.factors = w.drawFactors()
	w.base = newGrid(w.net, w.graph, w.scn, w.factors, math.MinInt)
	var pairs []pair
	for i := range w.scn.demand {
		d := &w.scn.demand[i]
		pairs = append(pairs, pair{d.origin, d.destination})
		work, okWork := newQuantiles(smooth(d.workday))
		weekend, okWeekend := newQuantiles(smooth(d.weekend))
		if !okWork || !okWeekend {
			return fmt.Errorf("scenario file: a profile of demand %d has weights beyond %d", i, maxWeight)
		}
		w.profiles = append(w.profiles, profiles{work, weekend})
	}
	for i := range w.scn.commuters {
		c := &w.scn.commuters[i]
		pairs = append(pairs, pair{c.origin, c.destination}, pair{c.destination, c.origin})
	}
	for i := range w.scn.interventions {
		if b := w.scn.interventions[i].bus; b != nil {
			pairs = append(pairs, pair{b.origin, b.destination})
		}
	}
	w.routes = newRoutes(w.graph, w.base, pairs)
	longest := uint64(0)
	for i := range w.routes.all {
		longest = max(longest, w.routes.all[i].freeTicks)
	}
	// Vehicles that set out just before three are slow trucks at the worst; an
	// hour more where clocks change and a day has 23 hours.
	w.tail = Micros(longest)*tick*4 + 20*minute
	if !w.zone.fixed {
		w.tail += hour
	}
	return nil
}

// drawFactors draws what the seed makes of the figures.
func (w *World) drawFactors() factors {
	k := key(w.seed, streamVariation)
	v := &w.scn.variation
	vary := func(id uint64, percent uint32) uint32 {
		return 1000 - percent*10 + below(draw(k, id), percent*20+1)
	}
	return factors{
		capacity: vary(1, v.capacity), jamDensity: vary(2, v.jamDensity),
		lost: w.scn.dropPercent * 10 * vary(3, v.drop) / 1000, detectorError: vary(4, v.detector),
	}
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

// DetectorErrorPerMille is how large the errors of this world's instruments
// are, per mille of the usual: 1000 unless the scenario lets seeds vary them.
func (w *World) DetectorErrorPerMille() int64 {
	if w.recorded != nil {
		return 1000
	}
	return int64(w.factors.detectorError)
}

// gridOf is the network as it is on a day.
func (w *World) gridOf(day int) *grid { return newGrid(w.net, w.graph, w.scn, w.factors, day) }

// dateOf is the date of a world day, as 2026-03-04.
func dateOf(day int) string {
	return time.Unix(int64(day)*24*3600, 0).UTC().Format(time.DateOnly)
}
