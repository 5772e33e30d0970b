package web_test

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/hashicorp/consul/sdk/freeport"
	"github.com/oauth2-proxy/mockoidc"
)

// withLogin starts a second collector, at which nobody looks without having
// logged in, and a provider of OpenID Connect to do so at. Three log in, one
// after the other; the browser's test says as whom.
func (s *stack) withLogin() {
	t := s.t
	t.Helper()
	provider, err := mockoidc.Run()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = provider.Shutdown() })
	for _, u := range []mockoidc.MockUser{
		{Subject: "1", Email: "anna@gantry.example", Groups: []string{"planning"}},
		{Subject: "2", Email: "boris@gantry.example", Groups: []string{"police"}},
		{Subject: "3", Email: "carla@gantry.example", Groups: []string{"gardening"}},
	} {
		provider.QueueUser(&u)
	}
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(provider.ClientSecret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	// The provider sends the browser back to a URL that must be known before.
	addr := freeAddr(t)
	s.issuer = strings.TrimPrefix(provider.Addr(), "http://")
	s.loginURL = s.collector("--http-addr", addr, "--public-url", "http://"+addr,
		"--oidc-issuer", provider.Issuer(), "--oidc-client-id", provider.ClientID, "--oidc-client-secret-file", secret,
		"--group-roles", "planning=planner;police=enforcement")
}

// freeAddr is an address that nobody listens at, nor will another test.
func freeAddr(t *testing.T) string {
	t.Helper()
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(freeport.GetOne(t)))
}
