// Package kafka is what ingest, sink, lease and query share about Kafka: the
// topics and their settings, the codec of reading records, the settings of
// every client, and a view of the network topic.
//
// # Order of operations
//
// A collector first calls EnsureTopics, then starts a NetworkView and waits
// for Ready, and only then serves: a reading can only be judged against a
// network that has been read to the end.
//
// # Invariants
//
//   - A reading record's key is the device id and its value the protobuf of
//     gantry.v1.Reading: device_id, epoch and seq in front (AppendIdentity),
//     then the bytes exactly as the device sent them.
//   - Reading.Parse accepts a subset of what proto.Unmarshal accepts and then
//     agrees with it, field by field; it allocates nothing.
//   - Producers are idempotent and wait for all in-sync replicas. Nothing here
//     depends on a default of the client library.
//   - A NetworkSnapshot never changes once published.
//
// # What it does not do
//
// It holds no positions and no leases, judges no reading (see ingest), and
// links no broker: see kafkalocal for brokers to develop and test with.
package kafka
