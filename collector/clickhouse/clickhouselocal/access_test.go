package clickhouselocal

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestAccess holds every right that a role needs, and the ones it must not
// have, against the real engine.
func TestAccess(t *testing.T) {
	s := start(t, t.TempDir())
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	const allowed, denied = true, false
	for _, c := range []struct {
		user, query string
		want        bool
	}{
		{UserCollector, "CREATE DATABASE raw", allowed},
		{UserCollector, "CREATE DATABASE staging", allowed},
		{UserCollector, "CREATE DATABASE serving", allowed},
		{UserCollector, "CREATE DATABASE enforcement", allowed},
		{UserCollector, "CREATE TABLE raw.readings (device_id String, epoch UInt32, seq UInt64, observed_at DateTime, kind String, lane UInt8, vehicle_class String, " +
			"speed_tenth_kmh UInt16, limit_kmh UInt8, confidence_percent UInt8, plate String, tag String, plate_token UInt128, persons UInt8, n UInt8) ENGINE = ReplacingMergeTree ORDER BY device_id", allowed},
		{UserCollector, "CREATE TABLE raw.purges (plate_token UInt128, reason String) ENGINE = MergeTree ORDER BY plate_token", allowed},
		{UserCollector, "CREATE TABLE raw.rejects (device_id String, value String) ENGINE = ReplacingMergeTree ORDER BY device_id", allowed},
		{UserCollector, "INSERT INTO raw.readings (device_id, kind, plate, tag, n) VALUES ('d', 'speed', 'P1', '', 1), ('t', 'toll', '', 'T1', 1)", allowed},
		{UserCollector, "ALTER TABLE raw.readings ADD COLUMN m UInt8", allowed},
		{UserCollector, "CREATE TABLE staging.x (n UInt8) ENGINE = MergeTree ORDER BY n", denied},
		{UserCollector, "DROP DATABASE serving", denied},
		{UserCollector, "CREATE DATABASE live", allowed},
		{UserCollector, "CREATE TABLE live.t (n UInt8) ENGINE = MergeTree ORDER BY n", allowed},
		{UserCollector, "CREATE MATERIALIZED VIEW live.refresh REFRESH EVERY 1 HOUR APPEND TO live.t DEFINER = CURRENT_USER SQL SECURITY DEFINER AS SELECT n FROM raw.readings WHERE plate = ''", allowed},

		{UserDBT, "CREATE DATABASE IF NOT EXISTS staging", allowed},
		{UserDBT, "SELECT device_id, n FROM raw.readings FINAL", allowed},
		{UserDBT, "SELECT count() FROM raw.readings FINAL", allowed},
		{UserDBT, "SELECT plate FROM raw.readings", denied},
		{UserDBT, "SELECT tag FROM raw.readings", denied},
		{UserDBT, "SELECT * FROM raw.readings", denied},
		{UserDBT, "SELECT value FROM raw.rejects", denied},
		{UserDBT, "SELECT device_id FROM raw.rejects", allowed},
		{UserDBT, "SELECT plate_token FROM raw.purges", denied},
		{UserDBT, "INSERT INTO raw.readings (n) VALUES (2)", denied},
		{UserDBT, "CREATE TABLE enforcement.t (n UInt8, token UInt128) ENGINE = MergeTree ORDER BY n", allowed},
		{UserDBT, "CREATE TABLE staging.t (n UInt8) ENGINE = MergeTree ORDER BY n", allowed},
		{UserDBT, "CREATE VIEW staging.v AS SELECT device_id, n FROM raw.readings", allowed},
		{UserDBT, "CREATE VIEW serving.secure DEFINER = CURRENT_USER SQL SECURITY DEFINER AS SELECT device_id, n FROM raw.readings", allowed},
		{UserDBT, "CREATE MATERIALIZED VIEW serving.live REFRESH EVERY 1 HOUR APPEND (n UInt8) ENGINE = MergeTree ORDER BY n AS SELECT n FROM raw.readings", allowed},
		{UserDBT, "CREATE DICTIONARY staging.dict (id UInt64, v String) PRIMARY KEY id SOURCE(NULL()) LAYOUT(FLAT()) LIFETIME(0)", denied},
		{UserDBT, "CREATE TABLE staging.file (l String) ENGINE = File('LineAsString', '/etc/hostname')", denied},
		{UserDBT, "CREATE TABLE staging.merge (n UInt8) ENGINE = Merge('raw', 'readings')", denied},
		{UserDBT, "CREATE TEMPORARY TABLE tmp (n UInt8)", allowed},
		{UserDBT, "SELECT count() FROM system.tables", allowed},
		{UserDBT, "SELECT count() FROM information_schema.tables", allowed},
		{UserDBT, "SELECT * FROM url('http://127.0.0.1:1/', CSV, 'a String')", denied},
		{UserDBT, "SELECT * FROM file('/etc/hostname', CSV, 'a String')", denied},
		{UserDBT, "DROP DATABASE raw", denied},
		{UserDBT, "SELECT n FROM live.t", allowed},
		{UserDBT, "INSERT INTO live.t VALUES (1)", denied},

		{UserPlanner, "SELECT count() FROM serving.secure", allowed},
		{UserPlanner, "SELECT n FROM staging.t", denied},
		{UserPlanner, "SELECT n FROM enforcement.t", denied},
		{UserPlanner, "SELECT n FROM live.t", allowed},
		{UserPlanner, "SELECT n FROM live.refresh", allowed},
		{UserPlanner, "INSERT INTO live.t VALUES (1)", denied},
		{UserPlanner, "SELECT device_id FROM raw.readings", denied},
		{UserPlanner, "SELECT device_id FROM staging.v", denied},
		{UserPlanner, "INSERT INTO staging.t VALUES (1)", denied},
		{UserPlanner, "SELECT 1 SETTINGS max_threads = 2", allowed},
		{UserPlanner, "SELECT 1 SETTINGS max_execution_time = 0", denied},
		{UserPlanner, "SELECT 1 SETTINGS max_memory_usage = 100000000000", denied},
		{UserPlanner, "SELECT * FROM url('http://127.0.0.1:1/', CSV, 'a String')", denied},
		{UserPlanner, "CREATE USER u", denied},

		{UserEnforcement, "SELECT device_id, plate FROM raw.readings", allowed},
		{UserEnforcement, "SELECT n FROM enforcement.t", allowed},
		{UserEnforcement, "SELECT count() FROM serving.secure", allowed},
		{UserEnforcement, "SELECT n FROM staging.t", denied},
		{UserEnforcement, "SELECT tag FROM raw.readings", denied},
		{UserEnforcement, "SELECT persons FROM raw.readings", denied},
		{UserEnforcement, "SELECT plate_token FROM raw.readings", denied},
		{UserEnforcement, "SELECT plate_token FROM raw.purges", denied},
		{UserEnforcement, "SELECT n FROM live.t", allowed},
		{UserEnforcement, "SELECT value FROM raw.rejects", denied},
		{UserEnforcement, "INSERT INTO raw.readings (n) VALUES (2)", denied},

		{UserCollector, "ALTER TABLE enforcement.t UPDATE token = 0 WHERE token IN (SELECT plate_token FROM raw.purges) SETTINGS mutations_sync = 1", allowed},
		{UserCollector, "ALTER TABLE staging.t DELETE WHERE n = 2 SETTINGS mutations_sync = 1", allowed},
		{UserCollector, "INSERT INTO enforcement.t VALUES (1, 1)", denied},
		{UserCollector, "DROP TABLE enforcement.t", denied},

		{UserOperator, "SELECT count() FROM raw.rejects", allowed},
		{UserOperator, "SYSTEM FLUSH LOGS", allowed},
		{UserOperator, "DROP TABLE staging.t SYNC", allowed},
	} {
		conn := dial(t, s, c.user, testPasswords()[c.user])
		err := conn.Exec(ctx, c.query)
		if (err == nil) != c.want {
			t.Errorf("%s: %s: %v", c.user, c.query, err)
		}
		if c.want == denied && err != nil && strings.Contains(err.Error(), "yntax error") {
			t.Errorf("%s: %s: denied for the wrong reason: %v", c.user, c.query, err)
		}
	}
}

