package access

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/gantry-dev/gantry/proto/transport"
)

// maxTokens bounds the tokens file.
const maxTokens = 1000

// Token is one line of the tokens file.
type Token struct {
	// Name stands in the audit log.
	Name string
	// Roles the token gives.
	Roles Roles
	// Digest is the token's SHA-256. Tokens are 256 random bits, so that
	// nothing is gained by a slow hash such as bcrypt, which is for passwords
	// that can be guessed, and much would be lost: it would be due with every
	// call.
	Digest [sha256.Size]byte
	// Expires is when the token ends; zero is never.
	Expires time.Time
}

// Tokens are the tokens of a file, read again when it changes, so that a token
// that was taken away opens nothing for longer than a second.
type Tokens struct {
	file *transport.Fresh[[]Token] // nil without a file
}

// openTokens reads the file; without a path there are no tokens.
func openTokens(path string, log *slog.Logger, now func() time.Time) (*Tokens, error) {
	if path == "" {
		return &Tokens{}, nil
	}
	file, err := transport.NewFresh(log, now, func(contents [][]byte) ([]Token, error) { return parseTokens(path, contents[0]) }, path)
	if err != nil {
		return nil, fmt.Errorf("tokens file: %w", err)
	}
	return &Tokens{file}, nil
}

// Len is how many tokens there are.
func (t *Tokens) Len() int {
	if t.file == nil {
		return 0
	}
	return len(t.file.Get())
}

// lookup finds a token. It compares with every one of them, in a time that
// does not depend on where they differ.
func (t *Tokens) lookup(secret string) (Token, bool) {
	if t.file == nil {
		return Token{}, false
	}
	tokens := t.file.Get()
	digest, found := sha256.Sum256([]byte(secret)), -1
	for i := range tokens {
		same := subtle.ConstantTimeCompare(digest[:], tokens[i].Digest[:])
		found = subtle.ConstantTimeSelect(same, i, found)
	}
	if found < 0 {
		return Token{}, false
	}
	return tokens[found], true
}

// parseTokens reads one token per line: name, roles, SHA-256 in hexadecimal
// and expiry ("never" or RFC 3339), or only a role and a SHA-256. Empty lines
// and those that begin with # are skipped.
func parseTokens(path string, text []byte) ([]Token, error) {
	var tokens []Token
	lines := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		fields := strings.Fields(lines.Text())
		if len(fields) == 0 || fields[0][0] == '#' {
			continue
		}
		token, err := parseToken(fields)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, n, err)
		}
		if tokens = append(tokens, token); len(tokens) > maxTokens {
			return nil, fmt.Errorf("%s:%d: more than %d tokens: remove those no longer in use", path, n, maxTokens)
		}
	}
	return tokens, lines.Err()
}

func parseToken(fields []string) (Token, error) {
	var t Token
	switch len(fields) {
	case 2:
		t.Name, fields = fields[0], append([]string{fields[0]}, append(fields, "never")...)
	case 4:
		t.Name = fields[0]
	default:
		return t, errors.New("not NAME ROLE,… SHA256 EXPIRY, nor ROLE SHA256: make such a line with `collector token create`")
	}
	var err error
	if t.Roles, err = ParseRoles(fields[1]); err != nil {
		return t, err
	}
	sum, err := hex.DecodeString(fields[2])
	if err != nil || len(sum) != sha256.Size {
		return t, errors.New("the third word is not the SHA-256 of a token in 64 hexadecimal digits")
	}
	t.Digest = [sha256.Size]byte(sum)
	if fields[3] == "never" {
		return t, nil
	}
	if t.Expires, err = time.Parse(time.RFC3339, fields[3]); err != nil {
		return t, fmt.Errorf("the expiry %q is neither never nor a time such as 2027-01-31T00:00:00Z", fields[3])
	}
	return t, nil
}
