package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"
)

type healthcheckCmd struct {
	HTTPAddr    string        `name:"http-addr" default:"127.0.0.1:8080" help:"The collector's HTTP address."`
	TLSCertFile string        `name:"tls-cert-file" type:"path" help:"The collector's certificate, when it has one: asks by TLS and takes no other."`
	Live        bool          `help:"Ask only whether it has started and does not stop, whatever is away: what decides whether to start it anew."`
	Timeout     time.Duration `default:"3s" help:"How long to wait for the answer."`
}

// Run asks /healthz, or /livez, and fails unless the answer is 200.
func (c *healthcheckCmd) Run(ctx context.Context, _ *slog.Logger) error {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	host, port, err := net.SplitHostPort(c.HTTPAddr)
	if err != nil {
		return fmt.Errorf("--http-addr: %w", err)
	}
	if ip := net.ParseIP(host); host == "" || (ip != nil && ip.IsUnspecified()) {
		host = "127.0.0.1" // the collector listens everywhere; ask it here
	}
	client, scheme, err := c.client()
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://"+net.JoinHostPort(host, port)+c.path(), nil)
	if err != nil {
		return fmt.Errorf("--http-addr: %w", err)
	}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("the collector does not answer: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 4096))
	_, _ = os.Stdout.Write(body)
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the collector is not ready: %s", resp.Status)
	}
	return nil
}

func (c *healthcheckCmd) path() string {
	if c.Live {
		return "/livez"
	}
	return "/healthz"
}

// client asks by TLS where there is a certificate. The address is this
// machine's, whatever the certificate is called: it is held against itself.
func (c *healthcheckCmd) client() (client *http.Client, scheme string, err error) {
	if c.TLSCertFile == "" {
		return http.DefaultClient, "http", nil
	}
	text, err := os.ReadFile(c.TLSCertFile)
	if err != nil {
		return nil, "", fmt.Errorf("--tls-cert-file: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, "", fmt.Errorf("--tls-cert-file: %s holds no certificate in PEM", c.TLSCertFile)
	}
	verify := func(state tls.ConnectionState) error {
		if !bytes.Equal(state.PeerCertificates[0].Raw, block.Bytes) {
			return errors.New("the listener shows another certificate than --tls-cert-file")
		}
		return nil
	}
	//nolint:gosec // verify is stricter than names and chains
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, VerifyConnection: verify}}}, "https", nil
}
