package world

import (
	"errors"
	"fmt"
	"strings"

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
	err := yaml.UnmarshalWithOptions(s.text, v, yaml.Strict())
	if err == nil {
		return nil
	}
	var ye yaml.Error
	if !errors.As(err, &ye) {
		return fmt.Errorf("%s file: %w", s.kind, err)
	}
	line, near := 0, ""
	if t := ye.GetToken(); t != nil {
		near = ", at " + quoted(t.Value)
		if t.Position != nil {
			line = t.Position.Line
		}
	}
	return fmt.Errorf("%s file, line %d%s: %s", s.kind, line, near, ye.GetMessage())
}

// fault is an error about one field. The path is as in stations[3].lanes.
func (s source) fault(path, format string, args ...any) error {
	return fmt.Errorf("%s file, line %d, %s: %s", s.kind, s.line(path), path, fmt.Sprintf(format, args...))
}

// line finds the line of a field, or of what encloses it when it is missing.
func (s source) line(path string) int {
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
