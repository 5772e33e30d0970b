// Package kafkalocal runs one Kafka broker on this machine, to develop and to
// test with: a fake one in this process (RunFake), or the real Apache Kafka in
// a Java process (RunApache).
//
// # The fake
//
// RunFake serves the Kafka protocol from franz-go's kfake with every batch
// synced to disk before it is acknowledged, so that kill -9 loses nothing. It
// is not Kafka: one node, no replication, development only. It cleans up once
// a minute, so that what compaction and retention do shows early.
//
// What the broker keeps grows with history, so it may be bounded:
// RetentionBytes of each partition stay, and what is above goes once the
// topic's group in Consumers has committed it. Nothing that is not consumed is
// deleted for its size: while ClickHouse is away the topics grow instead, and
// only a topic's own retention.ms, a week, ends that. The broker's usual
// retention.bytes is not set, for it knows no consumers.
//
// # Apache Kafka
//
// EnsureApache fetches the jars with Maven, once per user; RunApache formats a
// folder and runs one KRaft node, controller and broker combined, with a small
// heap.
//
// # Order of operations
//
// Both Run functions block: they call Ready once clients are answered, and
// return when the context ends (nil) or the broker dies (an error). A caller
// that must survive kill -9 of a broker runs them in a process of their own.
//
// # What it does not do
//
// No production binary links this package: only deploy and tests import it.
package kafkalocal
