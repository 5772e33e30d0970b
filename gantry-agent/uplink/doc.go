// Package uplink carries the readings of an agent's devices to a collector
// over one bidirectional stream (gantry.v1.IngestService.Connect).
//
// # Order of operations
//
//	Hello → Welcome → (Batch ⇄ Ack | Flow | Lease)* → Drain or Release → close
//
// [Session] decides everything: which device-epoch is next, where it starts,
// what fits into the window, what a Resend rewinds. It does no I/O, starts no
// goroutine and reads no clock, so it is tested over many interleavings in
// virtual time. [Agent] is the thin shell around it: one goroutine drives the
// session, one sends, one receives; it connects, backs off, watches for
// silence and keeps the spool.
//
// A device's current epoch goes on the live lane, from the first position
// that is not durable, in order: caught up at full speed, then paced by each
// reading's time of emission. Epochs before it go on the backfill lane, the
// newest day first. Each epoch is closed by an EpochEnd at last_seq + 1, once
// its end has passed, unless the device went down without closing it: such an
// epoch is over when its readings are durable and its time has passed, which
// each process finds out by asking the source once. An epoch that ends while the stream is open stays on
// the live lane until its end is sent, then the next one follows.
//
// # Invariants
//
//   - Within a session the positions sent of a device-epoch have no gap,
//     except that a Resend moves back.
//   - A session starts a device-epoch at max(durable, acknowledged) + 1.
//   - What is sent and not answered stays within the window of its lane, in
//     batches and in bytes; one batch may always be under way unless the
//     window is zero batches.
//   - A live batch that is due and fits goes before any backfill batch.
//   - Only a position that an Ack or a Welcome named is taken for durable.
//   - A reading that the device emits twice is sent twice, the second time in
//     a DeviceBatch that begins at its position again.
//   - The source is pulled: nothing is read ahead of the window by more than
//     one reading per open cursor.
//
// # Spool
//
// While no collector is in reach, due readings of the live lane go to a
// bounded spool on disk and are sent from there before the source is asked
// again, also after a restart. When the spool is full the source is simply
// not advanced: it is pulled, so nothing is dropped here. A simulated world
// can make everything again and needs no spool; recorded sources and real
// devices cannot. What was sent and not answered when the process is killed
// is in no spool: a [Device] gives again whatever lies above the durable
// position.
//
// # What it does not do
//
// It knows no world: a [Source] gives devices, epochs and encoded readings.
// It does not validate readings; the collector's rejects are counted and
// logged, and passed. It keeps no position on disk: the collector's durable
// positions are the truth.
package uplink
