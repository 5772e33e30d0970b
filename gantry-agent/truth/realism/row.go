package realism

import (
	"math"
	"slices"
)

// Row is one figure beside its band.
type Row struct {
	// Name of the property.
	Name string `json:"name"`
	// Value measured; nil where the roads cannot show the property.
	Value *float64 `json:"value"`
	// Lo and Hi bound the band, both included.
	Lo float64 `json:"lo"`
	Hi float64 `json:"hi"`
	// Pass says whether the value is within; nil where there is none.
	Pass *bool `json:"pass"`
	// Unit of value and band; empty for a ratio.
	Unit string `json:"unit,omitempty"`
	// Reason why there is no value.
	Reason string `json:"reason,omitempty"`
	// Sites is over how many sites, or whatever How names, the value is taken.
	Sites int `json:"sites,omitempty"`
	// Least and Greatest are the extreme ones of these.
	Least    *float64 `json:"least,omitempty"`
	Greatest *float64 `json:"greatest,omitempty"`
	// How the value is measured.
	How string `json:"how"`
	// Source of the band.
	Source string `json:"source"`
}

// empty is a row without a value.
func (p property) empty(reason string) Row {
	b := &bands[p]
	return Row{Name: b.name, Lo: b.lo, Hi: b.hi, Unit: b.unit, How: b.how, Source: b.source, Reason: reason}
}

// row is a row with a value, which is judged as it is shown: to four digits.
func (p property) row(value float64) Row {
	r := p.empty("")
	value = rounded(value)
	pass := r.Lo <= value && value <= r.Hi
	r.Value, r.Pass = &value, &pass
	return r
}

// across is a row with the median of one value per site, or its reason.
func (p property) across(values []float64, reason string) Row {
	if len(values) == 0 {
		return p.empty(reason)
	}
	return p.over(values, median(values))
}

// over is a row whose value stands for several.
func (p property) over(values []float64, value float64) Row {
	r := p.row(value)
	least, greatest := rounded(slices.Min(values)), rounded(slices.Max(values))
	r.Sites, r.Least, r.Greatest = len(values), &least, &greatest
	return r
}

// rounded cuts a figure to four significant digits, and to six behind the
// point: more would be noise.
func rounded(x float64) float64 {
	if x == 0 || math.IsNaN(x) || math.IsInf(x, 0) {
		return 0
	}
	scale := math.Pow(10, min(3-math.Floor(math.Log10(math.Abs(x))), 6))
	return math.Round(x*scale) / scale
}