// TestEnforcementSeesCamerasOnly: the rows of other instruments are hidden
// from enforcement and from nobody else, under FINAL too.
func TestEnforcementSeesCamerasOnly(t *testing.T) {
	s := start(t, t.TempDir())
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	collector := dial(t, s, UserCollector, testPasswords()[UserCollector])
	for _, q := range []string{
		"CREATE DATABASE raw",
		"CREATE TABLE raw.readings (device_id String, kind Enum8('counter' = 1, 'speed' = 2, 'toll' = 3), plate String) ENGINE = ReplacingMergeTree ORDER BY device_id",
		"INSERT INTO raw.readings VALUES ('c', 'counter', ''), ('v', 'speed', 'P1'), ('t', 'toll', 'P1')",
	} {
		if err := collector.Exec(ctx, q); err != nil {
			t.Fatal(q, err)
		}
	}
	for user, want := range map[string]string{UserEnforcement: "[v]", UserDBT: "[c t v]", UserCollector: "[c t v]", UserOperator: "[c t v]"} {
		for _, q := range []string{
			"SELECT arraySort(groupArray(device_id)) FROM raw.readings",
			"SELECT arraySort(groupArray(device_id)) FROM (SELECT device_id FROM raw.readings SETTINGS final = 1)",
			"SELECT arraySort(groupArray(device_id)) FROM raw.readings PREWHERE device_id != ''",
		} {
			var got []string
			if err := dial(t, s, user, testPasswords()[user]).QueryRow(ctx, q).Scan(&got); err != nil {
				t.Fatal(user, q, err)
			}
			if fmt.Sprint(got) != want {
				t.Errorf("%s: %s: %v, want %s", user, q, got, want)
			}
		}
	}
}

