package transport_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gantry-dev/gantry/proto/transport"
	"github.com/gantry-dev/gantry/proto/transport/devca"
	"github.com/gantry-dev/gantry/proto/transport/transporttest"
)

// TestFresh: a change is seen after a second, a broken file is not, is told
// once, and nothing of its content is.
func TestFresh(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("one")
	now, text := time.Unix(0, 0), &bytes.Buffer{}
	parses := 0
	f, err := transport.NewFresh(slog.New(slog.NewTextHandler(text, nil)), func() time.Time { return now }, func(contents [][]byte) (string, error) {
		parses++
		if string(contents[0]) == "broken" {
			return "", errors.New("is broken")
		}
		return string(contents[0]), nil
	}, path)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		write, want string
		after       time.Duration
		parses      int
	}{
		{"two", "one", 0, 1},
		{"two", "one", 999 * time.Millisecond, 1},
		{"two", "two", time.Millisecond, 2},
		{"two", "two", time.Hour, 2},
		{"broken", "two", time.Second, 3},
		{"broken", "two", time.Second, 4},
		{"three", "three", time.Second, 5},
	} {
		write(step.write)
		now = now.Add(step.after)
		if got := f.Get(); got != step.want || parses != step.parses {
			t.Errorf("%q after %s: %q after %d parses, want %q after %d", step.write, step.after, got, parses, step.want, step.parses)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Second)
	if got := f.Get(); got != "three" {
		t.Errorf("without the file: %q", got)
	}
	if n := strings.Count(text.String(), "is broken"); n != 1 {
		t.Errorf("told %d times: %s", n, text)
	}
}

// TestDial makes real connections: names are held against certificates, both
// ways, and new roots count for the next connection.
func TestDial(t *testing.T) {
	dir := t.TempDir()
	server := transporttest.Issue(t, transporttest.CA(t, dir), devca.Who{Name: "server", Hosts: []string{"127.0.0.1", "localhost"}})
	client := transporttest.Issue(t, transporttest.CA(t, dir), devca.Who{Name: "client", Agent: "a"})
	l, err := tls.Listen("tcp4", "0.0.0.0:0", transporttest.Open(t, server).Server(tls.RequireAndVerifyClientCert, "x"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			if conn.(*tls.Conn).Handshake() == nil {
				_, _ = io.WriteString(conn, "hi")
			}
			_ = conn.Close()
		}
	}()
	ask := func(files transport.Files, host string) error {
		_, port, _ := net.SplitHostPort(l.Addr().String())
		conn, err := transporttest.Open(t, files).Dial(context.Background(), net.JoinHostPort(host, port), 5*time.Second)
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close() }()
		_, err = io.ReadFull(conn, make([]byte, 2))
		return err
	}
	other := transporttest.Issue(t, transporttest.CA(t, t.TempDir()), devca.Who{Name: "client", Agent: "a"})
	for name, c := range map[string]struct {
		files transport.Files
		host  string
		says  string
	}{
		"by address":          {client, "127.0.0.1", ""},
		"by name":             {client, "localhost", ""},
		"by a name not in it": {client, "127.0.0.2", "certificate is valid for 127.0.0.1, not 127.0.0.2"},
		"other root":          {other, "127.0.0.1", "unknown authority"},
		"system's roots":      {transport.Files{Cert: client.Cert, Key: client.Key}, "127.0.0.1", "unknown authority"},
		"no certificate":      {transport.Files{CA: client.CA}, "127.0.0.1", "certificate required"},
	} {
		err := ask(c.files, c.host)
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
}

// TestAgentNames: by URI and by DNS name, and only of what was verified.
func TestAgentNames(t *testing.T) {
	uri := func(text string) *url.URL { u, _ := url.Parse(text); return u }
	state := func(cert *x509.Certificate) *tls.ConnectionState {
		return &tls.ConnectionState{PeerCertificates: []*x509.Certificate{cert}, VerifiedChains: [][]*x509.Certificate{{cert}}}
	}
	named := &x509.Certificate{URIs: []*url.URL{uri("https://elsewhere/agent/x"), uri("gantry://agent/a 1/b")}, DNSNames: []string{"a2.example"}}
	for id, want := range map[string]bool{"a 1/b": true, "a2.example": true, "x": false, "a1": false, "": false, "*": false} {
		if err := transport.CheckAgent(state(named), id); (err == nil) != want {
			t.Errorf("%q: %v", id, err)
		}
	}
	if name, ok := transport.AgentName(state(named)); !ok || name != "a 1/b" {
		t.Errorf("its name is %q, %v", name, ok)
	}
	for what, s := range map[string]*tls.ConnectionState{
		"no TLS": nil, "not verified": {PeerCertificates: []*x509.Certificate{named}}, "no name": state(&x509.Certificate{}),
		"no id": state(&x509.Certificate{URIs: []*url.URL{uri("gantry://agent/"), uri("gantry://person/x")}}),
	} {
		if name, ok := transport.AgentName(s); ok {
			t.Errorf("%s: %q", what, name)
		}
	}
	if err := transport.CheckAgent(state(&x509.Certificate{}), "a"); err == nil {
		t.Error("a verified certificate without a name passes")
	}
	if err := transport.CheckAgent(state(&x509.Certificate{URIs: []*url.URL{transport.AgentURI("*")}}), "any"); err != nil {
		t.Errorf("a certificate for all: %v", err)
	}
}

// TestFilesThatAreNoGood are told by their path and what to do.
func TestFilesThatAreNoGood(t *testing.T) {
	dir := t.TempDir()
	good := transporttest.Issue(t, transporttest.CA(t, dir), devca.Who{Name: "a", Agent: "a"})
	other := transporttest.Issue(t, transporttest.CA(t, dir), devca.Who{Name: "b", Agent: "b"})
	for says, files := range map[string]transport.Files{
		"go together":                     {Cert: good.Cert},
		"no such file":                    {CA: filepath.Join(dir, "none")},
		"holds no certificate in PEM":     {CA: good.Key},
		"are no certificate and its key:": {Cert: good.Cert, Key: other.Key},
	} {
		if _, err := transport.Open(files, slog.Default(), time.Now); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%+v: %v, want %q", files, err, says)
		}
	}
}

func TestLeavesMachine(t *testing.T) {
	for addr, want := range map[string]bool{
		"127.0.0.1:1": false, "localhost:1": false, "[::1]:1": false, "::1": false, "LOCALHOST": false, "127.8.9.1": false,
		"10.0.0.1:1": true, "broker:1": true, "broker": true, "0.0.0.0:1": true, "localhost.example:1": true, ":1": true, "dns:///localhost:1": true,
	} {
		if got := transport.LeavesMachine(addr); got != want {
			t.Errorf("%s: %v", addr, got)
		}
	}
}
