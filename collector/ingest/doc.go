// Package ingest takes readings in from agents and gives them to Kafka: it is
// gantry.v1.IngestService.
//
// # Order of operations
//
// Of a batch:
//
//	receive → scan → judge → credit → produce (acks=all) → all of it acknowledged
//	→ every batch before it too → position advances → Ack → checkpoint
//
// A position that an Ack names is in Kafka; ClickHouse is never asked. A
// rejected reading goes to the dead-letter topic and is acknowledged there
// before the position passes it, so its neighbours are not held up by it.
//
// # Pure parts
//
// [session] says what of a DeviceBatch is new, [judge] what is acceptable,
// [window] which batches are answered, [table] how far each device's epoch is,
// [pacer] how much history may come. None of them does I/O or reads a clock.
// [Server] and its streams are the shell around them.
//
// # Invariants
//
//   - Nothing is acknowledged before Kafka has acknowledged it.
//   - Durable positions only grow, and only by ranges that leave no gap.
//   - A checkpoint is made from a durable position: it may lag, never lead.
//   - Accept or reject is a function of the reading and the network alone.
//   - One reading refused changes nothing for the others of its batch.
//   - Memory is bounded: by credit in records and bytes over all streams, and
//     by one received batch per stream. Without credit a stream is not read,
//     so that gRPC's flow control stops the agent.
//   - A batch that Kafka refused ends its stream with UNAVAILABLE, and the
//     agent sends it again; it is never skipped.
//
// # What it does not do
//
// It does not check that an agent holds the lease of what it sends: leases
// limit waste, and two agents sending the same only produce copies. It does
// not look into ClickHouse, and it forgets no epoch: the table of positions
// grows with the fleet's age, up to a limit.
package ingest
