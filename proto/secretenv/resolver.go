package secretenv

import (
	"fmt"
	"os"
	"strings"

	"github.com/alecthomas/kong"
)

// fileSuffix ends the names of flags that take a file with a secret.
const fileSuffix = "-file"

// Resolver gives kong the paths of files with the content of variables. prefix
// is that of kong.DefaultEnvars, as GANTRY.
func Resolver(prefix string) kong.Resolver {
	return kong.ResolverFunc(func(_ *kong.Context, parent *kong.Path, flag *kong.Flag) (any, error) {
		bare, isFile := strings.CutSuffix(flag.Name, fileSuffix)
		if !isFile || isSet(flag.Envs) {
			return nil, nil
		}
		variable := prefix + "_" + strings.ToUpper(strings.ReplaceAll(bare, "-", "_"))
		content, given := os.LookupEnv(variable)
		if !given || taken(parent, bare) {
			return nil, nil
		}
		path, err := memoryFile(bare, content)
		if err != nil {
			return nil, fmt.Errorf("keep %s in memory: %w: write it to a file and give --%s", variable, err, flag.Name)
		}
		return path, os.Unsetenv(variable)
	})
}

// isSet says whether one of a flag's own variables is there; they win.
func isSet(variables []string) bool {
	for _, v := range variables {
		if _, ok := os.LookupEnv(v); ok {
			return true
		}
	}
	return false
}

// taken says whether the variable belongs to another flag: --token beside
// --token-file.
func taken(parent *kong.Path, name string) bool {
	for _, f := range parent.Flags {
		if f.Name == name {
			return true
		}
	}
	return false
}
