// Command bench measures what a reading costs the collector.
//
// Agents' batches are encoded beforehand, so the generator costs little; they
// go over gRPC on loopback into an ingest server in a process of its own, with
// a broker in a third. Reported are the collector's processor time per
// reading, the rate, the time until a batch is answered, and memory.
//
//	bench [--readings N] [--rate N] [--streams N] [--brokers HOST:PORT] [--out FILE.json]
//
// A figure of processor time means nothing without its rate: at a few
// thousand readings a second wake-ups dominate.
package main
