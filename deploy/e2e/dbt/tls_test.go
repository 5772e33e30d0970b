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

	"github.com/gantry-dev/gantry/proto/transport"
	"github.com/gantry-dev/gantry/proto/transport/devca"
	"github.com/gantry-dev/gantry/proto/transport/transporttest"
)

// TestDBTByTLS: with the profile's variables alone dbt reaches ClickHouse by
// TLS and holds its certificate against the roots of SSL_CERT_FILE. What speaks
// TLS stands in front of the embedded engine, which opens no such port.
func TestDBTByTLS(t *testing.T) {
	w := emptyWarehouse(t, t.TempDir())
	ca, other := transporttest.CA(t, t.TempDir()), transporttest.CA(t, t.TempDir())
	right := transporttest.Issue(t, ca, devca.Who{Name: "clickhouse", Hosts: []string{"127.0.0.1"}})
	wrong := transporttest.Issue(t, other, devca.Who{Name: "clickhouse", Hosts: []string{"127.0.0.1"}})
	material := transporttest.Open(t, transport.Files{Cert: right.Cert, Key: right.Key})
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
