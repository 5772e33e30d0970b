package access

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"google.golang.org/grpc/codes"
)

// Paths of the login.
const (
	loginPath    = "/login"
	callbackPath = "/login/callback"
)

// loginLife is how long a person may take at the provider.
const loginLife = 10 * time.Minute

// OIDCConfig is the login of people by OpenID Connect's authorization code
// flow, with PKCE, state and nonce. Take DefaultOIDCConfig and change what
// differs.
type OIDCConfig struct {
	// Issuer is the provider, whose /.well-known/openid-configuration is read.
	Issuer string
	// ClientID is this collector's at the provider.
	ClientID string
	// ClientSecretFile holds its secret, read for each login; empty for a
	// public client.
	ClientSecretFile string
	// PublicURL is how browsers reach the collector, as
	// https://gantry.example; the provider must allow it with /login/callback.
	PublicURL string
	// Scopes to ask for beside openid.
	Scopes []string
	// NameClaim and GroupsClaim say where the token has the person's name and
	// groups; groups are text or a list.
	NameClaim, GroupsClaim string
	// SessionKeyFile holds the secret that sessions are sealed with, the same
	// for all collectors; see newSessions. Empty draws one, so that sessions
	// end with the process.
	SessionKeyFile string
	// SessionLife is when to log in again: what the provider says of somebody
	// is known for so long.
	SessionLife time.Duration
	// Timeout bounds each question to the provider.
	Timeout time.Duration
}

// DefaultOIDCConfig has what most providers call things.
func DefaultOIDCConfig() OIDCConfig {
	return OIDCConfig{
		Scopes: []string{"profile", "email", "groups"}, NameClaim: "email", GroupsClaim: "groups",
		SessionLife: 8 * time.Hour, Timeout: 10 * time.Second,
	}
}

// Login lets people log in at a provider.
type Login struct {
	cfg      OIDCConfig
	rolesOf  func(groups []string) Roles
	now      func() time.Time
	sessions *sessions

	mu       sync.Mutex
	provider *oidc.Provider // nil until it has answered
}

func newLogin(cfg OIDCConfig, all Config) (*Login, error) {
	public, err := url.Parse(cfg.PublicURL)
	if err != nil || public.Host == "" || strings.Trim(public.Path, "/") != "" || public.Scheme != "https" && public.Scheme != "http" {
		return nil, fmt.Errorf("the public URL %q of the login is none: write it as https://gantry.example", cfg.PublicURL)
	}
	if public.Scheme == "http" && !isLocalName(public.Host) {
		return nil, fmt.Errorf("the public URL %s of the login is not https, and cookies in the clear are anybody's: give the port a certificate, or a proxy that has one", cfg.PublicURL)
	}
	if issuer, err := url.Parse(cfg.Issuer); err != nil || issuer.Host == "" || issuer.Scheme != "https" && !isLocalName(issuer.Host) {
		return nil, fmt.Errorf("the issuer %q is none: write it as https://login.example", cfg.Issuer)
	}
	if cfg.ClientID == "" {
		return nil, errors.New("the login has an issuer and no client id: register the collector at the provider")
	}
	cfg.PublicURL = public.Scheme + "://" + public.Host
	l := &Login{cfg: cfg, rolesOf: all.rolesOf, now: all.Now}
	l.sessions, err = newSessions(cfg.SessionKeyFile, public.Scheme == "https", all.Log)
	return l, err
}

// attempt is what the browser keeps, sealed, while its person is at the
// provider.
type attempt struct {
	State, Nonce, Verifier, Next string
	Expires                      time.Time
}

func (l *Login) routes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+loginPath, l.begin)
	mux.HandleFunc("GET "+callbackPath, l.finish)
	mux.HandleFunc("DELETE /session", l.end)
}

// begin sends the browser to the provider.
func (l *Login) begin(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), l.cfg.Timeout)
	defer cancel()
	flow, _, err := l.flow(ctx)
	if err != nil {
		l.fail(w, err)
		return
	}
	a := attempt{State: random(), Nonce: random(), Verifier: oauth2.GenerateVerifier(), Next: localPath(r.URL.Query().Get("next")), Expires: l.now().Add(loginLife)}
	if err := l.sessions.seal(w, attemptCookie, a, a.Expires, l.now()); err != nil {
		l.fail(w, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, flow.AuthCodeURL(a.State, oidc.Nonce(a.Nonce), oauth2.S256ChallengeOption(a.Verifier)), http.StatusFound)
}

