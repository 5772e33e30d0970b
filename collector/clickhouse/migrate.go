package clickhouse

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// ErrSchema says that the database and this program do not fit together, and trying
// again will not help.
var ErrSchema = errors.New("the schema of ClickHouse does not fit this program")

// migration is one numbered file.
type migration struct {
	version    uint32
	name       string
	checksum   string // SHA-256 of the file, hexadecimal
	statements []string
}

// foundation is what records of migrations need; it never changes. The
// checksum is part of the key, so that two programs that disagree about a
// version both leave their mark.
var foundation = []string{
	"CREATE DATABASE IF NOT EXISTS raw",
	"CREATE DATABASE IF NOT EXISTS staging",
	"CREATE DATABASE IF NOT EXISTS serving",
	"CREATE DATABASE IF NOT EXISTS enforcement",
	`CREATE TABLE IF NOT EXISTS raw.schema_migrations
	(
		version    UInt32,
		checksum   String,
		name       String,
		applied_at DateTime64(3, 'UTC') DEFAULT now64(3)
	)
	ENGINE = ReplacingMergeTree(applied_at)
	ORDER BY (version, checksum)`,
}

// Migrate creates the databases and brings raw to this program's version; an
// error that is ErrSchema will not go away by itself. It may run at any number of collectors at once, and again after a crash in the
// middle.
func Migrate(ctx context.Context, conn driver.Conn) error {
	known, err := loadMigrations(migrationFiles)
	if err != nil {
		return err
	}
	return migrate(ctx, conn, known, func(ctx context.Context, statement string) error { return conn.Exec(ctx, statement) })
}

// migrate notes in conn's raw what exec did.
func migrate(ctx context.Context, conn driver.Conn, known []migration, exec func(context.Context, string) error) error {
	for _, s := range foundation {
		if err := exec(ctx, s); err != nil {
			return fmt.Errorf("migrate ClickHouse: %q: %w", firstLine(s), err)
		}
	}
	applied, err := readApplied(ctx, conn)
	if err != nil {
		return err
	}
	pending, err := plan(known, applied)
	if err != nil {
		return err
	}
	for _, m := range pending {
		for i, s := range m.statements {
			if err := exec(ctx, s); err != nil {
				return fmt.Errorf("migrate ClickHouse: %s, statement %d (%s): %w", m.name, i+1, firstLine(s), err)
			}
		}
		if err := conn.Exec(ctx, "INSERT INTO raw.schema_migrations (version, checksum, name) VALUES (?, ?, ?)",
			m.version, m.checksum, m.name); err != nil {
			return fmt.Errorf("migrate ClickHouse: note that %s was applied: %w", m.name, err)
		}
	}
	return nil
}

// appliedMigration is a row of raw.schema_migrations.
type appliedMigration struct {
	version        uint32
	checksum, name string
}

func readApplied(ctx context.Context, conn driver.Conn) ([]appliedMigration, error) {
	rows, err := conn.Query(ctx, "SELECT DISTINCT version, checksum, name FROM raw.schema_migrations ORDER BY version")
	if err != nil {
		return nil, fmt.Errorf("migrate ClickHouse: read what was applied: %w", err)
	}
	defer rows.Close()
	var out []appliedMigration
	for rows.Next() {
		var a appliedMigration
		if err := rows.Scan(&a.version, &a.checksum, &a.name); err != nil {
			return nil, fmt.Errorf("migrate ClickHouse: read what was applied: %w", err)
		}
		out = append(out, a)
	}
	return out, rows.Err()
}

// plan gives the migrations that remain, or says why there can be no way
// forward.
func plan(known []migration, applied []appliedMigration) ([]migration, error) {
	done := make(map[uint32]bool, len(applied))
	for _, a := range applied {
		if a.version == 0 || int(a.version) > len(known) {
			return nil, fmt.Errorf("%w: the database has migration %d (%s), this program knows %d: run a newer collector, or one against a database of its own", ErrSchema, a.version, a.name, len(known))
		}
		if m := known[a.version-1]; m.checksum != a.checksum {
			return nil, fmt.Errorf("%w: migration %d was applied as %s with SHA-256 %.12s…, this program has %s with %.12s…: an applied migration must not be edited; restore it and add a new one", ErrSchema, a.version, a.name, a.checksum, m.name, m.checksum)
		}
		done[a.version] = true
	}
	var pending []migration
	for _, m := range known {
		if !done[m.version] {
			pending = append(pending, m)
		}
	}
	return pending, nil
}

// loadMigrations reads migrations/NNNN_name.sql, which must be numbered
// without gaps from 1.
func loadMigrations(files fs.FS) ([]migration, error) {
	names, err := fs.Glob(files, "migrations/*.sql") // sorted by name
	if err != nil {
		return nil, err
	}
	var out []migration
	for i, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		base := strings.TrimSuffix(path.Base(name), ".sql")
		number, _, _ := strings.Cut(base, "_")
		version, err := strconv.ParseUint(number, 10, 32)
		if err != nil || len(number) != 4 || int(version) != i+1 {
			return nil, fmt.Errorf("migration file %s: expected number %04d", name, i+1)
		}
		digest := sha256.Sum256(text)
		out = append(out, migration{
			version:    uint32(version),
			name:       base,
			checksum:   hex.EncodeToString(digest[:]),
			statements: splitStatements(string(text)),
		})
	}
	return out, nil
}

func firstLine(s string) string {
	s = strings.TrimSpace(s)
	line, _, _ := strings.Cut(s, "\n")
	return line
}
