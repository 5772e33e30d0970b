package devca

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 3, 6, 12, 0, 0, 0, time.UTC)

func at(when time.Time) func() time.Time { return func() time.Time { return when } }

// TestIssue: certificates of one root, over two runs, verify for what they are
// for and nothing else.
func TestIssue(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ca")
	for _, name := range []string{"first", "second"} {
		ca, err := Open(dir, at(noon))
		if err != nil {
			t.Fatal(err)
		}
		files, err := ca.Issue(Who{Name: name, Hosts: []string{"localhost", "127.0.0.1"}})
		if err != nil {
			t.Fatal(err)
		}
		pair, err := tls.LoadX509KeyPair(files.Cert, files.Key)
		if err != nil {
			t.Fatal(err)
		}
		roots := x509.NewCertPool()
		text, _ := os.ReadFile(files.CA)
		roots.AppendCertsFromPEM(text)
		verify := func(host string, when time.Time, use x509.ExtKeyUsage) bool {
			_, err := pair.Leaf.Verify(x509.VerifyOptions{DNSName: host, Roots: roots, CurrentTime: when, KeyUsages: []x509.ExtKeyUsage{use}})
			return err == nil
		}
		for what, c := range map[string]struct{ got, want bool }{
			"name":        {verify("localhost", noon, x509.ExtKeyUsageServerAuth), true},
			"address":     {verify("127.0.0.1", noon.Add(leafLife), x509.ExtKeyUsageServerAuth), true},
			"other name":  {verify("evil.example", noon, x509.ExtKeyUsageServerAuth), false},
			"as a client": {verify("localhost", noon, x509.ExtKeyUsageClientAuth), false},
			"expired":     {verify("localhost", noon.Add(leafLife+time.Second), x509.ExtKeyUsageServerAuth), false},
		} {
			if c.got != c.want {
				t.Errorf("%s, %s: %v, want %v", name, what, c.got, c.want)
			}
		}
	}
	for _, name := range []string{rootKeyFile, "first-key.pem", "second-key.pem"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
}

// TestRootThatIsNoGood is said so, with the way out, and never replaced.
func TestRootThatIsNoGood(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(dir, at(noon)); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, at(noon.Add(rootLife+time.Hour))); err == nil || !strings.Contains(err.Error(), "begin anew") {
		t.Errorf("expired: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, RootFile), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, at(noon)); err == nil || !strings.Contains(err.Error(), "begin anew") {
		t.Errorf("broken: %v", err)
	}
}
