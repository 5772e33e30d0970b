package dbt_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gantry-dev/gantry/collector/clickhouse"
	"github.com/gantry-dev/gantry/collector/clickhouse/clickhouselocal"
	"github.com/gantry-dev/gantry/collector/clickhouse/clickhousetest"
)

// TestClusterSaysTheSame: three servers, with readings spread over them by
// device and copies among them, give every table of dbt as one server does, row
// by row.
func TestClusterSaysTheSame(t *testing.T) {
	if os.Getenv("GANTRY_LONG") == "" {
		t.Skip("builds everything twice: make test-long runs it")
	}
	if testing.Short() {
		t.Skip("starts three servers and dbt")
	}
	one := newWarehouse(t, t.TempDir())
	servers := clickhousetest.StartCluster(t, 3)
	cfg := servers[0].Config(clickhousetest.Collector)
	cfg.Layout.Cluster = clickhouselocal.ClusterName
	if err := clickhouse.MigrateTo(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	many := warehouseOn(t, servers[0], t.TempDir())
	many.today = one.today // whatever the clock does meanwhile
	many.plan()
	var digests [2]map[string]string
	for i, w := range []*warehouse{one, many} {
		w.know("C9", "S4")
		w.emit(3)
		// The same for both, for what is ahead of its receipt counts otherwise.
		came := "toDateTime64('" + one.today.Format(time.DateTime) + "', 3, 'UTC')"
		for _, copies := range []string{"1", "cityHash64(device_id, seq) % 3 = 0"} {
			w.exec("INSERT INTO raw.readings (* EXCEPT (inserted_at)) SELECT * EXCEPT (inserted_at) REPLACE (" + came + " AS received_at) FROM raw.emitted WHERE " + copies)
		}
		w.exec("INSERT INTO raw.epoch_ends (device_id, epoch, last_seq) SELECT device_id, epoch, max(seq) FROM raw.emitted GROUP BY device_id, epoch")
		w.dbt("build", "--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")
		digests[i] = w.digests()
	}
	for i, s := range servers {
		if n := s.Count(t, "SELECT count() FROM raw.readings_local"); n == 0 {
			t.Errorf("shard %d has no row", i+1)
		}
	}
	filled := 0
	for _, table := range slices.Sorted(maps.Keys(digests[0])) {
		if digests[0][table] != digests[1][table] {
			t.Errorf("%s: one server has %s, the cluster %s", table, digests[0][table], digests[1][table])
		}
		if !strings.HasPrefix(digests[0][table], "0 rows") {
			filled++
		}
	}
	if len(digests[0]) != len(digests[1]) || filled < 15 {
		t.Errorf("%d and %d tables, of which %d have rows", len(digests[0]), len(digests[1]), filled)
	}
	t.Logf("%d tables are the same, %d of them with rows", len(digests[0]), filled)
}

// digests gives rows and a sum over all columns of each table that dbt made.
// Left out is what tells when something was computed or came, and fractions are
// rounded, for sums of them depend on the order.
func (w *warehouse) digests() map[string]string {
	w.t.Helper()
	rows, err := w.conn.Query(w.t.Context(), `
		SELECT database || '.' || table,
			'SELECT count(), sum(cityHash64(tuple(1, ' || arrayStringConcat(groupArray(multiIf(
				type LIKE '%Float%' AND NOT type LIKE '%(%Float%(%' AND NOT type LIKE 'Array%', 'round(' || name || ', 3)', 'toString(' || name || ')')), ', ') || '))) FROM ' || database || '.' || table
		FROM (SELECT database, table, name, type FROM system.columns
			WHERE database IN ('staging', 'serving', 'enforcement') AND NOT endsWith(name, '_at') AND type NOT LIKE '%AggregateFunction%'
			ORDER BY database, table, position)
		WHERE (database, table) IN (SELECT database, name FROM system.tables WHERE endsWith(engine, 'MergeTree'))
			AND table NOT IN ('dbt_runs', 'freshness', 'pipeline_days')
		GROUP BY database, table`)
	if err != nil {
		w.t.Fatal(err)
	}
	queries := map[string]string{}
	for rows.Next() {
		var table, query string
		if err := rows.Scan(&table, &query); err != nil {
			w.t.Fatal(err)
		}
		queries[table] = query
	}
	if err := rows.Err(); err != nil {
		w.t.Fatal(err)
	}
	out := map[string]string{}
	for table, query := range queries {
		var n, sum uint64
		if err := w.conn.QueryRow(w.t.Context(), query).Scan(&n, &sum); err != nil {
			w.t.Fatalf("%s: %v", query, err)
		}
		out[table] = fmt.Sprintf("%d rows, sum %x", n, sum)
	}
	return out
}