// TestNoFiles: nobody reads a file of the machine by SQL, in either of the
// engine's two analyzers, before and after a restart.
func TestNoFiles(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "canary")
	if err := os.WriteFile(path, []byte("a canary sings"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := start(t, dir)
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	for range 2 {
		for _, user := range append([]string{"default"}, Users...) {
			conn := dial(t, s, user, testPasswords()[user])
			for _, query := range []string{
				"SELECT file('%s')", "SELECT file('%s', 'x')", "SELECT file('%s', NULL)", "SELECT arrayMap(file, ['%s'])", "SELECT arrayMap(x -> file(x), ['%s'])", "SELECT * APPLY(file) FROM (SELECT '%s')",
				"WITH file('%s') AS x SELECT x", "SELECT 1 WHERE file('%s') LIKE 'a%%'", "SELECT * FROM values('a String', file('%s'))", "SELECT * FROM format('LineAsString', file('%s'))",
				"SELECT * FROM file('%s', 'LineAsString')", "SELECT 1 FORMAT Template SETTINGS format_template_row = '%s'", "SELECT 1 FORMAT Template SETTINGS format_template_resultset = '%s'",
				"SELECT 1 FORMAT Protobuf SETTINGS format_schema = '%s:a'", "SELECT 1 SETTINGS input_format_record_errors_file_path = '%s'", "SELECT 1 SETTINGS output_format_schema = '%s'",
			} {
				for _, analyzer := range []string{"", "0", "1"} {
					statement := fmt.Sprintf(query, path)
					if user == UserOperator && strings.Contains(statement, "FROM file(") {
						continue // may do everything
					}
					if analyzer != "" && !strings.Contains(statement, "SETTINGS") {
						statement += " SETTINGS enable_analyzer = " + analyzer
					}
					err := conn.Exec(ctx, statement)
					if err == nil || strings.Contains(err.Error(), "canary sings") {
						t.Errorf("%s may: %s: %v", user, statement, err)
					}
				}
			}
		}
		s.Stop()
		s = start(t, dir)
	}
}

// TestPasswords: no user gets in with a wrong password, and default sees
// nothing.
func TestPasswords(t *testing.T) {
	s := start(t, t.TempDir())
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	for _, u := range Users {
		if err := dial(t, s, u, "wrong").Ping(ctx); err == nil {
			t.Errorf("%s came in with a wrong password", u)
		}
	}
	def := dial(t, s, "default", "")
	for _, q := range []string{"SELECT * FROM system.users", "CREATE DATABASE d", "SELECT * FROM system.tables"} {
		if err := def.Exec(ctx, q); err == nil {
			t.Errorf("default may %s", q)
		}
	}
}
