package transport

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"
)

// Files name the PEM files of one end. Any may be empty, but a certificate and
// its key go together.
type Files struct {
	// CA holds the roots that the other end's certificate must come from;
	// for a client, empty takes the system's.
	CA string
	// Cert holds this end's certificate and what leads to the root; Key its
	// private key.
	Cert, Key string
}

// TLS makes configurations from files, which it reads again when they change.
type TLS struct {
	roots    *Fresh[*x509.CertPool]   // nil for the system's
	identity *Fresh[*tls.Certificate] // nil without
}

// Open reads the files.
func Open(files Files, log *slog.Logger, now func() time.Time) (*TLS, error) {
	if (files.Cert == "") != (files.Key == "") {
		return nil, errors.New("a TLS certificate and its key go together: give both files or none")
	}
	t := &TLS{}
	var err error
	if files.CA != "" {
		if t.roots, err = NewFresh(log, now, parseRoots(files.CA), files.CA); err != nil {
			return nil, fmt.Errorf("TLS roots: %w", err)
		}
	}
	if files.Cert != "" {
		if t.identity, err = NewFresh(log, now, parsePair(files), files.Cert, files.Key); err != nil {
			return nil, fmt.Errorf("TLS certificate: %w", err)
		}
	}
	return t, nil
}

func parseRoots(path string) func([][]byte) (*x509.CertPool, error) {
	return func(contents [][]byte) (*x509.CertPool, error) {
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(contents[0]) {
			return nil, fmt.Errorf("%s holds no certificate in PEM", path)
		}
		return pool, nil
	}
}

func parsePair(files Files) func([][]byte) (*tls.Certificate, error) {
	return func(contents [][]byte) (*tls.Certificate, error) {
		pair, err := tls.X509KeyPair(contents[0], contents[1])
		if err != nil {
			return nil, fmt.Errorf("%s and %s are no certificate and its key: %w", files.Cert, files.Key, err)
		}
		return &pair, nil
	}
}

// Client makes the configuration of one connection to a server of that name.
// Make another for the next connection.
func (t *TLS) Client(serverName string) *tls.Config {
	cfg := &tls.Config{ServerName: serverName, MinVersion: tls.VersionTLS12}
	if t.roots != nil {
		cfg.RootCAs = t.roots.Get()
	}
	if t.identity != nil {
		cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return t.identity.Get(), nil }
	}
	return cfg
}

func (t *TLS) clientConn(conn net.Conn, serverName string) *tls.Conn {
	return tls.Client(conn, t.Client(serverName))
}

// Server makes the configuration of a listener that speaks the protocols, in
// ALPN's names. With roots, clients are asked for a certificate as auth says.
func (t *TLS) Server(auth tls.ClientAuthType, protocols ...string) *tls.Config {
	base := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: protocols}
	perClient := base.Clone()
	perClient.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		cfg := base.Clone()
		cfg.Certificates = []tls.Certificate{*t.identity.Get()}
		if t.roots != nil {
			cfg.ClientCAs, cfg.ClientAuth = t.roots.Get(), auth
		}
		return cfg, nil
	}
	// Some callers look for a certificate before the first handshake.
	perClient.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return t.identity.Get(), nil }
	return perClient
}
