// Package state is the launcher's one folder: what a stack was started with,
// its generated secrets, and where each process keeps its data.
//
// Role: everything that must survive a stop stands here, so that a second run
// resumes the same world on the same data. Other programs of deploy (verify,
// the benchmark) read the ports and passwords of a running stack from it.
//
// Order of operations: Lock, then Reconcile what the user asked for with what
// the folder holds, then Save. Secrets are made once, at first use, and never
// change.
//
// Invariants: seed, network, scenario, zone and kind of broker of a folder
// never change after the first run; valid_from only moves back. One launcher
// at a time holds the lock. Everything secret is readable by its owner only.
//
// What it does not do: it starts nothing and knows no clock.
package state
