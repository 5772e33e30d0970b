package main

import (
	"fmt"
	"io"
)

// Tally is the outcome of a verification. Counts are readings (and ends of
// epochs, which have an identity too); Altered and Invented count physical
// rows.
type Tally struct {
	// Expected is what the world emitted up to T.
	Expected uint64 `json:"expected"`
	// Found is how many of Expected have a row of the same bytes.
	Found uint64 `json:"found"`
	// RejectedExpected is how many were refused as the world predicts.
	RejectedExpected uint64 `json:"rejected_expected"`
	// RejectedUnexpected is how many rejects the world does not predict.
	RejectedUnexpected uint64 `json:"rejected_unexpected"`
	// Missing is how many of Expected are nowhere.
	Missing uint64 `json:"missing"`
	// Duplicate is how many rows too many remain under FINAL.
	Duplicate uint64 `json:"duplicate_under_final"`
	// Altered is how many rows have an identity the world gave, and other
	// contents.
	Altered uint64 `json:"altered"`
	// Invented is how many rows have an identity the world never gave, or
	// has not given yet.
	Invented uint64 `json:"invented"`
	// Copies is how many physical rows stand beside the first of their
	// identity: harmless, at-least-once delivery makes them.
	Copies uint64 `json:"copies"`
	// Purged is how many physical rows have no plate because a purge took it.
	Purged uint64 `json:"purged"`
	// Early is how many rows were emitted after T: compared, not counted.
	Early uint64 `json:"early"`
	// Samples are the first faults found, a sentence each.
	Samples []string `json:"samples,omitempty"`
}

// maxSamples bounds Tally.Samples.
const maxSamples = 20

// OK says whether nothing is wrong and something was compared.
func (t *Tally) OK() bool {
	return t.Expected > 0 && t.RejectedUnexpected == 0 && t.Missing == 0 &&
		t.Duplicate == 0 && t.Altered == 0 && t.Invented == 0
}

// Add adds the counts of u, and its samples as far as there is room.
func (t *Tally) Add(u *Tally) {
	t.Expected += u.Expected
	t.Found += u.Found
	t.RejectedExpected += u.RejectedExpected
	t.RejectedUnexpected += u.RejectedUnexpected
	t.Missing += u.Missing
	t.Duplicate += u.Duplicate
	t.Altered += u.Altered
	t.Invented += u.Invented
	t.Copies += u.Copies
	t.Purged += u.Purged
	t.Early += u.Early
	for _, s := range u.Samples {
		t.sample("%s", s)
	}
}

func (t *Tally) sample(format string, args ...any) {
	if len(t.Samples) < maxSamples {
		t.Samples = append(t.Samples, fmt.Sprintf(format, args...))
	}
}

// Print writes the table that `make verify` shows.
func (t *Tally) Print(w io.Writer) error {
	rows := []struct {
		name  string
		value string
	}{
		{"expected", fmt.Sprint(t.Expected)},
		{"found", fmt.Sprint(t.Found)},
		{"rejected (expected / unexpected)", fmt.Sprintf("%d / %d", t.RejectedExpected, t.RejectedUnexpected)},
		{"missing", fmt.Sprint(t.Missing)},
		{"duplicate under FINAL", fmt.Sprint(t.Duplicate)},
		{"altered", fmt.Sprint(t.Altered)},
		{"invented", fmt.Sprint(t.Invented)},
		{"harmless: copies / after T", fmt.Sprintf("%d / %d", t.Copies, t.Early)},
		{"harmless: plate purged", fmt.Sprint(t.Purged)},
	}
	for _, r := range rows {
		if _, err := fmt.Fprintf(w, "%-34s %s\n", r.name, r.value); err != nil {
			return fmt.Errorf("print the tally: %w", err)
		}
	}
	for _, s := range t.Samples {
		if _, err := fmt.Fprintf(w, "  %s\n", s); err != nil {
			return fmt.Errorf("print the tally: %w", err)
		}
	}
	return nil
}
