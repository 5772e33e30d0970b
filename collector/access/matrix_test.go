package access

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/emptypb"

	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// may says it anew, apart from the code: which roles each kind of caller's
// methods may ask for.
var may = map[string][]gantryv1.Role{
	"agent":       {gantryv1.Role_ROLE_AGENT},
	"viewer":      {gantryv1.Role_ROLE_VIEWER},
	"planner":     {gantryv1.Role_ROLE_VIEWER, gantryv1.Role_ROLE_PLANNER},
	"operator":    {gantryv1.Role_ROLE_VIEWER, gantryv1.Role_ROLE_PLANNER, gantryv1.Role_ROLE_OPERATOR},
	"enforcement": {gantryv1.Role_ROLE_VIEWER, gantryv1.Role_ROLE_PLANNER, gantryv1.Role_ROLE_ENFORCEMENT},
	"both":        {gantryv1.Role_ROLE_VIEWER, gantryv1.Role_ROLE_PLANNER, gantryv1.Role_ROLE_OPERATOR, gantryv1.Role_ROLE_ENFORCEMENT},
	"loopback":    {gantryv1.Role_ROLE_VIEWER, gantryv1.Role_ROLE_PLANNER, gantryv1.Role_ROLE_AGENT},
	"nobody":      nil,
}

// kind is a caller: the headers that are sent, and where the listener stands.
type kind struct {
	name    string
	headers map[string]string
	local   bool
	proxied bool // the listener trusts a proxy at the caller's address
	session bool // people log in; the caller has a session with the roles of may
	may     string
	refused codes.Code // 0 takes PermissionDenied
}

func bearer(secret string) map[string]string {
	return map[string]string{"authorization": "Bearer " + secret}
}

func kinds() []kind {
	proxy := func(user, groups string) map[string]string {
		return map[string]string{"x-user": user, "x-groups": groups}
	}
	all := []kind{
		{name: "nobody, here", local: true, may: "loopback", refused: codes.Unauthenticated},
		{name: "nobody, here, through a proxy", local: true, headers: map[string]string{"x-forwarded-for": "10.0.0.1"}, may: "nobody", refused: codes.Unauthenticated},
		{name: "nobody, remote", may: "nobody", refused: codes.Unauthenticated},
		{name: "wrong token, here", local: true, headers: bearer("x"), may: "nobody", refused: codes.Unauthenticated},
		{name: "wrong token, remote", headers: bearer("x"), may: "nobody", refused: codes.Unauthenticated},
		{name: "expired token, here", local: true, headers: bearer("old"), may: "nobody", refused: codes.Unauthenticated},
		{name: "no bearer, here", local: true, headers: map[string]string{"authorization": "Basic dTpw"}, may: "nobody", refused: codes.Unauthenticated},
		{name: "the hash instead of the token", headers: bearer(strings.Fields(tokenLine("n", "enforcement", "enforcement", "never"))[2]), may: "nobody", refused: codes.Unauthenticated},
		{name: "proxy's police", proxied: true, headers: proxy("ann", "x, police"), may: "enforcement"},
		{name: "proxy's unknown group", proxied: true, headers: proxy("ann", "x"), may: "nobody"},
		{name: "proxy without a name", proxied: true, headers: map[string]string{"x-groups": "police"}, may: "nobody", refused: codes.Unauthenticated},
		{name: "nobody behind the proxy, here", proxied: true, local: true, may: "nobody", refused: codes.Unauthenticated},
		{name: "foreign proxy", headers: proxy("ann", "police"), may: "nobody", refused: codes.Unauthenticated},
		{name: "foreign proxy, here", local: true, headers: proxy("ann", "police"), may: "loopback", refused: codes.Unauthenticated},
	}
	for _, role := range []string{"planner", "enforcement", "operator"} {
		all = append(all, kind{name: role + " logged in, here", session: true, local: true, may: role}, kind{name: role + " logged in, remote", session: true, may: role})
	}
	all = append(all, kind{name: "not logged in, here", session: true, local: true, may: "nobody", refused: codes.Unauthenticated})
	for _, role := range []string{"agent", "viewer", "planner", "enforcement", "operator", "both"} {
		all = append(all, kind{name: role + ", remote", headers: bearer(role), may: role},
			kind{name: role + ", here", local: true, headers: bearer(role), may: role})
	}
	return all
}

// way calls a method and says how that ended.
type way func(ctx context.Context, procedure string, m protoreflect.MethodDescriptor, headers map[string]string) codes.Code

