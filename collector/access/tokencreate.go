package access

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"
	"unicode"
)

// tokenPrefix lets people and scanners of leaked secrets know what it is.
const tokenPrefix = "gantry_"

// CreateToken adds a token to the file, which is made with mode 0600 where
// there is none, and returns it. It is nowhere else: who loses it makes
// another. Expires zero is never.
func CreateToken(path, name string, roles Roles, expires time.Time) (string, error) {
	if name == "" || len(name) > 64 || name[0] == '#' || strings.ContainsFunc(name, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }) {
		return "", fmt.Errorf("--name %q: take 1 to 64 characters without spaces, not beginning with #; it will stand in the audit log", name)
	}
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read the tokens file: %w", err)
	}
	tokens, err := parseTokens(path, text)
	if err != nil {
		return "", err
	}
	for _, t := range tokens {
		if t.Name == name {
			return "", fmt.Errorf("%s has a token called %q already: take another name, or remove its line first", path, name)
		}
	}
	if len(tokens) == maxTokens {
		return "", fmt.Errorf("%s has %d tokens, as many as it may: remove those no longer in use", path, maxTokens)
	}
	var random [32]byte
	_, _ = rand.Read(random[:]) // never fails
	secret := tokenPrefix + base64.RawURLEncoding.EncodeToString(random[:])
	expiry := "never"
	if !expires.IsZero() {
		expiry = expires.UTC().Format(time.RFC3339)
	}
	line := fmt.Sprintf("%s %s %x %s\n", name, strings.Join(roles.Names(), ","), sha256.Sum256([]byte(secret)), expiry)
	if len(text) > 0 && text[len(text)-1] != '\n' {
		line = "\n" + line
	}
	return secret, appendLine(path, line)
}

// appendLine writes in one call, so that a collector that reads meanwhile sees
// all of it or nothing.
func appendLine(path, line string) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("write the tokens file: %w", err)
	}
	_, err = f.WriteString(line)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write the tokens file: %w", err)
	}
	return nil
}
