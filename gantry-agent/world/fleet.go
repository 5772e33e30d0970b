package world

import (
	"fmt"
	"sync"

	"github.com/go-faker/faker/v4"
)

// Vehicle identifies a vehicle for life: (class − 1)·2^21 + its number in the
// class, plus one. 0 is none.
type Vehicle uint32

// makeVehicle names a vehicle; number is below 2^21.
func makeVehicle(c Class, number uint32) Vehicle {
	return Vehicle(uint32(c-1)<<classIDBits + number + 1)
}

// Class is the vehicle's true class.
func (v Vehicle) Class() Class { return Class((v-1)>>classIDBits) + 1 }

// Prototype is what vehicles of a make have in common.
type Prototype struct {
	// Make of the vehicle.
	Make string
	// LengthCM is the length over all, cm.
	LengthCM uint16
	// Axles on the road.
	Axles uint8
	// Tagged vehicles carry a tag of the toll operator.
	Tagged bool
	// Home and Work are where most of its trips begin and end.
	Home, Work string
	// UsualPersons are aboard on most days, the driver included.
	UsualPersons uint8
}

// prototypesPerClass is how many kinds of vehicle there are of each class.
var prototypesPerClass = [classes]int{0, 2048, 512, 768, 128, 192, 128}

// fleet makes vehicles out of prototypes.
type fleet struct {
	prototypes [classes][]Prototype
	pick       uint64
	plate, tag uint64
}

// fakerMu guards go-faker's generator, which is one for the whole process.
var fakerMu sync.Mutex

// fake is what go-faker draws for a prototype: permille of the range of its
// class, or percent. Its tags are searched for "len" and "lang" by go-faker, so no
// name may contain these.
type fake struct {
	Make   int    `faker:"boundary_start=0, boundary_end=1000"`
	Length int    `faker:"boundary_start=0, boundary_end=1000"`
	Usual  int    `faker:"boundary_start=0, boundary_end=100"`
	Tagged int    `faker:"boundary_start=0, boundary_end=100"`
	Home   string `faker:"oneof: Ashgrove, Brookfield, Cedarvale, Dunmore, Eastlea, Fairhaven, Grange, Hillcrest"`
	Work   string `faker:"oneof: Airport, City, Docks, Hospital, Port, Quarry, University"`
}

// model is the frame that a prototype of a class is made in.
type model struct {
	makes          []string
	minCM, maxCM   int
	tagged         int // percent
	longCM, axles  int // from longCM on, one axle more per 200 cm
	usualSinglePct int // percent driven alone
}

var models = [classes]model{
	Car:        {[]string{"Toyota", "Mazda", "Hyundai", "Kia", "Ford", "Volkswagen", "Tesla", "Subaru", "BMW"}, 350, 520, 62, 9999, 2, 82},
	Van:        {[]string{"Ford", "Mercedes-Benz", "Renault", "Toyota", "LDV", "Volkswagen"}, 480, 700, 70, 9999, 2, 70},
	Truck:      {[]string{"Volvo", "Scania", "Kenworth", "Isuzu", "Hino", "DAF", "MAN"}, 750, 2200, 88, 1000, 2, 90},
	Bus:        {[]string{"Volvo", "Scania", "MAN", "BYD", "Mercedes-Benz"}, 1050, 1450, 95, 1250, 2, 100},
	Motorcycle: {[]string{"Honda", "Yamaha", "Kawasaki", "Suzuki", "Ducati"}, 190, 250, 35, 9999, 2, 95},
	Other:      {[]string{"Liebherr", "Caterpillar", "JCB", "Fendt"}, 550, 1300, 30, 900, 2, 90},
}

// maxAxles is the most a prototype has.
const maxAxles = 7

// newFleet fills the prototypes. go-faker has one generator for the whole
// process, so this runs in one goroutine under a lock, from a source of our
// own that does not depend on the version of Go.
func newFleet(seed uint64) (*fleet, error) {
	fakerMu.Lock()
	defer fakerMu.Unlock()
	src := &splitmix{state: key(seed, streamFleet)}
	faker.SetRandomSource(faker.NewSafeSource(src))
	f := &fleet{pick: key(seed, streamPrototype), plate: key(seed, streamPlate), tag: key(seed, streamTag)}
	for c := Car; c < classes; c++ {
		f.prototypes[c] = make([]Prototype, prototypesPerClass[c])
		for i := range f.prototypes[c] {
			var drawn fake
			if err := faker.FakeData(&drawn); err != nil {
				return nil, fmt.Errorf("world: make a %s: %w", c, err)
			}
			f.prototypes[c][i] = models[c].build(&drawn)
		}
	}
	return f, nil
}

func (m *model) build(d *fake) Prototype {
	length := m.minCM + (m.maxCM-m.minCM)*d.Length/1000
	p := Prototype{
		Make:         m.makes[d.Make*len(m.makes)/1001],
		LengthCM:     uint16(length),
		Axles:        m.axlesOf(length),
		Tagged:       d.Tagged < m.tagged,
		Home:         d.Home,
		Work:         d.Work,
		UsualPersons: 1,
	}
	if d.Usual >= m.usualSinglePct {
		p.UsualPersons = uint8(2 + d.Usual%2)
	}
	return p
}

// axlesOf is how many axles a vehicle of some length has, cm.
func (m *model) axlesOf(lengthCM int) uint8 {
	if lengthCM < m.longCM {
		return uint8(m.axles)
	}
	return uint8(min(m.axles+1+(lengthCM-m.longCM)/200, maxAxles))
}

// prototype of a vehicle.
func (f *fleet) prototype(v Vehicle) *Prototype {
	of := f.prototypes[v.Class()]
	return &of[below(draw(f.pick, uint64(v)), uint32(len(of)))]
}

// splitmix is a source for go-faker.
type splitmix struct{ state uint64 }

// Int63 draws.
func (s *splitmix) Int63() int64 {
	s.state += golden
	return int64(mix(s.state) >> 1)
}

// Seed starts over.
func (s *splitmix) Seed(seed int64) { s.state = uint64(seed) }

// plates is how many plates of three letters and three digits there are. Each
// vehicle's number is below it, so that a step that has no factor in common
// with it gives each vehicle a plate of its own.
const (
	plates    = 26 * 26 * 26 * 1000
	plateStep = 11_400_007
	tags      = 10_000_000_000
	tagStep   = 6_180_339_887
)

// writePlate gives the plate of a vehicle: a bijection of its number.
func (f *fleet) writePlate(v Vehicle, t *Text) {
	n := (uint64(v)*plateStep + f.plate>>40) % plates
	t.n = 6
	for i := 5; i >= 3; i-- {
		t.b[i] = byte('0' + n%10)
		n /= 10
	}
	for i := 2; i >= 0; i-- {
		t.b[i] = byte('A' + n%26)
		n /= 26
	}
}

// writeTag gives the tag of a vehicle: a bijection of its number.
func (f *fleet) writeTag(v Vehicle, t *Text) {
	n := (uint64(v)*tagStep + f.tag>>32) % tags
	t.n = 12
	t.b[0], t.b[1] = 'G', 'T'
	for i := 11; i >= 2; i-- {
		t.b[i] = byte('0' + n%10)
		n /= 10
	}
}
