package world

// Totals are what a day's traffic adds up to. Times include the wait of those
// who cannot enter the network yet, in microseconds; those of persons count each
// person aboard.
type Totals struct {
	// Trips of the day, and persons in them.
	Trips, Persons uint64
	// VehicleMicros and PersonMicros are time spent between wanting to enter and
	// leaving.
	VehicleMicros, PersonMicros uint64
	// VehicleDelayMicros and PersonDelayMicros are the part of it spent
	// waiting: for the vehicle ahead, for a gap, for room.
	VehicleDelayMicros, PersonDelayMicros uint64
	// Passages of stations, and those of them above the limit.
	Passages, OverLimit uint64
	// Unfinished trips had not arrived when the day's evaluation ended.
	Unfinished uint64
}

func (t *Totals) wait(p *trip, ticks uint32) {
	t.VehicleDelayMicros += uint64(ticks) * uint64(tick)
	t.PersonDelayMicros += uint64(ticks) * uint64(tick) * uint64(p.persons())
}

func (t *Totals) depart(p *trip, waited uint32) {
	t.Trips++
	t.Persons += uint64(p.persons())
	t.wait(p, waited)
}

func (t *Totals) arrive(p *trip, at uint32) {
	took := uint64(at-p.entry) * uint64(tick)
	t.VehicleMicros += took
	t.PersonMicros += took * uint64(p.persons())
}
