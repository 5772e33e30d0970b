package kafkalocal

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// SecuredListener is a second listener of the real broker, for tests of what
// clients need off this machine: TLS, and SCRAM-SHA-512 for one user.
type SecuredListener struct {
	// Addr to listen on, host:port, not with port 0.
	Addr string
	// CertFile and KeyFile are the broker's, in PEM, the key in PKCS 8.
	CertFile, KeyFile string
	// User and Password of the one who may connect.
	User, Password string
}

// add gives the settings with the listener.
func (l *SecuredListener) add(settings []byte, dir string) ([]byte, error) {
	var store []byte
	for _, file := range []string{l.KeyFile, l.CertFile} {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("the broker's certificate: %w", err)
		}
		store = append(store, text...)
	}
	path := filepath.Join(dir, "broker.pem")
	if err := os.WriteFile(path, store, 0o600); err != nil {
		return nil, fmt.Errorf("the broker's certificate: %w", err)
	}
	lines := strings.Split(string(settings), "\n")
	for i, line := range lines {
		switch name, _, _ := strings.Cut(line, "="); name {
		case "listeners", "advertised.listeners":
			lines[i] += ",SECURED://" + l.Addr
		case "listener.security.protocol.map":
			lines[i] += ",SECURED:SASL_SSL"
		}
	}
	return []byte(strings.Join(slices.Concat(lines, []string{
		"inter.broker.listener.name=PLAINTEXT",
		"ssl.keystore.type=PEM",
		"ssl.keystore.location=" + path,
		"sasl.enabled.mechanisms=SCRAM-SHA-512",
		"listener.name.secured.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;",
		"",
	}), "\n")), nil
}

// user are the arguments that make the user when the folder is formatted.
func (l *SecuredListener) user() []string {
	if l == nil {
		return nil
	}
	return []string{"--add-scram", fmt.Sprintf("SCRAM-SHA-512=[name=%s,password=%s]", l.User, l.Password)}
}
