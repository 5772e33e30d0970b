package clickhouse

import (
	"context"
	"io/fs"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// MigrateFS is Migrate with other files.
func MigrateFS(ctx context.Context, conn driver.Conn, files fs.FS) error {
	known, err := loadMigrations(files)
	if err != nil {
		return err
	}
	return migrate(ctx, conn, known, func(ctx context.Context, statement string) error { return conn.Exec(ctx, statement) })
}

// ForgetMigrations is what a crash before the note leaves behind.
const ForgetMigrations = "TRUNCATE TABLE raw.schema_migrations"

// SplitStatements is splitStatements.
func SplitStatements(sql string) []string { return splitStatements(sql) }

// Spread gives where and what a statement becomes on a cluster.
func Spread(l Layout, statement string) []string {
	var out []string
	for _, s := range l.spread(statement) {
		out = append(out, [...]string{"home: ", "homes: ", "servers: "}[s.reach]+s.text)
	}
	return out
}

// Statements are all of the migrations, those before them included.
func Statements(t testing.TB) []string {
	t.Helper()
	known, err := loadMigrations(migrationFiles)
	if err != nil {
		t.Fatal(err)
	}
	out := foundation
	for _, m := range known {
		out = append(out, m.statements...)
	}
	return out
}
