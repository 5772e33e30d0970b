// Command bench measures what a reading costs, and how long it takes.
//
// The world: what it costs on one core to make readings and to evaluate a day,
// and the memory of an agent's devices.
//
// The stack: the launcher (deploy/local) is built and run as a user would, in
// a folder of its own on ports of its own, without dbt at first. From the first row in
// ClickHouse until the history is complete it gives the rate from end to end
// and the processor time per reading of each process; then, at the rate of the
// world, how long a reading takes to be acknowledged, to be seen, and to be
// counted in the live minutes; then how long dbt takes to make all models, and to make
// them once more; at the end, the greatest memory of each process.
// Processor time and memory of other processes than the collector are known on
// Linux only.
//
// Ingest alone: agents' batches are encoded beforehand, so the generator costs
// little; they go over gRPC on loopback into an ingest server in a process of
// its own, with a broker in a third.
//
// The dashboard: a collector in the role query on days of corridor that dbt has
// built, 3 unless --days or --data says otherwise. How long each question of
// QueryService takes, to the last byte on loopback; how long each page takes in
// Chromium without cache, to its first content and until all answers are shown;
// and what share of a core 50 viewers of the live minutes cost while readings
// come in. These have budgets, which stand in the notes.
//
//	bench [--measure=all|world|ingest|stack|dashboard] [--history 2d] [--agents N] [--profile DIR] [--out FILE.json]
//	bench --measure=dashboard [--days 28 | --data DIR] [--viewers 50] [--loads 5]
//
// A figure of processor time means nothing without its rate, so each note says
// it: at a few thousand readings a second wake-ups dominate. The stack, its
// load and this program share the machine's cores; ingest alone is what to
// compare between two versions of ingest.
//
// What it does not do: it judges nothing and compares with no earlier run.
package main
