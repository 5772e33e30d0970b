package rows

import (
	"context"
	"log/slog"
	"time"

	chgo "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/gantry-dev/gantry/collector/clickhouse"
)

// Limits bound one query.
type Limits struct {
	// Rows and Bytes of a result.
	Rows, Bytes uint64
	// ReadBytes is what the server may read for it.
	ReadBytes uint64
	// Time that it may take.
	Time time.Duration
}

// DefaultLimits are well above what 28 days of a network of a hundred stations
// need.
func DefaultLimits() Limits {
	return Limits{Rows: 500_000, Bytes: 256 << 20, ReadBytes: 4 << 30, Time: 15 * time.Second}
}

// Source is a ClickHouse account to ask, safe for concurrent use.
type Source struct {
	conn   driver.Conn
	limits Limits
	log    *slog.Logger
}

// Open makes a source; a server that is down is no error yet. log gets what is
// wrong with statements, which a caller is not told.
func Open(cfg clickhouse.Config, limits Limits, log *slog.Logger) (*Source, error) {
	conn, err := clickhouse.Open(cfg)
	if err != nil {
		return nil, err
	}
	return &Source{conn: conn, limits: limits, log: log.With("clickhouse_user", cfg.User)}, nil
}

// Close lets go of the connections.
func (s *Source) Close() error { return s.conn.Close() }

// Arg is the value of the parameter {name:Type} of a statement.
func Arg(name string, value any) any { return chgo.Named(name, value) }

// bound puts the limits on ctx. The server ends the query at Time, the client a
// little later, should the server not answer at all.
func (s *Source) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, s.limits.Time+2*time.Second)
	return chgo.Context(ctx, chgo.WithSettings(chgo.Settings{
		"max_execution_time":    int(s.limits.Time.Seconds()),
		"timeout_overflow_mode": "throw",
		"max_result_rows":       s.limits.Rows,
		"max_result_bytes":      s.limits.Bytes,
		"result_overflow_mode":  "throw",
		"max_bytes_to_read":     s.limits.ReadBytes,
		"read_overflow_mode":    "throw",
		// A missing row of a join is a default, as in the models.
		"join_use_nulls": 0,
	})), cancel
}

// Each runs a statement and calls row after each row was scanned into dest.
func (s *Source) Each(ctx context.Context, statement string, args []any, dest []any, row func() error) error {
	ctx, cancel := s.bound(ctx)
	defer cancel()
	found, err := s.conn.Query(ctx, statement, args...)
	if err != nil {
		return s.told(ctx, err)
	}
	defer func() { _ = found.Close() }()
	for found.Next() {
		if err := found.Scan(dest...); err != nil {
			return s.told(ctx, err)
		}
		if err := row(); err != nil {
			return err
		}
	}
	return s.told(ctx, found.Err())
}

// One scans the first row into dest; found is false when there is none.
func (s *Source) One(ctx context.Context, statement string, args []any, dest ...any) (found bool, err error) {
	err = s.Each(ctx, statement, args, dest, func() error {
		found = true
		return nil
	})
	return found, err
}
