package diagram

import (
	"fmt"
	"image/color"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// What the axes of the fundamental diagram span, the same for all roads: a
// queue at a standstill has about 150 vehicles per km and lane.
const (
	maxDensity = 150  // veh/km/lane
	maxFlow    = 2500 // veh/h/lane
	sumMinutes = 5
)

// rays are speeds that are drawn as lines from the origin, km/h.
var rays = []float64{10, 20, 40, 60, 80, 100, 120}

// state is what a station saw in five minutes.
type state struct{ density, flow float64 } // per lane

// states are those of a site's day in which vehicles passed.
func (s *Site) states() []state {
	var all []state
	lanes := float64(s.Station.Lanes)
	for i := 0; i+sumMinutes <= len(s.Minutes); i += sumMinutes {
		var sum Minute
		for _, m := range s.Minutes[i : i+sumMinutes] {
			sum.add(m)
		}
		if sum.N > 0 {
			flow := sum.N * 60 / sumMinutes / lanes
			all = append(all, state{flow / sum.speed(), flow})
		}
	}
	return all
}

// Fundamental draws flow over density, five minutes a dot, each site in the
// colour of its place.
func Fundamental(d *Day) *Picture {
	p := axes("density, estimated as flow over space-mean speed, veh/km/lane", "flow in five minutes, veh/h/lane")
	p.X.Max, p.Y.Max = maxDensity, maxFlow
	p.X.Tick.Marker = plot.ConstantTicks(every(0, maxDensity, 20))
	p.Y.Tick.Marker = plot.ConstantTicks(every(0, maxFlow, 500))
	return &Picture{
		width: 720, height: 460, plot: p,
		over: func(c draw.Canvas) {
			drawRays(&c)
			d.dots(&c)
		},
		beside: d.placeLegend,
	}
}

// colour of a site, by its place among the first and last.
func (d *Day) colour(i int) color.RGBA {
	first, last := d.Sites[0].Station.OffsetM, d.Sites[len(d.Sites)-1].Station.OffsetM
	if last == first {
		return along(0)
	}
	return along(float64(d.Sites[i].Station.OffsetM-first) / float64(last-first))
}

// dots draws the states of all sites, hour by hour, so that none covers the
// others; those beyond the axes stay out.
func (d *Day) dots(c *draw.Canvas) {
	const perHour = 60 / sumMinutes
	sites := make([][]state, len(d.Sites))
	most := 0
	for i := range d.Sites {
		sites[i] = d.Sites[i].states()
		most = max(most, len(sites[i]))
	}
	for from := 0; from < most; from += perHour {
		for i, states := range sites {
			style := draw.GlyphStyle{Color: d.colour(i), Radius: 1.4, Shape: draw.CircleGlyph{}}
			for _, s := range states[min(from, len(states)):min(from+perHour, len(states))] {
				if s.density <= maxDensity && s.flow <= maxFlow {
					c.DrawGlyph(style, vg.Point{X: c.X(s.density / maxDensity), Y: c.Y(s.flow / maxFlow)})
				}
			}
		}
	}
}

// drawRays draws lines of equal speed, each with its speed at its end.
func drawRays(c *draw.Canvas) {
	label := words(7.5, false)
	label.Color = faint
	for _, kmh := range rays {
		density, flow := float64(maxDensity), maxDensity*kmh
		if flow > maxFlow {
			density, flow = maxFlow/kmh, maxFlow
		}
		x, y := c.X(density/maxDensity), c.Y(flow/maxFlow)
		c.StrokeLine2(draw.LineStyle{Color: rule, Width: 0.8}, c.Min.X, c.Min.Y, x, y)
		text := strconv.FormatFloat(kmh, 'f', -1, 64)
		if flow >= maxFlow {
			label.XAlign, label.YAlign = draw.XCenter, draw.YBottom
			c.FillText(label, vg.Point{X: x, Y: y + 2}, text)
		} else {
			label.XAlign, label.YAlign = draw.XLeft, draw.YCenter
			c.FillText(label, vg.Point{X: x + 3, Y: y}, text)
		}
	}
}

// placeLegend lists the sites in the direction of travel, downstream on top.
func (d *Day) placeLegend(c draw.Canvas) {
	label := words(9, false)
	label.YAlign = draw.YCenter
	c.FillText(words(9, true), vg.Point{X: c.Min.X + 14, Y: c.Max.Y}, "station, km")
	y := c.Max.Y - 22
	row := min(vg.Length(17), (y-c.Min.Y)/vg.Length(len(d.Sites)+1))
	for i := len(d.Sites) - 1; i >= 0; i-- {
		c.DrawGlyphNoClip(draw.GlyphStyle{Color: d.colour(i), Radius: 4, Shape: draw.CircleGlyph{}}, vg.Point{X: c.Min.X + 20, Y: y})
		c.FillText(label, vg.Point{X: c.Min.X + 30, Y: y}, fmt.Sprintf("%.1f", float64(d.Sites[i].Station.OffsetM)/1000))
		y -= row
	}
	c.StrokeLine2(draw.LineStyle{Color: hatch, Width: 0.8}, c.Min.X+13, y-12, c.Min.X+27, y-4)
	c.FillText(label, vg.Point{X: c.Min.X + 30, Y: y - 8}, "speed, km/h")
}
