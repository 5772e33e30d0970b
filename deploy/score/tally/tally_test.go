package tally

import (
	"math"
	"testing"
)

// Known values: Newcombe 1998, table I, method 3.
func TestWilsonKnown(t *testing.T) {
	for _, c := range []struct {
		k, n      int
		low, high float64
	}{{81, 263, 0.2553, 0.3662}, {15, 148, 0.0624, 0.1605}, {0, 20, 0, 0.1611}, {1, 29, 0.0061, 0.1718}} {
		_, low, high := Wilson(c.k, c.n)
		if math.Abs(low-c.low) > 5e-5 || math.Abs(high-c.high) > 5e-5 {
			t.Errorf("Wilson(%d, %d) is %.4f to %.4f, want %.4f to %.4f", c.k, c.n, low, high, c.low, c.high)
		}
	}
}

func TestAnswerEdges(t *testing.T) {
	for _, c := range []struct {
		saved float64
		want  Answer
	}{{200, Yes}, {199.9, Unscored}, {100, Unscored}, {50.1, Unscored}, {50, No}, {0, No}, {-300, No}} {
		if got := AnswerOf(c.saved, 100); got != c.want {
			t.Errorf("saving %v of 100: %v, want %v", c.saved, got, c.want)
		}
	}
	for _, c := range []struct {
		v85, share float64
		want       Answer
	}{{93.3, 0.22, Yes}, {93.3, 0.21, Unscored}, {92, 0.5, Unscored}, {89, 0.5, No}, {100, 0.18, No}, {100, 0.19, Unscored}} {
		if got := CameraAnswer(c.v85, 91.2, c.share, 0.2); got != c.want {
			t.Errorf("V85 %v and %v over the limit: %v, want %v", c.v85, c.share, got, c.want)
		}
	}
}

func TestScoreCountsEachVerdict(t *testing.T) {
	at := func(v float64) *float64 { return &v }
	rows := []Row{
		{Answer: Yes, Verdict: VerdictYes, Truth: 100, Predicted: at(120)},
		{Answer: Yes, Verdict: VerdictYes, Truth: 100, Predicted: at(160)},
		{Answer: Yes, Verdict: VerdictNo, Truth: 100, Predicted: at(100)},
		{Answer: Yes, Verdict: VerdictInsufficient, Truth: 100, Predicted: at(110), Censored: true, Sick: true},
		{Answer: Yes, Verdict: "", Truth: 100},
		{Answer: No, Verdict: VerdictYes, InQueue: true},
		{Answer: No, Verdict: VerdictNo, InQueue: true},
		{Answer: No, Verdict: VerdictInsufficient},
		{Answer: No, Verdict: VerdictInsufficient, Sick: true},
		{Answer: Unscored, Verdict: VerdictYes},
	}
	q := Score(rows, true)
	got := [...]int{q.TP, q.FN, q.FP, q.TN, q.Insufficient, q.Unscored, q.Positives, q.Negatives, q.InQueue, q.InQueueWrong, len(q.Wrong)}
	if want := [...]int{2, 3, 1, 2, 1, 1, 5, 4, 2, 1, 4}; got != want {
		t.Errorf("tp fn fp tn insufficient unscored positives negatives queue wrong: %v, want %v", got, want)
	}
	if q.Recall != 0.4 || math.Abs(q.Precision-2.0/3) > 1e-12 {
		t.Errorf("recall %v and precision %v, want 0.4 and 2/3", q.Recall, q.Precision)
	}
	if math.Abs(q.ErrorMedian-0.2) > 1e-12 || q.Within25 != 0.6 || q.Within50 != 0.6 || q.Censored != 1 {
		t.Errorf("errors: %+v, %d censored", *q.Savings, q.Censored)
	}
	if q := Score(rows, false); q.Savings != nil {
		t.Errorf("a question without savings has errors of them: %+v", *q.Savings)
	}
}
