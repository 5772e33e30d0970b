package clickhouse_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/gantry-dev/gantry/collector/clickhouse"
	"github.com/gantry-dev/gantry/collector/clickhouse/clickhouselocal"
	"github.com/gantry-dev/gantry/collector/clickhouse/clickhousetest"
)

// onCluster is the collector's configuration of a cluster's home.
func onCluster(home *clickhousetest.Server) clickhouse.Config {
	cfg := home.Config(clickhousetest.Collector)
	cfg.Layout.Cluster = clickhouselocal.ClusterName
	return cfg
}

// TestCluster: three servers, a shard each, hold what one would, and every
// account sees what it would: rows are where their device is, copies meet, what
// comes by raw.incoming and what a join needs finds its way.
func TestCluster(t *testing.T) {
	servers := clickhousetest.StartCluster(t, 3)
	home := servers[0]
	for range 2 { // as after a restart
		if err := clickhouse.MigrateTo(t.Context(), onCluster(home)); err != nil {
			t.Fatal(err)
		}
	}
	operator := home.Conn(t, clickhousetest.Operator)
	exec(t, operator, `INSERT INTO raw.devices (device_id, kind, station_id, loop_length_cm, valid_from)
		SELECT concat('D', toString(number)), 'counter', concat('S', toString(number % 7)), 200, toDateTime64('2026-01-01', 6, 'UTC') FROM numbers(100)`)
	writer := home.Conn(t, clickhousetest.Collector)
	last := time.Now().Add(-time.Minute).UTC().Format("'2006-01-02 15:04:05'")
	for range 2 {
		exec(t, writer, `INSERT INTO raw.readings (device_id, epoch, seq, observed_at, kind, lane, vehicle_class, length_cm, occupied_ms, plate)
			SELECT concat('D', toString(number % 100)), 1, number, toDateTime64(`+last+`, 6, 'UTC') - INTERVAL number % 3600 SECOND, 'counter', 1, 'car', 400, 250, 'S1'
			FROM numbers(10000) SETTINGS max_block_size = 1000`)
	}
	if ok, answer, err := home.Ask(t, clickhousetest.Connect, insertIncoming+incoming, nil); err != nil || !ok {
		t.Fatalf("%v %s", err, answer)
	}
	if n := home.Count(t, "SELECT uniqExact(device_id, epoch, seq) FROM raw.readings FINAL"); n != 10_002 {
		t.Errorf("%d readings, want 10002", n)
	}
	var together uint64
	for i, s := range servers {
		here := s.Count(t, "SELECT uniqExact(device_id) FROM raw.readings_local")
		if here < 20 {
			t.Errorf("shard %d has %d of 101 devices", i+1, here)
		}
		together += here
	}
	if together != 101 {
		t.Errorf("devices of all shards are %d, want 101: one is on two shards, or none", together)
	}
	// All but the camera's, whose device the network does not have.
	if n := home.Count(t, "SELECT count() FROM raw.placed_readings"); n != 10_001 {
		t.Errorf("%d readings find their station, want 10001", n)
	}
	clusterKeepsMinutes(t, home)
	clusterKeepsSecrets(t, servers)
	// A server that is away is an error, not a smaller answer, and an insertion
	// that it should have is not acknowledged.
	servers[2].Kill()
	if err := operator.Exec(t.Context(), "SELECT count() FROM raw.readings FORMAT Null"); err == nil {
		t.Error("with a shard away the others answered for all")
	}
	if err := writer.Exec(t.Context(), `INSERT INTO raw.readings (device_id, epoch, seq, observed_at, kind, vehicle_class)
		SELECT concat('D', toString(number)), 2, 1, now64(6, 'UTC'), 'counter', 'car' FROM numbers(100)`); err == nil {
		t.Error("with a shard away an insertion for all was acknowledged")
	}
}

func exec(t *testing.T, conn driver.Conn, statement string) {
	t.Helper()
	if err := conn.Exec(t.Context(), statement); err != nil {
		t.Fatalf("%.60s: %v", statement, err)
	}
}

