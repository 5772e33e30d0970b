package e2e_test

import (
	"go/ast"
	"go/token"
	"maps"
	"slices"
	"strings"
	"testing"
)

// TestEverythingIsDocumented demands a comment on every package and on every
// exported name outside of generated code and tests: what is not explained
// where it stands is explained nowhere.
func TestEverythingIsDocumented(t *testing.T) {
	report(t, undocumented(readProject(t)))
}

func TestUndocumentedIsFound(t *testing.T) {
	const text = `// Package a is for a test.
package a

type T struct{ F int }

// U is documented, its fields and methods are not all.
type U struct {
	// G and H are one group.
	G int
	H int

	I int
	J int ` + "`help:\"What the flag is for.\"`" + `
	k int
}

func (U) M() {}
func (u *U) n() {}
func (t *t) M() {}

// V is an interface.
type V interface {
	W()
	X() // is named
}

// Kinds.
const (
	A = 1
	B = 2
)

var Y, z = 1, 2
func F() {}
`
	var got []string
	for _, f := range undocumented(parse(t, tree{"a/a.go": text, "b/b.go": "package b", "proto/gen/c.go": "package c"})) {
		got = append(got, f.String())
	}
	want := []string{
		"a/a.go:4: T has no comment", "a/a.go:4: T.F has no comment", "a/a.go:12: U.I has no comment",
		"a/a.go:17: U.M has no comment", "a/a.go:23: V.W has no comment", "a/a.go:33: Y has no comment",
		"a/a.go:34: F has no comment", "b/b.go:1: package b has no comment that begins with Package b",
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("found\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func undocumented(p project) []finding {
	var bad []finding
	packages := map[string]goFile{} // by folder; one of its files without a comment
	told := map[string]bool{}
	for _, f := range p.files {
		if within(f.dir, list("proto/gen/...")) {
			continue
		}
		begin := "Package " + strings.TrimSuffix(f.ast.Name.Name, "_test") + " "
		switch {
		case strings.HasPrefix(f.ast.Doc.Text(), begin), f.ast.Name.Name == "main" && f.ast.Doc != nil:
			told[f.dir] = true
		case packages[f.dir].ast == nil:
			packages[f.dir] = f
		}
		if !f.test {
			bad = append(bad, f.undocumented()...)
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(packages)) {
		if f := packages[dir]; !told[dir] {
			name := strings.TrimSuffix(f.ast.Name.Name, "_test")
			bad = append(bad, f.at(f.ast.Package, "package "+name+" has no comment that begins with Package "+name))
		}
	}
	return bad
}

// undocumented lists the exported names of a file that have no comment.
func (f goFile) undocumented() []finding {
	var bad []finding
	miss := func(pos token.Pos, name string) { bad = append(bad, f.at(pos, name+" has no comment")) }
	for _, decl := range f.ast.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if name, ok := exportedFunc(d); ok && d.Doc == nil {
				miss(d.Pos(), name)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch s := spec.(type) {
				case *ast.TypeSpec:
					if s.Name.IsExported() && d.Doc == nil && s.Doc == nil && s.Comment == nil {
						miss(s.Pos(), s.Name.Name)
					}
					if s.Name.IsExported() {
						f.members(s, miss)
					}
				case *ast.ValueSpec:
					for _, name := range s.Names {
						if name.IsExported() && d.Doc == nil && s.Doc == nil && s.Comment == nil {
							miss(name.Pos(), name.Name)
						}
					}
				}
			}
		}
	}
	return bad
}

// exportedFunc gives the name of an exported function, or of an exported
// method of an exported type.
func exportedFunc(d *ast.FuncDecl) (string, bool) {
	if d.Recv == nil {
		return d.Name.Name, d.Name.IsExported()
	}
	base := d.Recv.List[0].Type
	if star, ok := base.(*ast.StarExpr); ok {
		base = star.X
	}
	if index, ok := base.(*ast.IndexExpr); ok { // a type parameter
		base = index.X
	}
	id, ok := base.(*ast.Ident)
	if !ok {
		return "", false
	}
	return id.Name + "." + d.Name.Name, id.IsExported() && d.Name.IsExported()
}

// members checks exported fields and interface methods. A comment holds for
// the lines right under it too, up to an empty one; a flag's help is one.
func (f goFile) members(s *ast.TypeSpec, miss func(token.Pos, string)) {
	var fields *ast.FieldList
	switch t := s.Type.(type) {
	case *ast.StructType:
		fields = t.Fields
	case *ast.InterfaceType:
		fields = t.Methods
	default:
		return
	}
	covered := -1 // last line that a comment above holds for
	for _, field := range fields.List {
		line := f.set.Position(field.Pos()).Line
		last := f.set.Position(field.End()).Line
		switch {
		case field.Doc != nil || line == covered+1:
			covered = last
		case field.Comment != nil, field.Tag != nil && strings.Contains(field.Tag.Value, `help:"`):
		default:
			for _, name := range field.Names {
				if name.IsExported() {
					miss(name.Pos(), s.Name.Name+"."+name.Name)
				}
			}
		}
	}
}
