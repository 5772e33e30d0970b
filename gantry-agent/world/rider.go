package world

// rider is who drives, in 32 bits: from the top 1 of commuting, 7 of the persons
// aboard, 24 of the vehicle. It is all that is kept of a trip after its day has
// been evaluated.
type rider uint32

const (
	vehicleBits = 24
	personsBits = 7
)

func newRider(v Vehicle, persons uint8, commuting bool) rider {
	r := rider(persons)<<vehicleBits | rider(v)
	if commuting {
		r |= 1 << (vehicleBits + personsBits)
	}
	return r
}

func (r rider) vehicle() Vehicle { return Vehicle(r & (1<<vehicleBits - 1)) }
func (r rider) persons() uint8   { return uint8(r >> vehicleBits & (1<<personsBits - 1)) }
func (r rider) commuting() bool  { return r>>(vehicleBits+personsBits) == 1 }
func (r rider) class() Class     { return r.vehicle().Class() }
