package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	channelzpb "google.golang.org/grpc/channelz/grpc_channelz_v1"
	"google.golang.org/grpc/credentials/insecure"
)

var local = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8080}

// done is a start-up that is over.
func done() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

func get(h http.Handler, host, path string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Host = host
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// TestHostIsChecked: a rebound name must not read a loopback listener.
func TestHostIsChecked(t *testing.T) {
	h := newHTTPServer(newHealthState(done()), prometheus.NewRegistry(), local, nil).Handler
	for host, want := range map[string]int{
		"127.0.0.1:8080": 200, "localhost": 200, "localhost:8080": 200, "[::1]:8080": 200,
		"evil.example": 403, "evil.example:8080": 403, "127.0.0.1.evil.example": 403, "10.0.0.1:8080": 403, "": 403,
	} {
		if got := get(h, host, "/metrics").Code; got != want {
			t.Errorf("Host %q: %d, want %d", host, got, want)
		}
	}
	open := newHTTPServer(newHealthState(done()), prometheus.NewRegistry(), &net.TCPAddr{IP: net.IPv4zero}, nil).Handler
	if got := get(open, "collector.internal:8080", "/metrics").Code; got != 200 {
		t.Errorf("an open listener answers %d", got)
	}
}

// TestReadiness: only vital checks and stopping make a process unready.
func TestReadiness(t *testing.T) {
	var kafka, clickhouse error
	h := newHealthState(done(),
		healthCheck{"kafka", true, func(context.Context) error { return kafka }},
		healthCheck{"clickhouse", false, func(context.Context) error { return clickhouse }},
	)
	handler := newHTTPServer(h, prometheus.NewRegistry(), local, nil).Handler
	step := func(name string, want int, text string) {
		t.Helper()
		w := get(handler, "localhost", "/healthz")
		if w.Code != want || !strings.Contains(w.Body.String(), text) {
			t.Errorf("%s: %d %s, want %d with %s", name, w.Code, w.Body, want, text)
		}
	}
	probe := func() {
		for _, c := range h.checks {
			h.probe(t.Context(), c)
		}
	}
	step("before the first check", 503, "not checked yet")
	probe()
	step("all well", 200, `"kafka":"ok"`)
	clickhouse = errors.New("refused")
	probe()
	step("ClickHouse away", 200, `"clickhouse":"refused"`)
	kafka = errors.New("gone")
	probe()
	step("Kafka away", 503, `"kafka":"gone"`)
	kafka = nil
	probe()
	h.stop()
	step("stopping", 503, `"process":"stopping"`)
}

// TestLiveness: an outage of Kafka is no reason to replace a collector.
func TestLiveness(t *testing.T) {
	started := make(chan struct{})
	h := newHealthState(started, healthCheck{"kafka", true, func(context.Context) error { return errors.New("gone") }})
	handler := newHTTPServer(h, prometheus.NewRegistry(), local, nil).Handler
	step := func(name string, want int) {
		t.Helper()
		if got := get(handler, "localhost", "/livez").Code; got != want {
			t.Errorf("%s: %d, want %d", name, got, want)
		}
	}
	step("starting", 503)
	close(started)
	h.probe(t.Context(), h.checks[0])
	step("Kafka away", 200)
	h.stop()
	step("stopping", 503)
}

func TestStartingIsNotReady(t *testing.T) {
	w := get(newHTTPServer(newHealthState(make(chan struct{})), prometheus.NewRegistry(), local, nil).Handler, "localhost", "/healthz")
	if w.Code != 503 || !strings.Contains(w.Body.String(), `"process":"starting"`) {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

// TestAdmin: pprof over HTTP/1.1 and channelz over gRPC on one port.
func TestAdmin(t *testing.T) {
	l, err := listen("--admin-addr", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s, g := newAdminServer(l.Addr())
	ended := make(chan error, 1)
	ctx, cancel := context.WithCancel(context.Background())
	go func() { ended <- serveHTTP(s, l)(ctx) }()
	t.Cleanup(func() {
		g.Stop()
		cancel()
		<-ended
	})
	resp, err := http.Get("http://" + l.Addr().String() + "/debug/pprof/cmdline")
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("pprof: %v, %v", resp, err)
	}
	_ = resp.Body.Close()
	conn, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := channelzpb.NewChannelzClient(conn).GetServers(t.Context(), &channelzpb.GetServersRequest{}); err != nil {
		t.Errorf("channelz: %v", err)
	}
}

func TestTakenPortNamesTheFlag(t *testing.T) {
	l, err := listen("--http-addr", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	_, err = listen("--http-addr", l.Addr().String())
	if err == nil || !strings.Contains(err.Error(), l.Addr().String()) || !strings.Contains(err.Error(), "--http-addr") {
		t.Errorf("got %v", err)
	}
}
