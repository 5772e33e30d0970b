package realism

import (
	"context"
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/gantry-dev/gantry/gantry-agent/world"
)

// counted is a road whose stations see so many vehicles in each local hour.
func counted(net *world.Network, count func(station int, at time.Time) int) *fake {
	return &fake{net: net, fill: func(i int, start world.Micros) (all []world.Passage) {
		for h := range world.Micros(24) {
			from := start + h*hour
			n := count(i, time.UnixMicro(from).UTC())
			for j := range world.Micros(n) {
				all = append(all, world.Passage{At: from + (2*j+1)*hour/world.Micros(2*n), Class: world.Car, Lane: 1, SpeedTenthKMH: 1000})
			}
		}
		return all
	}}
}

func TestKIsTheThirtiethHourOverAADT(t *testing.T) {
	src := counted(road(1, 2), func(_ int, at time.Time) int {
		// Each first of a month three hours of 100 stand out by 1 to 36 vehicles.
		if at.Day() == 1 && at.Hour() >= 12 && at.Hour() < 15 {
			return 100 + int(at.Month()) + 12*(at.Hour()-12)
		}
		if at.Hour() == 8 {
			return 90
		}
		return 10
	})
	report, err := Measure(context.Background(), src, Options{From: monday, Days: 7, YearDays: 365})
	if err != nil {
		t.Fatal(err)
	}
	// The year from 5 January on has eleven or twelve firsts; 36 such hours, of
	// which the 30th is 107.
	days := make([]float64, 365)
	for i := range days {
		days[i] = 90 + 23*10
		if d := civil(dateOf(monday, time.UTC) + i); d.Day() == 1 {
			days[i] += 3*(100+float64(d.Month())+12) - 30
		}
	}
	vehicles := aadt(days, dateOf(monday, time.UTC))
	near(t, report.Rows[kOne], 107/vehicles, 0.0001)
	none(t, report.Rows[kBoth])
	if len(report.AADT) != 1 || report.AADT[0].Vehicles != math.Round(vehicles) {
		t.Errorf("AADT %v, want %v", report.AADT, vehicles)
	}
}

func TestKOfBothDirectionsAddsHoursNotPeaks(t *testing.T) {
	net := road(1, 2)
	back := net.Stations[0]
	back.ID, back.Direction = "b", "south"
	net.Stations = append(net.Stations, back)
	src := counted(net, func(i int, at time.Time) int {
		if at.Hour() == 8+9*i { // one way in the morning, the other in the evening
			return 60
		}
		return 20
	})
	row := measured(t, src, Options{Days: 1, YearDays: 365})
	near(t, row(kOne), 60.0/520, 0.0001)
	near(t, row(kBoth), 80.0/1040, 0.0001)
}

// TestAADTWeighsMonthsAndWeekdaysAlike has a year with more Mondays than other
// days and a February of fewer days.
func TestAADTWeighsMonthsAndWeekdaysAlike(t *testing.T) {
	first := dateOf(monday, time.UTC)
	days := make([]float64, 365)
	for i := range days {
		d := civil(first + i)
		days[i] = 1000
		if d.Weekday() == time.Monday {
			days[i] = 1700
		}
		if d.Month() == time.February {
			days[i] += 1200
		}
	}
	if got := aadt(days, first); math.Abs(got-(1100+100)) > 1e-9 {
		t.Errorf("AADT is %v, want 1200", got)
	}
}

func TestAYearIsNeededForK(t *testing.T) {
	src := counted(road(1, 2), func(int, time.Time) int { return 10 })
	row := measured(t, src, Options{Days: 2, YearDays: 300})
	none(t, row(kOne))
	none(t, row(kBoth))
}

func TestWeekendsAndDaysAreTold(t *testing.T) {
	src := counted(road(1, 2), func(_ int, at time.Time) int {
		if d := at.Weekday(); d == time.Saturday || d == time.Sunday {
			return 70
		}
		return 98 + int(at.Weekday()-time.Monday) // 98 to 102
	})
	row := measured(t, src, Options{Days: 14})
	near(t, row(weekendRatio), 0.7, 0.0001)
	near(t, row(dayVariation), math.Sqrt(20.0/9)/100, 0.0001)
}

func TestPeakHourFactor(t *testing.T) {
	quarters := make([]float64, quartersOfDay)
	copy(quarters[20:], []float64{80, 90, 100, 90, 70, 20})
	if got, ok := peakHourFactor(quarters); !ok || math.Abs(got-360.0/400) > 1e-9 {
		t.Errorf("factor is %v, want 0.9", got)
	}
	if _, ok := peakHourFactor(make([]float64, quartersOfDay)); ok {
		t.Error("an empty day has a peak hour factor")
	}
}

