package clickhouse

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// Layout says how raw lies on servers; the zero value is one server.
//
// On a cluster the rows of readings are spread over its shards by device, so
// that copies of a reading meet on one shard and FINAL is right shard by shard:
// raw.readings_local on every server, and raw.readings (Distributed) on the home.
// The home is the server that the collector is told; it holds everything else,
// which is small, and all queries and dbt go there.
type Layout struct {
	// Cluster is its name in system.clusters; empty on one server.
	Cluster string
	// Replicated makes tables Replicated*MergeTree, for servers with Keeper and
	// the macros shard and replica.
	Replicated bool
}

// server is one of a cluster.
type server struct {
	addr string
	home bool // holds what is not sharded
	conn driver.Conn
}

// MigrateTo does what Migrate does on the layout of the configuration.
func MigrateTo(ctx context.Context, cfg Config) error {
	home, err := Open(cfg)
	if err != nil {
		return err
	}
	defer func() { _ = home.Close() }()
	if cfg.Layout.Cluster == "" {
		return Migrate(ctx, home)
	}
	if err := checkSettings(ctx, home, cfg.User); err != nil {
		return err
	}
	servers, err := openServers(ctx, cfg, home)
	if err != nil {
		return err
	}
	defer closeServers(servers)
	known, err := loadMigrations(migrationFiles)
	if err != nil {
		return err
	}
	return migrate(ctx, home, known, func(ctx context.Context, statement string) error {
		for _, s := range cfg.Layout.spread(statement) {
			if err := s.run(ctx, home, servers); err != nil {
				return err
			}
		}
		return nil
	})
}

// ShardConfigs gives a configuration for each server that holds readings, for
// what a Distributed table does not pass on: mutations. On one server it is
// that one.
func ShardConfigs(ctx context.Context, cfg Config) ([]Config, error) {
	if cfg.Layout.Cluster == "" {
		return []Config{cfg}, nil
	}
	home, err := Open(cfg)
	if err != nil {
		return nil, err
	}
	defer func() { _ = home.Close() }()
	servers, err := openServers(ctx, cfg, home)
	if err != nil {
		return nil, err
	}
	closeServers(servers)
	var out []Config
	for _, s := range servers {
		one := cfg
		one.Addr = s.addr
		out = append(out, one)
	}
	return out, nil
}

// ReadingsTable is the table of a server that holds rows of readings itself.
func (l Layout) ReadingsTable() string {
	if l.Cluster == "" {
		return shardedTable
	}
	return localTable
}

// clusterSettings are what every user of a cluster needs from its profile:
// without the first a question that joins readings with what only the home has
// fails on the shards, without the second an insertion is acknowledged before
// it is stored.
var clusterSettings = []string{"prefer_global_in_and_join", "distributed_foreground_insert"}

func checkSettings(ctx context.Context, home driver.Conn, user string) error {
	for _, name := range clusterSettings {
		var value string
		if err := home.QueryRow(ctx, "SELECT value FROM system.settings WHERE name = ?", name).Scan(&value); err != nil {
			return fmt.Errorf("migrate ClickHouse: ask for setting %s: %w", name, err)
		}
		if value != "1" {
			return fmt.Errorf("%w: on a cluster %s must be 1 in the profile of every user, and for %s it is %s: set it in users.xml, or ALTER USER … SETTINGS %[2]s = 1", ErrSchema, name, user, value)
		}
	}
	return nil
}

// openServers finds the cluster's servers as the home names them.
func openServers(ctx context.Context, cfg Config, home driver.Conn) ([]server, error) {
	rows, err := home.Query(ctx, `SELECT host_name, toUInt32(port), shard_num = max(if(is_local, shard_num, 0)) OVER (), count() OVER (PARTITION BY shard_num)
		FROM system.clusters WHERE cluster = ? ORDER BY shard_num, replica_num`, cfg.Layout.Cluster)
	if err != nil {
		return nil, fmt.Errorf("servers of cluster %s: %w", cfg.Layout.Cluster, err)
	}
	defer func() { _ = rows.Close() }() // its error is Err's
	var servers []server
	homes := 0
	for rows.Next() {
		var host string
		var port uint32
		var isHome uint8
		var replicas uint64
		if err := rows.Scan(&host, &port, &isHome, &replicas); err != nil {
			return nil, fmt.Errorf("servers of cluster %s: %w", cfg.Layout.Cluster, err)
		}
		if replicas > 1 && !cfg.Layout.Replicated {
			return nil, fmt.Errorf("%w: cluster %s has shards of several replicas, which would not get each other's rows: add --clickhouse-replicated, or name a cluster of one server a shard", ErrSchema, cfg.Layout.Cluster)
		}
		homes += int(isHome)
		servers = append(servers, server{addr: fmt.Sprintf("%s:%d", host, port), home: isHome == 1})
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("servers of cluster %s: %w", cfg.Layout.Cluster, err)
	}
	if homes == 0 {
		return nil, fmt.Errorf("%w: %s is no server of a cluster %q by its own system.clusters: look at remote_servers and at --clickhouse-cluster", ErrSchema, cfg.Addr, cfg.Layout.Cluster)
	}
	for i := range servers {
		one := cfg
		one.Addr = servers[i].addr
		if servers[i].conn, err = Open(one); err != nil {
			return nil, err
		}
	}
	return servers, nil
}

