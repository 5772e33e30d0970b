package access

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/oauth2-proxy/mockoidc"

	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// site is a collector whose people log in at a real provider in this process.
type site struct {
	t        *testing.T
	provider *mockoidc.MockOIDC
	guard    *Guard
	audit    *memoryAudit
	url      string
	ahead    atomic.Int64 // by which the collector's clock is ahead
	browser  *http.Client
	hops     []string // where the browser was sent
}

func newSite(t *testing.T, change ...func(*OIDCConfig)) *site {
	t.Helper()
	provider, err := mockoidc.Run()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = provider.Shutdown() })
	s := &site{t: t, provider: provider, audit: &memoryAudit{}}
	var handler http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	s.url = server.URL

	login := DefaultOIDCConfig()
	login.Issuer, login.ClientID, login.PublicURL = provider.Issuer(), provider.ClientID, server.URL
	login.ClientSecretFile = secret(t, provider.ClientSecret)
	for _, c := range change {
		c(&login)
	}
	cfg := testConfig(t, s.audit)
	cfg.OIDC, cfg.Now = &login, func() time.Time { return time.Now().Add(time.Duration(s.ahead.Load())) }
	cfg.GroupRoles = map[string]Roles{"police": RolesOf(gantryv1.Role_ROLE_ENFORCEMENT), "planning": RolesOf(gantryv1.Role_ROLE_PLANNER)}
	s.guard = openAccess(t, cfg).Guard(onLoopback)
	mux := http.NewServeMux()
	s.guard.Routes(mux)
	for _, procedure := range []string{liveStations, listViolations} {
		mux.HandleFunc("POST "+procedure, func(w http.ResponseWriter, r *http.Request) {
			if err := s.guard.Admit(r.Context(), procedure, nil); err != nil {
				http.Error(w, err.Error(), httpStatus(err))
			}
		})
	}
	mux.HandleFunc("GET /", func(http.ResponseWriter, *http.Request) {})
	handler = s.guard.Handler(mux)
	s.newBrowser()
	return s
}

func secret(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// newBrowser begins without cookies.
func (s *site) newBrowser() {
	jar, _ := cookiejar.New(nil)
	s.browser = &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		s.hops = append(s.hops, r.URL.String())
		return nil
	}}
}

