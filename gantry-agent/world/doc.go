// Package world is the simulated road: which vehicle crosses which station,
// in which lane, when and how fast. It is the fact that devices measure and
// that every check of the pipeline is compared with.
//
// It is a pure function of (network, scenario, seed, time). It reads no
// clock, opens no file and talks to nobody, so that any agent can evaluate
// its own devices alone, at any day, and gets the same bytes as any other.
//
// Order of evaluation:
//  1. New parses network and scenario, cuts links at their stations into
//     segments, finds the quickest way of each origin and destination and fills
//     a few thousand prototypes of vehicles with go-faker, in one goroutine.
//  2. A world day runs from 03:00 to 03:00 local time. Its trips (vehicle, way,
//     entry, desired speed, persons) are drawn on their own, without any day
//     before, and changed by the interventions in force (planner).
//  3. The day's flow moves each trip from segment to segment (flow). At a
//     segment's end a vehicle waits for its own arrival, its lane's following
//     headway, the next segment's gate and for room, which travels upstream as
//     gaps do: the kinematic wave of a triangular fundamental diagram, for single
//     vehicles (Newell 1993 and 2002, Daganzo 1995). Merges share by priority,
//     exits hold up those behind, an active bottleneck loses capacity; incidents
//     and road works close lanes, rain slows.
//  4. Crossings of the stations expected are kept as columns, 8 bytes each.
//  5. A Cursor runs through the columns of successive days and makes
//     passages, one at a time.
//
// NewRecorded makes a world whose columns come from a recording instead; all
// that follows is the same.
//
// Invariants:
//   - All arithmetic is in integers, all chance is a hash of (seed, stream,
//     id): no float can be fused and no order of evaluation matters, hence
//     the same bytes on every machine.
//   - What a trip draws depends on its own identifier, never on how many trips
//     there are: with and without an intervention the same people set out.
//   - Vehicles are conserved: each trip crosses each station on its way once, in
//     order, not sooner than at its own speed, with the same persons aboard.
//   - Passages of a station are ordered by time; cutting [from, to) anywhere
//     and joining the parts gives the whole.
//   - A vehicle has at most one trip of no particular purpose, or one
//     commute out and one back, in a world day.
//   - No queue stands at 03:00, when the field begins anew: Check and Fault say
//     so where a scenario breaks this.
//
// What it does not do: drivers do not change their way or their time because
// of a queue, lanes have no queues of their own, and vehicles of two world days do
// not see each other around 03:00. Devices and their faults are package
// device's; the scenario's faults are only read here.
package world
