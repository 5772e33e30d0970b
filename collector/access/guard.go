package access

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
	"github.com/gantry-dev/gantry/proto/transport"
)

// Access is what all listeners of a process share.
type Access struct {
	cfg     Config
	tokens  *Tokens
	login   *Login // nil without OIDC
	metrics *metrics
	origins *http.CrossOriginProtection
}

// Open reads the tokens file and checks the configuration.
func Open(cfg Config) (*Access, error) {
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	a := &Access{cfg: cfg}
	var err error
	if a.tokens, err = openTokens(cfg.TokensFile, cfg.Log, cfg.Now); err != nil {
		return nil, err
	}
	if a.origins, err = crossOrigin(cfg.TrustedOrigins); err != nil {
		return nil, err
	}
	if cfg.OIDC != nil {
		if a.login, err = newLogin(*cfg.OIDC, cfg); err != nil {
			return nil, err
		}
	}
	a.metrics, err = newMetrics(cfg.Metrics)
	return a, err
}

// HasLogin tells whether there is any way to prove who one is, but for client
// certificates, which are the listener's business.
func (a *Access) HasLogin() bool {
	return a.tokens.Len() > 0 || a.login != nil || len(a.cfg.Proxy.From) > 0
}

// Guard is the door of one listener.
type Guard struct {
	*Access
	here bool // the listener is on loopback
	// loopback lets callers without proof look, but at nothing that says
	// something about single vehicles. A machine whose people log in, or that
	// has a proxy in front, has no such callers.
	loopback bool
}

// Guard makes the door of the listener with that address.
func (a *Access) Guard(listener net.Addr) *Guard {
	tcp, ok := listener.(*net.TCPAddr)
	here := ok && tcp.IP.IsLoopback()
	return &Guard{Access: a, here: here, loopback: here && a.login == nil && len(a.cfg.Proxy.From) == 0}
}

// loopbackRoles are those of a caller who stands on the same machine.
var loopbackRoles = RolesOf(gantryv1.Role_ROLE_AGENT, gantryv1.Role_ROLE_VIEWER, gantryv1.Role_ROLE_PLANNER)

// proof is what a call brings to show who calls.
type proof struct {
	header  func(name string) []string
	peer    netip.Addr
	tls     *tls.ConnectionState
	session func() (Caller, bool) // nil where there are no cookies
}

// visit is what is known of a call before its method runs.
type visit struct {
	caller  Caller
	problem error // why what was given proves nothing
	purpose string
	peer    string
}

type visitKey struct{}

// CallerFrom gives who calls; ok is false outside of a guarded call.
func CallerFrom(ctx context.Context) (c Caller, ok bool) {
	v, ok := ctx.Value(visitKey{}).(visit)
	return v.caller, ok
}

// enter finds out who calls and remembers it.
func (g *Guard) enter(ctx context.Context, p proof) context.Context {
	v := visit{peer: p.peer.String()}
	v.caller, v.problem = g.identify(p)
	if given := p.header("gantry-purpose"); len(given) > 0 {
		v.purpose = given[0]
	}
	return context.WithValue(ctx, visitKey{}, v)
}

// identify finds the caller by the strongest proof given.
func (g *Guard) identify(p proof) (Caller, error) {
	if given := p.header("authorization"); len(given) > 0 {
		return g.byToken(given)
	}
	if p.session != nil {
		if c, ok := p.session(); ok {
			return c, nil
		}
	}
	if c, ok, err := g.byProxy(p); ok || err != nil {
		return c, err
	}
	if name, ok := transport.AgentName(p.tls); ok {
		return Caller{Name: name, Roles: RolesOf(gantryv1.Role_ROLE_AGENT), Via: ViaCertificate}, nil
	}
	if g.loopback && p.peer.IsLoopback() && !forwarded(p.header) {
		return Caller{Name: "loopback", Roles: loopbackRoles, Via: ViaLoopback}, nil
	}
	return Caller{Name: "nobody", Via: ViaNothing}, nil
}

