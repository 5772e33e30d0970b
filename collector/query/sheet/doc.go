// Package sheet writes answers of the query service as CSV (RFC 4180).
//
// # Order of operations
//
// Ask reads a request out of a URL's query; Table turns the answer's message
// into lines: its one repeated message field gives the rows, fields of messages
// within a row are columns in their place. Where a row has an array with one
// element per bin, each bin is a line, and the bins' begin a column.
//
// # Invariants
//
//   - Everything follows from the message's descriptor, so that a column of the
//     CSV is a field of the proto, with its unit in the name.
//   - Times are UTC in RFC 3339. What is not known is an empty cell, not zero.
//   - No text is taken for a formula by a spreadsheet: text that could be gets
//     an apostrophe in front.
//
// # What it does not do
//
// It asks nothing and checks no role.
package sheet
