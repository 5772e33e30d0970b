// Package transporttest gives tests certificates and connections by TLS.
//
// It does nothing that transport and its devca do not; what goes wrong ends the
// test.
package transporttest

import (
	"log/slog"
	"testing"
	"time"

	"github.com/gantry-dev/gantry/proto/transport"
	"github.com/gantry-dev/gantry/proto/transport/devca"
)

// CA is the root in dir, made where there is none.
func CA(t testing.TB, dir string) *devca.CA {
	t.Helper()
	ca, err := devca.Open(dir, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

// Issue makes a certificate of the root.
func Issue(t testing.TB, ca *devca.CA, who devca.Who) transport.Files {
	t.Helper()
	files, err := ca.Issue(who)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// Open reads the files.
func Open(t testing.TB, files transport.Files) *transport.TLS {
	t.Helper()
	material, err := transport.Open(files, slog.Default(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return material
}
