package clickhouselocal

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	chgo "github.com/ClickHouse/clickhouse-go/v2"
)

func TestMain(m *testing.M) {
	Main()
	beParent()
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

func query[T any](t *testing.T, s *Server, q string) (v T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := dial(t, s, UserOperator, testPasswords()[UserOperator]).QueryRow(ctx, q).Scan(&v); err != nil {
		t.Fatalf("%s: %v", q, err)
	}
	return v
}

func TestStart(t *testing.T) {
	s := start(t, t.TempDir())
	if v := query[string](t, s, "SELECT version()"); !strings.HasPrefix(v, "26.") {
		t.Errorf("version %s", v)
	}
	resp, err := http.Get("http://" + s.HTTPAddr + "/ping")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("HTTP interface answers %s", resp.Status)
	}
	if v := query[string](t, s, "SELECT value FROM system.server_settings WHERE name = 'max_server_memory_usage'"); v != fmt.Sprint(DefaultMemoryBytes) {
		t.Errorf("memory limit is %s", v)
	}
}

// TestKill: data outlives a crash, and the end is told.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	s := start(t, dir)
	operator := dial(t, s, UserOperator, testPasswords()[UserOperator])
	for _, q := range []string{
		"CREATE DATABASE d", "CREATE TABLE d.t (n UInt64) ENGINE = MergeTree ORDER BY n", "INSERT INTO d.t SELECT number FROM numbers(1000)",
	} {
		if err := operator.Exec(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Kill(s.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := s.Err(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("the end reads %v", err)
	}
	s = start(t, dir)
	if n := query[uint64](t, s, "SELECT count() FROM d.t"); n != 1000 {
		t.Errorf("%d rows after the crash, want 1000", n)
	}
	begin := time.Now()
	s.Stop()
	if took := time.Since(begin); took > stopTimeout/2 {
		t.Errorf("SIGTERM took %s", took)
	}
	s = start(t, dir)
	if n := query[uint64](t, s, "SELECT count() FROM d.t"); n != 1000 {
		t.Errorf("%d rows after SIGTERM, want 1000", n)
	}
}

func TestPortTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	_, err = Start(t.Context(), Config{Lib: "x", Dir: t.TempDir(), TCPAddr: l.Addr().String(), HTTPAddr: "127.0.0.1:0", Passwords: testPasswords()})
	if err == nil || !strings.Contains(err.Error(), "port "+port) {
		t.Errorf("%v does not name port %s", err, port)
	}
}

func TestNoPlainPasswordOnDisk(t *testing.T) {
	c, err := Config{Lib: "x", Dir: t.TempDir(), Passwords: testPasswords()}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	if err := writeFiles(c); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{usersFile, configFile} {
		text, err := os.ReadFile(filepath.Join(c.Dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "-password<") || strings.Contains(string(text), "collector-password") {
			t.Errorf("%s holds a password", name)
		}
		if fi, err := os.Stat(filepath.Join(c.Dir, name)); err != nil || fi.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", name, fi.Mode(), err)
		}
	}
}

// TestDiesWithParent: a parent that is killed takes its server along.
func TestDiesWithParent(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), parentMarker+"="+t.TempDir())
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var addr string
	if _, err := fmt.Fscanln(out, &addr); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(cmd.Process.Kill(), ignore(cmd.Wait())); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			return
		}
		conn.Close()
		if time.Now().After(deadline) {
			t.Fatal("the server outlives its parent")
		}
	}
}

func ignore(error) error { return nil }

// parentMarker makes this process a parent that starts a server in the
// marker's folder, prints its address and waits to be killed.
const parentMarker = "GANTRY_CLICKHOUSELOCAL_TEST_PARENT"

func beParent() {
	dir := os.Getenv(parentMarker)
	if dir == "" {
		return
	}
	os.Unsetenv(parentMarker)
	lib, err := Ensure(context.Background(), nil)
	if err == nil {
		var s *Server
		s, err = Start(context.Background(), Config{Lib: lib, Dir: dir, TCPAddr: "127.0.0.1:0", HTTPAddr: "127.0.0.1:0", Passwords: testPasswords()})
		if err == nil {
			fmt.Println(s.TCPAddr)
			select {}
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
