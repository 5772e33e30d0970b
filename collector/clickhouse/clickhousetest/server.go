package clickhousetest

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/gantry-dev/gantry/collector/clickhouse"
	"github.com/gantry-dev/gantry/collector/clickhouse/clickhouselocal"
)

// Users of the server, for Config and Conn.
const (
	Collector   = clickhouselocal.UserCollector
	DBT         = clickhouselocal.UserDBT
	Planner     = clickhouselocal.UserPlanner
	Enforcement = clickhouselocal.UserEnforcement
	Connect     = clickhouselocal.UserConnect
	Operator    = clickhouselocal.UserOperator
)

// Server is a running engine.
type Server struct {
	cfg   clickhouselocal.Config
	child *clickhouselocal.Server
}

// shared is the package's server; whoever holds the lock has it alone.
var (
	lock   sync.Mutex
	shared *Server
)

// Main is TestMain: it runs the tests, or is the server when the test
// executable was started for that.
func Main(m *testing.M) {
	clickhouselocal.Main()
	code := m.Run()
	lock.Lock()
	if shared != nil {
		shared.child.Kill()
		os.RemoveAll(shared.cfg.Dir)
	}
	os.Exit(code)
}

// Start gives the test the package's server, with fresh databases. Tests that
// use it wait for each other.
func Start(t testing.TB) *Server {
	t.Helper()
	lock.Lock()
	t.Cleanup(lock.Unlock)
	if shared == nil {
		s, err := newServer(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		shared = s
	}
	select {
	case <-shared.child.Done():
		shared.Restart(t) // a test before this one killed it
	default:
	}
	shared.reset(t)
	return shared
}

func newServer(ctx context.Context) (*Server, error) {
	lib, err := clickhouselocal.Ensure(ctx, nil)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "clickhousetest")
	if err != nil {
		return nil, err
	}
	s := &Server{cfg: clickhouselocal.Config{
		Lib: lib, Dir: dir, TCPAddr: "127.0.0.1:0", HTTPAddr: "127.0.0.1:0", Passwords: map[string]string{},
	}}
	for _, u := range clickhouselocal.Users {
		s.cfg.Passwords[u] = password(u)
	}
	if s.child, err = clickhouselocal.Start(ctx, s.cfg); err != nil {
		return nil, err
	}
	// A server that comes back must be found where it was.
	s.cfg.TCPAddr, s.cfg.HTTPAddr = s.child.TCPAddr, s.child.HTTPAddr
	return s, nil
}

func (s *Server) reset(t testing.TB) {
	t.Helper()
	conn := s.Conn(t, Operator)
	for _, db := range []string{"live", "raw", "staging", "serving", "enforcement"} {
		if err := conn.Exec(t.Context(), "DROP DATABASE IF EXISTS "+db+" SYNC"); err != nil {
			t.Fatal(err)
		}
	}
	if err := clickhouse.Migrate(t.Context(), s.Conn(t, Collector)); err != nil {
		t.Fatal(err)
	}
}

// TCPAddr is host:port of the native protocol.
func (s *Server) TCPAddr() string { return s.cfg.TCPAddr }

// HTTPAddr is host:port of the HTTP interface.
func (s *Server) HTTPAddr() string { return s.cfg.HTTPAddr }

// Dir is the folder of the server's configuration and data.
func (s *Server) Dir() string { return s.cfg.Dir }

// Password is the password of the user.
func (s *Server) Password(user string) string { return s.cfg.Passwords[user] }

// Config is how the user reaches the server.
func (s *Server) Config(user string) clickhouse.Config {
	return clickhouse.DefaultConfig(s.cfg.TCPAddr, user, s.cfg.Passwords[user])
}

// Conn is a pool of the user's that is closed when the test ends.
func (s *Server) Conn(t testing.TB, user string) driver.Conn {
	t.Helper()
	conn, err := clickhouse.Open(s.Config(user))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// Count runs a query of one number as operator.
func (s *Server) Count(t testing.TB, query string, args ...any) uint64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var n uint64
	if err := s.Conn(t, Operator).QueryRow(ctx, query, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

// Kill ends the server as kill -9 does.
func (s *Server) Kill() { s.child.Kill() }

// died says whether the server is gone, or goes: one that crashed writes what
// it knows first.
func (s *Server) died() bool {
	select {
	case <-s.child.Done():
		return true
	case <-time.After(10 * time.Second):
		return false
	}
}

// Restart starts the server again where it was, killing it first if it runs.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	s.child.Kill()
	child, err := clickhouselocal.Start(t.Context(), s.cfg)
	if err != nil {
		t.Fatal(err)
	}
	s.child = child
}

func password(user string) string { return fmt.Sprintf("test-password-of-%s", user) }
