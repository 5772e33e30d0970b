package clickhouselocal

import (
	"context"
	"os"
	"testing"
	"time"

	chgo "github.com/ClickHouse/clickhouse-go/v2"
)

func TestMain(m *testing.M) {
	Main()
	os.Exit(m.Run())
}

func testPasswords() map[string]string {
	p := map[string]string{}
	for _, u := range Users {
		p[u] = u + "-password"
	}
	return p
}

func start(t *testing.T, dir string) *Server {
	t.Helper()
	lib, err := Ensure(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Start(t.Context(), Config{Lib: lib, Dir: dir, TCPAddr: "127.0.0.1:0", HTTPAddr: "127.0.0.1:0", Passwords: testPasswords()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

func dial(t *testing.T, s *Server, user, password string) chgo.Conn {
	t.Helper()
	conn, err := chgo.Open(&chgo.Options{Addr: []string{s.TCPAddr}, Auth: chgo.Auth{Username: user, Password: password}, DialTimeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func TestStart(t *testing.T) {
	s := start(t, t.TempDir())
	var v string
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	conn := dial(t, s, UserOperator, testPasswords()[UserOperator])
	if err := conn.QueryRow(ctx, "SELECT version()").Scan(&v); err != nil {
		t.Fatal(err)
	}
	t.Log(v)
}
