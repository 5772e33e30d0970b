package state

import (
	"fmt"
	"time"
)

// Wanted is what the user asked for. Zero values were not asked for: they take
// what the folder holds, or the default in a new one.
type Wanted struct {
	// Dir is the folder, for sentences only.
	Dir     string
	Seed    *uint64
	Network string
	// Scenario is a shipped scenario's name or a file's path, from the root.
	Scenario string
	// Recorded is the path of a recording, from the root.
	Recorded string
	// HistoryDays is the days of history before today; nil was not asked for.
	HistoryDays *int
	Kafka       string
	// Ports holds 0 where none was asked for.
	Ports Ports
}

// Defaults of a folder's first run.
const (
	DefaultSeed        = 1
	DefaultNetwork     = "corridor"
	DefaultHistoryDays = 7
	DefaultKafka       = "fake"
)

// Reconcile returns the state that a run at now goes by: old, which may be nil
// for a first run, with what w may change changed. It refuses, in one
// sentence, what a folder cannot become.
func Reconcile(old *State, w Wanted, now time.Time) (*State, error) {
	if old == nil {
		return fresh(w, now), nil
	}
	if w.Seed != nil && *w.Seed != old.Seed {
		return nil, otherWorld(w.Dir, "SEED", old.Seed, *w.Seed)
	}
	if w.Network != "" && w.Network != old.Network {
		return nil, otherWorld(w.Dir, "NETWORK", old.Network, w.Network)
	}
	if w.Scenario != "" && w.Scenario != old.Scenario {
		return nil, otherWorld(w.Dir, "SCENARIO", old.Scenario, w.Scenario)
	}
	if w.Recorded != "" && w.Recorded != old.Recorded {
		return nil, otherWorld(w.Dir, "RECORDED", old.Recorded, w.Recorded)
	}
	if w.Kafka != "" && w.Kafka != old.Kafka {
		return nil, fmt.Errorf("%s holds the data of a KAFKA=%s broker, which KAFKA=%s cannot read: "+
			"leave KAFKA out, or start anew with STATE=another-folder", w.Dir, old.Kafka, w.Kafka)
	}
	next := *old
	next.Ports = old.Ports.overlaid(w.Ports)
	if w.HistoryDays != nil {
		// A shorter HISTORY changes nothing: what has been promised to be in
		// raw stays promised.
		if from := midnight(now, *w.HistoryDays); from.Before(old.ValidFrom) {
			next.ValidFrom = from
		}
	}
	return &next, nil
}

// fresh is the state of a first run.
func fresh(w Wanted, now time.Time) *State {
	s := &State{
		Seed:      DefaultSeed,
		Network:   DefaultNetwork,
		Recorded:  w.Recorded,
		Scenario:  w.Scenario,
		Zone:      Zone(now),
		ValidFrom: midnight(now, DefaultHistoryDays),
		Kafka:     DefaultKafka,
		Ports:     DefaultPorts.overlaid(w.Ports),
		CreatedAt: now.UTC().Truncate(time.Second),
	}
	if w.Seed != nil {
		s.Seed = *w.Seed
	}
	if w.Network != "" {
		s.Network = w.Network
	}
	if w.Kafka != "" {
		s.Kafka = w.Kafka
	}
	if w.HistoryDays != nil {
		s.ValidFrom = midnight(now, *w.HistoryDays)
	}
	return s
}

// otherWorld is the sentence for a folder of another world.
func otherWorld(dir, setting string, has, wants any) error {
	return fmt.Errorf("%s holds the world of %s=%v, not %s=%v: leave %s out to go on with it, "+
		"or start another world with STATE=another-folder", dir, setting, has, setting, wants, setting)
}

// midnight is the UTC midnight that the day of now began with, days earlier.
func midnight(now time.Time, days int) time.Time {
	return now.UTC().Truncate(24*time.Hour).AddDate(0, 0, -days)
}

// overlaid is p with the ports of over that are not 0.
func (p Ports) overlaid(over Ports) Ports {
	for _, f := range []struct {
		to   *int
		from int
	}{
		{&p.GRPC, over.GRPC},
		{&p.HTTP, over.HTTP},
		{&p.Admin, over.Admin},
		{&p.Kafka, over.Kafka},
		{&p.ClickHouse, over.ClickHouse},
		{&p.ClickHouseHTTP, over.ClickHouseHTTP},
	} {
		if f.from != 0 {
			*f.to = f.from
		}
	}
	return p
}
