package dbt_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/gantry-dev/gantry/collector/clickhouse/clickhousetest"
	"github.com/gantry-dev/gantry/collector/platekey"
)

// secret is the plate, tag and token that nobody may read; two vehicles of
// drivePast, one seen by cameras and one by the toll gantry.
const (
	secretPlate = "PLT0048"
	secretTag   = "TAG0048"
)

// secrets are what to look for in all that comes back: kinds that dbt may know
// come last.
func secrets() (personal, tokens []clickhousetest.Needle) {
	key := platekey.New([16]byte([]byte(plateKey)))
	personal = []clickhousetest.Needle{
		clickhousetest.TextNeedle("plate", secretPlate), clickhousetest.TextNeedle("tag", secretTag),
		clickhousetest.TextNeedle("key", plateKey), clickhousetest.TextNeedle("key in digits", hex.EncodeToString([]byte(plateKey))),
	}
	tokens = []clickhousetest.Needle{
		clickhousetest.TokenNeedle("plate's token", key.Token(secretPlate, "")),
		clickhousetest.TokenNeedle("tag's token", key.Token("", secretTag)),
	}
	return personal, tokens
}

// TestSecretsStaySecret tries to get a plate, a tag, a token and the key as
// planner, and a plate, a tag and the key as dbt, by every way that ClickHouse
// has. It walks the system's own lists of tables, table functions and formats,
// so that what is added later is tried too.
func TestSecretsStaySecret(t *testing.T) {
	if testing.Short() {
		t.Skip("builds with dbt")
	}
	w := newWarehouse(t, t.TempDir())
	// An engine that was asked all this has crashed long afterwards: the next
	// test gets another.
	t.Cleanup(w.server.Kill)
	w.drivePast(200)
	w.insert("1")
	w.exec(`INSERT INTO raw.rejects (device_id, epoch, seq, code, value) VALUES ('V1', 1, 1, 'REJECT_CODE_MALFORMED', ?)`, "a "+secretPlate+" "+secretTag)
	w.exec(`INSERT INTO raw.purges (plate_token, reason, who) SELECT plate_token, 'r', 'w' FROM raw.readings WHERE plate = ?`, secretPlate)
	w.exec(`DROP TABLE raw.emitted`)
	w.dbt("build", "--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")
	// Any file of this machine will do, such as the key's.
	if err := os.WriteFile(filepath.Join(w.server.Dir(), "canary"), []byte(secretPlate+"\n"+secretTag+"\n"+plateKey+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	personal, tokens := secrets()
	all := slices.Concat(personal, tokens)

	t.Run("the search finds what is there", func(t *testing.T) { w.whereSecretsAre(t, all) })
	lists := w.engineLists()
	for _, f := range []*thief{
		{w: w, user: clickhousetest.Planner, needles: all},
		{w: w, user: clickhousetest.DBT, needles: personal},
		// Enforcement may see what cameras read, and neither tags nor the key.
		{w: w, user: clickhousetest.Enforcement, needles: slices.Concat(personal[1:], tokens[1:])},
	} {
		t.Run(f.user, func(t *testing.T) {
			if f.user == clickhousetest.Enforcement && os.Getenv("GANTRY_LONG") == "" {
				t.Skip("takes a minute and a half, and is the planner's walk but for what cameras read: make test-long walks it")
			}
			g := *f
			g.w, g.lists = &warehouse{t: t, server: w.server, conn: w.conn, today: w.today}, lists
			g.everyTable()
			g.everyTableFunction()
			if g.user != clickhousetest.Enforcement { // has the planner's profile
				g.everyFunction()
				g.everySetting()
			}
			g.everyTrick()
			if g.user == clickhousetest.DBT {
				g.everyObject()
			} else {
				g.everyWrite()
			}
			g.try("SELECT 1", nil) // for those who come after
			t.Logf("%d statements, %d of them allowed, %d crashes", g.tried, g.allowed, g.crashes)
			if g.tried < 500 || g.allowed < 50 {
				t.Error("too few: the walk has gone wrong")
			}
		})
	}
	t.Run("over the native port", func(t *testing.T) { w.overNative(t, all) })
	t.Run("nobody else is named", func(t *testing.T) { w.serving(t) })
}

// whereSecretsAre holds where the secrets stand as operator, whom nothing is
// denied: the key nowhere.
func (w *warehouse) whereSecretsAre(t *testing.T, needles []clickhousetest.Needle) {
	found := w.server.Search(t, needles)
	for name, want := range map[string]string{
		"plate": "raw.readings", "tag": "raw.readings", "plate's token": "enforcement.violations", "tag's token": "raw.readings",
	} {
		if !slices.Contains(found[name], want) {
			t.Errorf("the %s is not found in %s: the search is blind", name, want)
		}
	}
	for name, tables := range found {
		for _, table := range tables {
			database, _, _ := strings.Cut(table, ".")
			switch {
			case strings.HasPrefix(name, "key"), database == "serving", database == "live", database == "system", database == "default":
				t.Errorf("the %s is in %s", name, table)
			case (name == "plate" || name == "tag") && table != "raw.readings" && table != "raw.rejects":
				t.Errorf("the %s is in %s", name, table)
			}
		}
	}
	// And a thief's own eyes find it where it may be read.
	f := &thief{w: &warehouse{t: t, server: w.server}, user: clickhousetest.Enforcement}
	for _, format := range []string{"TabSeparated", "JSON", "RowBinary", "Native", "Pretty", "Parquet"} {
		_, answer := f.try("SELECT plate FROM raw.readings FORMAT "+format+" SETTINGS output_format_parquet_compression_method = 'none'", nil)
		if !slices.Contains(clickhousetest.Find(answer, needles), "plate") {
			t.Errorf("the plate is not found in format %s: the search is blind", format)
		}
	}
}

// everyTable reads each table and view of each database in every way that says
// something of its contents.
func (f *thief) everyTable() {
	f.w.t.Helper()
	for _, table := range f.lists.tables {
		if table.Database == "system" && slices.Contains(clickhousetest.Unread, table.Name) {
			continue
		}
		name := table.String()
		f.try("SELECT * FROM "+name+" LIMIT 1000000 FORMAT RowBinary", nil)
		f.try("SELECT * FROM "+name+" LIMIT 1000000 FORMAT JSONEachRow", nil)
		f.try("SHOW CREATE TABLE "+name, nil)
		f.try("DESCRIBE TABLE "+name+" SETTINGS describe_include_subcolumns = 1", nil)
		if table.Database == "system" {
			continue
		}
		for _, statement := range []string{
			"SELECT * FROM %s FINAL", "SELECT COLUMNS('.*') FROM %s", "SELECT * EXCEPT inserted_at FROM %s", "SELECT count() FROM %s",
			"SELECT 1 FROM %s", "TABLE %s", "CHECK TABLE %s", "EXPLAIN indexes = 1 SELECT * FROM %s", "EXPLAIN ESTIMATE SELECT * FROM %s",
			"EXPLAIN PIPELINE SELECT * FROM %s", "EXPLAIN SYNTAX SELECT * FROM %s", "EXPLAIN QUERY TREE SELECT * FROM %s",
			"SHOW COLUMNS FROM %s", "SHOW INDEX FROM %s", "SELECT * FROM merge({db}, {table})", "SELECT * FROM loop(%s) LIMIT 10",
			"SELECT * FROM mergeTreeIndex({db}, {table}, with_marks = true)", "SELECT * FROM mergeTreeIndex({db}, {table}, with_minmax = true)",
			"SELECT * FROM mergeTreeParts({db}, {table})", "SELECT * FROM viewExplain('EXPLAIN', '', (SELECT * FROM %s))",
			"SELECT * FROM view(SELECT * FROM %s)", "WITH x AS (SELECT * FROM %s) SELECT * FROM x", "SELECT (SELECT groupArray(tuple(*)) FROM %s)",
			"SELECT 1 WHERE 1 IN (SELECT 1 FROM %s)", "SELECT * FROM system.one AS a JOIN %s AS b ON 1 = 1",
			"SELECT hasColumnInTable({db}, {table}, 'plate')", "SELECT joinGet('%s', 'plate', 'V1')", "SELECT dictGet('%s', 'plate', toUInt64(1))",
			"SELECT * FROM dictionary('%s')", "SELECT * FROM %s INTO OUTFILE '/tmp/out.tsv'", "EXISTS TABLE %s",
		} {
			statement = strings.NewReplacer("%s", name, "{db}", "'"+table.Database+"'", "{table}", "'"+table.Name+"'").Replace(statement)
			f.try(statement, nil)
		}
	}
}

// everyTableFunction calls each table function that the engine lists, with
// arguments of every shape that could lead to raw.readings or to a file.
func (f *thief) everyTableFunction() {
	f.w.t.Helper()
	canary := filepath.Join(f.w.server.Dir(), "canary")
	tcp, http := f.w.server.TCPAddr(), f.w.server.HTTPAddr()
	for _, function := range f.lists.tableFunctions {
		for _, arguments := range []string{
			"", "raw.readings", "'raw', 'readings'", "raw, readings", "'raw.readings'", "'^raw$', '^readings$'", "REGEXP('.*'), '.*'", "default, raw.readings", "'default', 'raw', 'readings'",
			"'" + tcp + "', raw.readings", "'" + tcp + "', raw.readings, 'default', ''", "'" + tcp + "', 'raw', 'readings', 'operator', ''",
			"'http://" + http + "/?query=SELECT+plate+FROM+raw.readings', 'LineAsString', 'line String'", "'file://" + canary + "', 'LineAsString', 'line String'",
			"'" + canary + "', 'LineAsString', 'line String'", "'" + canary + "*', 'RawBLOB', 'line String'", "'cat', 'LineAsString', 'line String'", "'cat " + canary + "', 'LineAsString', 'line String'", "'" + canary + "'", "'" + canary + "', 'x'",
			"SELECT plate FROM raw.readings", "(SELECT plate FROM raw.readings)", "'plate String'", "'127.0.0.1', 'raw', 'readings', 'operator', 'x'",
		} {
			f.try("SELECT * FROM "+function+"("+arguments+") LIMIT 1000", nil)
		}
	}
}

// everyFunction calls each function that the engine lists with a file's path.
func (f *thief) everyFunction() {
	f.w.t.Helper()
	canary := "'" + filepath.Join(f.w.server.Dir(), "canary") + "'"
	for _, function := range f.lists.functions {
		for _, arguments := range []string{"", canary, canary + ", 'x'", canary + ", NULL", canary + ", 1", "'x', " + canary, canary + ", 'line String', 1"} {
			f.try("SELECT `"+function+"`("+arguments+") FORMAT RowBinary", nil)
		}
		f.try("SELECT arrayMap(`"+function+"`, ["+canary+"])", nil)
		f.try("SELECT * APPLY(`"+function+"`) FROM (SELECT "+canary+")", nil)
	}
}

// everySetting gives each setting of text a file's path, with formats that may
// look into it.
func (f *thief) everySetting() {
	f.w.t.Helper()
	canary := filepath.Join(f.w.server.Dir(), "canary")
	for _, setting := range f.lists.settings {
		for _, format := range []string{"Template", "Protobuf", "TSV"} {
			for _, value := range []string{canary, canary + ":Message"} {
				f.try("SELECT 1 AS a FORMAT "+format+" SETTINGS "+setting+" = '"+value+"'", nil)
			}
		}
	}
}

// everyTrick is what is none of the above: ways around rights to columns,
// errors that quote values, the server's memory of others' statements, its
// files, and the interface's own parameters.
func (f *thief) everyTrick() {
	f.w.t.Helper()
	secret := "plate"
	if f.user == clickhousetest.Enforcement {
		secret = "tag"
	}
	for _, statement := range []string{
		"SELECT {p} FROM raw.readings", "SELECT * FROM raw.readings", "SELECT max({p}) FROM raw.readings", "SELECT groupArray({p}) FROM raw.readings",
		"SELECT count() FROM raw.readings WHERE {p} LIKE 'P%'", "SELECT count() FROM raw.readings PREWHERE {p} LIKE 'P%'", "SELECT seq FROM raw.readings ORDER BY {p}",
		"SELECT count() FROM raw.readings GROUP BY {p}", "SELECT seq FROM raw.readings LIMIT 1 BY {p}", "SELECT seq FROM raw.readings QUALIFY row_number() OVER (ORDER BY {p}) = 1",
		"SELECT a.seq FROM raw.readings AS a JOIN raw.readings AS b ON a.{p} = b.{p}", "SELECT a.seq FROM raw.readings AS a JOIN raw.readings AS b USING ({p})", "SELECT x FROM (SELECT {p} AS x FROM raw.readings)",
		"SELECT seq, (SELECT any({p}) FROM raw.readings) FROM raw.readings", "SELECT raw.readings.{p} FROM raw.readings", "SELECT `{p}` FROM raw.readings", "SELECT {p}.size FROM raw.readings", "SELECT {p}.size0 FROM raw.readings",
		"SELECT COLUMNS('{p}') FROM raw.readings", "SELECT * APPLY(toString) FROM raw.readings", "SELECT toUInt8({p}) FROM raw.readings", "SELECT throwIf(1, {p}) FROM raw.readings", "SELECT CAST({p} AS Enum8('a' = 1)) FROM raw.readings",
		"SELECT sleepEachRow(length({p})) FROM raw.readings", "SELECT {p} FROM raw.readings SAMPLE 1", "SELECT seq FROM raw.readings ARRAY JOIN [{p}] AS x", "SELECT value FROM raw.rejects", "SELECT count() FROM raw.rejects WHERE value != ''",
		"SELECT plate_token FROM raw.purges", "SELECT reason FROM raw.purges", "SELECT 1 FROM raw.readings WHERE {p} = getSetting('max_threads')::String", "WITH {p} AS x SELECT x FROM raw.readings",
		"SELECT seq FROM raw.readings SETTINGS additional_table_filters = {'raw.readings': '{p} > 0'}", "SELECT {p} FROM raw.readings SETTINGS additional_table_filters = {'raw.readings': '1'}",
		"EXPLAIN SELECT {p} FROM raw.readings", "EXPLAIN indexes = 1, actions = 1 SELECT seq FROM raw.readings WHERE {p} = 'x'", "SELECT {p} FROM merge('raw', 'read.*')", "SELECT {p} FROM merge('read.*')",
		"SELECT _part, {p} FROM raw.readings", "SELECT {p} FROM remote('" + f.w.server.TCPAddr() + "', raw.readings)", "SELECT {p} FROM cluster('default', raw.readings)", "SELECT {p} FROM clusterAllReplicas('default', 'raw', 'readings')",
	} {
		f.denied(strings.ReplaceAll(statement, "{p}", secret))
	}
	dir := f.w.server.Dir()
	for _, statement := range []string{
		"SELECT file('" + dir + "/canary')", "SELECT file('/proc/self/environ')", "SELECT * FROM file('" + dir + "/canary', 'LineAsString', 'l String')", "SELECT catboostEvaluate('/etc/passwd', 1)",
		"SET readonly = 0", "SET allow_introspection_functions = 1, readonly = 0", "SELECT 1 SETTINGS readonly = 0", "SET ROLE ALL", "EXECUTE AS operator SELECT 1", "SET max_memory_usage = 99999999999",
		"SELECT * FROM system.query_log", "SELECT * FROM system.text_log", "SELECT * FROM system.users", "SELECT * FROM system.grants",
		"CREATE USER thief", "GRANT SELECT ON raw.* TO planner", "CREATE ROW POLICY p ON raw.readings USING 1 TO ALL", "SYSTEM FLUSH LOGS", "BACKUP TABLE raw.readings TO Null", "BACKUP TABLE raw.readings TO File('/tmp/b')",
		"CREATE FUNCTION steal AS () -> (SELECT any(plate) FROM raw.readings)", "CREATE NAMED COLLECTION c AS a = 1", "ATTACH TABLE raw.readings2 FROM '/x' (a Int8) ENGINE = MergeTree ORDER BY a",
		"RENAME TABLE raw.readings TO serving.readings", "EXCHANGE TABLES raw.readings AND serving.station_flow_5m",
		// An answer that says nothing of the file that was read for it, and where
		// the engine keeps what it found there.
		"SELECT naiveBayesClassifier('" + dir + "/canary', 'x')", "SELECT * FROM system.errors",
	} {
		ok, answer := f.try(statement, nil)
		if dbtMay := f.user == clickhousetest.DBT && (strings.HasPrefix(statement, "SET ") || strings.Contains(statement, "SETTINGS") || strings.Contains(statement, "FROM system.") && !strings.HasSuffix(statement, ".errors")); ok && !dbtMay && !strings.HasPrefix(statement, "SET ROLE") {
			f.w.t.Errorf("%s may: %s: %.200s", f.user, statement, answer)
		}
	}
	for _, parameters := range []url.Values{
		{"database": {"raw"}}, {"database": {"raw"}, "default_format": {"RowBinary"}}, {"database": {"raw"}, "user": {"operator"}}, {"database": {"raw"}, "role": {"operator"}},
		{"database": {"raw"}, "readonly": {"0"}}, {"database": {"raw"}, "query_id": {"x"}, "session_id": {"s"}}, {"database": {"raw"}, "add_http_cors_header": {"1"}, "log_queries": {"1"}, "send_logs_level": {"trace"}},
		{"database": {"raw"}, "enable_http_compression": {"0"}, "wait_end_of_query": {"1"}, "http_write_exception_in_output_format": {"1"}}, {"database": {"raw"}, "allow_experimental_analyzer": {"0"}, "enable_analyzer": {"0"}},
		{"database": {"raw"}, "param_p": {secret}}, {"database": {"raw"}, "profile": {"writer"}}, {"database": {"raw"}, "stacktrace": {"1"}}, {"database": {"raw"}, "quota_key": {"operator"}},
	} {
		for _, statement := range []string{"SELECT " + secret + " FROM readings", "SELECT * FROM readings", "SELECT {p:Identifier} FROM readings", "SELECT value FROM rejects"} {
			if ok, _ := f.try(statement, parameters); ok {
				f.w.t.Errorf("%s may with %v: %s", f.user, parameters, statement)
			}
		}
	}
}

// everyWrite: who reads cannot write, so that nothing can be laid out that
// reads for him.
func (f *thief) everyWrite() {
	f.w.t.Helper()
	for _, statement := range []string{
		"CREATE TABLE serving.x ENGINE = MergeTree ORDER BY () AS SELECT 1", "CREATE VIEW serving.x AS SELECT 1 AS n", "CREATE TEMPORARY TABLE x (n Int8)", "CREATE DATABASE thief", "INSERT INTO raw.readings (seq) VALUES (1)",
		"INSERT INTO FUNCTION file('/tmp/x') SELECT 1", "INSERT INTO FUNCTION remote('127.0.0.1', raw.readings) SELECT 1", "ALTER TABLE raw.readings UPDATE plate = '' WHERE 1", "DELETE FROM raw.readings WHERE 1", "DROP TABLE serving.station_flow_5m",
		"TRUNCATE TABLE raw.readings", "CREATE DICTIONARY serving.d (id UInt64, plate String) PRIMARY KEY id SOURCE(CLICKHOUSE(DB 'raw' TABLE 'readings')) LAYOUT(FLAT()) LIFETIME(0)", "OPTIMIZE TABLE raw.readings",
	} {
		f.denied(statement)
	}
}

// list gives the names that a query of operator's finds.
func (w *warehouse) list(query string) (names []string) {
	w.t.Helper()
	rows, err := w.conn.Query(w.t.Context(), query)
	if err != nil {
		w.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			w.t.Fatal(err)
		}
		names = append(names, name)
	}
	if err := rows.Err(); err != nil {
		w.t.Fatal(err)
	}
	return names
}

// overNative asks the same of the native protocol, which has errors, logs and
// totals of its own.
func (w *warehouse) overNative(t *testing.T, needles []clickhousetest.Needle) {
	for _, statement := range []string{
		"SELECT plate FROM raw.readings", "SELECT toString(plate_token) FROM raw.readings", "SELECT toString(tag) FROM raw.readings WITH TOTALS", "SELECT toString(plate_token) FROM staging.stg_speed_readings",
		"SELECT toString(plate_token) FROM enforcement.violations", "SELECT create_table_query FROM system.tables", "SELECT query FROM system.processes", "SELECT toString(plate_token) FROM raw.purges",
		"SELECT value FROM raw.rejects SETTINGS send_logs_level = 'trace'", "SELECT plate FROM raw.readings SETTINGS readonly = 0",
	} {
		rows, err := w.server.Conn(t, clickhousetest.Planner).Query(t.Context(), statement)
		text := fmt.Sprint(err)
		var exception *clickhouse.Exception
		if errors.As(err, &exception) {
			text += exception.StackTrace
		}
		for err == nil && rows.Next() {
			var value string
			if err := rows.Scan(&value); err != nil {
				t.Fatal(statement, err)
			}
			text += value
		}
		if found := clickhousetest.Find([]byte(text), needles); len(found) > 0 {
			t.Errorf("planner gets the %s by: %s", found, statement)
		}
		if err == nil && !strings.Contains(statement, "system.") {
			t.Errorf("planner may: %s", statement)
		}
	}
}

// serving holds that no column of what planners read is made for tokens.
func (w *warehouse) serving(t *testing.T) {
	found := w.list("SELECT concat(database, '.', table, '.', name) FROM system.columns WHERE database IN ('serving', 'live') AND (position(type, 'UInt128') > 0 OR match(name, '(?i)plate|token|tag'))")
	if len(found) > 0 {
		t.Errorf("planners read %v", found)
	}
}
