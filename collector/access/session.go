package access

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/gorilla/securecookie"
)

// Cookies, without the prefix that binds them to https and the whole site.
const (
	sessionCookie = "gantry_session"
	attemptCookie = "gantry_login"
)

// sealed is a session, as the browser keeps it: nobody but a collector with
// the key can read or make one. Collectors keep nothing, so that any of them
// takes it; in return it is good until it expires, whatever happens meanwhile.
type sealed struct {
	Name    string
	Roles   Roles
	Expires time.Time
}

// sessions seals cookies: AES-256 and HMAC-SHA-256 by gorilla/securecookie,
// which binds each to its name and lets keys be replaced. AES-GCM of the
// standard library would do as well, and its framing, names and keys would be
// code of ours.
type sessions struct {
	codecs []securecookie.Codec
	prefix string
	secure bool
	log    *slog.Logger
}

// minKeyBytes is the least that a line of the key file must have.
const minKeyBytes = 32

// newSessions reads keys from a file, one a line, 32 characters or more: the
// first seals, all open, so that a new one is put in front of the old. Without
// a file a key is drawn.
func newSessions(keyFile string, secure bool, log *slog.Logger) (*sessions, error) {
	s := &sessions{secure: secure, log: log}
	if secure {
		s.prefix = "__Host-"
	}
	if keyFile == "" {
		log.Warn("no --session-key-file: people are logged out when this collector stops, and other collectors do not know them")
		var drawn [minKeyBytes]byte
		_, _ = rand.Read(drawn[:]) // never fails
		return s, s.add(drawn[:])
	}
	text, err := os.ReadFile(keyFile)
	if err != nil {
		return nil, fmt.Errorf("keys of sessions: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		key := strings.TrimSpace(line)
		if key == "" {
			continue
		}
		if len(key) < minKeyBytes {
			return nil, fmt.Errorf("keys of sessions: a line of %s has %d characters, fewer than %d: make one with `openssl rand -hex 32`", keyFile, len(key), minKeyBytes)
		}
		if err := s.add([]byte(key)); err != nil {
			return nil, err
		}
	}
	if len(s.codecs) == 0 {
		return nil, fmt.Errorf("keys of sessions: %s is empty: make one with `openssl rand -hex 32`", keyFile)
	}
	return s, nil
}

func (s *sessions) add(secret []byte) error {
	keys, err := hkdf.Key(sha256.New, secret, nil, "gantry session", 64)
	if err != nil {
		return fmt.Errorf("keys of sessions: %w", err)
	}
	// Expiry is sealed in, by our own clock.
	s.codecs = append(s.codecs, securecookie.New(keys[:32], keys[32:]).MaxAge(0).SetSerializer(securecookie.JSONEncoder{}))
	return nil
}

// seal sets a cookie. Lax, for the provider's page sends the browser back here
// by a link; what changes something is protected by its Origin.
func (s *sessions) seal(w http.ResponseWriter, name string, value any, expires, now time.Time) error {
	text, err := securecookie.EncodeMulti(s.prefix+name, value, s.codecs...)
	if err != nil {
		return fmt.Errorf("seal the cookie %s: %w", name, err)
	}
	http.SetCookie(w, s.cookie(name, text, int(expires.Sub(now).Seconds())))
	return nil
}

// unseal reads a cookie of a request, and tells whether it is one of ours.
func (s *sessions) unseal(r *http.Request, name string, into any) bool {
	c, err := r.Cookie(s.prefix + name)
	return err == nil && securecookie.DecodeMulti(s.prefix+name, c.Value, into, s.codecs...) == nil
}

// drop removes a cookie.
func (s *sessions) drop(w http.ResponseWriter, name string) {
	http.SetCookie(w, s.cookie(name, "", -1))
}

func (s *sessions) cookie(name, value string, maxAge int) *http.Cookie {
	//nolint:gosec // in the clear on loopback alone, which newLogin checks
	return &http.Cookie{
		Name: s.prefix + name, Value: value, Path: "/", MaxAge: maxAge,
		HttpOnly: true, Secure: s.secure, SameSite: http.SameSiteLaxMode,
	}
}
