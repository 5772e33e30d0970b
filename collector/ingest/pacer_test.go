package ingest

import (
	"testing"

	"pgregory.net/rapid"
)

func TestPacer(t *testing.T) {
	p := pacer{limit: 1000}
	for i, c := range []struct {
		lag  int64 // -1 is unknown
		want pace
	}{
		{-1, paceCautious}, {1001, pacePaused}, {-1, pacePaused}, {600, pacePaused}, {499, paceFull},
		{600, paceFull}, {1000, paceFull}, {-1, paceCautious}, {600, paceFull}, {1001, pacePaused}, {0, paceFull},
	} {
		var got pace
		if c.lag < 0 {
			got = p.unknown()
		} else {
			got = p.lag(c.lag)
		}
		if got != c.want {
			t.Errorf("step %d, lag %d: %v, want %v", i, c.lag, got, c.want)
		}
	}
}

// A window completes batches in order whatever the order of acknowledgement.
func TestWindowAnswersInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWindow(5, 100)
		var open []uint64
		answered, bytes := uint64(0), 0
		for range rapid.IntRange(1, 100).Draw(t, "steps") {
			if !w.full() && rapid.Bool().Draw(t, "push") {
				f := &flight{number: w.next(), bytes: rapid.IntRange(1, 50).Draw(t, "bytes")}
				w.push(f)
				open = append(open, f.number)
				bytes += f.bytes
			} else if len(open) > 0 {
				i := rapid.IntRange(0, len(open)-1).Draw(t, "which")
				done, err := w.complete(open[i])
				if err != nil {
					t.Fatal(err)
				}
				open = append(open[:i], open[i+1:]...)
				for _, f := range done {
					if answered++; f.number != answered {
						t.Fatalf("batch %d answered after %d", f.number, answered-1)
					}
					bytes -= f.bytes
					w.sent(1, f.bytes)
				}
			}
			for _, n := range open {
				if n <= answered {
					t.Fatalf("batch %d is answered up to %d and not completed", n, answered)
				}
			}
			if w.bytes+w.unsentBytes != bytes || w.inFlight() > 5 || bytes >= 150 {
				t.Fatalf("window holds %d batches, %d bytes; want %d bytes", w.inFlight(), w.bytes, bytes)
			}
		}
		if _, err := w.complete(w.next()); err == nil {
			t.Fatal("a batch that was never received is completed")
		}
	})
}
