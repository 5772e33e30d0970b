package truth

import (
	"context"
	"math"
	"slices"

	"github.com/gantry-dev/gantry/gantry-agent/world"
)

// Station is what the passages of a station say about speed.
type Station struct {
	// ID of the station.
	ID string
	// Link it stands at.
	Link string
	// LimitKMH in force, km/h.
	LimitKMH uint8
	// FreeFlow is how many vehicles went as fast as they liked: no other less
	// than four seconds ahead of them in their lane, and no congestion.
	FreeFlow int
	// V85KMH is the speed that 85 % of them do not exceed, OverLimit the share
	// of them above the limit.
	V85KMH, OverLimit float64
	// CongestedMin is how long a workday the station is congested, minutes.
	CongestedMin float64
}

const (
	freeHeadway = 4 * world.Micros(1_000_000)
	binLong     = 5 * 60 * world.Micros(1_000_000)
	// congestedShare of the limit is below what there is congestion: as in the
	// measure of excessive delay, 23 CFR 490.705. On a single lane, those who
	// follow a truck are not yet there.
	congestedShare = 0.6
	// congestedFew vehicles in five minutes are too few to make congestion.
	congestedFew = 5
)

// Stations reads all passages of the workdays, once.
func (t *Site) Stations(ctx context.Context) ([]Station, error) {
	t.lookOnce.Do(func() { t.stations, t.lookErr = t.look(ctx) })
	return t.stations, t.lookErr
}

func (t *Site) look(ctx context.Context) ([]Station, error) {
	// A world of its own, where all stations are expected from the beginning.
	w, err := t.Situation.World(t.Seed, nil)
	if err != nil {
		return nil, err
	}
	network := w.Network()
	for i := range network.Stations {
		w.Expect(network.Stations[i].ID)
	}
	all := make([]observer, len(network.Stations))
	for _, day := range t.days {
		from, to := span(w, day)
		for i := range network.Stations {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			all[i].observe(w, network.Stations[i].ID, from, to)
		}
	}
	var list []Station
	for i := range network.Stations {
		list = append(list, all[i].station(&network.Stations[i], len(t.days)))
	}
	return list, nil
}

// observer gathers one station's passages.
type observer struct {
	bins     []bin
	vehicles []vehicle
}

// bin is five minutes.
type bin struct {
	n    int
	pace float64 // sum of hours per km
}

// speed is the space-mean speed, km/h.
func (b *bin) speed() float64 { return float64(b.n) / b.pace }

// vehicle is one with nobody close ahead.
type vehicle struct {
	bin      int
	tenthKMH uint16
}

func (o *observer) observe(w *world.World, station string, from, to world.Micros) {
	var ahead [17]world.Micros // by lane
	first := len(o.bins)
	o.bins = append(o.bins, make([]bin, int((to-from+binLong-1)/binLong))...)
	for p := range w.Passages(station, from, to) {
		i := first + int((p.At-from)/binLong)
		o.bins[i].n++
		o.bins[i].pace += 10 / float64(p.SpeedTenthKMH)
		if before := ahead[p.Lane]; before == 0 || p.At-before >= freeHeadway {
			o.vehicles = append(o.vehicles, vehicle{i, p.SpeedTenthKMH})
		}
		ahead[p.Lane] = p.At
	}
}

func (o *observer) station(s *world.Station, workdays int) Station {
	out := Station{ID: s.ID, Link: s.Link, LimitKMH: s.LimitKMH}
	slow := congestedShare * float64(s.LimitKMH)
	congested := func(b *bin) bool { return b.n >= congestedFew && b.speed() < slow }
	for i := range o.bins {
		if congested(&o.bins[i]) {
			out.CongestedMin += 5 / float64(workdays)
		}
	}
	var speeds []uint16
	over := 0
	for _, v := range o.vehicles {
		if congested(&o.bins[v.bin]) {
			continue
		}
		speeds = append(speeds, v.tenthKMH)
		if v.tenthKMH > uint16(s.LimitKMH)*10 {
			over++
		}
	}
	out.FreeFlow = len(speeds)
	if len(speeds) == 0 {
		return out
	}
	slices.Sort(speeds)
	rank := int(math.Ceil(0.85*float64(len(speeds)))) - 1
	out.V85KMH, out.OverLimit = float64(speeds[rank])/10, float64(over)/float64(len(speeds))
	return out
}

// EnforcedKMH is the speed from which on a limit is enforced: a tenth over it
// and two miles an hour.
func EnforcedKMH(limit uint8) float64 { return 1.1*float64(limit) + 2*1.609344 }