func closeServers(servers []server) {
	for _, s := range servers {
		_ = s.conn.Close()
	}
}

// reach says where a statement runs.
type reach int

const (
	onHome    reach = iota // once
	onHomes                // on each replica of the home
	onServers              // everywhere
)

// spreadStatement is a statement of a migration as a cluster needs it.
type spreadStatement struct {
	reach reach
	text  string
}

func (s spreadStatement) run(ctx context.Context, home driver.Conn, servers []server) error {
	if s.reach == onHome {
		return home.Exec(ctx, s.text)
	}
	for _, at := range servers {
		if s.reach == onHomes && !at.home {
			continue
		}
		if err := at.conn.Exec(ctx, s.text); err != nil {
			return fmt.Errorf("%s: %w", at.addr, err)
		}
	}
	return nil
}

// The table that is spread over shards, and its part on each.
const (
	shardedTable = "raw.readings"
	localTable   = "raw.readings_local"
	// purgesTable is on every server: mutations look into it where the rows are.
	purgesTable = "raw.purges"
)

var (
	// definition is the beginning of a statement that makes or changes a table.
	definition = regexp.MustCompile(`^(?:--[^\n]*\n|\s)*(CREATE TABLE IF NOT EXISTS|ALTER TABLE)\s+(\w+\.\w+)`)
	// mergeTree is an engine of that family, perhaps with arguments.
	mergeTree = regexp.MustCompile(`ENGINE\s*=\s*(\w*MergeTree)\b(?:\(([^()]*)\))?`)
	partsOf   = regexp.MustCompile(`FROM system\.parts(\s+)WHERE database = 'raw' AND table = 'readings'`)
)

// spread gives the statements that a migration's statement becomes on a
// cluster. The migrations are written for one server: this is all that differs.
func (l Layout) spread(statement string) []spreadStatement {
	at := definition.FindStringSubmatchIndex(statement)
	switch {
	case at == nil && strings.HasPrefix(strings.TrimSpace(statement), "INSERT"):
		return []spreadStatement{{onHome, statement}}
	case at == nil:
		text := partsOf.ReplaceAllString(statement, "FROM cluster('"+l.Cluster+"', system.parts)${1}WHERE database = 'raw' AND table = 'readings_local'")
		return []spreadStatement{{onHomes, text}}
	case statement[at[4]:at[5]] == purgesTable:
		return []spreadStatement{{onServers, "CREATE DATABASE IF NOT EXISTS raw"}, {onServers, l.replicate(statement)}}
	case statement[at[4]:at[5]] != shardedTable:
		return []spreadStatement{{onHomes, l.replicate(statement)}}
	}
	local := l.replicate(statement[:at[4]] + localTable + statement[at[5]:])
	if statement[at[2]:at[3]] == "ALTER TABLE" {
		return []spreadStatement{{onServers, local}, {onHomes, statement}}
	}
	return []spreadStatement{
		{onServers, "CREATE DATABASE IF NOT EXISTS raw"},
		{onServers, local},
		{onHomes, "CREATE TABLE IF NOT EXISTS " + shardedTable + " AS " + localTable +
			" ENGINE = Distributed('" + l.Cluster + "', 'raw', 'readings_local', cityHash64(device_id))"},
	}
}

// replicate makes an engine of the MergeTree family a replicated one. The path
// names shard and table: replicas of a shard share it, and a table that was
// dropped on all of them may be made anew.
func (l Layout) replicate(statement string) string {
	if !l.Replicated {
		return statement
	}
	return mergeTree.ReplaceAllStringFunc(statement, func(engine string) string {
		m := mergeTree.FindStringSubmatch(engine)
		arguments := "'/clickhouse/tables/{shard}/{database}/{table}', '{replica}'"
		if m[2] != "" {
			arguments += ", " + m[2]
		}
		return "ENGINE = Replicated" + m[1] + "(" + arguments + ")"
	})
}
