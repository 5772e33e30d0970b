package clickhouselocal

import (
	"errors"
	"fmt"
	"io"
	"net"
)

// Users of the server, each with rights of its own (see files.go).
const (
	UserCollector   = "collector"   // writes raw and live
	UserDBT         = "dbt"         // writes staging, serving and enforcement, reads live, and raw without personal data
	UserPlanner     = "planner"     // reads live and serving
	UserEnforcement = "enforcement" // as planner, and violations with the readings of cameras that are their evidence
	UserConnect     = "connect"     // puts readings into raw.incoming and sees none
	UserOperator    = "operator"    // everything
)

// Users lists all users that Config.Passwords needs a password for.
var Users = []string{UserCollector, UserDBT, UserPlanner, UserEnforcement, UserConnect, UserOperator}

// ClusterName is what Config.Shards are called.
const ClusterName = "gantry"

// Defaults of Config.
const (
	DefaultTCPAddr     = "127.0.0.1:9000"
	DefaultHTTPAddr    = "127.0.0.1:8123"
	DefaultMemoryBytes = 4 << 30
)

// Config says how to run a server.
type Config struct {
	// Lib is the path of libchdb.so, as Ensure returns it.
	Lib string
	// Dir is the folder of data, configuration and log; it is created with
	// mode 0700.
	Dir string
	// TCPAddr is host:port of the native protocol; empty takes
	// DefaultTCPAddr, port 0 a free one.
	TCPAddr string
	// HTTPAddr is host:port of the HTTP interface on the same host; empty
	// takes DefaultHTTPAddr, port 0 a free one.
	HTTPAddr string
	// Passwords holds the password of every one of Users.
	Passwords map[string]string
	// Shards are the native addresses, host:port, of the servers of a cluster
	// that this one is part of, a shard each, itself among them; none without.
	// They ask each other as whoever asked them, so that they must have the
	// same users, and know each other by ClusterSecret.
	Shards []string
	// ClusterSecret is what servers of a cluster know each other by.
	ClusterSecret string
	// MemoryBytes limits the memory of the whole server; 0 takes
	// DefaultMemoryBytes.
	MemoryBytes int64
	// Output takes what the engine writes to stdout and stderr; nil keeps the
	// last lines for error messages only. The log proper is Dir/log.
	Output io.Writer
}

func (c Config) withDefaults() (Config, error) {
	if c.TCPAddr == "" {
		c.TCPAddr = DefaultTCPAddr
	}
	if c.HTTPAddr == "" {
		c.HTTPAddr = DefaultHTTPAddr
	}
	if c.MemoryBytes == 0 {
		c.MemoryBytes = DefaultMemoryBytes
	}
	if c.Lib == "" {
		return c, errors.New("clickhouselocal: Config.Lib is empty: give it the path that Ensure returned")
	}
	if c.Dir == "" {
		return c, errors.New("clickhouselocal: Config.Dir is empty: give it a folder for the data")
	}
	for _, u := range Users {
		if c.Passwords[u] == "" {
			return c, fmt.Errorf("clickhouselocal: Config.Passwords has no password for user %q", u)
		}
	}
	tcpHost, _, err := net.SplitHostPort(c.TCPAddr)
	if err != nil {
		return c, fmt.Errorf("clickhouselocal: TCP address %q: %w; write host:port", c.TCPAddr, err)
	}
	httpHost, _, err := net.SplitHostPort(c.HTTPAddr)
	if err != nil {
		return c, fmt.Errorf("clickhouselocal: HTTP address %q: %w; write host:port", c.HTTPAddr, err)
	}
	if tcpHost != httpHost {
		return c, fmt.Errorf("clickhouselocal: TCP host %q and HTTP host %q differ: the engine listens on one host", tcpHost, httpHost)
	}
	return c, nil
}
