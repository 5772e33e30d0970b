// Package purge erases a vehicle's plate or tag from ClickHouse on request.
//
// The order is what makes it hold:
//
//  1. note the vehicle's tokens in raw.purges. From then on the sink stores
//     nothing of it, copies and replays included (sink.Config.PurgeSettle is
//     how long that takes);
//  2. erase it from raw.readings, raw.rejects and every table that holds
//     tokens; rows stay, so no count changes;
//  3. wait until no insert that began before 1 can be under way, and look and
//     erase again until there is nothing left.
//
// Plate and tag never go to ClickHouse, for statements of mutations stay
// readable in system.mutations: the statements name raw.purges instead, and
// refused bytes are compared here. Readings that were emptied count as new
// (inserted_at), so dbt computes their days again.
//
// It does not reach Kafka's topics, the spools of agents, backups, and the
// parts of tables that ClickHouse keeps for some minutes after they were
// replaced.
package purge
