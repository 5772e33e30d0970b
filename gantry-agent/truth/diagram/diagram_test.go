package diagram

import (
	"bytes"
	"image/color"
	"image/png"
	"math"
	"testing"
	"time"

	"github.com/gantry-dev/gantry/gantry-agent/world"
)

var from = time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC)

// list is passages in memory.
type list []world.Passage

func (l *list) Next(p *world.Passage) bool {
	if len(*l) == 0 {
		return false
	}
	*p, *l = (*l)[0], (*l)[1:]
	return true
}

// made is a day of four stations, 2 km apart, at which twenty vehicles a
// minute pass with the speed at a time.
func made(speed func(site, minute int) float64) *Day {
	d := &Day{From: from, To: from.Add(24 * time.Hour)}
	for i := range 4 {
		var passages list
		for m := range 24 * 60 {
			v := speed(i, m)
			for j := 0; v > 0 && j < 20; j++ {
				at := from.Add(time.Duration(m)*time.Minute + time.Duration(j)*3*time.Second)
				passages = append(passages, world.Passage{At: at.UnixMicro(), SpeedTenthKMH: uint16(v * 10)})
			}
		}
		d.Add(world.Station{OffsetM: uint32(1000 + 2000*i), Lanes: 2}, &passages)
	}
	return d
}

// at is the speed smoothed at a place and minute.
func (f *field) at(m float64, minute int) float64 {
	return float64(f.kmh[int((m-f.fromM)/f.stepM)*f.minutes+minute])
}

// TestAJamTravelsAgainstTheTrafficBetweenStations has a stop-and-go wave of ten
// minutes that arrives at each station when one of −18 km/h does: half way
// between two of them it must be there half way in time.
func TestAJamTravelsAgainstTheTrafficBetweenStations(t *testing.T) {
	arrives := func(m float64) float64 { return 600 - m/300 } // minutes; 300 m a minute
	f := smooth(made(func(site, minute int) float64 {
		if since := float64(minute) - arrives(float64(1000+2000*site)); 0 <= since && since < 10 {
			return 15
		}
		return 110
	}))
	for _, m := range []float64{2000, 4000, 5500} {
		middle := int(arrives(m)) + 5
		if v := f.at(m, middle); v > 20 {
			t.Errorf("at %v m the jam has %v km/h in its middle", m, v)
		}
		for _, minute := range []int{middle - 12, middle + 12} {
			if v := f.at(m, minute); v < 90 {
				t.Errorf("at %v m, %d minutes off the jam, the speed is %v km/h", m, minute-middle, v)
			}
		}
	}
}

func TestWhereNobodyPassesNothingIsKnown(t *testing.T) {
	f := smooth(made(func(_, minute int) float64 {
		if 120 <= minute && minute < 180 {
			return 0
		}
		return 100
	}))
	if v := f.at(2000, 150); !math.IsNaN(v) {
		t.Errorf("the speed is %v km/h where nobody passed", v)
	}
	if v := f.at(2000, 110); math.Abs(v-100) > 0.5 {
		t.Errorf("the speed is %v km/h, want 100", v)
	}
}

func TestClassesAreFixed(t *testing.T) {
	for _, c := range []struct {
		kmh  float64
		want int
	}{{0, 0}, {9.9, 0}, {10, 1}, {54, 4}, {84.9, 6}, {85, 7}, {250, 7}} {
		if got := colourOf(c.kmh); got != classes[c.want].colour {
			t.Errorf("%v km/h is %v, want %s", c.kmh, got, classes[c.want].label)
		}
	}
}

func TestStatesArePerLane(t *testing.T) {
	d := made(func(site, _ int) float64 { return float64(60 + 20*site) })
	got := d.Sites[1].states()
	if len(got) != 288 || math.Abs(got[100].flow-600) > 1e-9 || math.Abs(got[100].density-7.5) > 1e-9 {
		t.Errorf("%d states as %+v, want flow 600 and density 7.5", len(got), got[100])
	}
}

// TestThePictureShowsTheJamInItsPlace looks for red where the jam is and blue
// elsewhere.
func TestThePictureShowsTheJamInItsPlace(t *testing.T) {
	p := SpaceTime(made(func(_, minute int) float64 {
		if 480 <= minute && minute < 600 {
			return 5
		}
		return 120
	}))
	var out bytes.Buffer
	if err := p.Write(&out, PNG); err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(&out)
	if err != nil {
		t.Fatal(err)
	}
	count := func(c class) (n, sum int) {
		for y := range img.Bounds().Dy() {
			for x := range 1500 { // the legend is right of it
				if color.RGBAModel.Convert(img.At(x, y)) == c.colour {
					n, sum = n+1, sum+x
				}
			}
		}
		return n, sum
	}
	slow, at := count(classes[0])
	fast, _ := count(classes[7])
	if ratio := float64(slow) / float64(slow+fast); math.Abs(ratio-2.0/24) > 0.01 {
		t.Errorf("%.3f of the picture is slow, want 1/12", ratio)
	}
	// Nine o'clock is three eighths along the axis.
	if x := float64(at) / float64(slow); math.Abs(x-(96+1432*9.0/24)) > 20 {
		t.Errorf("the jam is at pixel %v", x)
	}
}

func TestSVGImagesFillTheirPlace(t *testing.T) {
	var out bytes.Buffer
	if err := SpaceTime(made(func(int, int) float64 { return 100 })).Write(&out, SVG); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`<image preserveAspectRatio="none"`, "data:image/png;", "'Liberation Sans',Arial"} {
		if !bytes.Contains(out.Bytes(), []byte(want)) {
			t.Errorf("lacks %s", want)
		}
	}
}

func TestNoOtherFormat(t *testing.T) {
	if err := Fundamental(made(func(int, int) float64 { return 100 })).Write(&bytes.Buffer{}, "gif"); err == nil {
		t.Error("it wrote a GIF")
	}
}
