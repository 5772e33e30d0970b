package device

import "github.com/gantry-dev/gantry/gantry-agent/world"

// Errors of measurement as they usually are; a scenario may let a seed stray from
// them. Those per 10 000 are how often; deviations are per mille of the true
// value.
const (
	lengthDeviation   = 25
	occupiedDeviation = 20
	speedDeviation    = 5
	counterMisclassed = 120
	speedMisclassed   = 90
	tollMisclassed    = 40
	axlesMiscounted   = 40
	personsMiscounted = 200
	plateUnreadable   = 180
	plateMisread      = 70
	tagUnreadable     = 60
)

// Ranges of the contract.
const (
	minLengthCM, maxLengthCM = 50, 4000
	maxSpeedTenth            = 4000
	minAxles, maxAxles       = 2, 16
	maxPersons               = 120
)

// Draws of one reading, each its own.
const (
	drawLength = iota + 1
	drawOccupied
	drawClass
	drawSpeed
	drawPlate
	drawTag
	drawAxles
	drawPersons
)

// mistakenFor is what an instrument takes a class for when it errs.
var mistakenFor = [...]world.Class{0, world.Van, world.Car, world.Bus, world.Truck, world.Car, world.Truck}

// measure fills in what the device's kind reports of a passage. before is
// when the lane's previous reading was observed, 0 when there was none.
func (d *Device) measure(p *world.Passage, before world.Micros, r *Reading) {
	base := world.Chance(d.key+1, p.Trip)
	switch d.kind {
	case Counter:
		d.count(base, p, before, r)
	case Speed:
		d.clock(base, p, r)
	case Toll:
		d.charge(base, p, r)
	}
}

// count is the reading of an inductive loop.
func (d *Device) count(base uint64, p *world.Passage, before world.Micros, r *Reading) {
	r.Class = d.class(base, p.Class, counterMisclassed)
	r.LengthCM = uint16(clamp(d.scatter(base, drawLength, int64(p.LengthCM), lengthDeviation), minLengthCM, maxLengthCM))
	// Centimetres at a tenth of a km/h take 360 ms each.
	covered := int64(uint32(p.LengthCM)+d.loopCM) * 360 / int64(p.SpeedTenthKMH)
	r.OccupiedMS = uint32(max(d.scatter(base, drawOccupied, covered, occupiedDeviation), 1))
	if before != 0 {
		r.HeadwayMS = uint32(max((p.At-before+500)/1000, 1))
	}
}

// clock is the reading of a speed camera.
func (d *Device) clock(base uint64, p *world.Passage, r *Reading) {
	r.Class = d.class(base, p.Class, speedMisclassed)
	r.SpeedTenthKMH = uint16(clamp(d.scatter(base, drawSpeed, int64(p.SpeedTenthKMH), speedDeviation), 1, maxSpeedTenth))
	r.LimitKMH = d.limitKMH
	r.ConfidencePercent = d.readPlate(base, p.Vehicle, &r.Plate)
}

// charge is the reading of a toll gantry: the tag where there is one, else
// the plate, else nobody pays.
func (d *Device) charge(base uint64, p *world.Passage, r *Reading) {
	if !d.w.Tag(p.Vehicle, &r.Tag) || d.errs(base, drawTag, tagUnreadable) {
		r.Tag = world.Text{}
		d.readPlate(base, p.Vehicle, &r.Plate)
	}
	r.Class = d.class(base, p.Class, tollMisclassed)
	axles := int64(p.Axles)
	if d.errs(base, drawAxles, axlesMiscounted) {
		axles++
	}
	r.Axles = uint8(clamp(axles, minAxles, maxAxles))
	persons := int64(p.Persons)
	if d.errs(base, drawPersons, personsMiscounted) {
		persons += int64(world.Chance(base, drawPersons)&2) - 1 // one more or one less
	}
	r.Persons = uint8(clamp(persons, 1, maxPersons))
	r.ChargeCents = d.tariff(world.Class(r.Class), p.At)
}

// tariff is what a class pays at a time.
func (d *Device) tariff(c world.Class, at world.Micros) uint32 {
	minute := uint16(d.w.MinuteOfDay(at))
	for i := range d.tariffs {
		if t := &d.tariffs[i]; t.Class == c && t.FromMinute <= minute && minute < t.ToMinute {
			return t.Cents
		}
	}
	return 0
}

// readPlate writes the plate as the camera reads it, with how sure it is. A
// misread plate has one character changed within its kind.
func (d *Device) readPlate(base uint64, v world.Vehicle, t *world.Text) (confidence uint8) {
	h := world.Chance(base, drawPlate)
	switch {
	case d.errsAt(h, plateUnreadable):
		*t = world.Text{}
		return uint8(h & 31)
	case d.errsAt(h, plateUnreadable+plateMisread):
		d.w.Plate(v, t)
		i := int(h & 0xff % uint64(t.Len()))
		t.Set(i, confused(t.At(i), h>>8&0xff))
		return uint8(50 + h>>16&31)
	default:
		d.w.Plate(v, t)
		return uint8(88 + h&0xff%12)
	}
}

// confused is another letter for a letter, another digit for a digit.
func confused(c byte, h uint64) byte {
	if c >= 'A' {
		return 'A' + (c-'A'+1+byte(h%25))%26
	}
	return '0' + (c-'0'+1+byte(h%9))%10
}

// class is the class as the instrument tells it.
func (d *Device) class(base uint64, c world.Class, misclassed uint64) uint8 {
	if d.errs(base, drawClass, misclassed) {
		c = mistakenFor[c]
	}
	return uint8(c)
}

// scatter is a value measured with what is usually this deviation, per mille.
func (d *Device) scatter(base, n uint64, value, deviation int64) int64 {
	// In millionths, so that small deviations do not vanish in rounding.
	return (value*(1_000_000+world.Bell(world.Chance(base, n), deviation*d.errorPerMille)) + 500_000) / 1_000_000
}

// errs is true in what are usually rate of 10 000 draws.
func (d *Device) errs(base, n, rate uint64) bool { return d.errsAt(world.Chance(base, n), rate) }

// errsAt is errs for a draw at hand.
func (d *Device) errsAt(h, rate uint64) bool {
	return below(h, 10_000)*1000 < rate*uint64(d.errorPerMille)
}

// below maps a draw's upper half onto [0, n).
func below(h, n uint64) uint64 { return h >> 32 * n >> 32 }

func clamp(v, lo, hi int64) int64 { return min(max(v, lo), hi) }
