package world

import "strconv"

// Micros is a time in microseconds since 1970-01-01 UTC.
type Micros = int64

const (
	second Micros = 1_000_000
	minute        = 60 * second
	hour          = 60 * minute
)

// Class is the true class of a vehicle, numbered as VehicleClass in the
// contract.
type Class uint8

// The classes.
const (
	Car Class = iota + 1
	Van
	Truck
	Bus
	Motorcycle
	Other
)

// classes is one more than the largest class, for arrays indexed by class.
const classes = Other + 1

var classNames = [classes]string{"", "car", "van", "truck", "bus", "motorcycle", "other"}

// String is the class as files and CSV name it.
func (c Class) String() string {
	if c == 0 || c >= classes {
		return "class " + strconv.Itoa(int(c))
	}
	return classNames[c]
}

// parseClass is the class of a name, 0 when there is none.
func parseClass(name string) Class {
	for c := Car; c < classes; c++ {
		if classNames[c] == name {
			return c
		}
	}
	return 0
}

// Kind is the kind of a device, numbered as DeviceKind in the contract.
type Kind uint8

// The kinds.
const (
	Counter Kind = iota + 1
	Speed
	Toll
)

var kindNames = [...]string{"", "counter", "speed", "toll"}

// String is the kind as files and device identifiers name it.
func (k Kind) String() string {
	if k == 0 || int(k) >= len(kindNames) {
		return "kind " + strconv.Itoa(int(k))
	}
	return kindNames[k]
}

// parseKind is the kind of a name, 0 when there is none.
func parseKind(name string) Kind {
	for k := Counter; k <= Toll; k++ {
		if kindNames[k] == name {
			return k
		}
	}
	return 0
}

// Text is a short string that lives in its struct: a plate or a tag of a
// reading costs no allocation.
type Text struct {
	n uint8
	b [15]byte
}

// MakeText is s as a Text; what is beyond 15 bytes is cut.
func MakeText(s string) (t Text) {
	t.n = uint8(copy(t.b[:], s))
	return t
}

// String is the text.
func (t Text) String() string { return string(t.b[:t.n]) }

// Len is its length in bytes.
func (t *Text) Len() int { return int(t.n) }

// Append appends the text to b.
func (t *Text) Append(b []byte) []byte { return append(b, t.b[:t.n]...) }

// At is byte i.
func (t *Text) At(i int) byte { return t.b[i] }

// Set changes byte i, which must be below Len.
func (t *Text) Set(i int, c byte) { t.b[:t.n][i] = c }
