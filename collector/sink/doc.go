// Package sink carries records from Kafka into ClickHouse's raw tables.
//
// There are four pipelines, each a consumer group of its own: live readings,
// backfill (so that history never starves live), dead letters, and the
// network. The order of operations in each:
//
//  1. poll records and decode them straight into columns of the open block,
//     noting their offsets in the ledger;
//  2. seal the block when it is full, old, or spans too many days;
//  3. produce its dead letters and wait for their acknowledgement, and insert
//     its columns, again and again until ClickHouse says yes;
//  4. commit, per partition, the offset up to which every block is inserted.
//
// Invariants:
//
//   - An offset is committed only after everything below it is in ClickHouse
//     or in the dead-letter topic. A crash anywhere repeats rows and loses
//     none; ReplacingMergeTree collapses the copies.
//   - A partition is given up only after the inserts under way that hold its
//     rows have been committed, or after Config.RevokeWait; then its rows
//     come again elsewhere.
//   - While ClickHouse is away readings wait in Kafka: memory is bounded by
//     Limits, in rows and bytes.
//   - What was purged (raw.purges) leaves without plate, tag and token: the
//     list is read anew before an insert when it is older than a few seconds.
//   - A record that cannot be a row goes to the dead-letter topic and is
//     counted by reason. It never stalls a partition.
//
// It does not judge readings: ingest did. It checks only what a column can
// hold, for other producers may write to the topics too.
package sink
