package dbt_test

import (
	"crypto/tls"
	"log/slog"
	"net"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gantry-dev/gantry/proto/transport"
	"github.com/gantry-dev/gantry/proto/transport/devca"
)

// TestDBTByTLS: with the profile's variables alone dbt reaches ClickHouse by
// TLS and holds its certificate against the roots of SSL_CERT_FILE. What speaks
// TLS stands in front of the embedded engine, which opens no such port.
func TestDBTByTLS(t *testing.T) {
	w := emptyWarehouse(t, t.TempDir())
	ca, other := newCA(t), newCA(t)
	right, err := ca.Issue(devca.Who{Name: "clickhouse", Hosts: []string{"127.0.0.1"}})
	if err != nil {
		t.Fatal(err)
	}
	wrong, err := other.Issue(devca.Who{Name: "clickhouse", Hosts: []string{"127.0.0.1"}})
	if err != nil {
		t.Fatal(err)
	}
	material, err := transport.Open(transport.Files{Cert: right.Cert, Key: right.Key}, slog.Default(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewUnstartedServer(httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: w.server.HTTPAddr()}))
	front.TLS = material.Server(tls.NoClientCert, "http/1.1")
	front.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)
	front.StartTLS()
	t.Cleanup(front.Close)
	_, port, err := net.SplitHostPort(front.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	env := w.env
	for _, c := range []struct{ name, roots, says string }{
		{"its root", right.CA, "Connection test: [OK connection ok]"},
		{"another root", wrong.CA, "certificate verify failed"},
	} {
		w.env = append(slices.Clone(env), "GANTRY_CLICKHOUSE_SECURE=true", "GANTRY_CLICKHOUSE_HTTP_PORT="+port, "SSL_CERT_FILE="+c.roots)
		out, err := w.tryDBT("debug", "--connection") // parses no models, which takes long
		if (err == nil) != (c.roots == right.CA) || !strings.Contains(string(out), c.says) {
			t.Errorf("%s: %v\n%s", c.name, err, out)
		}
	}
}

func newCA(t *testing.T) *devca.CA {
	t.Helper()
	ca, err := devca.Open(t.TempDir(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return ca
}
