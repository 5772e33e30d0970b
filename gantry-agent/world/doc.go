// Package world is the simulated road: which vehicle crosses which station,
// in which lane, when and how fast. It is the fact that devices measure and
// that every check of the pipeline is compared with.
//
// It is a pure function of (network, scenario, seed, time). It reads no
// clock, opens no file and talks to nobody, so that any agent can evaluate
// its own devices alone, at any day, and gets the same bytes as any other.
//
// Order of evaluation:
//  1. New parses network and scenario and fills a few thousand prototypes of
//     vehicles with go-faker, in one goroutine.
//  2. A world day runs from 03:00 to 03:00 local time. Its trips (vehicle,
//     way, entry, speed, persons) are drawn on their own, without any day
//     before, when the day is first asked for, and kept for a while.
//  3. A station's column of a day (all its passages by time, with lanes) is
//     computed from the trips when that station is first asked for.
//  4. A Cursor runs through the columns of successive days and makes
//     passages, one at a time.
//
// NewRecorded makes a world of the same kind out of records instead: passages
// at stations that somebody else recorded, at a time that the network file
// gives. Nothing is simulated there but what records do not tell of a vehicle;
// how records are read is package recorded's.
//
// Invariants:
//   - All arithmetic is in integers, all chance is a hash of (seed, stream,
//     id): no float can be fused and no order of evaluation matters, hence
//     the same bytes on every machine.
//   - Passages of a station are ordered by time; cutting [from, to) anywhere
//     and joining the parts gives the whole.
//   - A vehicle crosses the stations on its way in the order of their offsets.
//   - In one lane of one station, passages of one world day are at least
//     0.3 s apart. Over the border of two world days, at 03:00, they may be
//     closer.
//   - A vehicle has at most one trip of no particular purpose, or one
//     commute out and one back, in a world day.
//
// What it does not do yet: traffic here is in free flow, whatever the demand.
// Queues, ramps with capacity, incidents and device faults come with a model
// that fills the same columns; nothing outside field.go depends on how a
// column came about.
package world
