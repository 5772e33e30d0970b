package world

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"
)

// fileTypes are the kinds of files and what they are read into.
var fileTypes = map[string]reflect.Type{
	"network":       reflect.TypeFor[networkFile](),
	"scenario":      reflect.TypeFor[scenarioFile](),
	"interventions": reflect.TypeFor[interventionsFile](),
}

func mustSchema(t testing.TB, kind string) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schemaText(t, kind)))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(kind, doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile(kind)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func schemaText(t testing.TB, kind string) []byte {
	t.Helper()
	text, ok := Schema(kind)
	if !ok {
		t.Fatalf("no schema for a %s", kind)
	}
	return text
}

// plain is a YAML file as a JSON library would read it.
func plain(t testing.TB, text []byte) any {
	t.Helper()
	b, err := yaml.YAMLToJSON(text)
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestShippedFilesSatisfyTheirSchemas(t *testing.T) {
	entries, err := shipped.ReadDir("shipped")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		kind, _, _ := strings.Cut(e.Name(), "-")
		text, err := shipped.ReadFile("shipped/" + e.Name())
		if err != nil {
			t.Fatal(err)
		}
		if err := mustSchema(t, kind).Validate(plain(t, text)); err != nil {
			t.Errorf("%s: %v", e.Name(), err)
		}
	}
	all := string(fixedText(t, "scenario")) + events + interventions
	if err := mustSchema(t, "scenario").Validate(plain(t, []byte(all))); err != nil {
		t.Error(err)
	}
	if err := mustSchema(t, "interventions").Validate(plain(t, []byte(interventions))); err != nil {
		t.Error(err)
	}
	moved, err := WithPlace(fixedText(t, "network"), "+09:30", 365*24*hour*50)
	if err != nil {
		t.Fatal(err)
	}
	if err := mustSchema(t, "network").Validate(plain(t, moved)); err != nil {
		t.Error(err)
	}
	if _, ok := Schema("weather"); ok {
		t.Error("there is a schema for a weather file")
	}
}

// TestSchemasNameTheFieldsThatAreRead keeps both sides of the contract alike.
func TestSchemasNameTheFieldsThatAreRead(t *testing.T) {
	for kind, of := range fileTypes {
		var doc map[string]any
		if err := json.Unmarshal(schemaText(t, kind), &doc); err != nil {
			t.Fatal(err)
		}
		c := schemaComparer{t, doc}
		c.compare(kind, doc, of)
	}
}

func TestInterventionsHaveOneSchema(t *testing.T) {
	var docs [2]struct {
		Defs map[string]any `json:"$defs"`
	}
	for i, kind := range []string{"scenario", "interventions"} {
		if err := json.Unmarshal(schemaText(t, kind), &docs[i]); err != nil {
			t.Fatal(err)
		}
	}
	for name, def := range docs[1].Defs {
		if !reflect.DeepEqual(def, docs[0].Defs[name]) {
			t.Errorf("$defs/%s is not the same in both schemas", name)
		}
	}
}

type schemaComparer struct {
	t   *testing.T
	doc map[string]any
}

// compare walks through a schema and a Go type together.
func (c schemaComparer) compare(path string, node map[string]any, of reflect.Type) {
	if node["description"] == nil {
		c.t.Errorf("%s: has no description", path)
	}
	if ref, ok := node["$ref"].(string); ok {
		node = c.doc["$defs"].(map[string]any)[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any)
	}
	for of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	want := ""
	switch {
	case of == reflect.TypeFor[degrees]():
		want = "number"
	case of.Kind() == reflect.Struct:
		want = "object"
		c.compareFields(path, node, of)
	case of.Kind() == reflect.Slice:
		want = "array"
		c.compare(path+"[]", node["items"].(map[string]any), of.Elem())
	case of.Kind() == reflect.Bool:
		want = "boolean"
	case of.Kind() == reflect.String:
		if node["enum"] != nil || node["const"] != nil {
			return
		}
		want = "string"
	default:
		want = "integer"
		lo, okLo := node["minimum"].(float64)
		hi, okHi := node["maximum"].(float64)
		if least, most := intRange(of); !okLo || !okHi || lo < float64(least) || hi > float64(most) {
			c.t.Errorf("%s: range %v to %v, of %d to %d", path, node["minimum"], node["maximum"], least, most)
		}
	}
	if node["type"] != want {
		c.t.Errorf("%s: is a %v, must be a %s", path, node["type"], want)
	}
}

func (c schemaComparer) compareFields(path string, node map[string]any, of reflect.Type) {
	props, _ := node["properties"].(map[string]any)
	var names, required []string
	for i := range of.NumField() {
		name, options, _ := strings.Cut(of.Field(i).Tag.Get("yaml"), ",")
		names = append(names, name)
		if !strings.Contains(options, "omitempty") {
			required = append(required, name)
		}
		if sub, ok := props[name].(map[string]any); ok {
			c.compare(path+"."+name, sub, of.Field(i).Type)
		}
	}
	slices.Sort(names)
	if got := slices.Sorted(maps.Keys(props)); !slices.Equal(got, names) {
		c.t.Errorf("%s: the schema names %v, the reader %v", path, got, names)
	}
	var got []string
	for _, r := range anyList(node["required"]) {
		got = append(got, r.(string))
	}
	slices.Sort(got)
	slices.Sort(required)
	if !slices.Equal(got, required) {
		c.t.Errorf("%s: the schema requires %v, the reader %v", path, got, required)
	}
	if node["additionalProperties"] != false {
		c.t.Errorf("%s: allows other fields", path)
	}
}

func anyList(v any) []any {
	list, _ := v.([]any)
	return list
}

// TestSchemasAllowWhatIsRead changes one value of a good file at a time:
// whatever the reader still takes, the schema must take. The other way round
// does not hold, for a schema sees one field at a time.
func TestSchemasAllowWhatIsRead(t *testing.T) {
	texts := map[string][]byte{
		"network":  fixedText(t, "network"),
		"scenario": append(fixedText(t, "scenario"), events+interventions...),
	}
	net, g, z := mustFixedNetwork(t)
	schemas := map[string]*jsonschema.Schema{}
	for kind := range texts {
		schemas[kind] = mustSchema(t, kind)
	}
	numbers := rapid.OneOf(rapid.Int64Range(-3, 30), rapid.Int64Range(30, 300), rapid.Int64Range(300, 3_000_000), rapid.Int64())
	words := []string{"true", "null", "[]", "{}", "1.5", "x", `"7"`, `""`, `"03:00"`, `"27:00"`, `"24:00"`, `"27:59"`, "2026-02-30", "1979-12-31", "2060-12-31", "2061-01-01", "bus", "commute", "ramp", "north-end", "north"}
	rapid.Check(t, func(rt *rapid.T) {
		kind := rapid.SampledFrom([]string{"network", "scenario"}).Draw(rt, "kind")
		var v any
		if err := yaml.UnmarshalWithOptions(texts[kind], &v, yaml.UseOrderedMap()); err != nil {
			rt.Fatal(err)
		}
		value := rapid.Custom(func(rt *rapid.T) any {
			if rapid.Bool().Draw(rt, "number") {
				return numbers.Draw(rt, "value")
			}
			var v any
			_ = yaml.Unmarshal([]byte(rapid.SampledFrom(words).Draw(rt, "word")), &v)
			return v
		}).Draw(rt, "value")
		v = changeLeaf(rt, v, value)
		text, err := yaml.Marshal(v)
		if err != nil {
			rt.Fatal(err)
		}
		if kind == "network" {
			_, _, _, err = parseNetwork(text)
		} else {
			_, _, err = parseScenario(text, net, g, z)
		}
		if err != nil {
			return
		}
		if err := schemas[kind].Validate(plain(t, text)); err != nil {
			rt.Fatalf("the reader takes %v, the schema does not: %v", value, err)
		}
	})
}

// changeLeaf puts a value in the place of one inside v.
func changeLeaf(rt *rapid.T, v, value any) any {
	switch of := v.(type) {
	case yaml.MapSlice:
		i := rapid.IntRange(0, len(of)-1).Draw(rt, "field")
		of[i].Value = changeLeaf(rt, of[i].Value, value)
		return of
	case []any:
		if len(of) > 0 {
			i := rapid.IntRange(0, len(of)-1).Draw(rt, "entry")
			of[i] = changeLeaf(rt, of[i], value)
		}
		return of
	}
	return value
}
