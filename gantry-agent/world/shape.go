package world

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// checkShape finds the first node of a file that does not fit the Go type it
// is for. The YAML reader alone would cut decimals off whole numbers, take a
// missing number for 0 and name types of Go in its errors.
func (s source) checkShape(n ast.Node, t reflect.Type, path string) error {
	bad := func(want string) error {
		return s.faultAt(n.GetToken(), path, "is %s, must be %s", nodeText(n), want)
	}
	switch n.(type) {
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode, *ast.MergeKeyNode:
		return s.faultAt(n.GetToken(), path, "is an anchor (&), an alias (*) or a tag (!), must be written out")
	}
	switch t.Kind() {
	case reflect.Pointer:
		return s.checkShape(n, t.Elem(), path)
	case reflect.Struct:
		m, ok := n.(ast.MapNode)
		if !ok {
			return bad("a mapping")
		}
		return s.checkFields(n, m, t, path)
	case reflect.Slice:
		list, ok := n.(*ast.SequenceNode)
		if !ok {
			return bad("a list")
		}
		for i, v := range list.Values {
			if err := s.checkShape(v, t.Elem(), fmt.Sprintf("%s[%d]", path, i)); err != nil {
				return err
			}
		}
		return nil
	default:
		if want := scalarFault(n, t); want != "" {
			return bad(want)
		}
		return nil
	}
}

// checkFields checks a mapping against a struct.
func (s source) checkFields(n ast.Node, m ast.MapNode, t reflect.Type, path string) error {
	prefix := path
	if path != "" {
		prefix += "."
	}
	var names []string
	fields := map[string]reflect.Type{}
	required := map[string]bool{}
	for i := range t.NumField() {
		name, options, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
		names = append(names, name)
		fields[name] = t.Field(i).Type
		required[name] = !strings.Contains(options, "omitempty")
	}
	seen := map[string]bool{}
	for it := m.MapRange(); it.Next(); {
		key := it.Key().GetToken()
		name := key.Value
		of, known := fields[name]
		switch {
		case !known:
			return s.faultAt(key, path, "has no field %s, only %s", quoted(name), strings.Join(names, ", "))
		case seen[name]:
			return s.faultAt(key, prefix+name, "stands twice")
		}
		seen[name] = true
		if err := s.checkShape(it.Value(), of, prefix+name); err != nil {
			return err
		}
	}
	for _, name := range names {
		if required[name] && !seen[name] {
			return s.faultAt(n.GetToken(), prefix+name, "is missing")
		}
	}
	return nil
}

// scalarFault says what a node must be instead; "" when it fits.
func scalarFault(n ast.Node, t reflect.Type) string {
	text := n.GetToken().Value
	switch {
	case t == reflect.TypeFor[degrees]():
		_, ok := parseDegrees(text)
		if number := n.Type() == ast.IntegerType || n.Type() == ast.FloatType; !ok || !number {
			return "a number of degrees from -180 to 180 with at most 7 decimals"
		}
	case t.Kind() == reflect.Bool:
		if n.Type() != ast.BoolType {
			return "true or false"
		}
	case t.Kind() == reflect.String:
		if n.Type() != ast.StringType {
			return "a text on one line, in quotes if it looks like a number"
		}
		if text == "" {
			return "a text with at least one letter: leave the field out if it is optional"
		}
	default:
		lo, hi := intRange(t)
		v, err := strconv.ParseInt(text, 10, 64)
		plain := err == nil && strconv.FormatInt(v, 10) == text // no 007, no 0x10, no +5
		if n.Type() != ast.IntegerType || !plain || v < lo || v > hi {
			return fmt.Sprintf("a whole number from %d to %d", lo, hi)
		}
	}
	return ""
}

// intRange is what an integer type can hold.
func intRange(t reflect.Type) (lo, hi int64) {
	bits := t.Bits()
	if t.Kind() >= reflect.Uint && t.Kind() <= reflect.Uint64 {
		return 0, int64(min(uint64(1)<<bits-1, math.MaxInt64))
	}
	return -1 << (bits - 1), 1<<(bits-1) - 1
}

// nodeText is how an error cites a node.
func nodeText(n ast.Node) string {
	switch n.(type) {
	case ast.MapNode:
		return "a mapping"
	case *ast.SequenceNode:
		return "a list"
	case *ast.NullNode:
		return "empty"
	}
	return quoted(n.GetToken().Value)
}
