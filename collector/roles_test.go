package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// methods walks every method of every service of the contract.
func methods(t *testing.T) map[string]gantryv1.Role {
	t.Helper()
	out := map[string]gantryv1.Role{}
	protoregistry.GlobalFiles.RangeFilesByPackage("gantry.v1", func(f protoreflect.FileDescriptor) bool {
		for i := range f.Services().Len() {
			service := f.Services().Get(i)
			for j := range service.Methods().Len() {
				name := fmt.Sprintf("/%s/%s", service.FullName(), service.Methods().Get(j).Name())
				out[name] = roleOf(name)
			}
		}
		return true
	})
	return out
}

func writeTokens(t *testing.T, lines ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tokens")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func digest(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

func withToken(t *testing.T, token string) context.Context {
	return metadata.NewIncomingContext(t.Context(), metadata.Pairs("authorization", "Bearer "+token))
}

// TestEveryMethodHasARole holds every method against every caller.
func TestEveryMethodHasARole(t *testing.T) {
	tokens, err := readTokens(writeTokens(t, "# who may do what", "", "agent "+digest("a"), "viewer "+digest("v"), "operator "+digest("o"),
		"planner "+digest("p"), "enforcement "+digest("e")))
	if err != nil {
		t.Fatal(err)
	}
	local, remote := &guard{tokens: tokens, loopback: true}, &guard{tokens: tokens}
	allowed := func(g *guard, ctx context.Context, method string) bool { return g.check(ctx, method) == nil }
	all := methods(t)
	if len(all) < 7 {
		t.Fatalf("found only %d methods", len(all))
	}
	for method, role := range all {
		if role == gantryv1.Role_ROLE_UNSPECIFIED {
			t.Errorf("%s has no (gantry.v1.role) option: give it one in its proto", method)
		}
		operator := role == gantryv1.Role_ROLE_OPERATOR
		viewer := role == gantryv1.Role_ROLE_VIEWER
		planner := viewer || role == gantryv1.Role_ROLE_PLANNER
		enforcement := role == gantryv1.Role_ROLE_ENFORCEMENT
		for name, c := range map[string]struct{ got, want bool }{
			"nobody, here":        {allowed(local, t.Context(), method), !operator && !enforcement},
			"nobody, remote":      {allowed(remote, t.Context(), method), false},
			"agent, remote":       {allowed(remote, withToken(t, "a"), method), role == gantryv1.Role_ROLE_AGENT},
			"viewer, remote":      {allowed(remote, withToken(t, "v"), method), viewer},
			"operator, here":      {allowed(local, withToken(t, "o"), method), operator || planner},
			"wrong, here":         {allowed(local, withToken(t, "x"), method), false},
			"viewer, here":        {allowed(local, withToken(t, "v"), method), viewer},
			"operator, afar ":     {allowed(remote, withToken(t, "o"), method), operator || planner},
			"planner, remote":     {allowed(remote, withToken(t, "p"), method), planner},
			"planner, here":       {allowed(local, withToken(t, "p"), method), planner},
			"enforcement, remote": {allowed(remote, withToken(t, "e"), method), enforcement || planner},
		} {
			if c.got != c.want {
				t.Errorf("%s of %s: allowed is %v, want %v", name, method, c.got, c.want)
			}
		}
	}
}

func TestMethodsWithoutRole(t *testing.T) {
	g := &guard{loopback: true}
	if err := g.check(t.Context(), "/grpc.health.v1.Health/Check"); err != nil {
		t.Errorf("health: %v", err)
	}
	for _, method := range []string{"/grpc.channelz.v1.Channelz/GetServers", "/gantry.v1.FleetService/Nope", "/nope", ""} {
		if err := g.check(t.Context(), method); status.Code(err) != codes.PermissionDenied {
			t.Errorf("%s: %v, want it denied", method, err)
		}
	}
}

func TestTokensFileProblems(t *testing.T) {
	for _, line := range []string{"root " + digest("a"), "agent abc", "agent", digest("a")} {
		_, err := readTokens(writeTokens(t, "# first", line))
		if err == nil || !strings.Contains(err.Error(), "tokens:2: not a role") {
			t.Errorf("%q: got %v", line, err)
		}
	}
}
