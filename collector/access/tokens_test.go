package access

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
)

// TestTokensAreReadAgain: a token that is added opens, one that is removed no
// longer does, and a file that is broken meanwhile changes nothing.
func TestTokensAreReadAgain(t *testing.T) {
	now := noon
	path := tokensFile(t, tokenLine("a", "planner", "a", "never"))
	cfg := testConfig(t, nil)
	cfg.TokensFile, cfg.Now = path, func() time.Time { return now }
	g := openAccess(t, cfg).Guard(open)
	knows := func(secret string) bool {
		_, err := g.byToken([]string{"Bearer " + secret})
		return err == nil
	}
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	step := func(name string, a, b bool) {
		t.Helper()
		if knows("a") != a || knows("b") != b {
			t.Errorf("%s: a %v and b %v, want %v and %v", name, knows("a"), knows("b"), a, b)
		}
	}
	step("at first", true, false)
	write(tokenLine("b", "planner", "b", "never"))
	step("before a second is over", true, false)
	now = now.Add(time.Second)
	step("b instead of a", false, true)
	write("nonsense")
	now = now.Add(time.Second)
	step("broken", false, true)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Second)
	step("gone", false, true)
	write("")
	now = now.Add(time.Second)
	step("empty", false, false)
}

// TestTokenExpires to the second, without the file being read again.
func TestTokenExpires(t *testing.T) {
	now := noon
	cfg := testConfig(t, nil)
	cfg.TokensFile, cfg.Now = tokensFile(t, tokenLine("a", "planner", "a", "2026-03-06T12:00:05Z")), func() time.Time { return now }
	g := openAccess(t, cfg).Guard(open)
	for second, want := range map[int]codes.Code{0: codes.OK, 4: codes.OK, 5: codes.Unauthenticated, 500: codes.Unauthenticated} {
		now = noon.Add(time.Duration(second) * time.Second)
		if _, err := g.byToken([]string{"Bearer a"}); err != nil && codeOf(err) != want || err == nil && want != codes.OK {
			t.Errorf("after %d s: %v, want %s", second, err, want)
		}
	}
}

// TestCreateToken makes tokens that work, and whose file gives none away.
func TestCreateToken(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokens")
	planner, _ := ParseRoles("planner")
	both, _ := ParseRoles("operator, enforcement")
	first, err := CreateToken(path, "dashboard", planner, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	second, err := CreateToken(path, "inspector", both, noon.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file has mode %v, %v", info.Mode(), err)
	}
	text, _ := os.ReadFile(path)
	if strings.Contains(string(text), first) || strings.Contains(string(text), strings.TrimPrefix(second, tokenPrefix)) {
		t.Error("a token stands in the file")
	}
	if first == second || len(first) != len(tokenPrefix)+43 {
		t.Errorf("tokens of %d characters", len(first))
	}
	cfg := testConfig(t, nil)
	cfg.TokensFile = path
	g := openAccess(t, cfg).Guard(open)
	for secret, want := range map[string]Caller{first: {"dashboard", planner, ViaToken}, second: {"inspector", both, ViaToken}} {
		if got, err := g.byToken([]string{"Bearer " + secret}); err != nil || got != want {
			t.Errorf("got %v, %v; want %v", got, err, want)
		}
	}
	for name, problem := range map[string]string{"dashboard": "already", "two words": "spaces", "#a": "beginning", "": "1 to 64"} {
		if _, err := CreateToken(path, name, planner, time.Time{}); err == nil || !strings.Contains(err.Error(), problem) {
			t.Errorf("name %q: %v, want it to say %q", name, err, problem)
		}
	}
	if after, _ := os.ReadFile(path); !bytes.Equal(after, text) {
		t.Error("a refused token changed the file")
	}
}

// TestCreateTokenAfterAnUnfinishedLine, as people leave them.
func TestCreateTokenAfterAnUnfinishedLine(t *testing.T) {
	path := tokensFile(t, "# no newline at the end")
	planner, _ := ParseRoles("planner")
	if _, err := CreateToken(path, "a", planner, time.Time{}); err != nil {
		t.Fatal(err)
	}
	cfg := testConfig(t, nil)
	cfg.TokensFile = path
	if n := openAccess(t, cfg).tokens.Len(); n != 1 {
		t.Errorf("%d tokens, want 1", n)
	}
}

func TestTokensFileProblems(t *testing.T) {
	sum := strings.Fields(tokenLine("a", "b", "c", "d"))[2]
	for line, want := range map[string]string{
		"root " + sum:                     `"root" is no role`,
		"agent abc":                       "64 hexadecimal digits",
		"agent":                           "not NAME ROLE",
		sum:                               "not NAME ROLE",
		"a agent " + sum + " tomorrow":    "neither never nor a time",
		"a agent, " + sum + " never":      `"" is no role`,
		"a unspecified " + sum + " never": "is no role",
		"a agent " + sum + " never more":  "not NAME ROLE",
	} {
		cfg := testConfig(t, nil)
		cfg.TokensFile = tokensFile(t, "# first", line)
		_, err := Open(cfg)
		if err == nil || !strings.Contains(err.Error(), "tokens:2: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", line, err, want)
		}
	}
}
