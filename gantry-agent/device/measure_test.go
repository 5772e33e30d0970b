package device

import (
	"bytes"
	"math"
	"testing"

	"github.com/gantry-dev/gantry/gantry-agent/world"
)

// varyingWorld is the shipped world, whose seeds may vary the detectors' errors by
// so many percent.
func varyingWorld(t *testing.T, percent string, seed uint64) *world.World {
	t.Helper()
	network, _ := world.Shipped("network", "corridor")
	scenario, _ := world.Shipped("scenario", "weekday")
	scenario = append(bytes.Clone(scenario), "\nvariation_percent: {detector_error: "+percent+"}\n"...)
	w, err := world.New(world.Spec{NetworkYAML: network, ScenarioYAML: scenario, Seed: seed})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// strays is how far readings of the same passages stray from them: deviations
// relative to the true value, errors as shares.
type strays struct{ length, occupied, speed, classes, persons, plates float64 }

func straysOf(t *testing.T, w *world.World) strays {
	t.Helper()
	const n = 100_000
	counter, camera, toll := mustDevice(t, w, "north-06-counter"), mustDevice(t, w, "north-06-speed"), mustDevice(t, w, "north-06-toll")
	var truck world.Passage
	for p := range w.Passages("north-06", faultDay, faultDay+dayLong) {
		if p.Class == world.Truck {
			truck = p
			break
		}
	}
	truck.LengthCM, truck.SpeedTenthKMH, truck.Axles, truck.Persons = 1600, 3600, 5, 2
	var s strays
	square := func(got, want float64) float64 { return (got/want - 1) * (got/want - 1) / n }
	for trip := range uint64(n) {
		p := truck
		p.Trip = trip
		var c, v, g Reading
		counter.measure(&p, 0, &c)
		camera.measure(&p, 0, &v)
		toll.measure(&p, 0, &g)
		s.length += square(float64(c.LengthCM), 1600)
		s.occupied += square(float64(c.OccupiedMS), 180)
		s.speed += square(float64(v.SpeedTenthKMH), 3600)
		for _, r := range []*Reading{&c, &v, &g} {
			if r.Class != uint8(world.Truck) {
				s.classes += 1. / (3 * n)
			}
		}
		if g.Persons != 2 {
			s.persons += 1. / n
		}
		if v.ConfidencePercent < 88 {
			s.plates += 1. / n
		}
	}
	s.length, s.occupied, s.speed = math.Sqrt(s.length), math.Sqrt(s.occupied), math.Sqrt(s.speed)
	return s
}

// TestErrorsAreAsLargeAsTheSeedMakesThem: deviations and rates grow and shrink
// with the seed's factor, and nothing does without variation.
func TestErrorsAreAsLargeAsTheSeedMakesThem(t *testing.T) {
	usual := straysOf(t, varyingWorld(t, "0", 1))
	if w := varyingWorld(t, "0", 2); w.DetectorErrorPerMille() != 1000 {
		t.Errorf("without variation errors are %d per mille of the usual", w.DetectorErrorPerMille())
	}
	smaller, larger := false, false
	for seed := uint64(1); !smaller || !larger; seed++ {
		w := varyingWorld(t, "20", seed)
		factor := float64(w.DetectorErrorPerMille()) / 1000
		if factor < 0.8 || factor > 1.2 || seed > 100 {
			t.Fatalf("seed %d makes errors %.3f times as large", seed, factor)
		}
		switch {
		case factor < 0.85 && !smaller:
			smaller = true
		case factor > 1.15 && !larger:
			larger = true
		default:
			continue
		}
		got := straysOf(t, w)
		for _, c := range []struct {
			what             string
			got, usual, room float64
		}{
			// What chance makes of 100 000 draws; occupancy is in whole ms.
			{"length", got.length, usual.length, 0.02},
			{"time covered", got.occupied, usual.occupied, 0.02},
			{"speed", got.speed, usual.speed, 0.02},
			{"class", got.classes, usual.classes, 0.1},
			{"persons", got.persons, usual.persons, 0.1},
			{"plate", got.plates, usual.plates, 0.1},
		} {
			if ratio := c.got / c.usual; math.Abs(ratio-factor) > c.room {
				t.Errorf("seed %d: errors of %s are %.3f times the usual, want %.3f", seed, c.what, ratio, factor)
			}
		}
	}
}
