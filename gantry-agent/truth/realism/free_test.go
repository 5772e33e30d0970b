package realism

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gantry-dev/gantry/gantry-agent/world"
)

// open is a road on which nothing happens: a station with two lanes, cars by
// chance at 120 ± 15 km/h.
func open(perHour ...float64) *fake {
	return &fake{net: road(2, uint8(len(perHour))), fill: func(i int, start world.Micros) []world.Passage {
		return poisson(chance(i, start), start, perHour, steady(120, 15))
	}}
}

func TestPoissonArrivalsHaveVarianceOverMeanOneAndAnExponentialTail(t *testing.T) {
	row := measured(t, open(300, 250), Options{Days: 7})
	near(t, row(countDispersion), 1, 0.03)
	near(t, row(headwayTail), 1, 0.02)
	none(t, row(headwayShift)) // nobody follows at such flows
}

func TestRegularArrivalsHaveLittleVariance(t *testing.T) {
	src := open(300, 250)
	src.fill = func(_ int, start world.Micros) (all []world.Passage) {
		for at := start; at < start+24*hour; at += 12 * second {
			all = append(all, world.Passage{At: at, Class: world.Car, Lane: 1, SpeedTenthKMH: 1200})
		}
		return all
	}
	row := measured(t, src, Options{Days: 2})
	near(t, row(countDispersion), 0, 0.001)
	near(t, row(headwayTail), 0, 0.001)
}

func TestTimeMeanIsAboveSpaceMeanByVarianceOverMean(t *testing.T) {
	row := measured(t, open(400, 400), Options{Days: 3})
	near(t, row(meanDifference), 15.0*15/120, 0.15)
	near(t, row(outerMean), 120, 0.5)
	near(t, row(innerSD), 15, 0.3)
	none(t, row(heavyMean))
	none(t, row(capacityDrop))
	none(t, row(jamFront))
}

// TestQueuesAreNotFreeFlow lets cars creep for four hours: neither speeds nor
// counts of these may enter what is measured in free flow.
func TestQueuesAreNotFreeFlow(t *testing.T) {
	src := open(400, 400)
	src.fill = func(i int, start world.Micros) []world.Passage {
		return poisson(chance(i, start), start, []float64{400, 400}, func(at world.Micros) (float64, float64) {
			if h := (at - start) / hour; 4 <= h && h < 8 {
				return 30, 5
			}
			return 120, 15
		})
	}
	row := measured(t, src, Options{Days: 3})
	near(t, row(outerMean), 120, 0.5)
	near(t, row(innerSD), 15, 0.3)
	near(t, row(meanDifference), 15.0*15/120, 0.15)
}

func TestLimitsOtherThanOfMotorwaysShowNoMotorwaySpeeds(t *testing.T) {
	src := open(400, 400)
	for i := range src.net.Stations {
		src.net.Stations[i].LimitKMH = 110
	}
	row := measured(t, src, Options{Days: 1})
	none(t, row(outerMean))
	none(t, row(heavySD))
}

// followers is headways of a lane: a share follows at a shifted lognormal
// headway, the others keep one that is exponential but none shorter than
// theirs would be.
func followers(r *rand.Rand, n int, shift, share, rate float64) *follow {
	f := &follow{}
	for range n {
		h := shift + math.Exp(math.Log(0.9)+0.5*r.NormFloat64())
		if r.Float64() > share {
			// Buckley's free drivers: the first exponential gap that is long enough.
			for least := h; ; {
				if h = r.ExpFloat64() / rate; h > least {
					break
				}
				least = shift + math.Exp(math.Log(0.9)+0.5*r.NormFloat64())
			}
		}
		f.add(world.Micros(h * float64(second)))
	}
	return f
}

func TestShiftOfLognormalHeadwaysIsFound(t *testing.T) {
	for _, want := range []float64{0.2, 0.35, 0.5} {
		for _, share := range []float64{1, 0.7, 0.5} {
			f := followers(rand.New(rand.NewPCG(1, uint64(want*100))), 50_000, want, share, 0.25)
			got, ok := f.shift()
			if !ok || math.Abs(got-want) > 0.05 {
				t.Errorf("shift is %v, %v, want %v; %v follow", got, ok, want, share)
			}
		}
	}
}

func TestAFewStrangeHeadwaysDoNotMoveTheShift(t *testing.T) {
	f := followers(rand.New(rand.NewPCG(1, 2)), 50_000, 0.35, 1, 1)
	for i := range 100 {
		f.add(world.Micros(i) * 3000)
	}
	if got, _ := f.shift(); math.Abs(got-0.35) > 0.05 {
		t.Errorf("shift is %v, want 0.35", got)
	}
}

// TestHeadwaysAreOfALaneAndOfBusyOnes drives lanes of known headways through
// the whole measure.
func TestHeadwaysAreOfALaneAndOfBusyOnes(t *testing.T) {
	src := &fake{net: road(1, 2), fill: func(i int, start world.Micros) []world.Passage {
		r := chance(i, start)
		var all []world.Passage
		for l := range uint8(2) {
			for at := start; at < start+24*hour; {
				h := 0.35 + math.Exp(math.Log(1.4)+0.4*r.NormFloat64())
				at += world.Micros(h * float64(second))
				all = append(all, world.Passage{At: at, Lane: l + 1, Class: world.Car, SpeedTenthKMH: 1100})
			}
		}
		all = slices.DeleteFunc(all, func(p world.Passage) bool { return p.At >= start+24*hour })
		slices.SortFunc(all, func(a, b world.Passage) int { return int(a.At - b.At) })
		return all
	}}
	row := measured(t, src, Options{Days: 1})
	near(t, row(headwayShift), 0.35, 0.05)
}

func TestInnerLaneShareByFlow(t *testing.T) {
	// The share of the inner lane grows with flow from 0.1 to 0.55.
	src := &fake{net: road(1, 2), fill: func(i int, start world.Micros) []world.Passage {
		r := chance(i, start)
		var all []world.Passage
		for h := range world.Micros(24) {
			q := 100 + 3900*float64(h)/23
			share := 0.1 + 0.45*float64(h)/23
			for _, p := range poisson(r, start, []float64{q * (1 - share), q * share}, steady(110, 10)) {
				if p.At < start+hour {
					p.At += h * hour
					all = append(all, p)
				}
			}
		}
		return all
	}}
	row := measured(t, src, Options{Days: 3})
	near(t, row(innerLow), 0.13, 0.03)
	near(t, row(innerNear), 0.52, 0.03)
	near(t, row(innerRising), 1, 0.02)
	near(t, row(maxHour), 2040, 40)
}
