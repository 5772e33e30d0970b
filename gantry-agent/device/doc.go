// Package device turns passages into readings, as the instrument at the
// roadside would: with its errors of measurement, its position counter, its
// delay, and its faults.
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
// Invariants: positions of an epoch are contiguous; EmittedAt never decreases
// within an epoch; each field but ObservedAt is within its range in the
// contract. Of a device without faults, ObservedAt never decreases either,
// each passage is one reading, and a reading costs no allocation.
//
// # Faults
//
// A scenario's faults are as pure: whether one hits is drawn from the device,
// the fault's place in the scenario, and the passage, at the true time of the
// passage. An epoch that no fault reaches takes the way above and pays
// nothing; any other takes this one:
//  1. What passes while the device is down (silent, rebooting) or is hit by
//     drop is not observed: it leaves no trace, also not in the headway.
//  2. over_count adds a phantom up to 0.3 s behind a passage, in its lane or
//     the one beside, which from here on is a passage like others.
//  3. class_drift and misread err in the measurement, stuck puts the last one
//     before it in its place, or the epoch's first, and skew shifts
//     ObservedAt. Lane and ObservedAt go on while stuck; the charge is by the
//     true time.
//  4. late and reorder hold the reading back: it is emitted among those that
//     are due then, and belongs to the epoch of that moment. If that is not
//     the one it was observed in, it comes without a headway and is not stuck:
//     both are the counter's, which is gone. What would be emitted while the
//     device is down never is.
//  5. In order of emission readings get their positions. duplicate marks one
//     that is emitted twice, at once, with one position.
//
// A reboot ends the epoch, with or without an EpochEnd, and the device is off;
// when it is up again, and at midnight, another begins. Reboots that meet are
// one. A silent device has its epochs nevertheless.
//
// What it does not do: it sends nothing. EpochEnd, and the second copy of a
// duplicate, are the uplink's to send.
package device
