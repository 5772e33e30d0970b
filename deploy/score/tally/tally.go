package tally

import (
	"math"
	"slices"
)

// Answer is what is true of a site.
type Answer int

// The answers. Unscored sites are so close to the threshold that neither
// verdict is wrong.
const (
	Unscored Answer = iota
	Yes
	No
)

// Verdicts as the screens give them.
const (
	VerdictYes          = "yes"
	VerdictNo           = "no"
	VerdictInsufficient = "insufficient evidence"
)

// Row is a site with its verdict and what is true of it.
type Row struct {
	// Seed of the world.
	Seed uint64 `json:"seed"`
	// Situation that the site is in.
	Situation string `json:"situation"`
	// Site, as the question names it.
	Site string `json:"site"`
	// Truth in the unit of the question; the 85th percentile for cameras.
	Truth float64 `json:"truth"`
	// Predicted saving, nil when the screen gives none.
	Predicted *float64 `json:"predicted"`
	// Verdict of the screen; empty when it has no such row.
	Verdict string `json:"verdict"`
	Caveat  string `json:"caveat,omitempty"`
	// Answer that is true.
	Answer Answer `json:"-"`
	// Sick says that a device that the site depends on fails.
	Sick bool `json:"sick,omitempty"`
	// InQueue says that a queue stands there whose cause is elsewhere.
	InQueue bool `json:"in_queue,omitempty"`
	// Censored says that the screen knows of demand it could not see.
	Censored bool `json:"censored,omitempty"`
}

// AnswerOf is the truth of a saving against a threshold, both in the unit of
// the question.
func AnswerOf(saved, threshold float64) Answer {
	switch {
	case saved >= 2*threshold:
		return Yes
	case saved <= threshold/2:
		return No
	}
	return Unscored
}

// How close to a criterion a camera site is not scored.
const (
	v85MarginKMH = 2
	shareMargin  = 0.02
)

// CameraAnswer is the truth of a site of speeding: the 85th percentile against
// the speed that is enforced, km/h, and the share over the limit against the
// least share. A site must meet both.
func CameraAnswer(v85, enforced, share, leastShare float64) Answer {
	switch {
	case v85 >= enforced+v85MarginKMH && share >= leastShare+shareMargin:
		return Yes
	case v85 <= enforced-v85MarginKMH || share <= leastShare-shareMargin:
		return No
	}
	return Unscored
}

// Question is the score of one question.
type Question struct {
	// Recall is the share of true yes that read yes, with its interval of 95 %.
	Recall float64 `json:"recall"`
	// RecallLow is the lower end.
	RecallLow float64 `json:"recall_low"`
	// RecallHigh is the upper end.
	RecallHigh float64 `json:"recall_high"`
	// Precision is the share of yes that is true, with its interval of 95 %.
	Precision float64 `json:"precision"`
	// PrecisionLow is the lower end.
	PrecisionLow float64 `json:"precision_low"`
	// PrecisionHigh is the upper end.
	PrecisionHigh float64 `json:"precision_high"`
	// Positives are the sites whose true answer is yes.
	Positives int `json:"positives"`
	// Negatives are those whose true answer is no.
	Negatives int `json:"negatives"`
	// TP are true yes that read yes.
	TP int `json:"tp"`
	// FP are true no that read yes.
	FP int `json:"fp"`
	// FN are true yes that do not read yes.
	FN int `json:"fn"`
	// TN are true no that read no, or are sick and claim nothing.
	TN int `json:"tn"`
	// Insufficient are true no of healthy devices that claim nothing.
	Insufficient int `json:"insufficient"`
	// Unscored are too close to the threshold.
	Unscored int `json:"unscored"`
	// Of the sites in a queue from elsewhere, those that wrongly read yes.
	InQueue      int `json:"in_queue"`
	InQueueWrong int `json:"in_queue_wrong"`
	// Censored rows, of those whose true answer is yes, say that they could not
	// see all demand.
	Censored int `json:"censored"`
	// Savings is nil, and left out, where the question predicts none or no true
	// answer is yes.
	*Savings
	Wrong []Row `json:"wrong"`
}

// Savings are how far the predicted savings are off on rows whose true answer
// is yes, as shares of the truth; a row that predicts nothing is off by all of it.
type Savings struct {
	// ErrorMedian is the median error.
	ErrorMedian float64 `json:"saving_error_median"`
	// Within25 and Within50 are the shares of rows off by no more than that, %.
	Within25 float64 `json:"saving_within_25"`
	Within50 float64 `json:"saving_within_50"`
}

// Score counts rows. saving says whether their predictions are savings, to be
// compared with the truth.
func Score(rows []Row, saving bool) Question {
	q := Question{Wrong: []Row{}}
	var errors []float64
	for i := range rows {
		r := &rows[i]
		if !q.count(r) {
			q.Wrong = append(q.Wrong, *r)
		}
		if r.InQueue {
			q.InQueue++
			if r.Verdict == VerdictYes {
				q.InQueueWrong++
			}
		}
		if saving && r.Answer == Yes {
			errors = append(errors, r.savingError())
			if r.Censored {
				q.Censored++
			}
		}
	}
	q.Positives, q.Negatives = q.TP+q.FN, q.FP+q.TN+q.Insufficient
	q.Recall, q.RecallLow, q.RecallHigh = Wilson(q.TP, q.TP+q.FN)
	q.Precision, q.PrecisionLow, q.PrecisionHigh = Wilson(q.TP, q.TP+q.FP)
	q.Savings = savings(errors)
	return q
}

// savingError is how far off the predicted saving is, as a share of the truth.
func (r *Row) savingError() float64 {
	if r.Predicted == nil {
		return 1
	}
	return math.Abs(*r.Predicted-r.Truth) / r.Truth
}

// count sorts a row in and says whether its verdict is not wrong.
func (q *Question) count(r *Row) bool {
	yes, no := r.Verdict == VerdictYes, r.Verdict == VerdictNo
	switch {
	case r.Answer == Unscored:
		q.Unscored++
	case r.Answer == Yes && yes:
		q.TP++
	case r.Answer == Yes:
		q.FN++
		return false
	case yes:
		q.FP++
		return false
	case no || r.Sick:
		q.TN++
	default:
		q.Insufficient++
	}
	return true
}

func savings(errors []float64) *Savings {
	if len(errors) == 0 {
		return nil
	}
	slices.Sort(errors)
	within := func(most float64) float64 {
		n, _ := slices.BinarySearchFunc(errors, most, func(e, m float64) int {
			if e <= m {
				return -1
			}
			return 1
		})
		return float64(n) / float64(len(errors))
	}
	return &Savings{
		ErrorMedian: (errors[(len(errors)-1)/2] + errors[len(errors)/2]) / 2,
		Within25:    within(0.25), Within50: within(0.5),
	}
}

// Wilson is the share k of n with its interval of 95 % (Wilson 1927); 0 to 1
// when n is 0.
func Wilson(k, n int) (share, low, high float64) {
	if n == 0 {
		return 0, 0, 1
	}
	const z = 1.959963984540054
	p, m := float64(k)/float64(n), float64(n)
	centre := (p + z*z/(2*m)) / (1 + z*z/m)
	half := z / (1 + z*z/m) * math.Sqrt(p*(1-p)/m+z*z/(4*m*m))
	return p, max(0, centre-half), min(1, centre+half)
}
