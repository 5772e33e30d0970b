package main

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/gantry-dev/gantry/proto/transport"
)

// TLSFlags say what the listeners show and ask for.
type TLSFlags struct {
	TLSCertFile     string `name:"tls-cert-file" type:"path" help:"Certificate of the gRPC and the HTTP port, with --tls-key-file; both are read again when they change."`
	TLSKeyFile      string `name:"tls-key-file" type:"path" help:"Its private key."`
	TLSClientCAFile string `name:"tls-client-ca-file" type:"path" help:"Roots of agents' certificates. With it the gRPC port asks for one, whose URI gantry://agent/ID or DNS name must be the agent's id."`
	TLSClientAuth   string `name:"tls-client-auth" enum:"require,optional" default:"require" help:"With --tls-client-ca-file: require a certificate of all who call the gRPC port, or let those without one prove themselves by token."`
	AllowPlaintext  bool   `help:"Listen for other machines without TLS: whoever is between can read and change readings, tokens and plates."`
}

// listeners is TLS of both ports; nil without a certificate.
func (f *TLSFlags) listeners(log *slog.Logger) (*transport.TLS, error) {
	if f.TLSCertFile == "" && f.TLSKeyFile == "" {
		if f.TLSClientCAFile != "" {
			return nil, fmt.Errorf("--tls-client-ca-file asks for clients' certificates, which only TLS carries: add --tls-cert-file and --tls-key-file")
		}
		return nil, nil
	}
	t, err := transport.Open(transport.Files{CA: f.TLSClientCAFile, Cert: f.TLSCertFile, Key: f.TLSKeyFile}, log, time.Now)
	if err != nil {
		return nil, fmt.Errorf("--tls-cert-file, --tls-key-file, --tls-client-ca-file: %w", err)
	}
	return t, nil
}

// clientAuth is what the gRPC port asks of clients. Pages have no certificate:
// the HTTP port asks for none.
func (f *TLSFlags) clientAuth() tls.ClientAuthType {
	if f.TLSClientAuth == "optional" {
		return tls.VerifyClientCertIfGiven
	}
	return tls.RequireAndVerifyClientCert
}

// refusePlaintext refuses to listen in the clear where other machines reach.
func (f *TLSFlags) refusePlaintext(flag string, addr net.Addr) error {
	if isLoopback(addr) || f.AllowPlaintext {
		return nil
	}
	return fmt.Errorf("%s %s is open to other machines without TLS, and whoever is between could read and change readings, tokens and plates: "+
		"give --tls-cert-file and --tls-key-file (`collector dev-ca` makes some to try), listen on 127.0.0.1, or add --allow-plaintext where nobody is between", flag, addr)
}