// clusterKeepsMinutes: the home computes the live minutes of all shards.
func clusterKeepsMinutes(t *testing.T, home *clickhousetest.Server) {
	t.Helper()
	operator := home.Conn(t, clickhousetest.Operator)
	exec(t, operator, "SYSTEM REFRESH VIEW live.refresh_minutes")
	exec(t, operator, "SYSTEM WAIT VIEW live.refresh_minutes")
	if n := home.Count(t, "SELECT sum(counter_count) FROM live.station_minutes"); n != 10_000 {
		var why string
		_ = operator.QueryRow(t.Context(), "SELECT any(exception) FROM system.view_refreshes WHERE view = 'refresh_minutes'").Scan(&why)
		t.Errorf("the live minutes count %d vehicles, want 10000: %s", n, why)
	}
	if n := home.Count(t, "SELECT raw_row_count FROM live.pipeline"); n < 10_002 {
		t.Errorf("live.pipeline counts %d rows of all shards", n)
	}
}

// clusterKeepsSecrets: who may not see plates on one server may not on a
// cluster, neither through the home nor on a shard.
func clusterKeepsSecrets(t *testing.T, servers []*clickhousetest.Server) {
	t.Helper()
	for _, s := range servers {
		for _, user := range []string{clickhousetest.DBT, clickhousetest.Planner, clickhousetest.Connect} {
			for _, table := range []string{"raw.readings", "raw.readings_local"} {
				if ok, answer, err := s.Ask(t, user, "SELECT plate FROM "+table, nil); err != nil || ok {
					t.Errorf("%s reads plates of %s: %v %.200s", user, table, err, answer)
				}
			}
		}
	}
	if ok, answer, err := servers[0].Ask(t, clickhousetest.DBT, "SELECT count(), sum(plate_token) FROM raw.readings FINAL", nil); err != nil || !ok {
		t.Errorf("dbt cannot read what it may: %v %.300s", err, answer)
	}
	// Enforcement sees cameras' plates only: here there is one camera's reading.
	ok, answer, err := servers[0].Ask(t, clickhousetest.Enforcement, "SELECT count(), groupUniqArray(kind), groupUniqArray(plate) FROM raw.readings", nil)
	if err != nil || !ok || !strings.Contains(string(answer), "1\t['speed']\t['']") {
		t.Errorf("enforcement sees more or less than the camera's reading: %v %.300s", err, answer)
	}
}

// TestClusterRefuses: what would lose rows or answer wrongly is refused before
// anything is made.
func TestClusterRefuses(t *testing.T) {
	s := clickhousetest.Start(t) // one server, whose profiles are not a cluster's
	cfg := onCluster(s)
	err := clickhouse.MigrateTo(t.Context(), cfg)
	if !errors.Is(err, clickhouse.ErrSchema) || !strings.Contains(err.Error(), "prefer_global_in_and_join must be 1") {
		t.Errorf("profiles of one server: %v", err)
	}
	cluster := clickhousetest.StartCluster(t, 1)
	cfg = onCluster(cluster[0])
	cfg.Layout.Cluster = "nowhere"
	if err := clickhouse.MigrateTo(t.Context(), cfg); !errors.Is(err, clickhouse.ErrSchema) || !strings.Contains(err.Error(), `no server of a cluster "nowhere"`) {
		t.Errorf("an unknown cluster: %v", err)
	}
}

