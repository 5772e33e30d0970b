// Package devca is a certificate authority for development and tests: it makes
// a root, and certificates of collectors and agents from it, as files.
//
// # Order of operations
//
// Open reads the root from a folder, or makes one there; Issue makes a
// certificate and puts it beside the root, key before certificate and each by
// rename, so that whoever reads the files again meanwhile finds a pair that
// does not fit, at worst, and waits.
//
// # Invariants
//
//   - Keys have mode 0600 and never leave the folder.
//   - Nothing is issued for longer than the root lives.
//
// It uses crypto/x509 alone: what of a library (smallstep's, cfssl's) goes
// beyond its twenty lines is the service that this is not.
//
// # What it does not do
//
// It is not for production: the root's key lies unprotected on a disk, and
// nothing can be revoked.
package devca

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/gantry-dev/gantry/proto/transport"
)

// Names of files in the folder.
const (
	RootFile    = "ca.pem"
	rootKeyFile = "ca-key.pem"
)

// How long certificates live, and how far clocks may be apart.
const (
	rootLife = 365 * 24 * time.Hour
	leafLife = 90 * 24 * time.Hour
	skew     = 5 * time.Minute
)

// CA issues certificates.
type CA struct {
	dir  string
	cert *x509.Certificate
	key  crypto.Signer
	now  func() time.Time
}

// Open reads the authority in the folder, or makes one; now is the clock.
func Open(dir string, now func() time.Time) (*CA, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("development CA: %w", err)
	}
	ca := &CA{dir: dir, now: now}
	text, err := os.ReadFile(filepath.Join(dir, RootFile))
	if errors.Is(err, fs.ErrNotExist) {
		return ca, ca.found()
	}
	if err != nil {
		return nil, fmt.Errorf("development CA: %w", err)
	}
	keyText, err := os.ReadFile(filepath.Join(dir, rootKeyFile))
	if err != nil {
		return nil, fmt.Errorf("development CA: %w", err)
	}
	if ca.cert, ca.key, err = parseRoot(text, keyText); err != nil {
		return nil, fmt.Errorf("development CA in %s: %w: remove %s and %s to begin anew", dir, err, RootFile, rootKeyFile)
	}
	if now().After(ca.cert.NotAfter) {
		return nil, fmt.Errorf("development CA in %s: expired at %s: remove %s and %s to begin anew", dir, ca.cert.NotAfter.Format(time.RFC3339), RootFile, rootKeyFile)
	}
	return ca, nil
}

func parseRoot(text, keyText []byte) (*x509.Certificate, crypto.Signer, error) {
	block, _ := pem.Decode(text)
	keyBlock, _ := pem.Decode(keyText)
	if block == nil || keyBlock == nil {
		return nil, nil, errors.New("is not in PEM")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, nil, err
	}
	key, err := x509.ParsePKCS8PrivateKey(keyBlock.Bytes)
	if err != nil {
		return nil, nil, err
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, nil, errors.New("has a key that cannot sign")
	}
	return cert, signer, nil
}

// found makes the root.
func (ca *CA) found() error {
	template := &x509.Certificate{
		Subject:  pkix.Name{CommonName: "Gantry development CA"},
		NotAfter: ca.now().Add(rootLife), KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("development CA: %w", err)
	}
	ca.cert, ca.key = template, key
	if ca.cert, err = ca.sign(template, key); err != nil {
		return err
	}
	return ca.write(RootFile, rootKeyFile, ca.cert, key)
}

// Who says what a certificate is for.
type Who struct {
	// Name is of the files: NAME.pem and NAME-key.pem.
	Name string
	// Hosts are names and addresses of a server; Agent is the id of an agent,
	// or * for all. Each may be empty.
	Hosts []string
	// Agent is an agent's id.
	Agent string
	// Life of the certificate; 0 takes 90 days.
	Life time.Duration
}

// Issue makes a certificate and its key and returns the files.
func (ca *CA) Issue(w Who) (transport.Files, error) {
	if w.Name == "" || filepath.Base(w.Name) != w.Name {
		return transport.Files{}, fmt.Errorf("certificate of %q: the name is a file's too: leave slashes out", w.Name)
	}
	life := w.Life
	if life == 0 {
		life = leafLife
	}
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: w.Name}, NotAfter: ca.now().Add(life), KeyUsage: x509.KeyUsageDigitalSignature,
		BasicConstraintsValid: true,
	}
	if template.NotAfter.After(ca.cert.NotAfter) {
		template.NotAfter = ca.cert.NotAfter
	}
	for _, host := range w.Hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	if len(w.Hosts) > 0 {
		template.ExtKeyUsage = append(template.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
	}
	if w.Agent != "" {
		template.URIs = []*url.URL{transport.AgentURI(w.Agent)}
		template.ExtKeyUsage = append(template.ExtKeyUsage, x509.ExtKeyUsageClientAuth)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return transport.Files{}, fmt.Errorf("certificate of %s: %w", w.Name, err)
	}
	cert, err := ca.sign(template, key)
	if err != nil {
		return transport.Files{}, err
	}
	certFile, keyFile := w.Name+".pem", w.Name+"-key.pem"
	return transport.Files{
		CA: filepath.Join(ca.dir, RootFile), Cert: filepath.Join(ca.dir, certFile), Key: filepath.Join(ca.dir, keyFile),
	}, ca.write(certFile, keyFile, cert, key)
}

func (ca *CA) sign(template *x509.Certificate, key crypto.Signer) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, fmt.Errorf("development CA: %w", err)
	}
	template.SerialNumber, template.NotBefore = serial, ca.now().Add(-skew)
	der, err := x509.CreateCertificate(rand.Reader, template, ca.cert, key.Public(), ca.key)
	if err != nil {
		return nil, fmt.Errorf("development CA: %w", err)
	}
	return x509.ParseCertificate(der)
}

func (ca *CA) write(certFile, keyFile string, cert *x509.Certificate, key crypto.Signer) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("development CA: %w", err)
	}
	for _, f := range []struct {
		name, kind string
		der        []byte
		mode       fs.FileMode
	}{
		{keyFile, "PRIVATE KEY", der, 0o600},
		{certFile, "CERTIFICATE", cert.Raw, 0o644},
	} {
		unfinished := filepath.Join(ca.dir, f.name+".tmp")
		if err := os.WriteFile(unfinished, pem.EncodeToMemory(&pem.Block{Type: f.kind, Bytes: f.der}), f.mode); err != nil {
			return fmt.Errorf("development CA: %w", err)
		}
		if err := os.Rename(unfinished, filepath.Join(ca.dir, f.name)); err != nil {
			return fmt.Errorf("development CA: %w", err)
		}
	}
	return nil
}
