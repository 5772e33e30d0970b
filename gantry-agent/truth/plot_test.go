package truth

import (
	"bytes"
	"encoding/xml"
	"errors"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPicturesAreWhatTheirNameSays(t *testing.T) {
	for _, what := range []string{"space-time", "fundamental"} {
		file := filepath.Join(t.TempDir(), "day.svg")
		mustGantry(t, "plot", "--what="+what, "--day=2026-03-04", "--direction=south", "--out="+file)
		svg, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for dec := xml.NewDecoder(bytes.NewReader(svg)); ; {
			if _, err := dec.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: not well-formed: %v", what, err)
			}
		}
		for _, want := range []string{"M1, south, Wednesday 4 March 2026", "network corridor, scenario weekday, seed 1", "km"} {
			if !bytes.Contains(svg, []byte(want)) {
				t.Errorf("%s: lacks %q", what, want)
			}
		}
		img, err := png.Decode(strings.NewReader(mustGantry(t, "plot", "--what="+what)))
		if err != nil || img.Bounds().Dx() < 1000 {
			t.Errorf("%s: standard output: %v", what, err)
		}
	}
}

func TestPlotSaysTheWayOut(t *testing.T) {
	for _, c := range []struct{ arg, want string }{
		{"--direction=up", `network "corridor" has north, south`},
		{"--road=M2", "these have: M1"},
		{"--day=yesterday", "must be a date as 2026-03-04"},
		{"--day=1960-01-01", "the world begins in 1980"},
		{"--out=day.gif", "give --format"},
		{"--format=gif", "neither png nor svg"},
		{"--out=/nowhere/day.png", "cannot be written"},
	} {
		if _, err := gantry(t, "plot", c.arg); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.arg, err, c.want)
		}
	}
}
