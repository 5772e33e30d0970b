package uplink

import gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"

// Opener makes the source of readings once a collector has said which world
// its network's devices live in. w is nil where the collector names none. An
// error ends the agent.
type Opener func(w *gantryv1.World) (Source, error)

// Source gives devices. It is used by one goroutine at a time.
type Source interface {
	// Device returns a device whose life begins at validFromUS, in
	// microseconds since 1970 UTC.
	Device(deviceID string, validFromUS int64) (Device, error)
}

// Device is one instrument's stream of readings.
type Device interface {
	// Epochs returns the epochs that begin before toUS and have not ended
	// before fromUS, oldest first; both in microseconds since 1970 UTC.
	Epochs(fromUS, toUS int64) []Epoch
	// Open returns a cursor that stands before position afterSeq+1 of an
	// epoch. A device must be able to open again at any position that has
	// not been acknowledged, for as long as the process lives.
	Open(e Epoch, afterSeq uint64) Cursor
}

// Epoch is one run of a device's counter.
type Epoch struct {
	// ID is UTC day number × 2^17 + second of the day at which it began.
	ID uint32
	// StartUS and EndUS bound its emissions, microseconds since 1970 UTC;
	// EndUS is exclusive.
	StartUS, EndUS int64
	// NoEnd says that the device went down without closing it: it gets no
	// EpochEnd, and is over once its readings are durable and EndUS has passed.
	NoEnd bool
}

// MaxReadingBytes is the most a reading may take as encoded.
const MaxReadingBytes = 512

// Cursor walks through an epoch's readings in order of position.
type Cursor interface {
	// Peek returns when the next reading is emitted, microseconds since 1970
	// UTC, or false when the epoch has no more.
	Peek() (emittedUS int64, ok bool)
	// Append appends the next reading as gantry.v1.Reading without its
	// identity (fields 1 to 3), at most MaxReadingBytes, and moves on. It
	// may be called only after Peek returned true.
	Append(dst []byte) []byte
}

// Repeater is a Cursor of a device that emits some readings twice.
type Repeater interface {
	// Again says that the next reading is the one given last once more, with
	// the position that it has.
	Again() bool
}
