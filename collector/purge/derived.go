package purge

import (
	"context"
	"errors"
	"fmt"

	chgo "github.com/ClickHouse/clickhouse-go/v2"
)

// column is one that holds tokens, outside of raw.readings and raw.purges.
type column struct {
	database, table, name, kind string
	isKey                       bool
}

// of is the table's quoted name.
func (c column) of() string { return quoted(c.database) + "." + quoted(c.table) }

// quoted is a name as SQL takes it.
func quoted(name string) string { return "`" + name + "`" }

// derived erases from every table made of readings. A token is a UInt128, and
// nothing else of Gantry is, so tables added later are found too.
func (p *purger) derived(ctx context.Context) (uint64, error) {
	columns, err := p.tokenColumns(ctx)
	if err != nil {
		return 0, fmt.Errorf("look for tables with tokens: %w", err)
	}
	var found uint64
	for _, c := range columns {
		n, err := p.eraseColumn(ctx, c)
		if gone(err) {
			found++ // dbt has put another table in its place: look again
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("erase from %s: %w", c.of(), err)
		}
		if n > 0 {
			p.report.Derived[c.database+"."+c.table] += n
		}
		found += n
	}
	return found, nil
}

func (p *purger) tokenColumns(ctx context.Context) ([]column, error) {
	rows, err := p.conn.Query(ctx, `
		SELECT database, table, name, type, is_in_sorting_key OR is_in_partition_key
		FROM system.columns
		WHERE position(type, 'UInt128') > 0
			AND (database, table) NOT IN (('raw', 'readings'), ('raw', 'readings_local'), ('raw', 'purges'))
			AND (database, table) IN (
				SELECT database, name FROM system.tables
				WHERE endsWith(engine, 'MergeTree') AND database NOT IN ('system', 'information_schema', 'INFORMATION_SCHEMA'))
		ORDER BY database, table, position`)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // its error is Err's
	var columns []column
	for rows.Next() {
		var c column
		var isKey uint8
		if err := rows.Scan(&c.database, &c.table, &c.name, &c.kind, &isKey); err != nil {
			return nil, err
		}
		c.isKey = isKey != 0
		columns = append(columns, c)
	}
	return columns, rows.Err()
}

// eraseColumn empties the token where it stands. A key cannot be changed, so
// rows go whole where the token is part of one; dbt makes them anew.
func (p *purger) eraseColumn(ctx context.Context, c column) (uint64, error) {
	empty := map[string]string{"UInt128": "0", "Nullable(UInt128)": "NULL"}[c.kind]
	if empty == "" {
		return 0, fmt.Errorf("column %s holds tokens as %s, in which one cannot be found: keep them in a column of their own", c.name, c.kind)
	}
	where := quoted(c.name) + " " + purged
	n, err := p.count(ctx, "SELECT count() FROM "+c.of()+" WHERE "+where)
	if err != nil || n == 0 {
		return 0, err
	}
	change := fmt.Sprintf("UPDATE %s = %s WHERE %s", quoted(c.name), empty, where)
	if c.isKey {
		change = "DELETE WHERE " + where
	}
	return n, p.conn.Exec(ctx, "ALTER TABLE "+c.of()+" "+change+" SETTINGS mutations_sync = 1")
}

// Codes of ClickHouse for what is not there any more.
const (
	codeNoSuchColumn     = 16
	codeUnknownName      = 47
	codeUnknownTable     = 60
	codeUnknownDatabase  = 81
	codeTableIsDropped   = 218
	codeUnfinishedMutate = 341
)

func gone(err error) bool {
	var exception *chgo.Exception
	if !errors.As(err, &exception) {
		return false
	}
	switch exception.Code {
	case codeNoSuchColumn, codeUnknownName, codeUnknownTable, codeUnknownDatabase, codeTableIsDropped, codeUnfinishedMutate:
		return true
	}
	return false
}
