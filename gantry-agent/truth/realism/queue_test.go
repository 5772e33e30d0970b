package realism

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gantry-dev/gantry/gantry-agent/world"
)

// speedAt is a random function of time, smooth over half a minute.
func speedAt(seed uint64, at float64) float64 {
	const step = 25.0 // s
	value := func(i int64) float64 {
		return rand.New(rand.NewPCG(seed, uint64(i))).NormFloat64()
	}
	i := math.Floor(at / step)
	f := at/step - i
	return value(int64(i))*(1-f) + value(int64(i)+1)*f
}

// TestRestartWavesAreMeasuredAtTheirSpeed sends disturbances upstream through a
// queue over four stations.
func TestRestartWavesAreMeasuredAtTheirSpeed(t *testing.T) {
	for _, want := range []float64{-14, -18, -21} {
		src := &fake{net: road(4, 2), fill: func(i int, start world.Micros) []world.Passage {
			r := chance(i, start)
			return poisson(r, start, []float64{800, 800}, func(at world.Micros) (float64, float64) {
				if h := (at - start) / hour; h < 4 || h >= 7 {
					return 115, 12
				}
				// What is at offset x now is at x + 18 km/h · t later, against the traffic.
				s := float64(at-start)/float64(second) + 1500*float64(i)/(-want/3.6)
				return max(25+8*speedAt(uint64(start), s), 6), 3
			})
		}}
		near(t, measured(t, src, Options{Days: 3})(jamFront), want, 1)
	}
}

// TestNoWaveIsSeenWhereNoneTravels has queues whose speeds at the stations have
// nothing to do with each other.
func TestNoWaveIsSeenWhereNoneTravels(t *testing.T) {
	src := &fake{net: road(4, 2), fill: func(i int, start world.Micros) []world.Passage {
		return poisson(chance(i, start), start, []float64{800, 800}, func(at world.Micros) (float64, float64) {
			if h := (at - start) / hour; h < 4 || h >= 8 {
				return 115, 12
			}
			return max(25+8*speedAt(uint64(i), float64(at)/float64(second)), 6), 3
		})
	}}
	none(t, measured(t, src, Options{Days: 5})(jamFront))
}

// bottleneck is a road on which station a is queued in front of a bottleneck
// from 07:30 to 10:00: before, the flow below it rises to before veh/h/lane, and
// while it is active discharge veh/h/lane pass. It happens on some days.
func bottleneck(before, discharge float64, days func(start world.Micros) bool) *fake {
	return &fake{net: road(3, 2), fill: func(i int, start world.Micros) []world.Passage {
		r := chance(i, start)
		var all []world.Passage
		at := start
		for at < start+24*hour {
			since := at - start
			queued := days(start) && 4*hour+30*minute <= since && since < 7*hour
			q, v := 600.0, 115.0
			switch {
			case queued && i == 0:
				q, v = discharge, 25
			case queued:
				q, v = discharge, 90
			case days(start) && 4*hour <= since && since < 4*hour+30*minute:
				q, v = before, 95
			}
			lane := uint8(1 + r.IntN(2))
			all = append(all, world.Passage{At: at, Lane: lane, Class: world.Car, SpeedTenthKMH: uint16(10 * v)})
			at += world.Micros(3600 / (2 * q) * float64(second) * (0.8 + 0.4*r.Float64()))
		}
		return all
	}}
}

func always(world.Micros) bool { return true }

func TestAKnownCapacityDropIsMeasured(t *testing.T) {
	for _, drop := range []float64{0.05, 0.10, 0.15} {
		row := measured(t, bottleneck(2000, 2000*(1-drop), always), Options{Days: 5})
		near(t, row(capacityDrop), drop, 0.01)
		if n := row(capacityDrop).Sites; n != 1 {
			t.Errorf("%d bottlenecks are active, want the one between a and b", n)
		}
		near(t, row(maxFive), 2000, 40)
	}
}

// TestAnIncidentIsNoBottleneck closes a lane on one day only.
func TestAnIncidentIsNoBottleneck(t *testing.T) {
	once := func(start world.Micros) bool { return start == monday+2*24*hour }
	none(t, measured(t, bottleneck(1500, 1000, once), Options{Days: 5})(capacityDrop))
}

func TestNeighboursAreOfOneRoadAndDirection(t *testing.T) {
	net := road(3, 2)
	net.Stations[2].OffsetM = 9000 // too far
	other := net.Stations[1]
	other.ID, other.Direction, other.OffsetM = "x", "south", 700
	net.Stations = append(net.Stations, other)
	other.ID, other.OffsetM = "y", 2700
	net.Stations = append([]world.Station{other}, net.Stations...)
	got := pairs(net.Stations)
	if len(got) != 2 || got[0] != (pair{1, 2, 1500}) || got[1] != (pair{4, 0, 2000}) {
		t.Errorf("pairs %v", got)
	}
}
