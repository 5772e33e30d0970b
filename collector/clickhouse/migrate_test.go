package clickhouse_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/sync/errgroup"

	"github.com/gantry-dev/gantry/collector/clickhouse"
	"github.com/gantry-dev/gantry/collector/clickhouse/clickhousetest"
)

func TestMain(m *testing.M) { clickhousetest.Main(m) }

func file(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }

func TestMigrateTwice(t *testing.T) {
	s := clickhousetest.Start(t) // migrates
	conn := s.Conn(t, clickhousetest.Collector)
	if err := clickhouse.Migrate(t.Context(), conn); err != nil {
		t.Fatal("second time:", err)
	}
	// As after a crash between the statements and the note.
	if err := conn.Exec(t.Context(), clickhouse.ForgetMigrations); err != nil {
		t.Fatal(err)
	}
	if err := clickhouse.Migrate(t.Context(), conn); err != nil {
		t.Fatal("a statement does not run twice:", err)
	}
	if n := s.Count(t, "SELECT count() FROM system.tables WHERE database = 'raw'"); n < 8 {
		t.Errorf("raw has %d tables", n)
	}
}

func TestMigrateAtOnce(t *testing.T) {
	s := clickhousetest.Start(t)
	operator := s.Conn(t, clickhousetest.Operator)
	for range 5 {
		if err := operator.Exec(t.Context(), "DROP DATABASE raw SYNC"); err != nil {
			t.Fatal(err)
		}
		var g errgroup.Group
		for range 4 {
			conn := s.Conn(t, clickhousetest.Collector)
			g.Go(func() error { return clickhouse.Migrate(t.Context(), conn) })
		}
		if err := g.Wait(); err != nil {
			t.Fatal(err)
		}
	}
	if s.Count(t, "SELECT toUInt64(count() > 0 AND count() = uniqExact(version)) FROM raw.schema_migrations FINAL") != 1 {
		t.Error("there is not one note of each migration")
	}
}

func TestMigrateForwardOnly(t *testing.T) {
	s := clickhousetest.Start(t)
	conn := s.Conn(t, clickhousetest.Collector)
	if err := conn.Exec(t.Context(), clickhouse.ForgetMigrations); err != nil {
		t.Fatal(err)
	}
	one := fstest.MapFS{"migrations/0001_a.sql": file("CREATE TABLE IF NOT EXISTS raw.a (n UInt8) ENGINE = MergeTree ORDER BY n")}
	two := fstest.MapFS{"migrations/0001_a.sql": one["migrations/0001_a.sql"], "migrations/0002_b.sql": file("ALTER TABLE raw.a ADD COLUMN IF NOT EXISTS m UInt8")}
	edited := fstest.MapFS{"migrations/0001_a.sql": file("-- edited\nSELECT 1"), "migrations/0002_b.sql": two["migrations/0002_b.sql"]}
	for _, files := range []fstest.MapFS{one, two} {
		if err := clickhouse.MigrateFS(t.Context(), conn, files); err != nil {
			t.Fatal(err)
		}
	}
	if n := s.Count(t, "SELECT count() FROM system.columns WHERE database = 'raw' AND table = 'a'"); n != 2 {
		t.Errorf("raw.a has %d columns, want 2", n)
	}
	for want, files := range map[string]fstest.MapFS{
		"run a newer collector":                     one,
		"must not be edited":                        edited,
		"expected number 0001":                      {"migrations/0002_b.sql": file("SELECT 1")},
		"0003_c, statement 2 (SELECT no_such_thing": {"migrations/0001_a.sql": two["migrations/0001_a.sql"], "migrations/0002_b.sql": two["migrations/0002_b.sql"], "migrations/0003_c.sql": file("SELECT 1; SELECT no_such_thing")},
	} {
		err := clickhouse.MigrateFS(t.Context(), conn, files)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, have %v", want, err)
		}
	}
}

func TestSplitStatements(t *testing.T) {
	for sql, want := range map[string][]string{
		"":                                   nil,
		"-- only; a comment\n":               nil,
		"a; b":                               {"a", "b"},
		"a;\n-- c; d\nb;":                    {"a", "-- c; d\nb"},
		"a 'x;y''z;' b; c":                   {"a 'x;y''z;' b", "c"},
		`a 'it\';s'; b`:                      {`a 'it\';s'`, "b"},
		"a /* ; */ b; /* end; */":            {"a /* ; */ b"},
		"a `q;` \"r;\"; b 'open; to the end": {"a `q;` \"r;\"", "b 'open; to the end"},
		"; ;; a;;":                           {"a"},
	} {
		if got := clickhouse.SplitStatements(sql); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", sql, got, want)
		}
	}
}

// TestDown: a server that is away gives an error that names it.
func TestDown(t *testing.T) {
	cfg := clickhouse.DefaultConfig("127.0.0.1:1", "collector", "p")
	_, err := clickhouse.Dial(t.Context(), cfg)
	if err == nil || !strings.Contains(err.Error(), cfg.Addr) {
		t.Error(err)
	}
	conn, err := clickhouse.Open(cfg)
	if err := errors.Join(err, clickhouse.Migrate(t.Context(), conn)); err == nil {
		t.Error("migrated nothing")
	}
}
