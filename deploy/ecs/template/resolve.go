package template

import (
	"fmt"
	"regexp"
)

// noValue is what AWS::NoValue resolves to: the entry is left out.
type noValue struct{}

// Values are what a stack is created with.
type Values struct {
	// Parameters are by name, pseudo parameters as AWS::Region among them.
	Parameters map[string]any
	// Conditions are whether each holds.
	Conditions map[string]bool
	// Mappings is that section of the template.
	Mappings any
}

// Defaults gives a template's parameters that have a default, which given ones
// replace.
func Defaults(t Object, given map[string]any) map[string]any {
	out := map[string]any{}
	parameters, _ := t["Parameters"].(Object)
	for name, p := range parameters {
		if v := At(p, "Default"); v != nil {
			out[name] = v
		}
	}
	for name, v := range given {
		out[name] = v
	}
	return out
}

// Resolve works out Ref, Sub, If and FindInMap in a part of the template.
func (v Values) Resolve(part any) (any, error) {
	switch x := part.(type) {
	case Object:
		if len(x) == 1 {
			for name, arg := range x {
				if f := v.function(name); f != nil {
					return f(arg)
				}
			}
		}
		out := Object{}
		for key, e := range x {
			r, err := v.Resolve(e)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", key, err)
			}
			if r != (noValue{}) {
				out[key] = r
			}
		}
		return out, nil
	case []any:
		out := []any{}
		for _, e := range x {
			r, err := v.Resolve(e)
			if err != nil {
				return nil, err
			}
			if r != (noValue{}) {
				out = append(out, r)
			}
		}
		return out, nil
	default:
		return part, nil
	}
}

// function is what works out a function of CloudFormation; nil for other keys.
func (v Values) function(name string) func(any) (any, error) {
	return map[string]func(any) (any, error){
		"Ref": v.ref, "Fn::Sub": v.sub, "Fn::If": v.choose, "Fn::FindInMap": v.find,
	}[name]
}

func (v Values) ref(arg any) (any, error) {
	name, _ := arg.(string)
	if name == "AWS::NoValue" {
		return noValue{}, nil
	}
	value, ok := v.Parameters[name]
	if !ok {
		return nil, fmt.Errorf("!Ref %v: no such parameter is given", arg)
	}
	return value, nil
}

var reference = regexp.MustCompile(`\$\{([A-Za-z0-9:]+)\}`)

func (v Values) sub(arg any) (any, error) {
	text, ok := arg.(string)
	if !ok {
		return nil, fmt.Errorf("!Sub %v: only its form with one text is known", arg)
	}
	var missing error
	out := reference.ReplaceAllStringFunc(text, func(m string) string {
		value, err := v.ref(reference.FindStringSubmatch(m)[1])
		if err != nil {
			missing = err
		}
		return fmt.Sprint(value)
	})
	return out, missing
}

func (v Values) choose(arg any) (any, error) {
	sides, _ := arg.([]any)
	if len(sides) != 3 {
		return nil, fmt.Errorf("!If %v: wants a condition and two values", arg)
	}
	name, _ := sides[0].(string)
	holds, ok := v.Conditions[name]
	if !ok {
		return nil, fmt.Errorf("!If %s: not said whether it holds", name)
	}
	if holds {
		return v.Resolve(sides[1])
	}
	return v.Resolve(sides[2])
}

func (v Values) find(arg any) (any, error) {
	keys, err := v.Resolve(arg)
	if err != nil {
		return nil, err
	}
	path := []string{}
	for _, k := range keys.([]any) {
		path = append(path, fmt.Sprint(k))
	}
	found := At(v.Mappings, path...)
	if found == nil {
		return nil, fmt.Errorf("!FindInMap %v: nothing is there", path)
	}
	return found, nil
}
