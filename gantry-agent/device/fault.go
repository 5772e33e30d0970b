package device

import "github.com/gantry-dev/gantry/gantry-agent/world"

const second world.Micros = 1_000_000

// fault is one of the scenario's faults with where it draws its luck from.
type fault struct {
	world.Fault
	key uint64
}

// faults are those of one device, by kind.
type faults [world.FaultMisread + 1][]fault

// faultStream separates the draws of faults from those of measuring.
const faultStream = 2

// setFaults takes over what the scenario says. A single reboot gets the end
// that its length gives it, so that every fault has its time in From and To.
func (d *Device) setFaults(given []world.Fault) {
	d.faults = faults{}
	for _, f := range given {
		if f.Kind == world.FaultReboot && f.PerDay == 0 {
			f.To = f.From + f.Span
		}
		key := world.Chance(d.key+faultStream, uint64(f.Index))
		d.faults[f.Kind] = append(d.faults[f.Kind], fault{f, key})
	}
}

// covers says whether the fault is there at a time.
func (f *fault) covers(at world.Micros) bool {
	from, to := f.From, f.To
	if f.PerDay > 0 {
		from, to = f.episode(at)
	}
	return from <= at && at < to
}

// episode is the one episode of the slot of the day in which a time lies;
// empty when the slot has none. Each of the PerDay slots has its own, which
// begins at a whole second and never reaches the next.
func (f *fault) episode(at world.Micros) (from, to world.Micros) {
	day := at / dayLong
	slot := dayLong / second / int64(f.PerDay)
	n := at % dayLong / second / slot
	if n >= int64(f.PerDay) {
		return 0, 0 // what is left of the day
	}
	h := world.Chance(f.key, uint64(day)<<8|uint64(n))
	from = day*dayLong + (n*slot+int64(below(h, uint64(slot-f.Span/second))))*second
	if from < f.From || from >= f.To {
		return 0, 0
	}
	return from, from + f.Span
}

// hits says whether the fault is there for a trip.
func (f *fault) hits(at world.Micros, trip uint64) bool {
	return f.covers(at) && below(world.Chance(f.key, trip), 1000) < f.share(at)
}

// share is the per mille of passages hit at a time.
func (f *fault) share(at world.Micros) uint64 {
	if f.Days == 0 {
		return uint64(f.PerMille)
	}
	grown := uint64((at-f.From)/second) * uint64(f.PerMille) / (uint64(f.Days) * uint64(dayLong/second))
	return min(grown, uint64(f.PerMille))
}

// luck is the fault's n-th further draw for a trip.
func (f *fault) luck(n, trip uint64) uint64 { return world.Chance(f.key+n, trip) }

// hit says whether a fault of a kind is there for a trip.
func (d *Device) hit(kind world.FaultKind, at world.Micros, trip uint64) bool {
	for i := range d.faults[kind] {
		if d.faults[kind][i].hits(at, trip) {
			return true
		}
	}
	return false
}

// is says whether a fault of a kind is there at a time.
func (d *Device) is(kind world.FaultKind, at world.Micros) bool {
	for i := range d.faults[kind] {
		if d.faults[kind][i].covers(at) {
			return true
		}
	}
	return false
}

// down says that the device observes and emits nothing.
func (d *Device) down(at world.Micros) bool {
	return d.is(world.FaultSilent, at) || d.is(world.FaultReboot, at)
}

// hold is how long a reading is kept before it is emitted: the longest of what
// its faults say, in milliseconds from 1 on; 0 for most.
func (d *Device) hold(at world.Micros, trip uint64) world.Micros {
	var longest world.Micros
	for _, kind := range [...]world.FaultKind{world.FaultLate, world.FaultReorder} {
		for i := range d.faults[kind] {
			if f := &d.faults[kind][i]; f.hits(at, trip) {
				ms := 1 + world.Micros(below(f.luck(1, trip), uint64(f.Span/1000)))
				longest = max(longest, ms*1000)
			}
		}
	}
	return longest
}

// longestHold is the longest that any reading may be kept.
func (d *Device) longestHold() (longest world.Micros) {
	for _, kind := range [...]world.FaultKind{world.FaultLate, world.FaultReorder} {
		for i := range d.faults[kind] {
			longest = max(longest, d.faults[kind][i].Span)
		}
	}
	return longest
}

// skew is how far the device's clock is ahead.
func (d *Device) skew(at world.Micros, trip uint64) (ahead world.Micros) {
	for i := range d.faults[world.FaultSkew] {
		if f := &d.faults[world.FaultSkew][i]; f.hits(at, trip) {
			// In whole seconds, or 20 years of drift would overflow.
			ahead += f.Span + (at-f.From)/second*int64(f.DriftMSPerHour)*1000/3600
		}
	}
	return ahead
}

// phantom turns a passage into one that did not happen: the same vehicle
// counted once more, at once, in its lane or the one beside.
func (d *Device) phantom(p *world.Passage) {
	p.Trip = ^p.Trip // draws of its own
	h := world.Chance(d.key+faultStream, p.Trip)
	p.At += minPhantom + world.Micros(below(h, uint64(maxPhantom-minPhantom)))
	switch {
	case h&3 == 0 && p.Lane > 1:
		p.Lane--
	case h&3 == 1 && p.Lane < d.lanes:
		p.Lane++
	}
}

// A phantom follows its vehicle after so long. With the longest delay it stays
// within lookBack.
const (
	minPhantom world.Micros = 10_000
	maxPhantom world.Micros = 300_000
)

// misclass takes the vehicle for another more often than measuring does.
func (d *Device) misclass(p *world.Passage, r *Reading) {
	if !d.hit(world.FaultClassDrift, p.At, p.Trip) {
		return
	}
	r.Class = uint8(mistakenFor[p.Class])
	if d.kind == Toll {
		r.ChargeCents = d.tariff(world.Class(r.Class), p.At)
	}
}

// misread errs in what is read beside the class: a plate with another
// character or two, or none; other axles, other persons.
func (d *Device) misread(p *world.Passage, r *Reading) {
	for i := range d.faults[world.FaultMisread] {
		f := &d.faults[world.FaultMisread][i]
		if !f.hits(p.At, p.Trip) {
			continue
		}
		h := f.luck(1, p.Trip)
		garble(&r.Plate, h)
		if d.kind == Toll {
			r.Axles = uint8(miscount(int64(r.Axles), int64(1+h>>40%2), h>>48&1 == 0, minAxles, maxAxles))
			r.Persons = uint8(miscount(int64(r.Persons), int64(1+h>>41%3), h>>49&1 == 0, 1, maxPersons))
		}
	}
}

func garble(t *world.Text, h uint64) {
	n := t.Len()
	switch {
	case n == 0: // nothing to read
	case h&3 == 0:
		*t = world.Text{}
	default:
		for k := range h>>2&1 + 1 {
			i := int((h>>8 + k) % uint64(n))
			t.Set(i, confused(t.At(i), h>>16&0xff))
		}
	}
}

// miscount is a number off by so many, upwards or, where there is room,
// downwards.
func miscount(n, by int64, up bool, lo, hi int64) int64 {
	if !up && n-by >= lo {
		return n - by
	}
	return clamp(n+by, lo, hi)
}
