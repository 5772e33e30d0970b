// Package clickhouse connects to ClickHouse and owns the schema of databases
// raw and live. Sink and query meet here and nowhere else.
//
// On a cluster (Layout) readings are spread over the shards by device and all
// else is on one server, the home; the migrations are the same, spread.
//
// Three things and their order at a collector's start: Open gives a pool for
// queries (clickhouse-go) and waits for nothing; MigrateTo brings the schema to
// this program's version; Dial gives one native connection (ch-go) for
// inserts of whole columns.
//
// Invariants of the migrations:
//
//   - They only go forward. migrations/NNNN_name.sql are numbered without
//     gaps; one that was applied is never edited, a newer one changes what it
//     did.
//   - Every statement may run twice (IF NOT EXISTS and the like): ClickHouse
//     has no transaction around them, and two collectors may start at once.
//   - raw.schema_migrations says what was applied, by digest. A database that
//     is newer than the program, or whose migration reads otherwise, stops
//     the program before it touches anything.
//
// live is kept up to date by ClickHouse itself, from raw, with the rights of
// the user that migrated; 0004_live.sql says how. raw.stale_slots counts what
// it has still to compute.
//
// It does not own staging, serving and enforcement: it creates the empty
// databases, so that grants and readers find them, and dbt does the rest.
package clickhouse
