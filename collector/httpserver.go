package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/pprof"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"google.golang.org/grpc"
	channelz "google.golang.org/grpc/channelz/service"
	"google.golang.org/grpc/reflection"
)

// newHTTPServer serves /metrics and /healthz. Nothing limits how long an
// answer may take, for streams will come here; everything else is limited.
func newHTTPServer(h *healthState, metrics prometheus.Gatherer, addr net.Addr) *http.Server {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{MaxRequestsInFlight: 4}))
	mux.HandleFunc("GET /healthz", h.serveHTTP)
	mux.HandleFunc("GET /livez", h.serveLive)
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = fmt.Fprintln(w, "gantry collector: /healthz /livez /metrics")
	})
	return limited(onlyLocalHosts(mux, addr))
}

// newAdminServer serves pprof and, to gRPC callers on the same port without
// TLS, channelz.
func newAdminServer(addr net.Addr) (*http.Server, *grpc.Server) {
	g := grpc.NewServer(grpc.MaxRecvMsgSize(1 << 20))
	channelz.RegisterChannelzServiceToServer(g)
	reflection.Register(g)
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	both := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor == 2 && strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc") {
			g.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
	return limited(onlyLocalHosts(both, addr)), g
}

// limited is a server that speaks HTTP/1.1 and cleartext HTTP/2 and does not
// wait for slow readers of headers.
func limited(h http.Handler) *http.Server {
	protocols := &http.Protocols{}
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Server{
		Handler:           h,
		Protocols:         protocols,
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    maxHeaderBytes,
	}
}

// onlyLocalHosts refuses, on a loopback listener, requests whose Host is not
// this machine's: a page from elsewhere whose name was rebound to 127.0.0.1
// could otherwise read the answers.
func onlyLocalHosts(next http.Handler, addr net.Addr) http.Handler {
	if !isLoopback(addr) {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
		host = strings.Trim(host, "[]")
		if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			http.Error(w, "this listener answers for localhost only: use http://localhost or 127.0.0.1", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// serveHTTP answers 200 when the process can do its work, 503 otherwise, with
// each check's state.
func (h *healthState) serveHTTP(w http.ResponseWriter, _ *http.Request) {
	ready, checks := h.report()
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if !ready {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"ready": ready, "checks": checks})
}

// serveLive answers 200 from the start's end to the stop's beginning: what
// orchestrators and balancers ask, so that an outage of Kafka does not make
// them replace every collector.
func (h *healthState) serveLive(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if !h.live() {
		http.Error(w, "starting or stopping", http.StatusServiceUnavailable)
		return
	}
	_, _ = io.WriteString(w, "ok\n") // the caller has gone: nothing to do
}
