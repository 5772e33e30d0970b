package world

import (
	"math"
	"testing"
)

// TestFollowShape recomputes the table of following headways.
func TestFollowShape(t *testing.T) {
	const sigma = 0.45
	var shape [len(followShape)]float64
	mean := 0.0
	for i := range shape {
		p := (float64(i) + 0.5) / float64(len(shape))
		shape[i] = math.Exp(sigma * math.Sqrt2 * math.Erfinv(2*p-1))
		mean += shape[i] / float64(len(shape))
	}
	sum := 0
	for i, v := range followShape {
		sum += int(v)
		if want := shape[i] / mean * 1024; math.Abs(float64(v)-want) > 5 {
			t.Errorf("share %d is %d, want %.1f", i, v, want)
		}
	}
	if sum != 1024*len(followShape) {
		t.Errorf("the mean is %d/%d, not 1024", sum, len(followShape))
	}
}
