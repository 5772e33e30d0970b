package querytest

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/gantry-dev/gantry/collector/clickhouse/clickhousetest"
	"github.com/gantry-dev/gantry/collector/query/rows"
)

// Rows that each table is filled with, as far as its grain goes.
const fillRows = 240

// Warehouse is a ClickHouse with the network NetworkName: stations S0 … S3 on
// road M1, the even ones in direction north, the odd ones south, at links L0 …
// L3 between zones Z0 … Z3.
type Warehouse struct {
	*clickhousetest.Server
	t    testing.TB
	conn driver.Conn // as operator
	// Tables that were made.
	Tables []Contract
}

// NetworkName is the network of a Warehouse.
const NetworkName = "test"

// Start makes the tables and fills them.
func Start(t testing.TB) *Warehouse {
	t.Helper()
	w := &Warehouse{Server: clickhousetest.Start(t), t: t, Tables: Contracts(t)}
	w.conn = w.Conn(t, clickhousetest.Operator)
	for _, c := range w.Tables {
		w.Exec(c.create())
		w.Exec(fillStatement(c))
	}
	w.Exec(`TRUNCATE TABLE serving.networks`)
	w.Exec(`INSERT INTO serving.networks VALUES ('` + NetworkName + `', 'Europe/Berlin', '2026-01-01 00:00:00')`)
	for _, table := range []string{"stations", "links", "nodes", "freshness", "station_5m"} {
		w.Exec(`TRUNCATE TABLE serving.` + table)
	}
	w.Exec(`INSERT INTO serving.stations SELECT 'S' || n, 'G' || n, 'M1', if(number % 2 = 0, 'north', 'south'), 'L' || n, number != 3, number != 1,
		number = 0, 1000 * number, 2, 110, 13 + number / 100, 52 FROM (SELECT number, toString(number) AS n FROM numbers(4))`)
	w.Exec(`INSERT INTO serving.links SELECT 'L' || n, 'motorway', 'M1', if(number % 2 = 0, 'north', 'south'), 'Z' || n, 'Z' || toString((number + 1) % 4),
		1000 * number, 1000, 2, 110, [(13 + number / 100, 52.), (13.01 + number / 100, 52.)] FROM (SELECT number, toString(number) AS n FROM numbers(4))`)
	w.Exec(`INSERT INTO serving.nodes SELECT 'Z' || toString(number), true, 13 + number / 100, 52 FROM numbers(4)`)
	w.Exec(`INSERT INTO serving.freshness VALUES ('2026-03-03 00:00:00', '2026-03-01', '2026-03-03', 1, 2, 3, '2026-03-03 00:01:00')`)
	return w
}

// Exec runs a statement as operator.
func (w *Warehouse) Exec(statement string, args ...any) {
	w.t.Helper()
	if err := w.conn.Exec(w.t.Context(), statement, args...); err != nil {
		w.t.Fatalf("%s: %v", statement, err)
	}
}

// Source asks as a user, within limits.
func (w *Warehouse) Source(user string, limits rows.Limits) *rows.Source {
	w.t.Helper()
	s, err := rows.Open(w.Config(user), limits, slog.New(slog.NewTextHandler(w.t.Output(), nil)))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = s.Close() })
	return s
}

// fillStatement inserts rows that differ in their grain: its columns count
// like the digits of a number.
func fillStatement(c Contract) string {
	digit, n := 1, fillRows
	var values []string
	for _, column := range c.Columns {
		value := sample(column, "number")
		if slices.Contains(c.Grain, column.Name) || c.Database == "enforcement" {
			of := distinct(column)
			value = sample(column, fmt.Sprintf("intDiv(number, %d) %% %d", digit, of))
			if digit < fillRows {
				digit *= of
			}
		}
		values = append(values, fmt.Sprintf("CAST(%s AS %s)", value, column.Type))
	}
	if c.Database == "serving" {
		n = min(n, digit)
	}
	return fmt.Sprintf("INSERT INTO %s SELECT %s FROM (SELECT toInt64(number) AS number, cityHash64(number) AS h FROM numbers(%d))", c, strings.Join(values, ", "), n)
}

// distinct is how many values sample has for a column.
func distinct(c Column) int {
	switch {
	case c.Name == "road":
		return 1
	case c.Name == "direction":
		return 2
	case strings.HasPrefix(c.Type, "Date"):
		return 1000
	case strings.HasPrefix(c.Name, "local_hour"), c.Type == "UInt64" || c.Type == "UInt16":
		return 20
	}
	return 4
}

// sample is an expression for a value of the column; n is an expression too,
// and h the row's hash.
func sample(c Column, n string) string {
	base, nullable := strings.CutPrefix(strings.TrimSuffix(c.Type, ")"), "Nullable(")
	value := "h % 200"
	switch {
	case strings.Contains(c.Type, "Array") || strings.Contains(c.Type, "Map"):
		return "[]"
	case c.Name == "verdict":
		value = "['yes', 'no', 'insufficient evidence'][1 + h % 3]"
	case c.Name == "direction":
		value = "['north', 'south'][1 + " + n + " % 2]"
	case c.Name == "road":
		value = "'M1'"
	case strings.HasSuffix(c.Name, "station_id"):
		value = "'S' || toString(" + n + " % 4)"
	case strings.HasSuffix(c.Name, "link_id"):
		value = "'L' || toString(" + n + " % 4)"
	case strings.HasSuffix(c.Name, "_zone") && base == "String":
		value = "'Z' || toString(" + n + " % 4)"
	case strings.Contains(c.Type, "String"):
		// What must be escaped on the way is in it.
		value = "'" + c.Name + ` \'"\\,; ` + "' || toString(" + n + ")"
	case strings.HasPrefix(base, "DateTime"):
		value = "toDateTime('2026-03-02 00:00:00', 'UTC') + 300 * (" + n + ")"
	case base == "Date":
		value = "toDate('2026-03-02') + (" + n + ")"
	case base == "Bool":
		value = "h % 2 = 0"
	case strings.HasPrefix(base, "Float"):
		value = "h % 100000 / 7"
	case strings.HasPrefix(c.Type, "UInt") || strings.HasPrefix(c.Type, "Int"):
		value = "h % 200"
		if n != "number" {
			value = n
		}
	}
	if nullable || strings.Contains(c.Type, "Nullable") {
		return "if(h % 5 = 0, NULL, " + value + ")"
	}
	return value
}
