package clickhouselocal

import (
	"context"
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
		{UserCollector, "CREATE TABLE raw.readings (device_id String, plate String, tag String, n UInt8) ENGINE = ReplacingMergeTree ORDER BY device_id", allowed},
		{UserCollector, "CREATE TABLE raw.rejects (device_id String, value String) ENGINE = ReplacingMergeTree ORDER BY device_id", allowed},
		{UserCollector, "INSERT INTO raw.readings VALUES ('d', 'P1', 'T1', 1)", allowed},
		{UserCollector, "ALTER TABLE raw.readings ADD COLUMN m UInt8", allowed},
		{UserCollector, "CREATE TABLE staging.x (n UInt8) ENGINE = MergeTree ORDER BY n", denied},
		{UserCollector, "DROP DATABASE serving", denied},

		{UserDBT, "CREATE DATABASE IF NOT EXISTS staging", allowed},
		{UserDBT, "SELECT device_id, n FROM raw.readings FINAL", allowed},
		{UserDBT, "SELECT count() FROM raw.readings FINAL", allowed},
		{UserDBT, "SELECT plate FROM raw.readings", denied},
		{UserDBT, "SELECT tag FROM raw.readings", denied},
		{UserDBT, "SELECT * FROM raw.readings", denied},
		{UserDBT, "SELECT value FROM raw.rejects", denied},
		{UserDBT, "SELECT device_id FROM raw.rejects", allowed},
		{UserDBT, "INSERT INTO raw.readings (n) VALUES (2)", denied},
		{UserDBT, "CREATE TABLE staging.t (n UInt8) ENGINE = MergeTree ORDER BY n", allowed},
		{UserDBT, "CREATE VIEW staging.v AS SELECT device_id, n FROM raw.readings", allowed},
		{UserDBT, "CREATE VIEW serving.secure DEFINER = CURRENT_USER SQL SECURITY DEFINER AS SELECT device_id, n FROM raw.readings", allowed},
		{UserDBT, "CREATE MATERIALIZED VIEW serving.live REFRESH EVERY 1 HOUR APPEND (n UInt8) ENGINE = MergeTree ORDER BY n AS SELECT n FROM raw.readings", allowed},
		{UserDBT, "CREATE DICTIONARY staging.dict (id UInt64, v String) PRIMARY KEY id SOURCE(NULL()) LAYOUT(FLAT()) LIFETIME(0)", allowed},
		{UserDBT, "CREATE TEMPORARY TABLE tmp (n UInt8)", allowed},
		{UserDBT, "SELECT count() FROM system.tables", allowed},
		{UserDBT, "SELECT count() FROM information_schema.tables", allowed},
		{UserDBT, "SELECT * FROM url('http://127.0.0.1:1/', CSV, 'a String')", denied},
		{UserDBT, "SELECT * FROM file('/etc/hostname', CSV, 'a String')", denied},
		{UserDBT, "DROP DATABASE raw", denied},

		{UserPlanner, "SELECT count() FROM serving.secure", allowed},
		{UserPlanner, "SELECT n FROM staging.t", allowed},
		{UserPlanner, "SELECT device_id FROM raw.readings", denied},
		{UserPlanner, "SELECT device_id FROM staging.v", denied},
		{UserPlanner, "INSERT INTO staging.t VALUES (1)", denied},
		{UserPlanner, "SELECT 1 SETTINGS max_threads = 2", allowed},
		{UserPlanner, "SELECT 1 SETTINGS max_execution_time = 0", denied},
		{UserPlanner, "SELECT 1 SETTINGS max_memory_usage = 100000000000", denied},
		{UserPlanner, "SELECT * FROM url('http://127.0.0.1:1/', CSV, 'a String')", denied},
		{UserPlanner, "CREATE USER u", denied},

		{UserEnforcement, "SELECT plate FROM raw.readings", allowed},
		{UserEnforcement, "SELECT value FROM raw.rejects", denied},
		{UserEnforcement, "INSERT INTO raw.readings (n) VALUES (2)", denied},

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
