// Package screen turns what is known of a running stack into lines of text,
// and paints them in place on a terminal.
//
// Role: Lines and Plain are pure functions from a Model; Painter is the thin
// shell that writes. A terminal sees one screen that changes in place; a file
// or a pipe sees a plain line every few seconds.
//
// Invariants: no line is wider than the width asked for; what is not known is
// shown as a dash, never as zero; nothing here reads a clock, a metric or a
// process.
package screen
