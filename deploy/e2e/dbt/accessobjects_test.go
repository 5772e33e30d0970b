package dbt_test

import (
	"fmt"
	"net/url"
	"strings"
)

// everyObject: dbt may make tables, views and dictionaries, none of which may
// read for it what it may not read.
func (f *thief) everyObject() {
	f.w.t.Helper()
	made := 0
	for i, definition := range []string{
		"VIEW {x} AS SELECT device_id AS plate FROM raw.readings", // may be made
		"VIEW {x} AS SELECT plate FROM raw.readings", "VIEW {x} AS SELECT * FROM raw.readings", "VIEW {x} DEFINER = operator SQL SECURITY DEFINER AS SELECT plate FROM raw.readings",
		"VIEW {x} SQL SECURITY NONE AS SELECT plate FROM raw.readings", "VIEW {x} SQL SECURITY INVOKER AS SELECT plate FROM raw.readings", "VIEW {x} DEFINER = CURRENT_USER SQL SECURITY DEFINER AS SELECT plate FROM raw.readings",
		"VIEW {x} DEFINER = collector SQL SECURITY DEFINER AS SELECT device_id FROM raw.readings",
		"MATERIALIZED VIEW {x} ENGINE = MergeTree ORDER BY () POPULATE AS SELECT plate FROM raw.readings", "MATERIALIZED VIEW {x} REFRESH EVERY 1 HOUR ENGINE = MergeTree ORDER BY () AS SELECT plate FROM raw.readings",
		"MATERIALIZED VIEW {x} REFRESH EVERY 1 HOUR DEFINER = operator SQL SECURITY DEFINER ENGINE = MergeTree ORDER BY () AS SELECT plate FROM raw.readings",
		"TABLE {x} ENGINE = MergeTree ORDER BY () AS SELECT plate FROM raw.readings", "TABLE {x} CLONE AS raw.readings", "TABLE {x} ENGINE = Merge('raw', 'readings')", "TABLE {x} (plate String) ENGINE = Merge('raw', 'readings')",
		"TABLE {x} (plate String) ENGINE = Merge(REGEXP('raw'), 'readings')", "TABLE {x} AS merge('raw', 'readings')", "TABLE {x} (plate String) ENGINE = Buffer('raw', 'readings', 1, 10, 100, 10000, 1000000, 10000000, 100000000)",
		"TABLE {x} (plate String) ENGINE = Distributed('default', 'raw', 'readings')", "TABLE {x} ENGINE = Alias('raw', 'readings')", "TABLE {x} ENGINE = Alias('raw.readings')", "TABLE {x} ENGINE = Alias(raw, readings)",
		"TABLE {x} AS remote('" + f.w.server.TCPAddr() + "', raw.readings)", "TABLE {x} (l String) ENGINE = File('LineAsString', '" + f.w.server.Dir() + "/canary')", "TABLE {x} (l String) ENGINE = URL('http://" + f.w.server.HTTPAddr() + "/?query=SELECT+1', 'LineAsString')",
		"TABLE {x} (l String) ENGINE = Executable('cat', 'LineAsString')", "TABLE {x} (plate String) ENGINE = Dictionary('staging.x')", "TABLE {x} (plate String) ENGINE = Loop('raw', 'readings')",
		"DICTIONARY {x} (seq UInt64, plate String) PRIMARY KEY seq SOURCE(CLICKHOUSE(DB 'raw' TABLE 'readings')) LAYOUT(HASHED()) LIFETIME(0)",
		"DICTIONARY {x} (seq UInt64, plate String) PRIMARY KEY seq SOURCE(CLICKHOUSE(QUERY 'SELECT seq, plate FROM raw.readings')) LAYOUT(HASHED()) LIFETIME(0)",
		"DICTIONARY {x} (seq UInt64, plate String) PRIMARY KEY seq SOURCE(CLICKHOUSE(USER 'operator' DB 'raw' TABLE 'readings')) LAYOUT(HASHED()) LIFETIME(0)",
		"DICTIONARY {x} (seq UInt64, plate String) PRIMARY KEY seq SOURCE(FILE(path '" + f.w.server.Dir() + "/canary' format 'LineAsString')) LAYOUT(HASHED()) LIFETIME(0)",
		"DICTIONARY {x} (seq UInt64, plate String) PRIMARY KEY seq SOURCE(EXECUTABLE(command 'cat' format 'LineAsString')) LAYOUT(HASHED()) LIFETIME(0)",
		"DICTIONARY {x} (seq UInt64, plate String) PRIMARY KEY seq SOURCE(HTTP(url 'http://" + f.w.server.HTTPAddr() + "/?query=SELECT+1' format 'TSV')) LAYOUT(HASHED()) LIFETIME(0)",
	} {
		name := fmt.Sprintf("staging.thief%d", i)
		ok, _ := f.try("CREATE "+strings.ReplaceAll(definition, "{x}", name), url.Values{"allow_experimental_alias_table_engine": {"1"}})
		if !ok {
			ok, _ = f.try("CREATE "+strings.ReplaceAll(definition, "{x}", name), nil)
		}
		if !ok {
			continue
		}
		made++
		// What could be made must not say more than its maker may know, to him or
		// to anybody who reads it.
		for _, read := range []string{"SELECT * FROM {x}", "SELECT plate FROM {x}", "SELECT max(plate) FROM {x}", "SELECT count() FROM {x} WHERE plate LIKE 'P%'", "SELECT dictGet('{x}', 'plate', toUInt64(49))", "SYSTEM REFRESH VIEW {x}", "SYSTEM WAIT VIEW {x}", "SELECT * FROM {x}", "SHOW CREATE {x}"} {
			f.try(strings.ReplaceAll(read, "{x}", name), nil)
		}
		_, answer := f.try("SELECT plate FROM "+name+" LIMIT 1", nil)
		if strings.Contains(string(answer), "PLT") || strings.Contains(string(answer), "TAG") {
			f.w.t.Errorf("%s reads plates through %s", f.user, definition)
		}
		f.try("DROP TABLE IF EXISTS "+name, nil)
		f.try("DROP DICTIONARY IF EXISTS "+name, nil)
	}
	if made == 0 {
		f.w.t.Error("not even a view of devices could be made: nothing was tried")
	}
	f.w.t.Logf("%d objects could be made", made)
	f.try("CREATE TABLE staging.thief AS raw.readings", nil)
	f.try("CREATE TABLE staging.thief (device_id LowCardinality(String)) ENGINE = MergeTree ORDER BY ()", nil)
	for _, statement := range []string{
		"INSERT INTO staging.thief SELECT * FROM raw.readings", "INSERT INTO staging.thief (device_id) SELECT plate FROM raw.readings", "ALTER TABLE staging.thief ATTACH PARTITION ALL FROM raw.readings",
		"ALTER TABLE staging.thief REPLACE PARTITION '" + f.w.today.AddDate(0, 0, -1).Format("2006-01-02") + "' FROM raw.readings", "ALTER TABLE raw.readings MOVE PARTITION '" + f.w.today.AddDate(0, 0, -1).Format("2006-01-02") + "' TO TABLE staging.thief",
		"ALTER TABLE raw.readings FREEZE", "ALTER TABLE raw.readings ADD COLUMN p2 String DEFAULT plate", "ALTER TABLE raw.readings RENAME COLUMN plate TO p2", "ALTER TABLE raw.readings UPDATE device_id = plate WHERE 1",
		"ALTER TABLE staging.thief UPDATE device_id = (SELECT any(plate) FROM raw.readings) WHERE 1 SETTINGS mutations_sync = 1", "ALTER TABLE staging.thief DELETE WHERE device_id IN (SELECT plate FROM raw.readings) SETTINGS mutations_sync = 1",
		"EXCHANGE TABLES raw.readings AND staging.thief", "DROP TABLE raw.readings", "DETACH TABLE raw.readings", "INSERT INTO raw.purges (plate_token) VALUES (1)", "GRANT SELECT ON raw.readings TO dbt",
	} {
		f.denied(statement)
	}
	f.try("DROP TABLE staging.thief", nil)
}
