package uplink

import (
	"crypto/tls"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"

	"github.com/gantry-dev/gantry/proto/transport"
	"github.com/gantry-dev/gantry/proto/transport/devca"
)

// hurried is a clock by which a second passes between any two looks, so that
// every handshake looks at the files.
func hurried() func() time.Time {
	var mu sync.Mutex
	now := time.Now()
	return func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(time.Second)
		return now
	}
}

func tlsOf(t *testing.T, files transport.Files) *transport.TLS {
	t.Helper()
	material, err := transport.Open(files, slog.New(slog.DiscardHandler), hurried())
	if err != nil {
		t.Fatal(err)
	}
	return material
}

// TestWireByTLS delivers everything over two streams by mutual TLS; the agent's
// certificate is replaced while the first is open, and shown with the second.
func TestWireByTLS(t *testing.T) {
	ca, err := devca.Open(t.TempDir(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	issue := func(who devca.Who) transport.Files {
		files, err := ca.Issue(who)
		if err != nil {
			t.Error(err)
		}
		return files
	}
	server := issue(devca.Who{Name: "collector", Hosts: []string{"collector.example"}})
	client := issue(devca.Who{Name: "agent", Agent: "agent"})
	var mu sync.Mutex
	var shown []string
	note := func(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
		from, _ := peer.FromContext(ss.Context())
		info := from.AuthInfo.(credentials.TLSInfo)
		mu.Lock()
		shown = append(shown, info.State.PeerCertificates[0].SerialNumber.String())
		mu.Unlock()
		issue(devca.Who{Name: "agent", Agent: "agent"})
		return next(srv, ss)
	}
	source := fakeSource{readings: 2000}
	s, addr := startScriptedWith(t, source, []grpc.ServerOption{
		grpc.Creds(credentials.NewTLS(tlsOf(t, server).Server(tls.RequireAndVerifyClientCert, "h2"))), grpc.StreamInterceptor(note),
	}, script{drainAfter: 3}, script{})
	cfg := quietConfig(addr, source, Plan{ToUS: 4 * runUS, Backfill: true})
	cfg.TLS, cfg.ServerName = tlsOf(t, client), "collector.example"
	if err := runAgent(t, cfg); err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range s.devices {
		if err := s.model.check(fakeDevice{source, id, 0}, 4*runUS); err != nil {
			t.Error(err)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if slices.Sort(shown); len(shown) < 2 || len(slices.Compact(shown)) != len(shown) {
		t.Errorf("shown were %v, want another certificate with each stream", shown)
	}
}

// TestAgentHoldsTheCollectorAgainstItsName: neither another name nor another
// root gets a token or a reading.
func TestAgentHoldsTheCollectorAgainstItsName(t *testing.T) {
	dirs := map[bool]string{true: t.TempDir(), false: t.TempDir()}
	files := func(right bool) transport.Files {
		ca, err := devca.Open(dirs[right], time.Now)
		if err != nil {
			t.Fatal(err)
		}
		f, err := ca.Issue(devca.Who{Name: "collector", Hosts: []string{"collector.example"}})
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	server := grpc.Creds(credentials.NewTLS(tlsOf(t, files(true)).Server(tls.NoClientCert, "h2")))
	s, addr := startScriptedWith(t, fakeSource{readings: 10}, []grpc.ServerOption{server}, script{})
	for says, c := range map[string]struct {
		root bool
		name string
	}{
		"unknown authority":                          {false, "collector.example"},
		"certificate is valid for collector.example": {true, "collector.elsewhere"},
		"cannot validate certificate for 127.0.0.1":  {true, ""},
	} {
		cfg := quietConfig(addr, fakeSource{readings: 10}, Plan{})
		cfg.Token, cfg.TLS, cfg.ServerName = "secret", tlsOf(t, transport.Files{CA: files(c.root).CA}), c.name
		if err := cfg.fill(); err != nil {
			t.Fatal(err)
		}
		l, err := dial(t.Context(), cfg, addr)
		if err != nil {
			t.Fatal(err)
		}
		if err := <-l.done; err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q", err, says)
		}
		l.cancel(nil)
		_ = l.conn.Close()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.tokens) > 0 || len(s.hellos) > 0 {
		t.Errorf("%d tokens and %d hellos arrived", len(s.tokens), len(s.hellos))
	}
}