// do asks with the browser and returns status and text.
func (s *site) do(method, path string, headers ...string) (int, string) {
	s.t.Helper()
	target := path
	if !strings.HasPrefix(path, "http") {
		target = s.url + path
	}
	r, err := http.NewRequestWithContext(s.t.Context(), method, target, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	s.hops = nil
	resp, err := s.browser.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, resp.Request.URL.RequestURI() + " " + string(body)
}

// logIn has a person log in, and returns where they end up.
func (s *site) logIn(email string, groups ...string) (int, string) {
	s.provider.QueueUser(&mockoidc.MockUser{Subject: "sub-" + email, Email: email, Groups: groups})
	return s.do(http.MethodGet, "/login?next=/corridor%3Froad%3DM1")
}

// who gives the answer of /session.
func (s *site) who() session {
	s.t.Helper()
	_, body := s.do(http.MethodGet, "/session")
	var answer session
	if err := json.Unmarshal([]byte(strings.TrimPrefix(body, "/session ")), &answer); err != nil {
		s.t.Fatalf("%s: %v", body, err)
	}
	return answer
}

// TestLogin is a person's way: turned away, in, at what their roles open, and
// out again.
func TestLogin(t *testing.T) {
	s := newSite(t)
	if w := s.who(); w.Via != ViaNothing || w.Login != "/login" || len(w.Roles) != 0 {
		t.Errorf("at first: %+v", w)
	}
	if code, _ := s.do(http.MethodPost, liveStations); code != http.StatusUnauthorized {
		t.Errorf("before the login, on loopback: %d", code)
	}
	if code, at := s.logIn("ann@example.com", "police", "choir"); code != http.StatusOK || !strings.HasPrefix(at, "/corridor?road=M1") {
		t.Fatalf("the login ended with %d at %s", code, at)
	}
	asked, _ := url.Parse(s.hops[0])
	for name, want := range map[string]string{"code_challenge_method": "S256", "response_type": "code", "redirect_uri": s.url + "/login/callback", "scope": "openid profile email groups"} {
		if got := asked.Query().Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if q := asked.Query(); len(q.Get("state")) < 40 || len(q.Get("nonce")) < 40 || q.Get("state") == q.Get("nonce") {
		t.Errorf("state and nonce are %q and %q", q.Get("state"), q.Get("nonce"))
	}
	if w := s.who(); w.Name != "ann@example.com (sub-ann@example.com)" || w.Via != ViaSession || strings.Join(w.Roles, ",") != "enforcement" {
		t.Errorf("logged in as %+v", w)
	}
	if code, _ := s.do(http.MethodPost, liveStations); code != http.StatusOK {
		t.Errorf("a planner's question: %d", code)
	}
	if code, text := s.do(http.MethodPost, listViolations); code != http.StatusBadRequest || !strings.Contains(text, "Gantry-Purpose") {
		t.Errorf("without a purpose: %d %s", code, text)
	}
	if code, _ := s.do(http.MethodPost, listViolations, "Gantry-Purpose", "case 7"); code != http.StatusOK {
		t.Errorf("with a purpose: %d", code)
	}
	if r := s.audit.take(); len(r) != 1 || r[0].Caller != "ann@example.com (sub-ann@example.com)" || r[0].Via != ViaSession {
		t.Errorf("noted %+v", r)
	}
	if code, _ := s.do(http.MethodDelete, "/session", "Origin", "https://evil.example"); code != http.StatusForbidden || s.who().Via != ViaSession {
		t.Errorf("another site logs out: %d", code)
	}
	if code, _ := s.do(http.MethodDelete, "/session", "Origin", s.url); code != http.StatusNoContent || s.who().Via != ViaNothing {
		t.Errorf("logging out: %d", code)
	}
}

// TestLoginWithoutRole is in, and may do nothing.
func TestLoginWithoutRole(t *testing.T) {
	s := newSite(t)
	s.logIn("bob@example.com", "choir")
	code, text := s.do(http.MethodPost, liveStations)
	if code != http.StatusForbidden || !strings.Contains(text, "bob@example.com (sub-bob@example.com) has no role") {
		t.Errorf("%d %s", code, text)
	}
}

// TestForeignPagesCannotUseTheSession: the cookie alone does not do.
func TestForeignPagesCannotUseTheSession(t *testing.T) {
	s := newSite(t)
	s.logIn("ann@example.com", "police")
	for _, origin := range []string{"https://evil.example", "null", "http://localhost:1"} {
		if code, _ := s.do(http.MethodPost, listViolations, "Gantry-Purpose", "x", "Origin", origin); code != http.StatusForbidden {
			t.Errorf("Origin %s: %d", origin, code)
		}
	}
	if r := s.audit.take(); len(r) != 0 {
		t.Errorf("%d looks were noted", len(r))
	}
}

// TestSessionEnds with its time, and with its key.
func TestSessionEnds(t *testing.T) {
	s := newSite(t, func(c *OIDCConfig) { c.SessionLife = time.Hour })
	s.logIn("ann@example.com", "planning")
	s.ahead.Store(int64(59 * time.Minute))
	if s.who().Via != ViaSession {
		t.Error("the session ended too soon")
	}
	s.ahead.Store(int64(time.Hour))
	if s.who().Via != ViaNothing {
		t.Error("the session did not end")
	}
}

// TestForgedLogins: a callback that this browser did not begin, another's code,
// another login's token.
func TestForgedLogins(t *testing.T) {
	s := newSite(t)
	if code, text := s.do(http.MethodGet, "/login/callback?state=x&code=y"); code != http.StatusBadRequest || !strings.Contains(text, "not begun in this browser") {
		t.Errorf("without a beginning: %d %s", code, text)
	}
	// stopAtCallback begins a login and takes the callback's address instead of
	// following it.
	stopAtCallback := func() string {
		t.Helper()
		var callback string
		follow := s.browser.CheckRedirect
		s.browser.CheckRedirect = func(r *http.Request, via []*http.Request) error {
			if r.URL.Path == callbackPath {
				callback = r.URL.String()
				return http.ErrUseLastResponse
			}
			return follow(r, via)
		}
		s.logIn("ann@example.com", "police")
		s.browser.CheckRedirect = follow
		return callback
	}
	first := stopAtCallback()
	s.newBrowser()
	if code, _ := s.do(http.MethodGet, first); code != http.StatusBadRequest || s.who().Via != ViaNothing {
		t.Errorf("in another browser: %d", code)
	}
	stolen, _ := url.Parse(stopAtCallback())
	own, _ := url.Parse(stopAtCallback())
	q := own.Query()
	q.Set("code", stolen.Query().Get("code"))
	if code, text := s.do(http.MethodGet, callbackPath+"?"+q.Encode()); code != http.StatusForbidden || !strings.Contains(text, "does not take the code back") || s.who().Via != ViaNothing {
		t.Errorf("another login's code: %d %s", code, text)
	}
	again := stopAtCallback()
	if code, _ := s.do(http.MethodGet, again); code != http.StatusOK || s.who().Via != ViaSession {
		t.Errorf("the right one: %d", code)
	}
	if code, _ := s.do(http.MethodGet, again); code != http.StatusBadRequest {
		t.Errorf("once more: %d", code)
	}
	late := stopAtCallback()
	s.ahead.Store(int64(loginLife))
	if code, text := s.do(http.MethodGet, late); code != http.StatusBadRequest || !strings.Contains(text, "too long ago") {
		t.Errorf("too late: %d %s", code, text)
	}
}

// TestForeignNonce: the token must be of this attempt, even where the provider
// looks at nothing else.
func TestForeignNonce(t *testing.T) {
	s := newSite(t)
	login := s.guard.login
	flow, _, err := login.flow(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, nonce := range []string{"mine", "other"} {
		s.browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		a := attempt{State: "s", Nonce: nonce, Verifier: strings.Repeat("v", 43)}
		resp, err := s.browser.Get(flow.AuthCodeURL("s") + "&nonce=mine")
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		back, _ := url.Parse(resp.Header.Get("Location"))
		_, err = login.redeem(t.Context(), back.Query().Get("code"), a)
		if (err == nil) != (nonce == "mine") || err != nil && !strings.Contains(err.Error(), "belongs to another login") {
			t.Errorf("nonce %s: %v", nonce, err)
		}
	}
}

// TestProviderRefuses, or is away: people are told so, and come in later.
func TestProviderRefuses(t *testing.T) {
	s := newSite(t)
	_ = s.provider.Shutdown()
	if code, text := s.do(http.MethodGet, "/login"); code != http.StatusServiceUnavailable || !strings.Contains(text, "does not answer as one") {
		t.Errorf("away: %d %s", code, text)
	}
	s = newSite(t)
	if code, _ := s.do(http.MethodGet, "/login/callback?error=access_denied"); code != http.StatusBadRequest {
		t.Errorf("an error from nowhere: %d", code)
	}
}

// TestLocalPath: a login goes on to places of this site alone.
func TestLocalPath(t *testing.T) {
	for next, want := range map[string]string{
		"/corridor?road=M1#a": "/corridor?road=M1#a", "/": "/", "": "/", "corridor": "/", "//evil.example": "/", "https://evil.example": "/",
		`/\evil.example`: "/", `\\evil.example`: "/", "javascript:alert(1)": "/", "///evil.example": "/", "/" + strings.Repeat("x", 1200): "/",
	} {
		if got := localPath(next); got != want {
			t.Errorf("%q goes to %q", next, got)
		}
	}
}

// TestLoginThatCannotBe is refused at the start.
func TestLoginThatCannotBe(t *testing.T) {
	for says, c := range map[string]OIDCConfig{
		"write it as https://gantry.example": {Issuer: "https://login.example", ClientID: "c", PublicURL: "gantry.example"},
		"cookies in the clear are anybody's": {Issuer: "https://login.example", ClientID: "c", PublicURL: "http://gantry.example"},
		"write it as https://login.example":  {Issuer: "http://login.example", ClientID: "c", PublicURL: "https://gantry.example"},
		"no client id":                       {Issuer: "https://login.example", PublicURL: "https://gantry.example"},
	} {
		cfg := testConfig(t, nil)
		cfg.OIDC = &c
		if _, err := Open(cfg); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%+v: %v, want %q", c, err, says)
		}
	}
}
