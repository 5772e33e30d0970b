package delivery_test

import (
	"fmt"
	"testing"

	"github.com/gantry-dev/gantry/deploy/ecs/template"
)

// object is a mapping of a parsed file.
type object = template.Object

// parseTemplate reads CloudFormation's YAML.
func parseTemplate(t *testing.T, path string) object {
	t.Helper()
	return parse(t, []byte(read(t, path)))
}

// parse reads YAML, with or without CloudFormation's tags.
func parse(t *testing.T, text []byte) object {
	t.Helper()
	parsed, err := template.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func asObject(v any) object {
	m, _ := v.(object)
	return m
}

// at walks down by keys and by names in lists.
func at(v any, path ...string) any { return template.At(v, path...) }

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
