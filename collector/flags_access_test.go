package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/oauth2-proxy/mockoidc"
	"google.golang.org/grpc/codes"

	"github.com/gantry-dev/gantry/collector/access"
	"github.com/gantry-dev/gantry/collector/kafka/kafkatest"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// parseAccess reads flags as one types them, with their defaults.
func parseAccess(t *testing.T, args ...string) *AccessFlags {
	t.Helper()
	f := &AccessFlags{}
	parser, err := kong.New(f)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse(args); err != nil {
		t.Fatal(err)
	}
	return f
}

// TestAccessFlags: what is typed is what the guard gets.
func TestAccessFlags(t *testing.T) {
	cfg, err := parseAccess(t, "--group-roles", "police=enforcement;planning=planner,viewer", "--trusted-proxy", "10.0.0.7/32", "--http-hosts", "a.example",
		"--oidc-issuer", "https://login.example", "--oidc-client-id", "gantry", "--public-url", "https://gantry.example:8443").config()
	if err != nil {
		t.Fatal(err)
	}
	if cfg.GroupRoles["police"] != access.RolesOf(gantryv1.Role_ROLE_ENFORCEMENT) ||
		cfg.GroupRoles["planning"] != access.RolesOf(gantryv1.Role_ROLE_PLANNER, gantryv1.Role_ROLE_VIEWER) {
		t.Errorf("roles of groups are %v", cfg.GroupRoles)
	}
	if strings.Join(cfg.Hosts, " ") != "a.example gantry.example" || cfg.Proxy.From[0].String() != "10.0.0.7/32" || cfg.Proxy.UserHeader != "X-Forwarded-User" {
		t.Errorf("hosts %v, proxy %v", cfg.Hosts, cfg.Proxy)
	}
	if o := cfg.OIDC; o == nil || o.ClientID != "gantry" || o.NameClaim != "email" || o.GroupsClaim != "groups" || o.SessionLife != 8*time.Hour || len(o.Scopes) != 3 {
		t.Errorf("login %+v", cfg.OIDC)
	}
	if _, err := parseAccess(t, "--group-roles", "police=sheriff").config(); err == nil || !strings.Contains(err.Error(), `--group-roles police: "sheriff" is no role`) {
		t.Errorf("a role that is none: %v", err)
	}
	if cfg, err := parseAccess(t).config(); err != nil || cfg.OIDC != nil || len(cfg.Proxy.From) != 0 {
		t.Errorf("by default: %+v, %v", cfg, err)
	}
}

// TestTokenCommand makes a token as one types it, which a running collector
// takes without a restart.
func TestTokenCommand(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokens")
	create := func(name string, more ...string) (string, int) {
		t.Helper()
		out := filepath.Join(t.TempDir(), "out")
		f, err := os.Create(out)
		if err != nil {
			t.Fatal(err)
		}
		terminal := os.Stdout
		os.Stdout = f
		status := run(append([]string{"token", "create", "--name", name, "--tokens-file", path}, more...))
		os.Stdout = terminal
		_ = f.Close()
		text, _ := os.ReadFile(out)
		return strings.TrimSpace(string(text)), status
	}
	if _, status := create("first", "--role", "agent"); status != 0 {
		t.Fatalf("status %d", status)
	}
	broker := kafkatest.Fake(t)
	applyNetwork(t, broker)
	c, _ := start(t, settings{ServeFlags: serveFlags(broker), grpc: &GRPCFlags{GRPCAddr: "127.0.0.1:0", LeaseTTL: 3 * time.Second, AccessFlags: AccessFlags{TokensFile: path}}})
	secret, status := create("second", "--role", "planner,operator", "--expires", "1h")
	if status != 0 || !strings.HasPrefix(secret, "gantry_") {
		t.Fatalf("status %d, token %q", status, secret)
	}
	eventually(t, "taken by the running collector", func() bool {
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+c.httpListener.Addr().String()+"/session", nil)
		r.Header.Set("Authorization", "Bearer "+secret)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		return resp.StatusCode == http.StatusOK
	})
	if _, status := create("second", "--role", "planner"); status != 1 {
		t.Errorf("the same name again: status %d", status)
	}
	if _, status := create("third", "--role", "sheriff"); status != 1 {
		t.Errorf("a role that is none: status %d", status)
	}
}

// TestLoginIsWired: with an issuer, the running collector sends people there,
// and loopback alone opens nothing.
func TestLoginIsWired(t *testing.T) {
	provider, err := mockoidc.Run()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = provider.Shutdown() })
	broker := kafkatest.Fake(t)
	applyNetwork(t, broker)
	flags := parseAccess(t, "--oidc-issuer", provider.Issuer(), "--oidc-client-id", provider.ClientID, "--public-url", "http://localhost:8080")
	c, _ := start(t, settings{ServeFlags: serveFlags(broker), grpc: &GRPCFlags{GRPCAddr: "127.0.0.1:0", LeaseTTL: 3 * time.Second, AccessFlags: *flags}})
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Get("http://" + c.httpListener.Addr().String() + "/login")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusFound || !strings.HasPrefix(resp.Header.Get("Location"), provider.AuthorizationEndpoint()+"?") {
		t.Errorf("%s to %s", resp.Status, resp.Header.Get("Location"))
	}
	if code := grpcCode(t, dial(t, c), gantryv1.FleetService_ListDevices_FullMethodName, ""); code != codes.Unauthenticated {
		t.Errorf("somebody on loopback looks without login: %s", code)
	}
}
