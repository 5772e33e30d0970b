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
	// Start and End bound the emissions of the epoch; End is exclusive and the
	// end of the UTC day.
	Start, End world.Micros
}

// Device is one simulated instrument. It is immutable and may be used by
// several goroutines.
type Device struct {
	w         *world.World
	kind      Kind
	stationID string
	loopCM    uint32
	limitKMH  uint8
	key       uint64
	validFrom world.Micros
	tariffs   []world.Tariff
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
		limitKMH: station.LimitKMH, key: w.DeviceKey(deviceID), validFrom: validFrom / dayLong * dayLong,
	}
	w.Expect(in.StationID)
	if d.kind == Toll {
		for _, t := range w.Network().Tariffs {
			if t.StationID == in.StationID {
				d.tariffs = append(d.tariffs, t)
			}
		}
	}
	return d, nil
}

// Epochs are the epochs that have begun before to and not ended before from,
// oldest first: one for each UTC day of the device's life. In a world that
// replays a recording, the device lives from its first to its last record.
func (d *Device) Epochs(from, to world.Micros) []Epoch {
	var epochs []Epoch
	first, last := d.w.Span()
	from = max(from, first)
	if last < to-maxDelay { // the last record's reading is emitted by then
		to = last + maxDelay
	}
	for start := max(from/dayLong*dayLong, d.validFrom); start < to; start += dayLong {
		epochs = append(epochs, Epoch{ID: uint32(start/dayLong) << epochShift, Start: start, End: start + dayLong})
	}
	return epochs
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
