// Package conformance plays a collector to one client and says which
// requirements of gantry.v1.IngestService the client keeps: for whoever makes
// the program of a real device.
//
// # Order of operations
//
// [Run] listens, waits for the client, and drives it through the cases of
// script.go one after another: late acknowledgements, a rejected reading, a
// request to resend, a lease taken away, a cut connection, Drain, GOAWAY,
// refusals, silence. Each case provokes what a collector does on a bad day;
// the ledger judges every message of the client, in every case.
//
//	receive → ledger (numbers, positions, bytes, window, lease) → answer, or hold the answer
//
// The client is started once and left alone: it must come back by itself.
//
// # Invariants
//
//   - A requirement passes only on evidence: what was not seen is reported as
//     not seen, never as passed.
//   - What a client may have sent before it could hear of a change is not held
//     against it: changes count after Config.Grace.
//   - Readings are judged by ingest.Judge, the collector's own.
//
// # What it does not do
//
// It keeps nothing: durable means that this process says so. It does not
// measure throughput, and it cannot see what the instrument measured and the
// client never sent.
package conformance
