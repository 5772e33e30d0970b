package world

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strings"
)

// MaxRecords is the most that a recording may have. A record takes 32 bytes
// for as long as the world lives, and some 200 while it is read and placed.
const MaxRecords = 5_000_000

// MaxRecordingDays is the longest that a recording may be.
const MaxRecordingDays = 366

// hashDigits is the length of a recording's hash.
const hashDigits = 32

// Record is one passage of a recording.
type Record struct {
	// After is how long after the recording's first record it happens.
	After Micros
	// Vehicle identifies the vehicle within the recording.
	Vehicle uint64
	// Station is an index into the recording's stations.
	Station uint32
	// LengthCM is the vehicle's length, cm, at most 65535.
	LengthCM uint16
	// SpeedTenthKMH is its speed, tenths of a km/h, at least 1.
	SpeedTenthKMH uint16
	// Class of the vehicle.
	Class Class
	// Lane, numbered from the nearside, 1-based.
	Lane uint8
}

// Recording is traffic that was recorded, or simulated, somewhere else.
type Recording struct {
	// Stations by the identifiers that they have in a network.
	Stations []string
	// Records in order of After, which is 0 for the first.
	Records []Record
}

// Hash is the same for two recordings only if they hold the same records.
func (r *Recording) Hash() string {
	h := sha256.New()
	for _, s := range r.Stations {
		_, _ = fmt.Fprintf(h, "%q\n", s) // a hash takes everything
	}
	var b [26]byte
	for i := range r.Records {
		p := &r.Records[i]
		binary.LittleEndian.PutUint64(b[0:], uint64(p.After))
		binary.LittleEndian.PutUint64(b[8:], p.Vehicle)
		binary.LittleEndian.PutUint32(b[16:], p.Station)
		binary.LittleEndian.PutUint16(b[20:], p.LengthCM)
		binary.LittleEndian.PutUint16(b[22:], p.SpeedTenthKMH)
		b[24], b[25] = byte(p.Class), p.Lane
		_, _ = h.Write(b[:])
	}
	return hex.EncodeToString(h.Sum(nil)[:hashDigits/2])
}

// LeftOut is what a network has no place for, in records.
type LeftOut struct {
	// NoStation are of stations that the network does not have.
	NoStation int
	// NoLane are of lanes that the station does not have.
	NoLane int
}

// recorded is the passages of a recorded world.
type recorded struct {
	start, end Micros // of the first and of the last record
	columns    [][]recordedPassage
	leftOut    LeftOut
}

// recordedPassage is one entry of a station's column.
type recordedPassage struct {
	at       Micros
	trip     uint64
	vehicle  Vehicle
	lengthCM uint16
	speed    uint16 // tenths of a km/h
	lane     uint8
}

// NewRecorded makes a world whose passages are those of a recording. The spec's
// network must say that it replays this very recording; its scenario may be
// empty, or have a name and faults of devices, nothing else. Time, station,
// lane, class, length and speed are the recording's. What it does not know is
// made up from the vehicle's identifier and the seed: make, plate, tag, axles
// and persons aboard.
func NewRecorded(spec Spec, r *Recording) (*World, error) {
	nf, net, _, err := parseNetwork(spec.NetworkYAML)
	if err != nil {
		return nil, err
	}
	if nf.Recorded == nil {
		return nil, errNotRecorded
	}
	if len(spec.InterventionsYAML) > 0 {
		return nil, fmt.Errorf("network %q replays a recording, which no intervention can change", net.Name)
	}
	src := source{"network", spec.NetworkYAML}
	replay, err := readReplay(src, nf.Recorded)
	if err != nil {
		return nil, err
	}
	if replay.Start < floorDay(net.ValidFrom)*24*hour {
		return nil, src.fault("recorded.start", "is %s, before the day of valid_from (%s)", nf.Recorded.Start, nf.ValidFrom)
	}
	if got := r.Hash(); got != replay.Hash {
		return nil, fmt.Errorf("network %q replays recording %s, and the file given is recording %s: give the file that the network was drafted from", net.Name, replay.Hash, got)
	}
	w := &World{seed: spec.Seed, net: net, stations: map[string]int{}}
	if w.zone, err = parseZone(net.Zone); err != nil {
		return nil, fmt.Errorf("zone %w", err)
	}
	var sf recordedScenarioFile
	if sf, w.scn, err = parseRecordedScenario(spec.ScenarioYAML, net, w.zone); err != nil {
		return nil, err
	}
	if w.fingerprint, err = fingerprint(nf, scenarioFile{Name: sf.Name, Faults: sf.Faults}, spec.Seed); err != nil {
		return nil, err
	}
	if w.fleet, err = newFleet(spec.Seed); err != nil {
		return nil, err
	}
	for i := range net.Stations {
		w.stations[net.Stations[i].ID] = i
	}
	w.days.wanted = make([]bool, len(net.Stations)) // for Expect, which changes nothing here
	w.recorded, err = w.place(r, replay.Start)
	return w, err
}

