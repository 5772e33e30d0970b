// Package tally scores verdicts against the truth.
//
// A row is one site of one question. Its truth is a number, what the
// intervention really saves, and an answer: yes from twice the threshold on, no
// up to half of it, and in between none that a verdict could be blamed for. For
// cameras the two measures of the criterion take the place of the saving.
//
// "Insufficient evidence", or no row at all, misses a true yes. On a true no it
// is right where a device is sick, and else counted apart: it warned of nothing,
// and answered nothing.
package tally
