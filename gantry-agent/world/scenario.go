package world

// Limits of a scenario, some of which its model counts on.
const (
	maxTrips     = 1 << tripBits // of a day: what an entry of a column can name
	classIDBits  = 21
	maxPerClass  = 1 << classIDBits
	maxPersons   = 120
	hoursOfDay   = 24
	lastMinute   = (dayStartHour + hoursOfDay) * 60
	firstMinute  = dayStartHour * 60
	maxDayFactor = 200
)

// scenario is a checked scenario on a network. Days are world days: the number
// of days from 1970-01-01 to the local date on which they begin.
type scenario struct {
	dayPercent      [7]uint32
	noise           uint32 // percent
	growthPerMille  int32  // a year, linear
	growthDay       int    // from when on
	holidays        map[int]bool
	population      [classes]uint32
	speeds          [classes]speeds
	mix             [hoursOfDay]quantiles
	persons         [2][classes][hoursOfDay]*persons
	demand          []demand
	commuters       []commuters
	commuting       uint32 // cars with an owner who commutes: the first of their class
	dropPercent     uint32 // of capacity, at an active bottleneck
	variation       variation
	randomIncidents *randomIncidents // nil: none
	incidents       []incident
	works           []roadWorks
	rain            *rain // nil: none
	speeding        []speeding
	interventions   []intervention
	faults          map[string][]Fault // by device
}

// Purposes of a trip.
const (
	purposeCommute = iota
	purposeOther
)

// speeds are the desired speeds of a class, per mille of the mean of cars
// alone on the road.
type speeds struct{ meanPerMille, sdPerMille, minPerMille, maxPerMille int64 }

// persons is how many are aboard: (bin of weights)·step + 1 and, within a
// step, evenly.
type persons struct {
	step    uint32
	weights quantiles
}

// demand is vehicles per day from one zone to another.
type demand struct {
	origin, destination int // nodes
	vehicles            uint32
	workday, weekend    []uint32 // weights of 24 hours, from dayStartHour on
}

// commuters leave home each workday at about the same time, and come back.
type commuters struct {
	origin, destination   int // nodes; origin is home
	first, cars, present  uint32
	outAt, backAt, jitter int64 // seconds since the day's start; ± jitter
	outSpread, backSpread int64 // seconds
}

// variation is how far a seed's roads and detectors stray from the files,
// percent at the most.
type variation struct{ capacity, jamDensity, drop, detector uint32 }

// randomIncidents come anywhere, at any time of day.
type randomIncidents struct {
	perWeek                uint32 // in the whole network, on average
	minMinutes, maxMinutes uint32
	closedLanes            uint8 // at least one lane stays open
}

// incident closes lanes of a link at a place for a while.
type incident struct {
	link           int
	atM            uint32 // from the link's start
	day            int
	fromS, seconds uint32 // since the world day's start
	closedLanes    uint8  // 1 to all
}

// roadWorks close lanes of a link or lower its limit at the same hours of
// several days.
type roadWorks struct {
	link              int
	firstDay, lastDay int    // inclusive
	fromHour, toHour  uint32 // of the local clock, 3 to 27
	closedLanes       uint8  // 0 to all but one
	limitKMH          uint8  // 0: the link's
}

// rain falls on the whole network on some days.
type rain struct {
	chance                        uint32 // of a day, percent
	minHours, maxHours            uint32
	speedPercent, capacityPercent uint32 // of what holds when it is dry
}

// speeding is a habit of drivers on a link.
type speeding struct {
	link                      int
	sharePercent, overPercent uint32 // so many are so much faster than elsewhere
}

// intervention changes the world from a day on. Exactly one of its pointers
// is set.
type intervention struct {
	day     int
	addLane *addLane
	camera  *camera
	shift   *shift
	bus     *bus
}

// addLane gives a link one more lane.
type addLane struct{ link int }

// camera makes those who comply keep to the limit around a station.
type camera struct {
	station, link             int
	reachM, compliancePercent uint32 // reachM up and down the road
}

// shift moves departures out of a peak, half of them earlier, half later.
type shift struct {
	road, direction string // an empty road: all roads with that direction
	fromS, toS      uint32 // since the world day's start
	percent         uint32
	minutes         uint32
}

// bus takes car trips over: each bus carries so many persons.
type bus struct {
	origin, destination int // nodes
	percent, persons    uint32
}
