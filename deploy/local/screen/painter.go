package screen

import (
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// Size of a terminal that does not tell its own.
const (
	defaultWidth  = 80
	defaultHeight = 24
)

// Painter writes screens to a terminal, each in place of the one before. It is
// not safe for concurrent use.
type Painter struct {
	out   io.Writer
	size  func() (width, height int)
	lines int
}

// NewPainter paints on f, which is a terminal.
func NewPainter(f *os.File) *Painter {
	return &Painter{out: f, size: func() (int, int) {
		width, height, err := term.GetSize(int(f.Fd()))
		if err != nil || width <= 0 || height <= 0 {
			return defaultWidth, defaultHeight
		}
		return width, height
	}}
}

// Paint shows m in place of what was painted before.
func (p *Painter) Paint(m Model) error {
	width, height := p.size()
	lines := Lines(m, width)
	// A screen taller than the terminal would scroll, and the next one would
	// then start at the wrong line.
	if len(lines) > height-1 {
		lines = lines[:max(1, height-1)]
	}
	var b strings.Builder
	p.rewind(&b)
	for _, l := range lines {
		b.WriteString(l)
		b.WriteString("\x1b[K\n")
	}
	p.lines = len(lines)
	_, err := io.WriteString(p.out, b.String())
	return err
}

// Clear removes what was painted, so that other text can be written.
func (p *Painter) Clear() error {
	var b strings.Builder
	p.rewind(&b)
	p.lines = 0
	_, err := io.WriteString(p.out, b.String())
	return err
}

// rewind moves to the first line painted and clears to the end of the screen.
func (p *Painter) rewind(b *strings.Builder) {
	if p.lines > 0 {
		fmt.Fprintf(b, "\x1b[%dA", p.lines)
	}
	b.WriteString("\r\x1b[J")
}
