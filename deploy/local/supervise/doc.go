// Package supervise runs the processes of a stack: it starts them, restarts
// one that dies, and stops all of them in order.
//
// Role: a small init for one user's machine, so that nothing but a launcher
// is needed to run a broker, a database, a collector and agents.
//
// Order of operations: Start for each process, lowest stage first. Stop ends
// the highest stage first and waits for all of it before it turns to the next
// one: agents stop sending before the collector that they send to is stopped,
// and the collector flushes before the broker and the database go.
//
// Invariants: a process runs once at a time; after Stop has begun nothing is
// started; every process is gone when Stop returns; the log of a process never
// takes more than twice Config.LogBytes. Each process has a process group of
// its own, so that Ctrl-C in a terminal reaches the launcher only and the
// order of stopping is kept. On Linux a process dies with the launcher.
//
// What it does not do: it knows nothing of what it runs; readiness is for the
// caller to find out.
package supervise
