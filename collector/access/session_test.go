package access

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestKeysOfSessions: what one collector seals another takes, a new key goes in
// front of the old, and without the old its sessions end.
func TestKeysOfSessions(t *testing.T) {
	old, next := strings.Repeat("a1", 16), strings.Repeat("b2", 16)
	makeOf := func(keys string) *sessions {
		t.Helper()
		s, err := newSessions(secret(t, keys), false, testConfig(t, nil).Log)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	w := httptest.NewRecorder()
	if err := makeOf(old).seal(w, sessionCookie, sealed{Name: "ann", Roles: 4}, noon.Add(time.Hour), noon); err != nil {
		t.Fatal(err)
	}
	cookie := w.Result().Cookies()[0]
	if strings.Contains(cookie.Value, "ann") {
		t.Error("the cookie can be read")
	}
	opens := func(s *sessions, name, value string) bool {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.AddCookie(&http.Cookie{Name: cookie.Name, Value: value})
		r.AddCookie(&http.Cookie{Name: attemptCookie, Value: value})
		var into sealed
		return s.unseal(r, name, &into) && into.Name == "ann" && into.Roles == 4
	}
	for what, c := range map[string]struct{ got, want bool }{
		"another collector":         {opens(makeOf(old), sessionCookie, cookie.Value), true},
		"after a rotation":          {opens(makeOf(next+"\n"+old), sessionCookie, cookie.Value), true},
		"when the old key is gone":  {opens(makeOf(next), sessionCookie, cookie.Value), false},
		"changed":                   {opens(makeOf(old), sessionCookie, cookie.Value[:20]+"A"+cookie.Value[21:]), false},
		"as another cookie":         {opens(makeOf(old), attemptCookie, cookie.Value), false},
		"empty":                     {opens(makeOf(old), sessionCookie, ""), false},
		"a key drawn by this start": {opens(mustSessions(t, ""), sessionCookie, cookie.Value), false},
	} {
		if c.got != c.want {
			t.Errorf("%s: %v, want %v", what, c.got, c.want)
		}
	}
	for _, bad := range []string{"", "short"} {
		if _, err := newSessions(secret(t, bad), false, testConfig(t, nil).Log); err == nil || !strings.Contains(err.Error(), "openssl rand") {
			t.Errorf("key %q: %v", bad, err)
		}
	}
}

func mustSessions(t *testing.T, file string) *sessions {
	t.Helper()
	s, err := newSessions(file, false, testConfig(t, nil).Log)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestCookiesAreBound: scripts cannot read them, other sites' posts do not send
// them, and with https nobody else can set them.
func TestCookiesAreBound(t *testing.T) {
	for secure, name := range map[bool]string{true: "__Host-gantry_session", false: "gantry_session"} {
		s, err := newSessions("", secure, testConfig(t, nil).Log)
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		if err := s.seal(w, sessionCookie, sealed{}, noon.Add(time.Hour), noon); err != nil {
			t.Fatal(err)
		}
		c := w.Result().Cookies()[0]
		if c.Name != name || !c.HttpOnly || c.Secure != secure || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || c.MaxAge != 3600 {
			t.Errorf("secure %v: %+v", secure, c)
		}
	}
}
