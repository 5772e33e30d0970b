// Package truth tells on the command line what the simulated world holds: the
// network as the collector wants it, what really passed, what the devices made
// of it, how much it is like a road, what an intervention would save, and
// pictures of a day. It also drafts networks that replay a recording, and tells
// of those the same. Everything about the world that does I/O is here, or in
// package recorded, so that world and device stay pure.
//
// Passages and readings are streamed, ordered by time and then by the network's
// order of stations or devices, and take memory for two days of the world,
// however long the time asked for; Parquet adds a row group of passages. The
// report is measured by the package realism from passages alone, a few days at
// a time. Pictures are drawn by the package diagram.
//
// What it does not do: it talks to no collector and knows nothing of what was
// delivered. Comparing the truth with what arrived is deploy/verify.
package truth
