package main

import (
	"log/slog"
	"strings"
	"testing"
)

// TestPlaintextIsRefused: no token and no reading leaves the machine in the
// clear unless forced.
func TestPlaintextIsRefused(t *testing.T) {
	for _, c := range []struct {
		collectors []string
		flags      TLSFlags
		tls        bool
		says       string
	}{
		{[]string{"127.0.0.1:1", "localhost:1"}, TLSFlags{}, false, ""},
		{[]string{"127.0.0.1:1", "collector.example:1"}, TLSFlags{}, false, "the collector collector.example:1 is on another machine"},
		{[]string{"collector.example:1"}, TLSFlags{AllowPlaintext: true}, false, ""},
		{[]string{"collector.example:1"}, TLSFlags{TLS: true}, true, ""},
		{[]string{"collector.example:1"}, TLSFlags{TLSCAFile: "/nonexistent/ca.pem"}, false, "--tls-ca-file"},
		{[]string{"127.0.0.1:1"}, TLSFlags{TLSCertFile: "/nonexistent/a.pem"}, false, "go together"},
	} {
		got, err := c.flags.open(c.collectors, slog.Default())
		if (got != nil) != c.tls || (err == nil) != (c.says == "") || err != nil && (!strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "\n")) {
			t.Errorf("%v %+v: %v, %v; want TLS %v, %q", c.collectors, c.flags, got, err, c.tls, c.says)
		}
	}
}