// place puts records where they belong in the network and in time.
func (w *World) place(r *Recording, start Micros) (*recorded, error) {
	if n := len(r.Records); n == 0 || n > MaxRecords {
		return nil, fmt.Errorf("the recording has %d records, must have 1 to %d", n, MaxRecords)
	}
	byTime := func(a, b Record) int { return cmp.Compare(a.After, b.After) }
	last := r.Records[len(r.Records)-1].After
	if r.Records[0].After != 0 || !slices.IsSortedFunc(r.Records, byTime) || last > MaxRecordingDays*24*hour {
		return nil, fmt.Errorf("the recording's records must be in order from 0 on, and span at most %d days", MaxRecordingDays)
	}
	out := &recorded{start: start, end: start + last, columns: make([][]recordedPassage, len(w.net.Stations))}
	here := make([]int, len(r.Stations)) // stations of the network, -1 for none
	for i, id := range r.Stations {
		here[i] = -1
		if j, ok := w.stations[id]; ok {
			here[i] = j
		}
	}
	vehicles, trips := nameVehicles(r.Records)
	for i := range r.Records {
		p := &r.Records[i]
		j := here[p.Station]
		switch {
		case j < 0:
			out.leftOut.NoStation++
		case p.Lane < 1 || p.Lane > w.net.Stations[j].Lanes:
			out.leftOut.NoLane++
		default:
			out.columns[j] = append(out.columns[j], recordedPassage{
				at: start + p.After, trip: trips[i], vehicle: vehicles[i],
				lengthCM: p.LengthCM, speed: max(p.SpeedTenthKMH, 1), lane: p.Lane,
			})
		}
	}
	if out.leftOut.NoStation+out.leftOut.NoLane == len(r.Records) {
		return nil, fmt.Errorf("network %q has a place for none of the recording's %d records: it must have the stations %s", w.net.Name, len(r.Records), some(r.Stations))
	}
	return out, nil
}

// some names the first few.
func some(names []string) string {
	const few = 5
	if len(names) <= few {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:few], ", "), len(names)-few)
}

// nameVehicles gives each record a vehicle of the fleet, and a trip that is the
// same at all stations unless the vehicle comes by one of them again.
//
// Vehicles are numbered within their class in the order of their identifiers'
// hashes: no two are the same as long as a class has no more than 2^21 of them.
func nameVehicles(records []Record) ([]Vehicle, []uint64) {
	order := make([]uint32, len(records))
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortFunc(order, func(i, j uint32) int {
		a, b := &records[i], &records[j]
		return cmp.Or(cmp.Compare(mix(a.Vehicle), mix(b.Vehicle)), cmp.Compare(a.Class, b.Class), cmp.Compare(i, j))
	})
	vehicles, trips := make([]Vehicle, len(records)), make([]uint64, len(records))
	var next [classes]uint32
	visits := map[uint32]uint64{} // by station, of one vehicle
	for k, i := range order {
		r := &records[i]
		if k == 0 || r.Vehicle != records[order[k-1]].Vehicle || r.Class != records[order[k-1]].Class {
			next[r.Class]++
			clear(visits)
		}
		number := next[r.Class] - 1
		vehicles[i] = makeVehicle(r.Class, number%(1<<classIDBits))
		trips[i] = visits[r.Station]<<32 | uint64(r.Class)<<28 | uint64(number)
		visits[r.Station]++
	}
	return vehicles, trips
}

// LeftOut says what of the recording the network has no place for.
func (w *World) LeftOut() LeftOut {
	if w.recorded == nil {
		return LeftOut{}
	}
	return w.recorded.leftOut
}

// Span bounds the times of passages, both inclusive: those of a recording's
// first and last record. A simulated world has no bounds.
func (w *World) Span() (from, to Micros) {
	if w.recorded == nil {
		return math.MinInt64, math.MaxInt64
	}
	return w.recorded.start, w.recorded.end
}

// openRecorded gives a station's passages in [from, to).
func (w *World) openRecorded(station int, from, to Micros) *Cursor {
	column := w.recorded.columns[station]
	at := func(t Micros) int {
		i, _ := slices.BinarySearchFunc(column, t, func(p recordedPassage, t Micros) int { return cmp.Compare(p.at, t) })
		return i
	}
	lo := at(from)
	return &Cursor{w: w, station: station, recorded: column[lo:max(lo, at(to))]}
}

// nextRecorded gives the next passage of a recording; it is false at the end.
func (c *Cursor) nextRecorded(p *Passage) bool {
	if len(c.recorded) == 0 {
		return false
	}
	r := &c.recorded[0]
	c.recorded = c.recorded[1:]
	class := r.vehicle.Class()
	*p = Passage{
		At: r.at, Vehicle: r.vehicle, Class: class, Lane: r.lane, LengthCM: r.lengthCM, SpeedTenthKMH: r.speed,
		Axles: models[class].axlesOf(int(r.lengthCM)), Persons: c.w.personsRecorded(r.vehicle, r.trip), Trip: r.trip,
	}
	return true
}

// personsRecorded makes up who is aboard: a recording does not tell. Nobody
// drives a bus for himself.
func (w *World) personsRecorded(v Vehicle, trip uint64) uint8 {
	if v.Class() == Bus {
		return uint8(1 + below(draw(key(w.seed, streamPersons), trip), 60))
	}
	return w.fleet.prototype(v).UsualPersons
}
