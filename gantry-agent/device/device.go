package device

import (
	"fmt"
	"iter"

	"github.com/gantry-dev/gantry/gantry-agent/world"
)

// Kind is the kind of an instrument, numbered as DeviceKind in the contract.
type Kind = world.Kind

// The kinds.
const (
	Counter = world.Counter
	Speed   = world.Speed
	Toll    = world.Toll
)

// Delay between observation and emission, and from how long before its start
// on an epoch looks at passages: no delay reaches further.
const (
	minDelay world.Micros = 50_000
	maxDelay world.Micros = 250_000
	lookBack world.Micros = 1_000_000
	dayLong  world.Micros = 24 * 3600 * 1_000_000
)

// epochShift makes room for the second of the day in an epoch's identifier.
const epochShift = 17

// Epoch is one run of a device's counter.
type Epoch struct {
	// ID is the UTC day number · 2^17 + the second of that day at which the run
	// began.
	ID uint32
	// Start and End bound the emissions of the epoch; End is exclusive: the end
	// of the UTC day, or when the device went down before.
	Start, End world.Micros
	// NoEnd says that the device went down without closing the epoch: no
	// EpochEnd follows its last reading.
	NoEnd bool
}

// Device is one simulated instrument. It is immutable and may be used by
// several goroutines.
type Device struct {
	w         *world.World
	kind      Kind
	stationID string
	loopCM    uint32
	lanes     uint8
	limitKMH  uint8
	key       uint64
	validFrom world.Micros
	tariffs   []world.Tariff
	faults    faults
	// errorPerMille is how large and how frequent errors of measurement are, per
	// mille of the usual.
	errorPerMille int64
}

// New finds a device in the world's network. Its life begins with the UTC day
// of validFrom.
func New(w *world.World, deviceID string, validFrom world.Micros) (*Device, error) {
	in, ok := w.Device(deviceID)
	if !ok {
		return nil, fmt.Errorf("device %q is not in network %q: ask for one that is, or apply the network it belongs to", deviceID, w.Network().Name)
	}
	if validFrom < 0 {
		return nil, fmt.Errorf("device %q: valid_from is %d µs, before 1970", deviceID, validFrom)
	}
	station, ok := w.Station(in.StationID)
	if !ok {
		return nil, fmt.Errorf("device %q: network %q has no station %q", deviceID, w.Network().Name, in.StationID)
	}
	d := &Device{
		w: w, kind: in.Kind, stationID: in.StationID, loopCM: uint32(in.LoopLengthCM),
		lanes: station.Lanes, limitKMH: station.LimitKMH, key: w.DeviceKey(deviceID), validFrom: validFrom / dayLong * dayLong,
		errorPerMille: w.DetectorErrorPerMille(),
	}
	w.Expect(in.StationID)
	if d.kind == Toll {
		for _, t := range w.Network().Tariffs {
			if t.StationID == in.StationID {
				d.tariffs = append(d.tariffs, t)
			}
		}
	}
	d.setFaults(w.Faults(deviceID))
	return d, nil
}

// Epochs are the epochs that have begun before to and not ended by from,
// oldest first: one for each UTC day of the device's life, and one more for
// each reboot. In a world that replays a recording, the device lives from its
// first to its last record.
func (d *Device) Epochs(from, to world.Micros) []Epoch {
	first, last := d.w.Span()
	if tail := maxDelay + maxPhantom + d.longestHold(); last < to-tail {
		to = last + tail // by then the last record's reading is emitted
	}
	return d.runs(max(from, first, d.validFrom), to)
}

// Repeats says that the device may emit a reading twice, see Reading.Twice.
func (d *Device) Repeats() bool { return len(d.faults[world.FaultDuplicate]) > 0 }

// passages are those of the device's station.
func (d *Device) passages(from, to world.Micros) *world.Cursor {
	c, ok := d.w.Open(d.stationID, from, to)
	if !ok {
		panic("device: station of a device is gone: the network was changed after world.New")
	}
	return c
}

// delay is how long after a passage its reading is emitted.
func (d *Device) delay(trip uint64) world.Micros {
	return minDelay + world.Micros(world.Chance(d.key, trip)>>32*uint64(maxDelay-minDelay)>>32)
}

// Readings are the epoch's readings above position afterSeq in order of
// emission, positions contiguous; they end with the epoch's last.
func (d *Device) Readings(e Epoch, afterSeq uint64) iter.Seq[Reading] {
	return func(yield func(Reading) bool) {
		c := d.Open(e, afterSeq)
		for {
			r, ok := c.Next()
			if !ok || !yield(*r) {
				return
			}
		}
	}
}
