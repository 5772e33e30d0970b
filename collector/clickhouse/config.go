package clickhouse

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/ClickHouse/ch-go"
	chgo "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/gantry-dev/gantry/proto/transport"
)

// Config says how to reach ClickHouse. Take DefaultConfig and change what
// differs.
type Config struct {
	// Addr is host:port of the native protocol.
	Addr string
	// User and Password of the ClickHouse account.
	User, Password string
	// TLS makes connections; nil leaves them in the clear.
	TLS *transport.TLS
	// Layout is one server or a cluster.
	Layout Layout
	// DialTimeout bounds one attempt to connect.
	DialTimeout time.Duration
	// ReadTimeout bounds the silence of the server during an insert or a
	// query.
	ReadTimeout time.Duration
	// MaxConns bounds the pool that Open makes.
	MaxConns int
}

// DefaultConfig reaches a server with the given account; addr is host:port.
func DefaultConfig(addr, user, password string) Config {
	return Config{
		Addr: addr, User: user, Password: password,
		DialTimeout: 5 * time.Second,
		ReadTimeout: 60 * time.Second,
		MaxConns:    4,
	}
}

// Open makes a pool of connections for queries. It connects on first use, so
// a server that is down is no error yet.
func Open(cfg Config) (driver.Conn, error) {
	opts := &chgo.Options{
		Addr:         []string{cfg.Addr},
		Auth:         chgo.Auth{Username: cfg.User, Password: cfg.Password},
		DialTimeout:  cfg.DialTimeout,
		ReadTimeout:  cfg.ReadTimeout,
		MaxOpenConns: cfg.MaxConns,
		MaxIdleConns: cfg.MaxConns,
		Compression:  &chgo.Compression{Method: chgo.CompressionNone},
	}
	if cfg.TLS != nil {
		// Not opts.TLS: each connection takes the certificates of its moment.
		opts.DialContext = func(ctx context.Context, addr string) (net.Conn, error) {
			return cfg.TLS.Dial(ctx, addr, cfg.DialTimeout)
		}
	}
	conn, err := chgo.Open(opts)
	if err != nil {
		return nil, fmt.Errorf("clickhouse at %s: %w", cfg.Addr, err)
	}
	return conn, nil
}

// Dial makes one native connection for inserts. It is not safe for concurrent
// use and is useless after any failed insert.
func Dial(ctx context.Context, cfg Config) (*ch.Client, error) {
	opts := ch.Options{
		Address:          cfg.Addr,
		User:             cfg.User,
		Password:         cfg.Password,
		ClientName:       "gantry-collector",
		DialTimeout:      cfg.DialTimeout,
		HandshakeTimeout: cfg.DialTimeout,
		ReadTimeout:      cfg.ReadTimeout,
		// LZ4 costs three times what it saves on a local network.
		Compression: ch.CompressionDisabled,
		Settings: []ch.Setting{
			// The server's default answers before the rows are in the table
			// of parts, or waits for company that a block does not need.
			{Key: "async_insert", Value: "0", Important: true},
			// ReplacingMergeTree removes copies by identity; dropping whole
			// blocks by their digest on top would only cost.
			{Key: "insert_deduplicate", Value: "0", Important: true},
			// On a cluster: an insertion is answered when the shards have it.
			{Key: "distributed_foreground_insert", Value: "1", Important: true},
		},
	}
	if cfg.TLS != nil {
		host, _, err := net.SplitHostPort(cfg.Addr)
		if err != nil {
			return nil, fmt.Errorf("clickhouse address %q: %w: write host:port", cfg.Addr, err)
		}
		opts.TLS = cfg.TLS.Client(host)
	}
	client, err := ch.Dial(ctx, opts)
	if err != nil {
		return nil, fmt.Errorf("clickhouse at %s as %s: %w", cfg.Addr, cfg.User, err)
	}
	return client, nil
}
