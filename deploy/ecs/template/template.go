package template

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Object is a mapping of a parsed file.
type Object map[string]any

// Parse reads a template, in which !Ref x and !GetAtt a.b become {"Ref": "x"}
// and {"Fn::GetAtt": "a.b"}. What it gives consists of Object, []any and
// scalars.
func Parse(text []byte) (Object, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("read the template: %w", err)
	}
	if len(doc.Content) == 0 || doc.Content[0].Kind != yaml.MappingNode {
		return nil, fmt.Errorf("read the template: it is no mapping")
	}
	v, err := plain(doc.Content[0])
	if err != nil {
		return nil, fmt.Errorf("read the template: %w", err)
	}
	return v.(Object), nil
}

// plain turns a node into mappings, lists and scalars.
func plain(n *yaml.Node) (any, error) {
	v, err := untagged(n)
	if err != nil || strings.HasPrefix(n.Tag, "!!") || n.Tag == "" {
		return v, err
	}
	name := n.Tag[1:]
	if name != "Ref" && name != "Condition" {
		name = "Fn::" + name
	}
	return Object{name: v}, nil
}

func untagged(n *yaml.Node) (any, error) {
	switch n.Kind {
	case yaml.MappingNode:
		m := Object{}
		for i := 0; i < len(n.Content); i += 2 {
			v, err := plain(n.Content[i+1])
			if err != nil {
				return nil, err
			}
			m[n.Content[i].Value] = v
		}
		return m, nil
	case yaml.SequenceNode:
		list := []any{}
		for _, c := range n.Content {
			v, err := plain(c)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	case yaml.ScalarNode:
		if !strings.HasPrefix(n.Tag, "!!") {
			return n.Value, nil
		}
		var v any
		if err := n.Decode(&v); err != nil {
			return nil, fmt.Errorf("line %d: %w", n.Line, err)
		}
		return v, nil
	default:
		return nil, fmt.Errorf("line %d: CloudFormation takes no YAML anchors", n.Line)
	}
}

// At walks down by keys and, in lists, by the Name, Key, Id or PolicyName of an
// element; nil where there is nothing.
func At(v any, path ...string) any {
	for _, step := range path {
		switch x := v.(type) {
		case Object:
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
		m, _ := e.(Object)
		for _, key := range []string{"Name", "Key", "Id", "PolicyName"} {
			if m[key] == name {
				return m
			}
		}
	}
	return nil
}
