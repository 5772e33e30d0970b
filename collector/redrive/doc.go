// Package redrive sends refused readings again that are acceptable by now.
//
// # Order of operations
//
//	read the dead-letter topic to its present end → judge again, by the network of now
//	→ produce what is acceptable → wait for the sink of rejects → delete its rejects
//
// A reading is refused by the network of its time: of a device that nobody had
// applied yet, or a lane that the file did not have. Once that is mended the
// answer is another, but the agent has gone on, for a reject is an answer. The
// bytes lie in the dead-letter topic for as long as its retention says.
//
// # Invariants
//
//   - Identity and bytes are those that the device sent, so a reading that is
//     sent again twice, or by two runs at once, counts once.
//   - A reject is deleted from raw.rejects only after its reading is in Kafka:
//     in between it counts as both, never as neither.
//   - What is still refused stays where it is, and is reported by reason.
//
// # What it does not do
//
// It goes to the backfill topic, which never holds live readings up. It moves
// no position: those have passed the reading long since. The dead-letter topic
// keeps its records; raw.rejects rebuilt from it needs another run. A vehicle
// that was purged stays so: sinks drop its readings whenever they come.
package redrive
