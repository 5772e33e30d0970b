package e2e_test

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const modulePath = "github.com/gantry-dev/gantry/"

// tree is the text of every file that is not ignored by git, by its path from
// the root.
type tree map[string]string

// project is a tree with its Go sources parsed, in the order of their paths.
// Generated ones are in it, test data is not.
type project struct {
	tree  tree
	files []goFile
}

// goFile is a Go source file of a tree.
type goFile struct {
	path string
	dir  string // the package's folder
	test bool   // _test.go
	ast  *ast.File
	set  *token.FileSet
}

// finding is a place that breaks a rule.
type finding struct {
	path string
	line int // 0 for the file as a whole
	what string
}

func (f finding) String() string {
	if f.line == 0 {
		return f.path + ": " + f.what
	}
	return fmt.Sprintf("%s:%d: %s", f.path, f.line, f.what)
}

// readProject reads the project. It opens files and folders and runs nothing,
// so that the test cache knows what the result depends on.
func readProject(t *testing.T) project {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	out := tree{}
	if err := out.read(root, "", nil); err != nil {
		t.Fatal(err)
	}
	return parse(t, out)
}

func (t tree) read(root, dir string, ignored []string) error {
	entries, err := os.ReadDir(filepath.Join(root, dir))
	if err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(root, dir, ".gitignore"))
	if err == nil {
		ignored = slices.Concat(ignored, ignorePatterns(dir, string(text)))
	} else if !os.IsNotExist(err) {
		return err
	}
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		switch {
		case e.Name() == ".git" || isIgnored(ignored, name, e.IsDir()):
		case e.IsDir():
			if err := t.read(root, name, ignored); err != nil {
				return err
			}
		case e.Type().IsRegular():
			text, err := os.ReadFile(filepath.Join(root, name))
			if err != nil && !os.IsNotExist(err) { // an editor may just have taken it away
				return err
			}
			t[name] = string(text)
		}
	}
	return nil
}

// ignorePatterns reads what this project uses of .gitignore: names, paths from
// the folder of the file, and a trailing slash for folders. What has a slash
// within or in front is a path and begins with the folder, else a bare name.
func ignorePatterns(dir, text string) []string {
	var out []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		bare, folder := strings.CutSuffix(line, "/")
		if strings.Contains(bare, "/") {
			bare = "/" + path.Join(dir, strings.TrimPrefix(bare, "/"))
		}
		if folder {
			bare += "/"
		}
		out = append(out, bare)
	}
	return out
}

func isIgnored(patterns []string, name string, isDir bool) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		p, folder := strings.CutSuffix(p, "/")
		if folder && !isDir {
			return false
		}
		judged := path.Base(name)
		if rest, whole := strings.CutPrefix(p, "/"); whole {
			p, judged = rest, name
		}
		ok, err := path.Match(p, judged)
		return ok && err == nil
	})
}

func parse(t *testing.T, files tree) project {
	t.Helper()
	p := project{tree: files}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if path.Ext(name) != ".go" || strings.Contains(name, "testdata/") {
			continue
		}
		set := token.NewFileSet()
		parsed, err := parser.ParseFile(set, name, files[name], parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		p.files = append(p.files, goFile{
			path: name, dir: path.Dir(name), test: strings.HasSuffix(name, "_test.go"), ast: parsed, set: set,
		})
	}
	return p
}

func (f goFile) at(pos token.Pos, what string) finding {
	return finding{path: f.path, line: f.set.Position(pos).Line, what: what}
}

// imported gives the path of an import; those of this module begin at its
// root.
func imported(s *ast.ImportSpec) string {
	p, err := strconv.Unquote(s.Path.Value)
	if err != nil {
		return s.Path.Value
	}
	return strings.TrimPrefix(p, modulePath)
}

// harnesses stands for the packages for tests: those of x are called x/xtest.
const harnesses = "x/xtest"

// within says whether a package is one of those listed: a/b is itself alone,
// a/... also what is below.
func within(pkg string, listed []string) bool {
	return slices.ContainsFunc(listed, func(p string) bool {
		if p == harnesses {
			return path.Base(pkg) == path.Base(path.Dir(pkg))+"test"
		}
		if base, ok := strings.CutSuffix(p, "/..."); ok {
			return pkg == base || strings.HasPrefix(pkg, base+"/")
		}
		return pkg == p
	})
}

// report fails the test once for each finding.
func report(t *testing.T, found []finding) {
	t.Helper()
	slices.SortFunc(found, func(a, b finding) int {
		return cmp.Or(strings.Compare(a.path, b.path), a.line-b.line, strings.Compare(a.what, b.what))
	})
	for _, f := range found {
		t.Error(f)
	}
}
