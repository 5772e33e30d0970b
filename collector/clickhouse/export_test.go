package clickhouse

import (
	"context"
	"io/fs"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// MigrateFS is Migrate with other files.
func MigrateFS(ctx context.Context, conn driver.Conn, files fs.FS) error {
	known, err := loadMigrations(files)
	if err != nil {
		return err
	}
	return migrate(ctx, conn, known)
}

// ForgetMigrations is what a crash before the note leaves behind.
const ForgetMigrations = "TRUNCATE TABLE raw.schema_migrations"

// SplitStatements is splitStatements.
func SplitStatements(sql string) []string { return splitStatements(sql) }
