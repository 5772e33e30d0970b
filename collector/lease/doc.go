// Package lease decides which agent carries which device.
//
// Agents have no ordinal, so they ask and collectors lease. Every collector
// follows the lease topic from its start and holds the same Table; one of
// them, the decider, writes who carries what. Leases limit waste and carry no
// correctness: two agents that send the same device for a minute send the
// same readings with the same identity.
//
// # Order of operations
//
// A stream that begins is joined: its session record is written and then
// renewed every third of the TTL by the collector that holds the stream. The
// decider sees the record, waits a moment for others (a burst of joins should
// move devices once), computes the assignment and writes the differences in
// one transaction. Every collector sees them and tells its own memberships by
// a Change. A stream that ends leaves: its session's record is deleted, and
// the decider gives its devices to others. A session that is not renewed for
// one TTL, on the decider's monotonic clock, is deleted by the decider.
//
// The decider is the member of the consumer group that holds the topic's only
// partition. It writes with a fixed transactional id, so that the broker
// fences the one before it, and decides on nothing before it has read its own
// first record: by then it has read whatever an older decider could write.
//
// # Invariants
//
//   - The Table is a function of the last record of each key: compacting the
//     topic at any moment changes nothing but the times of sight.
//   - The assignment is a function of the Table, the devices and the clock;
//     it gives no session more than its capacity, every device while capacity
//     is left, and moves no more devices than balance asks for.
//   - Of an agent's sessions the one that connected last is live; the others
//     hold nothing, so that an agent that was killed has its devices back at
//     once, and two processes of one name do not take turns.
//   - A device's term grows with every change of its holder, and its record is
//     never deleted, so that a term is never given twice.
//   - Static devices are held by the sessions that name them, outside the
//     assignment, and leased to nobody else while such a session lives.
//   - A session is expired only by a collector that could have seen it renewed
//     for one TTL: after a silence of the topic all sessions begin anew.
//   - The Changes of a membership never make the manager wait: a slow reader
//     sees one merged Change.
//
// # What it does not do
//
// It keeps no positions, knows no readings, closes no streams, and promises no
// mutual exclusion between agents.
package lease
