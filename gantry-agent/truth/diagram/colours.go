package diagram

import "image/color"

// class is a range of speeds with a colour of its own.
type class struct {
	below  float64 // km/h
	label  string
	colour color.RGBA
}

// classes are fixed: ColorBrewer's RdYlBu in eight. They are narrow where
// queues differ; from the speed of trucks on, traffic is free.
var classes = []class{
	{10, "0 – 10", color.RGBA{0xd7, 0x30, 0x27, 0xff}},
	{20, "10 – 20", color.RGBA{0xf4, 0x6d, 0x43, 0xff}},
	{30, "20 – 30", color.RGBA{0xfd, 0xae, 0x61, 0xff}},
	{40, "30 – 40", color.RGBA{0xfe, 0xe0, 0x90, 0xff}},
	{55, "40 – 55", color.RGBA{0xe0, 0xf3, 0xf8, 0xff}},
	{70, "55 – 70", color.RGBA{0xab, 0xd9, 0xe9, 0xff}},
	{85, "70 – 85", color.RGBA{0x74, 0xad, 0xd1, 0xff}},
	{1000, "85 and over", color.RGBA{0x45, 0x75, 0xb4, 0xff}},
}

// colourOf is the colour of a speed.
func colourOf(kmh float64) color.RGBA {
	for _, c := range classes {
		if kmh < c.below {
			return c.colour
		}
	}
	return classes[len(classes)-1].colour
}

var (
	ink    = color.RGBA{0x22, 0x22, 0x22, 0xff}
	faint  = color.RGBA{0x66, 0x66, 0x66, 0xff}
	rule   = color.RGBA{0xdd, 0xdd, 0xdd, 0xff}
	paper  = color.RGBA{0xff, 0xff, 0xff, 0xff}
	blank  = color.RGBA{0xf0, 0xf0, 0xf0, 0xff}
	hatch  = color.RGBA{0xb8, 0xb8, 0xb8, 0xff}
	places = []color.RGBA{ // along the road: dark to bright, ordered in grey as well
		{0x2c, 0x0a, 0x7e, 0xff}, {0x6a, 0x17, 0x9b, 0xff}, {0xa6, 0x2c, 0x8d, 0xff},
		{0xd1, 0x50, 0x6f, 0xff}, {0xea, 0x7d, 0x4f, 0xff}, {0xf3, 0xae, 0x3d, 0xff},
	}
)

// along is the colour of a place, 0 to 1 along the road.
func along(share float64) color.RGBA {
	at := share * float64(len(places)-1)
	i := min(int(at), len(places)-2)
	f := at - float64(i)
	mix := func(a, b uint8) uint8 { return uint8(float64(a)*(1-f) + float64(b)*f + 0.5) }
	a, b := places[i], places[i+1]
	return color.RGBA{mix(a.R, b.R), mix(a.G, b.G), mix(a.B, b.B), 0xff}
}