func TestAWeekdayWithTwoPeaksOfWhichTheMorningIsSharper(t *testing.T) {
	shape := [24]int{20, 10, 10, 10, 20, 80, 250, 500, 400, 250, 230, 230, 235, 240, 260, 330, 450, 470, 380, 260, 180, 120, 80, 50}
	src := counted(road(1, 2), func(_ int, at time.Time) int { return shape[at.Hour()] })
	row := measured(t, src, Options{Days: 7})
	near(t, row(twoPeaks), 2, 0)
	near(t, row(morningSharper), (500.0/1150)/(470.0/1300), 0.01)
	shape[12] = 330 // lunch
	near(t, measured(t, src, Options{Days: 7})(twoPeaks), 3, 0)
}

func TestHeavyVehiclesAreTrucksAndBuses(t *testing.T) {
	src := counted(road(1, 2), func(int, time.Time) int { return 100 })
	fill := src.fill
	src.fill = func(i int, start world.Micros) []world.Passage {
		all := fill(i, start)
		for j := range all {
			h := int(all[j].At/hour) % 24
			switch share := j % 10; {
			case share == 0:
				all[j].Class = world.Truck
			case share == 1 && h < 6:
				all[j].Class = world.Bus
			case share < 4 && h == 23:
				all[j].Class = world.Truck
			case share == 5:
				all[j].Class = world.Van
			}
		}
		return all
	}
	row := measured(t, src, Options{Days: 2})
	near(t, row(heavyShare), 0.1, 0.0001)
	near(t, row(heavyNight), (0.2*6+0.4+0.1)/8/0.1, 0.001)
	near(t, row(heavyHour), -1, 0)
}

// planned is a source that knows its demand and which sites are too fast.
type planned struct {
	*fake
	demand int
}

func (p planned) Planned(string, world.Micros, world.Micros) int { return p.demand }
func (planned) SpeedingStations() []string                       { return []string{"b"} }

func TestCountsAreComparedWithTheDemandPlanned(t *testing.T) {
	if got := geh(100, 150); math.Abs(got-math.Sqrt(2*2500/250.0)) > 1e-12 {
		t.Errorf("GEH of 100 and 150 is %v", got)
	}
	src := counted(road(1, 2), func(_ int, at time.Time) int {
		if at.Hour() < 6 {
			return 200
		}
		return 110
	})
	near(t, measured(t, planned{src, 100}, Options{Days: 2})(gehShare), 0.75, 0.0001)
	none(t, measured(t, src, Options{Days: 1})(gehShare))
}

func TestSitesNamedForSpeedingAreToldApart(t *testing.T) {
	net := road(4, 2)
	src := counted(net, func(int, time.Time) int { return 100 })
	fill := src.fill
	src.fill = func(i int, start world.Micros) []world.Passage {
		all := fill(i, start)
		for j := range all {
			fast := []int{2, 25, 4, 3}[i] // percent
			all[j].SpeedTenthKMH = 1430   // 10 % over is not more than 10 % over
			if j%100 < fast {
				all[j].SpeedTenthKMH = 1431
			}
		}
		return all
	}
	row := measured(t, planned{src, 100}, Options{Days: 1})
	near(t, row(ordinarySite), 0.03, 0.0001)
	near(t, row(worstSite), 0.04, 0.0001)
	near(t, row(problemSite), 0.25, 0.0001)
}

// TestWorkersChangeNoFigure compares whole reports.
func TestWorkersChangeNoFigure(t *testing.T) {
	src := open(300, 250)
	var want string
	for _, workers := range []int{1, 2, 5} {
		report, err := Measure(context.Background(), src, Options{From: monday, Days: 9, YearDays: 16, Workers: workers})
		if err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(report)
		if err != nil {
			t.Fatal(err)
		}
		if want == "" {
			want = string(b)
		}
		if string(b) != want {
			t.Errorf("%d workers give\n%s\none gives\n%s", workers, b, want)
		}
	}
}

func TestMeasuringCanBeStopped(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	src := open(300)
	fill, days := src.fill, 0
	src.fill = func(i int, start world.Micros) []world.Passage {
		if days++; days == 20 {
			stop()
		}
		return fill(i, start)
	}
	if _, err := Measure(ctx, src, Options{From: monday, Days: 300, Workers: 1}); err == nil || days > 60 {
		t.Errorf("error %v after %d days", err, days)
	}
}

func TestEachBandHasItsPlaceInTheTable(t *testing.T) {
	names := map[string]bool{}
	for p, b := range bands {
		if b.name == "" || b.how == "" || b.source == "" || b.lo > b.hi || names[b.name] {
			t.Errorf("band %d: %+v", p, b)
		}
		names[b.name] = true
	}
}
