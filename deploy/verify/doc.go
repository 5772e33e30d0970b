// Command verify proves, reading by reading, that nothing was lost and nothing
// was counted twice.
//
// The oracle is time, not the collector: the world can recompute what every
// device of the network has emitted since its first epoch, so everything it
// emits up to T must be in raw.readings, or in raw.rejects with the reason
// that the world predicts, and nothing else may be there.
//
// Devices may fail as the scenario says: the world knows which readings are
// emitted twice, late, or with a clock so wrong that they must be refused, which
// epochs a reboot begins, and which have no end. What a fault kept from being
// emitted is not expected.
//
// Where the world replays a recording, the recording is read again, and refused
// unless it is the one that the network names.
//
// A reading of a vehicle that raw.purges names must stand there like any other,
// without plate, tag and token.
//
// With --tokens-only the same holds of plate and tag of every vehicle: readings
// that came through the JSON topics have tokens alone.
//
// A reading is in one of three states. Emitted at or before T it must be
// there. Emitted after T but not after the moment of the look it may be
// there; if it is, it is compared like the others. Emitted later, or never, it
// must not be there.
//
// Order of operations, for each device: read every physical row (without
// FINAL) ordered by epoch and seq; walk it beside the world's own readings;
// then count the same rows under FINAL, where each identity must stand once.
// After the devices: rows of devices that the network does not have, ends of
// epochs, rejects.
//
// Invariants: it reads ClickHouse as any client would and shares no code with
// the sink; what it knows of the rows is the schema and the proto. It changes
// nothing. It does not look at Kafka, positions or leases, which may be wrong
// in any way that costs or adds no reading.
package main
