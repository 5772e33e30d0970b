package world

import (
	"fmt"
	"math/bits"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

// degrees is a longitude or latitude in 1e-7 degrees, in files a decimal
// number: read digit by digit, for a float would round differently here and
// there.
type degrees int32

// UnmarshalYAML reads a decimal number with at most seven decimals.
func (d *degrees) UnmarshalYAML(n ast.Node) error {
	v, ok := parseDegrees(n.GetToken().Value)
	if quoted := n.Type() == ast.StringType; !ok || quoted {
		return &yaml.SyntaxError{
			Message: "must be a number of degrees from -180 to 180 with at most 7 decimals",
			Token:   n.GetToken(),
		}
	}
	*d = v
	return nil
}

// MarshalYAML writes the number as it would be read.
func (d degrees) MarshalYAML() ([]byte, error) {
	sign, v := "", int64(d)
	if v < 0 {
		sign, v = "-", -v
	}
	text := strings.TrimRight(fmt.Sprintf("%s%d.%07d", sign, v/1e7, v%1e7), "0")
	if strings.HasSuffix(text, ".") {
		text += "0"
	}
	return []byte(text), nil
}

func parseDegrees(s string) (degrees, bool) {
	digits, negative := strings.CutPrefix(s, "-")
	whole, fraction, dot := strings.Cut(digits, ".")
	if len(whole) < 1 || len(whole) > 3 || len(fraction) > 7 || dot && fraction == "" {
		return 0, false
	}
	v := int64(0)
	for _, c := range []byte(whole + fraction + "0000000"[len(fraction):]) {
		if c < '0' || c > '9' {
			return 0, false
		}
		v = v*10 + int64(c-'0')
	}
	if v > 180e7 {
		return 0, false
	}
	if negative {
		v = -v
	}
	return degrees(v), true
}

// meterE7 is about how many 1e-7 degrees of latitude a metre is.
const meterE7 = 90

// apart is how far it is from a to b in units of 1e-7 degrees of latitude,
// as on a plane: right within a per mille over a few kilometres.
func apart(a, b [2]int32) int64 {
	dy := int64(b[1]) - int64(a[1])
	dx := (int64(b[0]) - int64(a[0])) * cosPerMille((int64(a[1])+int64(b[1]))/2) / 1000
	return int64(sqrt(uint64(dx*dx) + uint64(dy*dy)))
}

// cosPerMille is the cosine of a latitude, after Bhaskara: at most two per
// mille off, and all in integers.
func cosPerMille(latE7 int64) int64 {
	x := latE7 / 1e5 // hundredths of a degree
	return 1000 * (180_00*180_00 - 4*x*x) / (180_00*180_00 + x*x)
}

// sqrt is the square root rounded down, by Newton's method.
func sqrt(n uint64) uint64 {
	if n == 0 {
		return 0
	}
	r := uint64(1) << ((bits.Len64(n) + 1) / 2) // not below the root
	for {
		next := (r + n/r) / 2
		if next >= r {
			return r
		}
		r = next
	}
}

// along is the point at the share at/of of a line's length.
func along(line [][2]int32, at, of uint32) [2]int32 {
	whole := int64(0)
	for i := 1; i < len(line); i++ {
		whole += apart(line[i-1], line[i])
	}
	rest := whole * int64(at) / int64(of)
	for i := 1; i < len(line); i++ {
		a, b := line[i-1], line[i]
		d := apart(a, b)
		if rest < d {
			between := func(from, to int32) int32 {
				return int32(int64(from) + (int64(to)-int64(from))*rest/d)
			}
			return [2]int32{between(a[0], b[0]), between(a[1], b[1])}
		}
		rest -= d
	}
	return line[len(line)-1]
}
