// Package rows reads rows of ClickHouse as proto messages.
//
// # Order of operations
//
// A Source is one ClickHouse account with limits. A Select names a table, what
// must hold, and the message that a row becomes: each field is a column of the
// same name, or an expression; fields of a message within it are columns too.
// Page adds the order and the place to continue at. What a caller gave is
// never in the statement but bound to a typed parameter of it.
//
// # Invariants
//
//   - Every query has a limit of rows, bytes and seconds, and ends when the
//     caller's context does: the server is told, and its query ends too.
//   - NULL becomes an absent field, never a zero.
//   - An error has a gRPC status whose message says the way out.
//
// # What it does not do
//
// It knows no table and no question.
package rows