func (g *Guard) byToken(given []string) (Caller, error) {
	nobody := Caller{Name: "nobody", Via: ViaNothing}
	secret, ok := strings.CutPrefix(given[0], "Bearer ")
	if !ok || len(given) > 1 {
		return nobody, refuse(codes.Unauthenticated, "the header authorization is not one `Bearer TOKEN`")
	}
	t, ok := g.tokens.lookup(secret)
	if !ok {
		return nobody, refuse(codes.Unauthenticated, "the collector does not know this token: make one with `collector token create`, or send none on loopback")
	}
	if !t.Expires.IsZero() && !g.cfg.Now().Before(t.Expires) {
		return nobody, refuse(codes.Unauthenticated, "the token %s expired at %s: make another with `collector token create`", t.Name, t.Expires.Format(time.RFC3339))
	}
	return Caller{Name: t.Name, Roles: t.Roles, Via: ViaToken}, nil
}

// byProxy believes the proxy's headers, and nobody else's.
func (g *Guard) byProxy(p proof) (Caller, bool, error) {
	trusted := false
	for _, from := range g.cfg.Proxy.From {
		trusted = trusted || from.Contains(p.peer)
	}
	user := p.header(g.cfg.Proxy.UserHeader)
	if !trusted || len(user) == 0 || user[0] == "" {
		return Caller{}, false, nil
	}
	groups := p.header(g.cfg.Proxy.GroupsHeader)
	if len(user) > 1 || len(groups) > 1 {
		return Caller{Name: "nobody", Via: ViaNothing}, false,
			refuse(codes.Unauthenticated, "the proxy let %s or %s through twice: have it remove these headers from what comes to it", g.cfg.Proxy.UserHeader, g.cfg.Proxy.GroupsHeader)
	}
	c := Caller{Name: user[0], Via: ViaProxy}
	if len(groups) == 1 {
		c.Roles = g.cfg.rolesOf(strings.Split(groups[0], ","))
	}
	return c, true, nil
}

// rolesOf adds up the roles of groups; groups that are not configured give
// none.
func (c Config) rolesOf(groups []string) Roles {
	var roles Roles
	for _, group := range groups {
		roles |= c.GroupRoles[strings.TrimSpace(group)]
	}
	return roles
}

// forwarded tells whether a proxy passed the call on: then who stands on this
// machine is the proxy.
func forwarded(header func(string) []string) bool {
	for _, name := range []string{"forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via"} {
		if len(header(name)) > 0 {
			return true
		}
	}
	return false
}

// Admit lets the call through or returns a RefusedError; the context is one that a
// guarded handler or interceptor was given. A look at single vehicles has been
// noted when it returns nil. Handlers of plain HTTP call it themselves, with
// the method that says the same and its request.
func (g *Guard) Admit(ctx context.Context, procedure string, request proto.Message) error {
	if err := g.allow(ctx, procedure); err != nil {
		return err
	}
	return g.note(ctx, procedure, request)
}

// allow decides by what is known before the request is read.
func (g *Guard) allow(ctx context.Context, procedure string) error {
	v, ok := ctx.Value(visitKey{}).(visit)
	if !ok {
		return refuse(codes.Internal, "%s was reached past the guard: this is a mistake in the collector", procedure)
	}
	err := v.problem
	service, _, _ := strings.Cut(strings.TrimPrefix(procedure, "/"), "/")
	if err == nil || IsOpen(service) {
		err = Decide(v.caller, procedure)
	}
	g.metrics.calls.WithLabelValues(v.caller.Via, outcome(err)).Inc()
	if err != nil && RoleOf(procedure) == gantryv1.Role_ROLE_ENFORCEMENT {
		g.cfg.Log.Warn("look at single vehicles refused", "caller", v.caller.Name, "via", v.caller.Via, "method", procedure, "peer", v.peer, "reason", err.Error())
	}
	return err
}

func outcome(err error) string {
	if err == nil {
		return "allowed"
	}
	return codeOf(err).String()
}
