package recorded

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
)

// maxNames limits the names that a report lists of unknown types.
const maxNames = 100

// Report says what became of a file's rows.
type Report struct {
	// Rows of the file: events of SUMO, lines of Fintraffic.
	Rows int
	// Passages are the rows that became records.
	Passages int
	// Left are the other rows by reason, most of them first; with Passages they
	// add up to Rows.
	Left []Count
	// Unknown are the passages whose type or class nobody knows, by its name.
	// They are among Passages, as vehicles of the class other.
	Unknown []Count
}

// leave adds a reason that came up after the file was read; it has no line.
func (r *Report) leave(n int, why string) {
	if n > 0 {
		r.Left = append(r.Left, Count{What: why, Number: n})
	}
}

// Count is how often something occurred.
type Count struct {
	// What occurred.
	What string
	// Number of times.
	Number int
	// Line of the file where it occurred first; 0 where that is not known.
	Line int
}

func (c *Count) place() string {
	if c.Line == 0 {
		return ""
	}
	return fmt.Sprintf(", first in line %d", c.Line)
}

// WriteTo writes the report for people, a line for each count.
func (r *Report) WriteTo(w io.Writer) (int64, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "%d rows, %d passages\n", r.Rows, r.Passages)
	for _, c := range r.Left {
		fmt.Fprintf(&b, "%8d left out: %s%s\n", c.Number, c.What, c.place())
	}
	for _, c := range r.Unknown {
		fmt.Fprintf(&b, "%8d of unknown type %s, taken for other%s\n", c.Number, quoted(c.What), c.place())
	}
	n, err := io.WriteString(w, b.String())
	return int64(n), err
}

// tally counts by name while a file is read.
type tally map[string]*Count

// note counts one more.
func (t tally) note(what string, line int) {
	c := t[what]
	if c == nil {
		c = &Count{What: what, Line: line}
		t[what] = c
	}
	c.Number++
}

// sorted is the counts, the largest first.
func (t tally) sorted() []Count {
	var out []Count
	for _, c := range t {
		out = append(out, *c)
	}
	slices.SortFunc(out, func(a, b Count) int { return cmp.Or(b.Number-a.Number, strings.Compare(a.What, b.What)) })
	return out
}
