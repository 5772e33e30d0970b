// Package query answers questions about the pipeline; so far those of
// FleetService: which agents are connected, who carries which device, how far
// each device is.
//
// # Order of operations
//
// A Fleet is given its sources (the network, the leases, the positions) and
// registered on a gRPC server. It keeps no state: each answer is computed from
// the sources' present state, which follow Kafka on their own, so any
// collector answers for the whole fleet.
//
// # Invariants
//
//   - Lists are ordered by identifier and pages continue behind the last one
//     shown, so that what comes or goes between pages is at worst missed, never
//     shown twice.
//   - A watcher is never sent more often than its interval, however fast
//     readings come: changes in between are merged.
//   - Nothing here shows a plate, a tag or a reading.
//
// # What it does not do
//
// It checks no role (the server's interceptor does) and reads no ClickHouse.
package query
