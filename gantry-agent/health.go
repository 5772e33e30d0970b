package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// serveHTTP serves /metrics, /healthz and /livez on addr until the returned function
// is called. well says whether the agent is connected. An empty addr serves
// nothing.
func serveHTTP(addr string, metrics prometheus.Gatherer, well func() bool) (stop func(), err error) {
	if addr == "" {
		return func() {}, nil
	}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen for --http: %w: choose another address", err)
	}
	server := &http.Server{Handler: healthHandler(metrics, well), ReadHeaderTimeout: 5 * time.Second, MaxHeaderBytes: 16 << 10}
	go func() { _ = server.Serve(listener) }() // ends with Close
	return func() { _ = server.Close() }, nil
}

func healthHandler(metrics prometheus.Gatherer, well func() bool) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		if !well() {
			http.Error(w, "not connected to a collector", http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, "ok\n") // the client has gone: nothing to do
	})
	// An agent without a collector waits, and a new one would wait too.
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "ok\n") // as above
	})
	return mux
}

// healthcheckCmd asks a running agent, for containers without a shell.
type healthcheckCmd struct {
	HTTP    string        `name:"http" required:"" placeholder:"HOST:PORT" help:"The agent's --http address."`
	Live    bool          `help:"Ask only whether it runs, connected or not: what decides whether to start it anew."`
	Timeout time.Duration `default:"3s" help:"How long to wait for the answer."`
}

// Run exits with an error unless the agent is connected or, with --live, runs.
func (c *healthcheckCmd) Run(stop signals) error {
	ctx, cancel := context.WithTimeout(stop, c.Timeout)
	defer cancel()
	path := "/healthz"
	if c.Live {
		path = "/livez"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.HTTP+path, nil)
	if err != nil {
		return fmt.Errorf("address %q: %w", c.HTTP, err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("the agent does not answer: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return errors.New("the agent is not connected to a collector")
	}
	return nil
}
