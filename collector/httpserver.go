package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/pprof"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"google.golang.org/grpc"
	channelz "google.golang.org/grpc/channelz/service"
	"google.golang.org/grpc/reflection"

	"github.com/gantry-dev/gantry/collector/access"
	"github.com/gantry-dev/gantry/collector/query"
	"github.com/gantry-dev/gantry/collector/web"
)

// newHTTPServer serves /metrics and /healthz, and everything else from data,
// which guards itself and may be nil. Nothing limits how long an answer may
// take, for streams come here; everything else is limited.
func newHTTPServer(h *healthState, metrics prometheus.Gatherer, addr net.Addr, data http.Handler) *http.Server {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", onlyLocalHosts(promhttp.HandlerFor(metrics, promhttp.HandlerOpts{MaxRequestsInFlight: 4}), addr))
	mux.Handle("GET /healthz", onlyLocalHosts(http.HandlerFunc(h.serveHTTP), addr))
	mux.Handle("GET /livez", onlyLocalHosts(http.HandlerFunc(h.serveLive), addr))
	if data != nil {
		mux.Handle("/", data)
	}
	return limited(mux)
}

// newDataMux serves what stands behind the guard; api answers questions, and
// the pages ask them.
func newDataMux(guard *access.Guard, api *door) *http.ServeMux {
	mux := http.NewServeMux()
	guard.Routes(mux)
	for _, prefix := range query.HTTPPrefixes() {
		mux.Handle(prefix, api)
	}
	mux.Handle("/", pages(api))
	return mux
}

// pages serves the dashboard where there is something that answers it; else a
// line that says what is here.
func pages(api *door) http.Handler {
	dashboard := web.Handler()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if api.behind.Load() != nil {
			dashboard.ServeHTTP(w, r)
			return
		}
		if r.URL.Path != "/" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		_, _ = fmt.Fprintln(w, "gantry collector: /healthz /metrics /session; the pages and the API are served in the role query, once it has started")
	})
}

// door is where requests wait, or are sent away, until what answers them is
// there.
type door struct{ behind atomic.Pointer[http.Handler] }

// open lets requests through to h.
func (d *door) open(h http.Handler) { d.behind.Store(&h) }

// ServeHTTP answers 503 while nothing is behind the door.
func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := d.behind.Load()
	if h == nil {
		w.Header().Set("Retry-After", "1")
		http.Error(w, "the collector is starting, or does not answer questions in this role: /healthz says which", http.StatusServiceUnavailable)
		return
	}
	(*h).ServeHTTP(w, r)
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

// limited is a server that speaks HTTP/1.1 and HTTP/2, in cleartext too, and
// does not wait for slow readers of headers.
func limited(h http.Handler) *http.Server {
	protocols := &http.Protocols{}
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
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
