package purge_test

import (
	"testing"

	"github.com/gantry-dev/gantry/collector/clickhouse"
	"github.com/gantry-dev/gantry/collector/clickhouse/clickhouselocal"
	"github.com/gantry-dev/gantry/collector/clickhouse/clickhousetest"
	"github.com/gantry-dev/gantry/collector/platekey"
	"github.com/gantry-dev/gantry/collector/purge"
)

// TestPurgeOnCluster: the vehicle is erased on every shard, its neighbours on
// none.
func TestPurgeOnCluster(t *testing.T) {
	servers := clickhousetest.StartCluster(t, 2)
	cfg := servers[0].Config(clickhousetest.Collector)
	cfg.Layout.Cluster = clickhouselocal.ClusterName
	if err := clickhouse.MigrateTo(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	mine, other := key.Token("S123ABC", ""), key.Token("S124ABC", "")
	conn := servers[0].Conn(t, clickhousetest.Collector)
	for name, low := range map[string]uint64{"S123ABC": mine.Low, "S124ABC": other.Low} {
		high := mine.High
		if low == other.Low {
			high = other.High
		}
		if err := conn.Exec(t.Context(), `INSERT INTO raw.readings (device_id, epoch, seq, observed_at, kind, vehicle_class, plate, plate_token, plate_key_id)
			SELECT concat('V', toString(number)), 1, ?, now64(6, 'UTC'), 'speed', 'car', ?, bitShiftLeft(toUInt128(?), 64) + toUInt128(?), 1 FROM numbers(40)`,
			low%1000, name, high, low); err != nil {
			t.Fatal(err)
		}
	}
	report, err := purge.Run(t.Context(), purge.Config{ClickHouse: cfg, Keys: []platekey.Key{key}, Plates: []string{"s 123 abc"}, Reason: "asked", Who: "clerk"})
	if err != nil || report.Readings != 40 {
		t.Fatalf("%d rows were erased, want 40: %v", report.Readings, err)
	}
	for i, s := range servers {
		if n := s.Count(t, "SELECT count() FROM raw.readings_local WHERE plate = 'S123ABC'"); n != 0 {
			t.Errorf("shard %d still has %d rows", i+1, n)
		}
		if n := s.Count(t, "SELECT count() FROM raw.readings_local WHERE plate = 'S124ABC'"); n < 5 {
			t.Errorf("shard %d has %d rows of the neighbour", i+1, n)
		}
	}
}