// finish takes the browser back and makes the session.
func (l *Login) finish(w http.ResponseWriter, r *http.Request) {
	var a attempt
	known := l.sessions.unseal(r, attemptCookie, &a) && l.now().Before(a.Expires)
	l.sessions.drop(w, attemptCookie) // good for one attempt
	w.Header().Set("Cache-Control", "no-store")
	q := r.URL.Query()
	if !known || subtle.ConstantTimeCompare([]byte(q.Get("state")), []byte(a.State)) != 1 {
		l.fail(w, refuse(codes.InvalidArgument, "this login was not begun in this browser, or too long ago: open %s to begin again", loginPath))
		return
	}
	if problem := q.Get("error"); problem != "" {
		l.fail(w, refuse(codes.PermissionDenied, "the provider refused the login (%q, %q): ask its administrator, or open %s to try again", problem, q.Get("error_description"), loginPath))
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), l.cfg.Timeout)
	defer cancel()
	s, err := l.redeem(ctx, q.Get("code"), a)
	if err == nil {
		err = l.sessions.seal(w, sessionCookie, s, s.Expires, l.now())
	}
	if err != nil {
		l.fail(w, err)
		return
	}
	http.Redirect(w, r, a.Next, http.StatusSeeOther)
}

// redeem turns the code into a session.
func (l *Login) redeem(ctx context.Context, code string, a attempt) (sealed, error) {
	flow, verifier, err := l.flow(ctx)
	if err != nil {
		return sealed{}, err
	}
	token, err := flow.Exchange(ctx, code, oauth2.VerifierOption(a.Verifier))
	if err != nil {
		return sealed{}, refuse(codes.PermissionDenied, "the provider does not take the code back (%v): open %s to try again", err, loginPath)
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := verifier.Verify(ctx, raw)
	if err != nil {
		return sealed{}, refuse(codes.PermissionDenied, "the provider's ID token is no good: %v", err)
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(a.Nonce)) != 1 {
		return sealed{}, refuse(codes.PermissionDenied, "the provider's ID token belongs to another login: open %s to try again", loginPath)
	}
	claims := map[string]any{}
	if err := id.Claims(&claims); err != nil {
		return sealed{}, refuse(codes.PermissionDenied, "the provider's ID token is no good: %v", err)
	}
	// The subject alone is unique and stays; the name is for people to read.
	name := id.Subject
	if said, ok := claims[l.cfg.NameClaim].(string); ok && said != "" && said != name {
		name = fmt.Sprintf("%s (%s)", said, id.Subject)
	}
	return sealed{Name: name, Roles: l.rolesOf(groupsOf(claims[l.cfg.GroupsClaim])), Expires: l.now().Add(l.cfg.SessionLife)}, nil
}

// flow asks the provider who it is, once: a collector starts without it.
func (l *Login) flow(ctx context.Context) (*oauth2.Config, *oidc.IDTokenVerifier, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.provider == nil {
		// The provider keeps the context for keys that it fetches later.
		p, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), &http.Client{Timeout: l.cfg.Timeout}), l.cfg.Issuer)
		if err != nil {
			return nil, nil, refuse(codes.Unavailable, "the login provider %s does not answer as one: %v", l.cfg.Issuer, err)
		}
		l.provider = p
	}
	secret := ""
	if l.cfg.ClientSecretFile != "" {
		text, err := os.ReadFile(l.cfg.ClientSecretFile)
		if err != nil {
			return nil, nil, fmt.Errorf("secret of the login: %w", err)
		}
		secret = strings.TrimSpace(string(text))
	}
	flow := &oauth2.Config{
		ClientID: l.cfg.ClientID, ClientSecret: secret, Endpoint: l.provider.Endpoint(),
		RedirectURL: l.cfg.PublicURL + callbackPath, Scopes: append([]string{oidc.ScopeOpenID}, l.cfg.Scopes...),
	}
	return flow, l.provider.Verifier(&oidc.Config{ClientID: l.cfg.ClientID, Now: l.now}), nil
}

// session gives the person that a request's cookie is of.
func (l *Login) session(r *http.Request) (Caller, bool) {
	var s sealed
	if !l.sessions.unseal(r, sessionCookie, &s) || !l.now().Before(s.Expires) {
		return Caller{}, false
	}
	return Caller{Name: s.Name, Roles: s.Roles, Via: ViaSession}, true
}

// end logs out here; at the provider people stay logged in.
func (l *Login) end(w http.ResponseWriter, _ *http.Request) {
	l.sessions.drop(w, sessionCookie)
	w.WriteHeader(http.StatusNoContent)
}

// fail tells people what went wrong, and nobody anything of files.
func (l *Login) fail(w http.ResponseWriter, err error) {
	text := "the collector cannot log anybody in: its log says why"
	if r, ok := errors.AsType[*RefusedError](err); ok {
		text = r.Reason
	} else {
		l.sessions.log.Error("nobody can log in", "error", err)
	}
	http.Error(w, text, httpStatus(err))
}

// maxNextBytes keeps the sealed attempt within what a browser takes as a cookie.
const maxNextBytes = 1200

// localPath is a place of this site to go to after the login; what is none
// gives the front page.
func localPath(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.Contains(next, `\`) || len(next) > maxNextBytes {
		return "/"
	}
	return next
}

// groupsOf reads a claim that is a text or a list of texts.
func groupsOf(claim any) []string {
	switch c := claim.(type) {
	case string:
		return []string{c}
	case []any:
		var groups []string
		for _, g := range c {
			if text, ok := g.(string); ok {
				groups = append(groups, text)
			}
		}
		return groups
	}
	return nil
}

func random() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}
