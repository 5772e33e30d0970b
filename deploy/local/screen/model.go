package screen

import "time"

// Unknown stands for a count that could not be read.
const Unknown = -1

// Model is what the screen shows.
type Model struct {
	// Network and Seed name the world.
	Network string
	Seed    uint64
	// Local is the time of day in the world, in Zone.
	Local time.Time
	Zone  string
	// Up is how long ago the launcher was started.
	Up time.Duration
	// Step is what the launcher is doing before everything runs; "" after.
	Step string

	// ReadingsPerS is the rate at which Kafka acknowledges readings.
	ReadingsPerS float64
	// Rows is the physical rows of raw.readings.
	Rows int64
	// LagLive and LagBackfill are records in Kafka not yet committed by the
	// sink.
	LagLive, LagBackfill int64
	// DataAge is the age of the newest reading in raw; negative if unknown.
	DataAge time.Duration
	// DaysDone of DaysTotal device days of history have ended.
	DaysDone, DaysTotal int64

	// DBT is the build on a schedule, Processes what else runs, in the order
	// of their start.
	DBT       DBT
	Processes []Process
	// Look are commands and addresses to look at the stack with.
	Look []string
	// Events are the latest events, oldest first.
	Events []Event
}

// DBT is the state of the scheduled dbt build.
type DBT struct {
	// Running says that a build is under way.
	Running bool
	// Never says that none has ended yet.
	Never bool
	// OK says that the last build passed, Message why it did not.
	OK      bool
	Message string
	// Passed of Total nodes passed.
	Passed, Total int
	// Took is how long the last build took, Ago when it ended.
	Took, Ago time.Duration
}

// Process is one line of the table of processes.
type Process struct {
	// Name and Phase are as supervise gives them, RSSBytes is the resident
	// memory, Restarts counts starts after the first.
	Name     string
	Phase    string
	RSSBytes int64
	Restarts int
	// LastExit says how it last ended; shown when it has restarted.
	LastExit string
}

// Event is something that happened.
type Event struct {
	// At is when, in local time; Sentence is what, for people.
	At       time.Time
	Sentence string
}
