package diagram

import (
	"image"
	"math"
	"strconv"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// SpaceTime draws speed over time and place. The day has at least two sites.
func SpaceTime(d *Day) *Picture {
	f := smooth(d)
	p := axes("local time", "distance along the road, km")
	p.X.Min, p.X.Max = 0, float64(f.minutes)
	p.Y.Min, p.Y.Max = f.fromM/1000, (f.fromM+float64(f.steps-1)*f.stepM)/1000
	p.X.Tick.Marker = plot.ConstantTicks(clock(d))
	p.Y.Tick.Marker = plot.ConstantTicks(every(p.Y.Min, p.Y.Max, 2))
	return &Picture{
		width: 880, height: 408, plot: p,
		over: func(c draw.Canvas) {
			hatched(&c, c.Min.X, c.Min.Y, c.Max.X, c.Max.Y) // shows through where nothing is known
			c.DrawImage(c.Rectangle, f.image())
			d.decorate(&c)
		},
		beside: speedLegend,
	}
}

// clock are ticks each two hours of local time.
func clock(d *Day) []plot.Tick {
	var ticks []plot.Tick
	for t := d.From; !t.After(d.To); t = t.Add(time.Hour) {
		tick := plot.Tick{Value: t.Sub(d.From).Minutes()}
		if h := t.Hour(); h%2 == 0 {
			tick.Label = t.Format("15:04")
			if t.Equal(d.To) {
				tick.Label = "24:00"
			}
		}
		ticks = append(ticks, tick)
	}
	return ticks
}

// every are ticks at the multiples of a step.
func every(from, to, step float64) []plot.Tick {
	var ticks []plot.Tick
	for v := math.Ceil(from/step) * step; v <= to; v += step {
		ticks = append(ticks, plot.Tick{Value: v, Label: strconv.FormatFloat(v, 'f', -1, 64)})
	}
	return ticks
}

// image has a pixel for each minute and step; what is not known shows through.
func (f *field) image() image.Image {
	const scale = 2 // so that what scales the picture up blurs less
	img := image.NewRGBA(image.Rect(0, 0, f.minutes*scale, f.steps*scale))
	for y := range f.steps * scale {
		for x := range f.minutes * scale {
			if v := f.kmh[(f.steps-1-y/scale)*f.minutes+x/scale]; v == v { // not NaN
				img.SetRGBA(x, y, colourOf(float64(v)))
			}
		}
	}
	return img
}

// decorate draws the arrow of travel and where the stations are.
func (d *Day) decorate(c *draw.Canvas) {
	first, last := float64(d.Sites[0].Station.OffsetM), float64(d.Sites[len(d.Sites)-1].Station.OffsetM)
	for i := range d.Sites {
		y := c.Y((float64(d.Sites[i].Station.OffsetM) - first) / (last - first))
		c.StrokeLine2(draw.LineStyle{Color: faint, Width: 0.8}, c.Max.X, y, c.Max.X+4, y)
	}
	arrow(c, c.Min.X+14, c.Min.Y+14, 46)
}

// arrow points the way of travel, with a light edge so that it is seen on any
// colour.
func arrow(c *draw.Canvas, x, y, length vg.Length) {
	const half, head = 5, 9
	shape := []vg.Point{
		{X: x - 1.2, Y: y}, {X: x + 1.2, Y: y}, {X: x + 1.2, Y: y + length - head}, {X: x + half, Y: y + length - head},
		{X: x, Y: y + length}, {X: x - half, Y: y + length - head}, {X: x - 1.2, Y: y + length - head},
	}
	c.StrokeLines(draw.LineStyle{Color: paper, Width: 3}, append(shape, shape[0]))
	c.FillPolygon(ink, shape)
}

// speedLegend lists the classes, fast above slow.
func speedLegend(c draw.Canvas) {
	const row, swatch = 17, 20
	label := words(9, false)
	label.YAlign = draw.YCenter
	c.FillText(words(9, true), vg.Point{X: c.Min.X, Y: c.Max.Y}, "speed, km/h")
	y := c.Max.Y - 18
	for i := len(classes) - 1; i >= 0; i-- {
		c.FillPolygon(classes[i].colour, box(c.Min.X, y-row, c.Min.X+swatch, y))
		c.FillText(label, vg.Point{X: c.Min.X + swatch + 6, Y: y - row/2}, classes[i].label)
		y -= row
	}
	y -= 8
	hatched(&c, c.Min.X, y-row+3, c.Min.X+swatch, y)
	c.FillText(label, vg.Point{X: c.Min.X + swatch + 6, Y: y - row/2 + 1}, "no data")
	y -= row + 12
	arrow(&c, c.Min.X+swatch/2, y-26, 28)
	c.FillText(label, vg.Point{X: c.Min.X + swatch + 6, Y: y - 8}, "direction")
	c.FillText(label, vg.Point{X: c.Min.X + swatch + 6, Y: y - 19}, "of travel")
	y -= 40
	c.StrokeLine2(draw.LineStyle{Color: faint, Width: 0.8}, c.Min.X+swatch/2-3, y, c.Min.X+swatch/2+3, y)
	c.FillText(label, vg.Point{X: c.Min.X + swatch + 6, Y: y}, "station")
}
