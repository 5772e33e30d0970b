// Package access decides who may call which method, finds out who calls, and
// notes every look at single vehicles.
//
// # Order of operations
//
//  1. Open reads the tokens file and prepares login; Guard makes the door of
//     one listener.
//  2. Who calls is found once per call, before its body is read: by the bearer
//     token, else the session cookie, else a trusted proxy's header, else the
//     client's certificate, else by standing on the same machine. A token
//     that is given must be right: it is never passed over for a weaker proof.
//  3. Decide holds the caller's roles against the role that the method's
//     (gantry.v1.role) option names.
//  4. A call that the role enforcement opens is written to the audit log, with
//     its purpose and its filters, before the method runs.
//
// Interceptors for grpc-go and Connect and the handler for plain HTTP are thin:
// all three ask the same Guard.
//
// # Invariants
//
//   - A method without the option, or not in the contract, is denied to
//     everybody; health and reflection, which show nothing, are open.
//   - Nobody sees enforcement data without having proved who they are.
//   - A call that should be in the audit log and cannot be is not answered.
//   - The audit log holds fields of requests that are named in this package,
//     never others, and nothing of an answer: no plate gets there.
//   - A file of tokens that cannot be read leaves the last good one in force.
//
// # What it does not do
//
// It keeps no users and no passwords: tokens stand for scripts, and people log
// in at an OpenID Connect provider or a proxy. It limits no rates. It does not
// say which rows a role sees: each role has a ClickHouse account of its own.
package access
