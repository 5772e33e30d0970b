package diagram

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Picture is a drawing with its words.
type Picture struct {
	// Title and Note stand above it: what it shows, and of which world.
	Title, Note string

	width, height vg.Length
	plot          *plot.Plot
	// beside draws what stands right of the plot: the legend.
	beside func(draw.Canvas)
	// over draws into the plot's frame, whose rectangle it is given.
	over func(draw.Canvas)
}

// Formats that Write knows.
const (
	PNG = "png"
	SVG = "svg"
)

const (
	dpi       = 144
	headRoom  = 54 // points above the plot
	legendGap = 10
)

// Write draws the picture in one of the formats.
func (p *Picture) Write(out io.Writer, format string) error {
	var text bytes.Buffer
	var c vg.CanvasWriterTo
	switch format {
	case PNG:
		c = vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(p.width, p.height), vgimg.UseDPI(dpi))}
	case SVG:
		// The text stays text; the fonts would make the file ten times as large.
		c = vgsvg.NewWith(vgsvg.UseWH(p.width, p.height))
	default:
		return fmt.Errorf("diagram: no format %q", format)
	}
	p.draw(draw.NewCanvas(c, p.width, p.height))
	_, err := c.WriteTo(&text)
	if err == nil && format == SVG {
		_, err = mends.WriteString(out, text.String())
	} else if err == nil {
		_, err = text.WriteTo(out)
	}
	if err != nil {
		return fmt.Errorf("write picture: %w", err)
	}
	return nil
}

// mends set right what vgsvg leaves out: images fill their place, whatever
// their shape, and a machine without the fonts takes those with the same widths.
var mends = strings.NewReplacer(
	"<image x=", `<image preserveAspectRatio="none" style="image-rendering:pixelated" x=`,
	"data:image/jpg;", "data:image/png;",
	"font-family:Liberation Sans;", "font-family:'Liberation Sans',Arial,Helvetica,sans-serif;",
)

// legendWidth is what the legend takes at the right.
const legendWidth = 104

func (p *Picture) draw(c draw.Canvas) {
	c.FillPolygon(paper, []vg.Point{c.Min, {X: c.Max.X, Y: c.Min.Y}, c.Max, {X: c.Min.X, Y: c.Max.Y}})
	head := draw.Crop(c, 14, -14, c.Max.Y-c.Min.Y-headRoom, 0)
	head.FillText(words(14, true), vg.Point{X: head.Min.X, Y: head.Max.Y - 12}, p.Title)
	note := words(9, false)
	note.Color = faint
	head.FillText(note, vg.Point{X: head.Min.X, Y: head.Max.Y - 31}, p.Note)
	body := draw.Crop(c, 10, -legendWidth, 8, -headRoom)
	p.plot.Draw(body)
	if p.over != nil {
		p.over(p.plot.DataCanvas(body))
	}
	frame := p.plot.DataCanvas(body)
	p.beside(draw.Crop(c, frame.Max.X-c.Min.X+legendGap, -8, frame.Min.Y-c.Min.Y, frame.Max.Y-c.Max.Y))
}

// words is text of a size, from its upper left corner on.
func words(size font.Length, bold bool) draw.TextStyle {
	f := font.Font{Typeface: "Liberation", Variant: "Sans", Size: size}
	if bold {
		f.Weight = 3 // golang.org/x/image/font.WeightBold
	}
	return draw.TextStyle{
		Color: ink, Font: f, Handler: text.Plain{Fonts: font.DefaultCache},
		XAlign: draw.XLeft, YAlign: draw.YTop,
	}
}

// axes is an empty plot in the style of all pictures.
func axes(x, y string) *plot.Plot {
	p := plot.New()
	p.BackgroundColor = paper
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Label.TextStyle.Font = words(10, false).Font
		a.Label.TextStyle.Color = ink
		a.Tick.Label.Font = words(9, false).Font
		a.Tick.Label.Color = ink
		a.LineStyle = draw.LineStyle{Color: faint, Width: 0.6}
		a.Tick.LineStyle = draw.LineStyle{Color: faint, Width: 0.6}
		a.Padding = 0
	}
	p.X.Label.Text, p.Y.Label.Text = x, y
	p.X.Label.Padding, p.Y.Label.Padding = 4, 4
	return p
}

// box is a rectangle's corners.
func box(x0, y0, x1, y1 vg.Length) []vg.Point {
	return []vg.Point{{X: x0, Y: y0}, {X: x1, Y: y0}, {X: x1, Y: y1}, {X: x0, Y: y1}}
}

// hatched fills a rectangle with what says that nothing is known.
func hatched(c *draw.Canvas, x0, y0, x1, y1 vg.Length) {
	c.FillPolygon(blank, box(x0, y0, x1, y1))
	style := draw.LineStyle{Color: hatch, Width: 0.5}
	const apart = 5
	for x := x0 - (y1 - y0); x < x1; x += apart {
		// From lower left to upper right, cut at the rectangle's sides.
		a, b := vg.Point{X: x, Y: y0}, vg.Point{X: x + (y1 - y0), Y: y1}
		if a.X < x0 {
			a = vg.Point{X: x0, Y: y0 + x0 - x}
		}
		if b.X > x1 {
			b = vg.Point{X: x1, Y: y0 + x1 - x}
		}
		c.StrokeLine2(style, a.X, a.Y, b.X, b.Y)
	}
}