// TestSpread: the migrations stay one text; this is what a cluster makes of it.
func TestSpread(t *testing.T) {
	plain, replicated := clickhouse.Layout{Cluster: "c"}, clickhouse.Layout{Cluster: "c", Replicated: true}
	const path = "'/clickhouse/tables/{shard}/{database}/{table}', '{replica}'"
	for _, c := range []struct {
		layout    clickhouse.Layout
		statement string
		want      []string
	}{
		{plain, "-- c\nCREATE TABLE IF NOT EXISTS raw.readings\n(a UInt8)\nENGINE = ReplacingMergeTree\nORDER BY a", []string{
			"servers: CREATE DATABASE IF NOT EXISTS raw",
			"servers: -- c\nCREATE TABLE IF NOT EXISTS raw.readings_local\n(a UInt8)\nENGINE = ReplacingMergeTree\nORDER BY a",
			"homes: CREATE TABLE IF NOT EXISTS raw.readings AS raw.readings_local ENGINE = Distributed('c', 'raw', 'readings_local', cityHash64(device_id))"}},
		{plain, "ALTER TABLE raw.readings ADD COLUMN b UInt8", []string{
			"servers: ALTER TABLE raw.readings_local ADD COLUMN b UInt8", "homes: ALTER TABLE raw.readings ADD COLUMN b UInt8"}},
		{plain, "CREATE TABLE IF NOT EXISTS raw.rejects (a UInt8) ENGINE = ReplacingMergeTree ORDER BY a", []string{
			"homes: CREATE TABLE IF NOT EXISTS raw.rejects (a UInt8) ENGINE = ReplacingMergeTree ORDER BY a"}},
		{plain, "INSERT INTO raw.touched SELECT 1 FROM raw.readings", []string{"home: INSERT INTO raw.touched SELECT 1 FROM raw.readings"}},
		{plain, "CREATE VIEW v AS SELECT 1 FROM system.parts\nWHERE database = 'raw' AND table = 'readings' AND active", []string{
			"homes: CREATE VIEW v AS SELECT 1 FROM cluster('c', system.parts)\nWHERE database = 'raw' AND table = 'readings_local' AND active"}},
		{replicated, "CREATE TABLE IF NOT EXISTS raw.nodes (a UInt8) ENGINE = ReplacingMergeTree(a, b)\nORDER BY a", []string{
			"homes: CREATE TABLE IF NOT EXISTS raw.nodes (a UInt8) ENGINE = ReplicatedReplacingMergeTree(" + path + ", a, b)\nORDER BY a"}},
		{replicated, "CREATE TABLE IF NOT EXISTS raw.purges (a UInt8) ENGINE = MergeTree\nORDER BY a", []string{
			"servers: CREATE DATABASE IF NOT EXISTS raw", "servers: CREATE TABLE IF NOT EXISTS raw.purges (a UInt8) ENGINE = ReplicatedMergeTree(" + path + ")\nORDER BY a"}},
		{replicated, "CREATE TABLE IF NOT EXISTS raw.incoming (a UInt8)\nENGINE = Null", []string{"homes: CREATE TABLE IF NOT EXISTS raw.incoming (a UInt8)\nENGINE = Null"}},
	} {
		if got := clickhouse.Spread(c.layout, c.statement); fmt.Sprintf("%q", got) != fmt.Sprintf("%q", c.want) {
			t.Errorf("%s:\ngot  %q\nwant %q", c.statement, got, c.want)
		}
	}
}

// TestSpreadKnowsEveryTable: no migration makes or changes readings in a way
// that is not spread, and every engine that can be replicated is.
func TestSpreadKnowsEveryTable(t *testing.T) {
	layout := clickhouse.Layout{Cluster: "c", Replicated: true}
	sharded, tables := 0, 0
	for _, statement := range clickhouse.Statements(t) {
		spread := clickhouse.Spread(layout, statement)
		if strings.Contains(statement, "raw.readings\n") && len(spread) == 3 {
			sharded++
		}
		for _, text := range spread {
			if strings.Contains(text, "MergeTree") {
				tables++
				if strings.Count(text, "MergeTree") != strings.Count(text, "Replicated") {
					t.Errorf("not replicated: %.200s", text)
				}
			}
			if strings.Contains(text, "FROM system.parts") {
				t.Errorf("looks at the parts of one server: %.200s", text)
			}
		}
	}
	if sharded != 1 || tables < 10 {
		t.Errorf("%d statements are about the sharded table and %d make tables", sharded, tables)
	}
}
