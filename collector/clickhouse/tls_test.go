package clickhouse_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"

	"github.com/gantry-dev/gantry/collector/clickhouse"
	"github.com/gantry-dev/gantry/collector/clickhouse/clickhousetest"
	"github.com/gantry-dev/gantry/proto/transport"
	"github.com/gantry-dev/gantry/proto/transport/devca"
	"github.com/gantry-dev/gantry/proto/transport/transporttest"
)

// terminate speaks TLS in front of addr and returns its own address: the
// embedded engine opens no port with TLS (SYSTEM START LISTEN knows TCP and
// HTTP only), so that what stands between is as a balancer would be.
func terminate(t *testing.T, files transport.Files, addr string) string {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", transporttest.Open(t, files).Server(tls.NoClientCert))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", addr)
			if err != nil {
				_ = client.Close()
				continue
			}
			pass := func(to, from net.Conn) {
				_, _ = io.Copy(to, from)
				_, _ = to.Close(), from.Close()
			}
			go pass(client, server)
			go pass(server, client)
		}
	}()
	return l.Addr().String()
}

// TestTLS: both clients reach the engine by TLS, and hold its certificate
// against their roots.
func TestTLS(t *testing.T) {
	server := clickhousetest.Start(t)
	files := transporttest.Issue(t, transporttest.CA(t, t.TempDir()), devca.Who{Name: "clickhouse", Hosts: []string{"127.0.0.1"}})
	elsewhere := transporttest.Issue(t, transporttest.CA(t, t.TempDir()), devca.Who{Name: "clickhouse", Hosts: []string{"clickhouse.example"}})
	cfg := server.Config(clickhousetest.Operator)
	cfg.Addr = terminate(t, files, server.TCPAddr())
	for name, c := range map[string]struct {
		addr, root, says string
	}{
		"its root":     {cfg.Addr, files.CA, ""},
		"other root":   {cfg.Addr, elsewhere.CA, "unknown authority"},
		"another name": {terminate(t, elsewhere, server.TCPAddr()), elsewhere.CA, "cannot validate certificate for 127.0.0.1"},
	} {
		cfg.Addr, cfg.TLS = c.addr, transporttest.Open(t, transport.Files{CA: c.root})
		for client, err := range map[string]error{"pool": pooled(t.Context(), cfg), "inserts": inserting(t.Context(), cfg)} {
			if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("%s, %s: %v, want %q", name, client, err, c.says)
			}
		}
	}
	cfg.TLS = nil
	if err := pooled(t.Context(), cfg); err == nil {
		t.Error("the port with TLS answered in the clear")
	}
}

func pooled(ctx context.Context, cfg clickhouse.Config) error {
	conn, err := clickhouse.Open(cfg)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	var one uint8
	return conn.QueryRow(ctx, "SELECT 1").Scan(&one)
}

func inserting(ctx context.Context, cfg clickhouse.Config) error {
	client, err := clickhouse.Dial(ctx, cfg)
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	var one proto.ColUInt8
	return client.Do(ctx, ch.Query{Body: "SELECT 1 AS one", Result: proto.Results{{Name: "one", Data: &one}}})
}
