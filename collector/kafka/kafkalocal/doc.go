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
