package world

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/parser"
)

// maxFileBytes limits a network or scenario file.
const maxFileBytes = 4 << 20

// source is a YAML file being checked.
type source struct {
	kind string // "network" or "scenario", for errors
	text []byte
}

// decode reads the file into v, which must know all its fields.
func (s source) decode(v any) error {
	if len(s.text) > maxFileBytes {
		return fmt.Errorf("%s file: has %d bytes, more than the %d allowed", s.kind, len(s.text), maxFileBytes)
	}
	if len(strings.TrimSpace(string(s.text))) == 0 {
		return fmt.Errorf("%s file: is empty", s.kind)
	}
	err := s.unmarshal(v)
	if err == nil {
		return nil
	}
	var ye yaml.Error
	if !errors.As(err, &ye) {
		return fmt.Errorf("%s file: %s", s.kind, oneLine(err.Error()))
	}
	line, near := 0, ""
	if t := ye.GetToken(); t != nil {
		near = ", at " + quoted(t.Value)
		if t.Position != nil {
			line = t.Position.Line
		}
	}
	return fmt.Errorf("%s file, line %d%s: %s", s.kind, line, near, oneLine(ye.GetMessage()))
}

// unmarshal guards against panics of the YAML reader, which has some for tags
// and aliases in odd places: files also come from a collector, and must not
// end an agent without a word.
func (s source) unmarshal(v any) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("cannot be read as YAML (%v): look for a tag (!!), an anchor (&) or an alias (*) and remove it", p)
		}
	}()
	return yaml.UnmarshalWithOptions(s.text, v, yaml.Strict())
}

// fault is an error about one field. The path is as in stations[3].lanes.
func (s source) fault(path, format string, args ...any) error {
	return fmt.Errorf("%s file, line %d, %s: %s", s.kind, s.line(path), path, fmt.Sprintf(format, args...))
}

// line finds the line of a field, or of what encloses it when it is missing.
func (s source) line(path string) (line int) {
	line = 1
	defer func() { _ = recover() }() // as in unmarshal: line 1 will do
	file, err := parser.ParseBytes(s.text, 0)
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

// oneLine makes what the YAML reader says fit for a log: it cites the file.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s)
}

// quoted shortens what an error cites from the file.
func quoted(s string) string {
	if len(s) > 40 {
		s = s[:40] + "…"
	}
	return fmt.Sprintf("%q", s)
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
