// Command local runs the whole of Gantry on one machine: a Kafka-protocol
// broker, the ClickHouse engine, a collector, agents, and dbt on a schedule.
//
// Role: what `make run` and `make sql` are. It is the only place that knows
// both sides and the embedded servers; each of them runs as a child process of
// its own, exactly as it would elsewhere.
//
// Order of operations of a run: settings, tools, the folder's lock, state,
// ports and disk (each refused in one sentence before anything is started);
// installs; broker and ClickHouse; migrations and network; collector; agents;
// dbt as soon as there are rows. Stopping goes the other way, within 30 s: dbt
// and agents, collector, then ClickHouse and broker. A second Ctrl-C kills.
//
// Invariants: everything it writes is below the state folder or the user's
// cache; it listens on the loopback interface only; a process that dies is
// started again and shown; a dbt build never holds up a reading, and one that
// fails leaves the last good tables.
//
// What it does not do: it is no way to run in production (deploy/compose,
// deploy/ecs), and it holds no data path of its own.
package main
