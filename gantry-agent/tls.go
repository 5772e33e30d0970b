package main

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/gantry-dev/gantry/proto/transport"
)

// TLSFlags say how to reach collectors safely.
type TLSFlags struct {
	TLS            bool   `name:"tls" help:"Reach collectors by TLS; any of the files below says so too."`
	TLSCAFile      string `name:"tls-ca-file" placeholder:"FILE" help:"Roots of the collectors' certificates; the system's without it. All files are read again for each connection."`
	TLSCertFile    string `name:"tls-cert-file" placeholder:"FILE" help:"Certificate of this agent, whose URI gantry://agent/ID or DNS name is the agent's name; with --tls-key-file."`
	TLSKeyFile     string `name:"tls-key-file" placeholder:"FILE" help:"Its private key."`
	TLSServerName  string `name:"tls-server-name" placeholder:"NAME" help:"Who the collectors' certificates must be of, where that is not the host they are reached by."`
	AllowPlaintext bool   `help:"Reach collectors on other machines without TLS: whoever is between can read and change readings, plates and the token among them."`
}

// open reads the files; nil is without TLS, which only collectors on this
// machine get unless it is asked for.
func (f *TLSFlags) open(collectors []string, log *slog.Logger) (*transport.TLS, error) {
	files := transport.Files{CA: f.TLSCAFile, Cert: f.TLSCertFile, Key: f.TLSKeyFile}
	if f.TLS || files != (transport.Files{}) {
		t, err := transport.Open(files, log, time.Now)
		if err != nil {
			return nil, fmt.Errorf("--tls-ca-file, --tls-cert-file, --tls-key-file: %w", err)
		}
		return t, nil
	}
	for _, addr := range collectors {
		if transport.LeavesMachine(addr) && !f.AllowPlaintext {
			return nil, fmt.Errorf("the collector %s is on another machine, and whoever is between could read and change readings, plates and the token among them: "+
				"add --tls or --tls-ca-file, or --allow-plaintext where nobody is", addr)
		}
	}
	return nil, nil
}
