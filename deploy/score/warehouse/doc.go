// Package warehouse is a ClickHouse of its own with readings that were
// written straight into raw, without agents, Kafka and collectors: history of
// many simulated roads in minutes.
//
// Order of operations:
//
//  1. Start makes passwords and a key for plates in a folder, starts the engine
//     there and brings raw to this program's version.
//  2. Load writes what stands at the roadside of each world, and then, day by
//     day, what each of its devices emits: the same rows that ingest and sink
//     would have stored, plate tokens included.
//
// Invariants:
//
//   - A world's prefix stands before each of its ids (station, device, gantry,
//     road, link, node), so that several worlds share one raw without meeting.
//   - A row depends on the world, the device and the key only. Which goroutine
//     wrote it, and in which block, shows in nothing but the order of inserts.
//   - What ingest would refuse is not written, but counted.
//
// What it does not do: it gives no guarantee after a failure. Such a folder is
// thrown away.
package warehouse
