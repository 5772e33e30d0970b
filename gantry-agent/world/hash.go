package world

// golden is 2^64 divided by the golden ratio, the step of splitmix64.
const golden = 0x9e3779b97f4a7c15

// stream separates draws about the same id from each other. The numbers are
// part of the world's version: never reuse one.
type stream uint64

const (
	streamFleet stream = iota + 1
	streamPrototype
	streamHabit
	streamPlate
	streamTag
	streamDayTotal
	streamEntry
	streamVehicle
	streamTripSpeed
	streamPersons
	streamCommuter
	streamCommuteDay
	streamLane
	streamSpot
	// streamDevice is where devices draw their errors from, see DeviceKey.
	streamDevice
	streamCrossing
	streamIncident
	streamRain
	streamShift
	streamBus
	streamVariation
)

// mix is the finalizer of splitmix64: a bijection in which each bit of the
// input moves each bit of the output with probability one half.
func mix(z uint64) uint64 {
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb
	return z ^ (z >> 31)
}

// key starts a stream of the seed.
func key(seed uint64, s stream) uint64 { return mix(seed + uint64(s)*golden) }

// draw is the id-th value of a stream.
func draw(key, id uint64) uint64 { return mix(key + id*golden) }

// below maps the upper half of a draw onto [0, n).
func below(h uint64, n uint32) uint32 { return uint32((h >> 32) * uint64(n) >> 32) }

// bell is a draw from a bell curve with mean 0 and a standard deviation of
// bellSD, from the sum of four 16-bit uniforms: no logarithm, no sine, and no
// value beyond 3.5 standard deviations.
func bell(h uint64) int64 {
	return int64(h&0xffff) + int64(h>>16&0xffff) + int64(h>>32&0xffff) + int64(h>>48) - 2*0xffff
}

// bellSD is the standard deviation of bell: 2^16·√(4/12).
const bellSD = 37837

// triangle is a draw from a symmetric triangle over (-half, half), from two
// uniforms of 24 bits: half must stay below 2^38.
func triangle(h uint64, half int64) int64 {
	return (int64(h&0xffffff)+int64(h>>40))*half>>24 - half
}

// evenly is a draw from [-half, half], all values alike.
func evenly(h uint64, half uint32) int64 { return int64(below(h, 2*half+1)) - int64(half) }
