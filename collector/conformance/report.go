package conformance

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// Verdict is what is known of a requirement.
type Verdict uint8

const (
	// NotSeen says that nothing happened by which to judge.
	NotSeen Verdict = iota
	// Passed says that it was kept, each time.
	Passed
	// Failed says that it was broken.
	Failed
	// Skipped says that nobody asked for it.
	Skipped
)

// String is the word that the report has.
func (v Verdict) String() string { return [...]string{"not seen", "pass", "FAIL", "skipped"}[v] }

// maxProblems is how many problems of one requirement are kept.
const maxProblems = 3

// Outcome is the verdict on one requirement.
type Outcome struct {
	Requirement
	// Verdict on it.
	Verdict Verdict
	// Times that it was kept.
	Times int
	// Problems says how it was broken, the first few; Broken counts them all.
	Problems []string
	// Broken counts how often it was broken.
	Broken int
}

// Report has an outcome for each requirement.
type Report struct {
	// Outcomes in the order of Requirements.
	Outcomes []Outcome
}

func newReport(skip []string) *Report {
	r := &Report{}
	for _, q := range requirements {
		o := Outcome{Requirement: q}
		if slices.Contains(skip, q.ID) {
			o.Verdict = Skipped
		}
		r.Outcomes = append(r.Outcomes, o)
	}
	return r
}

// Of gives the outcome of the requirement with that name.
func (r *Report) Of(id string) *Outcome {
	for i := range r.Outcomes {
		if r.Outcomes[i].ID == id {
			return &r.Outcomes[i]
		}
	}
	return nil
}

// pass notes that a requirement was kept.
func (r *Report) pass(id string) {
	o := r.Of(id)
	o.Times++
	if o.Verdict == NotSeen {
		o.Verdict = Passed
	}
}

// fail notes that it was broken, and how.
func (r *Report) fail(id, format string, args ...any) {
	o := r.Of(id)
	if o.Verdict == Skipped {
		return
	}
	o.Verdict = Failed
	o.Broken++
	problem := fmt.Sprintf(format, args...)
	if len(o.Problems) < maxProblems && !slices.Contains(o.Problems, problem) {
		o.Problems = append(o.Problems, problem)
	}
}

// judge notes one or the other.
func (r *Report) judge(id string, kept bool, format string, args ...any) {
	if kept {
		r.pass(id)
		return
	}
	r.fail(id, format, args...)
}

// Conforms says that every requirement that was asked for is kept.
func (r *Report) Conforms() bool {
	return !slices.ContainsFunc(r.Outcomes, func(o Outcome) bool { return o.Verdict == Failed || o.Verdict == NotSeen })
}

// Write prints the report, a requirement a line, with what to do about those
// that failed.
func (r *Report) Write(w io.Writer) error {
	var b strings.Builder
	count := map[Verdict]int{}
	for _, o := range r.Outcomes {
		count[o.Verdict]++
		fmt.Fprintf(&b, "%-8s  %-15s  %s\n", o.Verdict, o.ID, o.What)
		for _, p := range o.Problems {
			fmt.Fprintf(&b, "            %s\n", p)
		}
		if o.Broken > len(o.Problems) {
			fmt.Fprintf(&b, "            %d times in all\n", o.Broken)
		}
		if o.Verdict == Failed {
			fmt.Fprintf(&b, "            to do: %s\n", o.Remedy)
		}
	}
	fmt.Fprintf(&b, "%d passed, %d failed, %d not seen, %d skipped\n", count[Passed], count[Failed], count[NotSeen], count[Skipped])
	_, err := io.WriteString(w, b.String())
	return err
}