// TestEveryMethodAndCaller walks the contract as every kind of caller, with
// grpc-go, with Connect's server by gRPC and by Connect's own protocol, and as
// plain HTTP.
func TestEveryMethodAndCaller(t *testing.T) {
	lines := []string{"# who may do what", "", tokenLine("old", "enforcement", "old", "2026-03-06T12:00:00Z"), tokenLine("two", "operator,enforcement", "both", "2026-03-06T12:00:01Z")}
	for _, role := range []string{"agent", "viewer", "planner", "enforcement", "operator"} {
		lines = append(lines, tokenLine("the-"+role, role, role, "never"))
	}
	all := procedures(t)
	for _, k := range kinds() {
		audit := &memoryAudit{}
		cfg := testConfig(t, audit)
		cfg.TokensFile = tokensFile(t, lines...)
		cfg.GroupRoles = map[string]Roles{"police": RolesOf(gantryv1.Role_ROLE_ENFORCEMENT)}
		cfg.Proxy = ProxyConfig{UserHeader: "X-User", GroupsHeader: "X-Groups", From: []netip.Prefix{netip.MustParsePrefix("10.9.9.9/32")}}
		if !k.proxied && k.local {
			cfg.Proxy.From = nil // one that is trusted ends loopback's rights
		}
		if k.proxied {
			cfg.Proxy.From = append(cfg.Proxy.From, netip.MustParsePrefix("127.0.0.1/32"))
		}
		address := open
		if k.local {
			address = onLoopback
		}
		if k.session {
			cfg.OIDC = &OIDCConfig{Issuer: "https://login.example", ClientID: "c", PublicURL: "https://gantry.example"}
		}
		g := openAccess(t, cfg).Guard(address)
		if k.session && k.may != "nobody" {
			k.headers = map[string]string{"cookie": sessionOf(t, g, k.may)}
		}
		for name, call := range ways(t, g) {
			k := k // changed below
			if k.session && name == "grpc-go" {
				k.may, k.refused = "nobody", codes.Unauthenticated // no browser calls there, so no cookie counts
			}
			t.Run(fmt.Sprintf("%s by %s", k.name, name), func(t *testing.T) {
				for procedure, m := range all {
					checkCall(t, k, call, procedure, m, audit)
				}
			})
		}
	}
}

// sessionOf seals a session as the login does.
func sessionOf(t *testing.T, g *Guard, role string) string {
	t.Helper()
	roles, err := ParseRoles(role)
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	if err := g.login.sessions.seal(w, sessionCookie, sealed{Name: "ann", Roles: roles, Expires: noon.Add(time.Hour)}, noon.Add(time.Hour), noon); err != nil {
		t.Fatal(err)
	}
	c := w.Result().Cookies()[0]
	return c.Name + "=" + c.Value
}

func checkCall(t *testing.T, k kind, call way, procedure string, m protoreflect.MethodDescriptor, audit *memoryAudit) {
	t.Helper()
	role := RoleOf(procedure)
	if role == gantryv1.Role_ROLE_UNSPECIFIED {
		t.Errorf("%s has no (gantry.v1.role) option: give it one in its proto", procedure)
	}
	headers := map[string]string{"gantry-purpose": "case 7"}
	for name, value := range k.headers {
		headers[name] = value
	}
	want := codes.OK
	if !slices.Contains(may[k.may], role) {
		if want = k.refused; want == codes.OK {
			want = codes.PermissionDenied
		}
	}
	got := call(t.Context(), procedure, m, headers)
	if got == notCallable {
		return
	}
	if got != want {
		t.Errorf("%s: %s, want %s", procedure, got, want)
	}
	noted := audit.take()
	if should := want == codes.OK && role == gantryv1.Role_ROLE_ENFORCEMENT; should != (len(noted) == 1) || len(noted) > 1 {
		t.Errorf("%s: %d audit records", procedure, len(noted))
	}
}

// notCallable is a method that a way cannot call.
const notCallable = codes.Code(99)

func ways(t *testing.T, g *Guard) map[string]way {
	native, url := grpcServer(t, g), httpServer(t, g)
	return map[string]way{
		"grpc-go":           byGRPC(dial(t, native)),
		"Connect's gRPC":    byGRPC(dial(t, strings.TrimPrefix(url, "http://"))),
		"Connect":           byHTTP(http.MethodPost, url),
		"plain HTTP (/csv)": byHTTP(http.MethodGet, url+"/csv"),
	}
}

func byGRPC(conn *grpc.ClientConn) way {
	return func(ctx context.Context, procedure string, m protoreflect.MethodDescriptor, headers map[string]string) codes.Code {
		ctx = metadata.NewOutgoingContext(ctx, metadata.New(headers))
		if !m.IsStreamingServer() && !m.IsStreamingClient() {
			return status.Code(conn.Invoke(ctx, procedure, &emptypb.Empty{}, &emptypb.Empty{}))
		}
		s, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, procedure)
		if err != nil {
			return status.Code(err)
		}
		_ = s.SendMsg(&emptypb.Empty{})
		_ = s.CloseSend()
		if err := s.RecvMsg(&emptypb.Empty{}); !errors.Is(err, io.EOF) {
			return status.Code(err)
		}
		return codes.OK
	}
}

func byHTTP(method, base string) way {
	return func(ctx context.Context, procedure string, m protoreflect.MethodDescriptor, headers map[string]string) codes.Code {
		if m.IsStreamingServer() || m.IsStreamingClient() {
			return notCallable
		}
		r, _ := http.NewRequestWithContext(ctx, method, base+procedure, strings.NewReader("{}"))
		r.Header.Set("Content-Type", "application/json")
		for name, value := range headers {
			r.Header.Set(name, value)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			return codes.Unknown
		}
		defer func() { _ = resp.Body.Close() }()
		code, known := map[int]codes.Code{200: codes.OK, 401: codes.Unauthenticated, 403: codes.PermissionDenied}[resp.StatusCode]
		if !known {
			return codes.Unknown
		}
		return code
	}
}

// TestMethodsWithoutRole: what the contract does not open is shut.
func TestMethodsWithoutRole(t *testing.T) {
	everything := Caller{Name: "all", Roles: ^Roles(0), Via: ViaToken}
	for _, method := range []string{"/grpc.channelz.v1.Channelz/GetServers", "/gantry.v1.FleetService/Nope", "/gantry.v1.Reading/x", "/nope", ""} {
		if err := Decide(everything, method); status.Code(err) != codes.PermissionDenied {
			t.Errorf("%s: %v, want it denied", method, err)
		}
	}
	if err := Decide(Caller{}, "/grpc.health.v1.Health/Check"); err != nil {
		t.Errorf("health: %v", err)
	}
}
