package delivery_test

import (
	"fmt"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// object is a mapping of a parsed file.
type object map[string]any

// parseTemplate reads CloudFormation's YAML, in which !Ref x and !GetAtt a.b
// become {"Ref": "x"} and {"Fn::GetAtt": "a.b"}. goccy/go-yaml, which the
// project uses elsewhere, drops the tags.
func parseTemplate(t *testing.T, path string) object {
	t.Helper()
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(read(t, path)), &doc); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return asObject(plain(t, doc.Content[0]))
}

// plain turns a node into maps, slices and scalars.
func plain(t *testing.T, n *yaml.Node) any {
	t.Helper()
	var v any
	switch n.Kind {
	case yaml.MappingNode:
		m := object{}
		for i := 0; i < len(n.Content); i += 2 {
			m[n.Content[i].Value] = plain(t, n.Content[i+1])
		}
		v = m
	case yaml.SequenceNode:
		list := []any{}
		for _, c := range n.Content {
			list = append(list, plain(t, c))
		}
		v = list
	case yaml.ScalarNode:
		if strings.HasPrefix(n.Tag, "!!") {
			if err := n.Decode(&v); err != nil {
				t.Fatalf("line %d: %v", n.Line, err)
			}
		} else {
			v = n.Value
		}
	default:
		t.Fatalf("line %d: CloudFormation takes no YAML anchors", n.Line)
	}
	if strings.HasPrefix(n.Tag, "!!") || n.Tag == "" {
		return v
	}
	name := n.Tag[1:]
	if name != "Ref" && name != "Condition" {
		name = "Fn::" + name
	}
	return object{name: v}
}

func asObject(v any) object {
	m, _ := v.(object)
	return m
}

// at walks down by keys and, in lists, by the Name or Key of an element.
func at(v any, path ...string) any {
	for _, step := range path {
		switch x := v.(type) {
		case object:
			v = x[step]
		case []any:
			v = named(x, step)
		default:
			return nil
		}
	}
	return v
}

// named finds an element of a list by its name.
func named(list []any, name string) any {
	for _, e := range list {
		m := asObject(e)
		for _, key := range []string{"Name", "Key", "Id", "PolicyName"} {
			if m[key] == name {
				return m
			}
		}
	}
	return nil
}

// values gives a value, or the elements of a list; IAM takes either.
func values(v any) []any {
	if list, ok := v.([]any); ok {
		return list
	}
	if v == nil {
		return nil
	}
	return []any{v}
}

// branches gives both sides of an If, else the value.
func branches(v any) []any {
	if sides, ok := at(v, "Fn::If").([]any); ok {
		return sides[1:]
	}
	return []any{v}
}

// ofType gives the resources of a type by their names.
func ofType(template object, kind string) map[string]object {
	out := map[string]object{}
	for name, r := range asObject(template["Resources"]) {
		if at(r, "Type") == kind {
			out[name] = asObject(at(r, "Properties"))
		}
	}
	return out
}

// text prints a value for comparing.
func text(v any) string { return fmt.Sprint(v) }
