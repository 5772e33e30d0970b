// Package device turns passages into readings, as the instrument at the
// roadside would: with its errors of measurement, its position counter and
// its delay.
//
// It is pure: a device's readings are a function of the world and the
// device's identifier, so that any agent that carries the device, whenever
// and from whatever position on, gives the same readings with the same
// identity and the same bytes.
//
// Order of operations, per epoch (one UTC day):
//  1. A cursor runs through the station's passages from a second before the
//     epoch on.
//  2. A passage is emitted after a delay of its own of 50 to 250 ms, but never
//     before the passage ahead of it: emission keeps the order of observation.
//  3. What is emitted within the epoch belongs to it and gets the next
//     position, from 1. So a vehicle that crosses just before midnight may be
//     the first reading of the next epoch.
//  4. What is measured depends on the passage alone, except the headway, which
//     is since the lane's previous reading in the epoch.
//
// Invariants: positions of an epoch are contiguous; EmittedAt and ObservedAt
// never decrease within an epoch; each field is within its range in the
// contract; each passage of the station is one reading of each of its
// devices. A reading costs no allocation.
//
// What it does not do: faults (lost, doubled, late, skewed readings, reboots)
// are not simulated yet, and EpochEnd is the uplink's to send.
package device
