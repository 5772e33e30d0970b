// Package query answers questions: FleetService about the fleet, from what
// follows Kafka, and QueryService about traffic, from ClickHouse.
//
// # Order of operations
//
// A Fleet is given its sources (the network, the leases, the positions). It
// keeps no state: each answer is computed from the sources' present state,
// which follow Kafka on their own, so any collector answers for the whole
// fleet.
//
// A Traffic is given an account of ClickHouse for each role. A List method is
// a table and its filters (list.go, filter.go); fields of the proto are columns
// by their names, so most methods are a declaration. The live minutes, the
// matrix of a corridor and the series of a station have code of their own. Both
// services are registered on the gRPC server as they are; Handler serves the
// same two by Connect, gRPC-Web and gRPC on the HTTP port, and QueryService's
// rows as CSV.
//
// # Invariants
//
//   - Lists are ordered by identifier and pages continue behind the last one
//     shown, so that what comes or goes between pages is at worst missed, never
//     shown twice.
//   - A watcher is never sent more often than its interval, however fast
//     readings come: changes in between are merged. However many watch the live
//     minutes, ClickHouse is asked once per window and interval.
//   - What is not known is absent, or NaN in an array, and never zero; an empty
//     road and a blind instrument are told apart wherever the data can.
//   - A planner's question is asked as the planner user of ClickHouse, which
//     can read nothing of a single vehicle. Only questions about violations are
//     asked as the enforcement user, and only for a purpose.
//   - Every question has a limit of rows, bytes and seconds, and ends when who
//     asked it leaves.
//
// # What it does not do
//
// It checks no role: the gRPC server's interceptor and the Check that Handler is
// given do, by the same option of the method. It writes nothing.
package query
