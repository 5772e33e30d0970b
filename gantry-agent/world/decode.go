package world

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"unicode"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Limits of a file's text. The YAML reader takes time that grows with the
// square of the nesting.
const (
	maxFileBytes = 4 << 20
	maxNesting   = 40
)

// source is a YAML file being checked.
type source struct {
	kind string // "network", "scenario" or "interventions", for errors
	text []byte
}

// decode reads the file into v, a pointer to a struct that must know all its
// fields; those without omitempty must be there.
func (s source) decode(v any) error {
	if len(s.text) > maxFileBytes {
		return fmt.Errorf("%s file: has %d bytes, more than the %d allowed", s.kind, len(s.text), maxFileBytes)
	}
	err := s.read(v)
	var ye yaml.Error
	if errors.As(err, &ye) {
		line, near := 0, ""
		if t := ye.GetToken(); t != nil {
			near = ", at " + quoted(t.Value)
			if t.Position != nil {
				line = t.Position.Line
			}
		}
		return fmt.Errorf("%s file, line %d%s: %s", s.kind, line, near, oneLine(ye.GetMessage()))
	}
	return err
}

// read guards against panics of the YAML reader: files also come from a
// collector, and must not end an agent without a word.
func (s source) read(v any) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%s file: cannot be read as YAML: %s", s.kind, oneLine(fmt.Sprint(p)))
		}
	}()
	file, err := s.parse()
	if err != nil {
		return err
	}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil || file.Docs[0].Body.Type() == ast.CommentType {
		return fmt.Errorf("%s file: is empty", s.kind)
	}
	if len(file.Docs) > 1 {
		return s.faultAt(file.Docs[1].GetToken(), "", "a second document (---) begins, must be one only")
	}
	body := file.Docs[0].Body
	if err := s.checkShape(body, reflect.TypeOf(v).Elem(), ""); err != nil {
		return err
	}
	return yaml.NodeToValue(body, v, yaml.Strict())
}

// parse makes a tree of the text.
func (s source) parse() (*ast.File, error) {
	tokens := lexer.Tokenize(string(s.text))
	depth, row := 0, 0 // of brackets, of what may nest without them
	for _, t := range tokens {
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			depth++
		case token.SequenceEndType, token.MappingEndType:
			depth--
		case token.SequenceEntryType, token.MappingKeyType, token.AnchorType, token.TagType:
			row++
		default:
			row = 0
		}
		if depth > maxNesting || row > maxNesting {
			return nil, s.faultAt(t, "", "nests deeper than %d levels", maxNesting)
		}
	}
	return parser.Parse(tokens, 0, parser.AllowDuplicateMapKey()) // checkShape names their place
}

// fault is an error about one field. The path is as in stations[3].lanes.
func (s source) fault(path, format string, args ...any) error {
	return fmt.Errorf("%s file, line %d, %s: %s", s.kind, s.line(path), path, fmt.Sprintf(format, args...))
}

// faultAt is an error about a field whose place is known.
func (s source) faultAt(t *token.Token, path, format string, args ...any) error {
	line := 1
	if t != nil && t.Position != nil {
		line = t.Position.Line
	}
	if path != "" {
		path = ", " + path
	}
	return fmt.Errorf("%s file, line %d%s: %s", s.kind, line, path, fmt.Sprintf(format, args...))
}

// line finds the line of a field, or of what encloses it when it is missing.
func (s source) line(path string) (line int) {
	line = 1
	defer func() { _ = recover() }() // as in read: line 1 will do
	file, err := s.parse()
	if err != nil {
		return 1
	}
	for path != "" {
		if p, err := yaml.PathString("$." + path); err == nil {
			if node, err := p.FilterFile(file); err == nil && node != nil && node.GetToken() != nil {
				return node.GetToken().Position.Line
			}
		}
		cut := strings.LastIndexAny(path, ".[")
		if cut < 0 {
			break
		}
		path = path[:cut]
	}
	return 1
}

// oneLine makes what the YAML reader says fit for a log: it cites the file,
// at any length.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, shortened(s, 200))
}

// quoted shortens what an error cites from the file.
func quoted(s string) string { return fmt.Sprintf("%q", shortened(s, 40)) }

// shortened keeps so many bytes of a text, and no half a letter.
func shortened(s string, n int) string {
	if len(s) > n {
		s = strings.ToValidUTF8(s[:n], "") + "…"
	}
	return s
}

// firstError runs checks until one fails.
func firstError(checks ...func() error) error {
	for _, check := range checks {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}
