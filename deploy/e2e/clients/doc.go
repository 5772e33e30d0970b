// Package clients runs the examples of deploy/clients, in each of their
// languages, against the collector's real program with Kafka and ClickHouse,
// and holds them and gantry-agent against the conformance check.
package clients
