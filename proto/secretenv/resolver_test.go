package secretenv_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/gantry-dev/gantry/proto/secretenv"
)

type cli struct {
	KeyFile   string `type:"path"`
	TokenFile string
	Token     string
	Plain     string
}

func parse(t *testing.T, args ...string) cli {
	t.Helper()
	var c cli
	parser, err := kong.New(&c, kong.DefaultEnvars("GANTRY"), kong.Resolvers(secretenv.Resolver("GANTRY")))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse(args); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestVariableBecomesAFile(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("files in memory are Linux's")
	}
	t.Setenv("GANTRY_KEY", "line one\nline two\n")
	c := parse(t)
	for range 2 { // TLS material is read again and again
		if got, err := os.ReadFile(c.KeyFile); err != nil || string(got) != "line one\nline two\n" {
			t.Errorf("read %q, %v", got, err)
		}
	}
	info, err := os.Stat(c.KeyFile)
	if err != nil || info.Mode().Perm() != fs.FileMode(0o400) {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if v, ok := os.LookupEnv("GANTRY_KEY"); ok {
		t.Errorf("the environment still has %q", v)
	}
}

func TestWhatIsSaidWins(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	t.Setenv("GANTRY_KEY", "from the variable")
	if c := parse(t, "--key-file="+file); c.KeyFile != file {
		t.Errorf("the flag lost to the variable: %q", c.KeyFile)
	}
	t.Setenv("GANTRY_KEY_FILE", file)
	if c := parse(t); c.KeyFile != file {
		t.Errorf("the file's own variable lost: %q", c.KeyFile)
	}
}

func TestVariablesOfOtherFlagsAreTheirs(t *testing.T) {
	t.Setenv("GANTRY_TOKEN", "abc")
	t.Setenv("GANTRY_PLAIN", "def")
	if c := parse(t); c.Token != "abc" || c.TokenFile != "" || c.Plain != "def" {
		t.Errorf("got %+v", c)
	}
}
