package template_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/gantry-dev/gantry/deploy/ecs/template"
)

const sample = `
Parameters:
  Size: {Type: String, Default: small}
  Host: {Type: String}
Mappings: {Of: {small: {Cpu: 1}}}
Resources:
  Task:
    Cpu: !FindInMap [Of, !Ref Size, Cpu]
    Address: !Sub "${Host}:${Port}"
    Environment:
      - {Name: A, Value: !If [Yes, 1, 2]}
      - !If [No, {Name: B}, !Ref AWS::NoValue]
    Role: !GetAtt Other.Arn
`

func TestResolve(t *testing.T) {
	parsed, err := template.Parse([]byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	v := template.Values{
		Parameters: template.Defaults(parsed, map[string]any{"Host": "h", "Port": 5}),
		Conditions: map[string]bool{"Yes": true, "No": false}, Mappings: parsed["Mappings"],
	}
	got, err := v.Resolve(template.At(parsed, "Resources", "Task"))
	if err != nil {
		t.Fatal(err)
	}
	want := template.Object{
		"Cpu": 1, "Address": "h:5", "Environment": []any{template.Object{"Name": "A", "Value": 1}},
		"Role": template.Object{"Fn::GetAtt": "Other.Arn"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if at := template.At(got, "Environment", "A", "Value"); at != 1 {
		t.Errorf("A is %v", at)
	}
}

func TestResolveSaysWhatIsMissing(t *testing.T) {
	for _, c := range []struct {
		part any
		want string
	}{
		{template.Object{"Ref": "Nobody"}, "Nobody"},
		{template.Object{"Fn::Sub": "${Nobody}"}, "Nobody"},
		{template.Object{"Fn::If": []any{"Unsaid", 1, 2}}, "Unsaid"},
		{template.Object{"Fn::FindInMap": []any{"Of", "huge"}}, "huge"},
	} {
		if _, err := (template.Values{}).Resolve([]any{c.part}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want it to name %s", c.part, err, c.want)
		}
	}
}

func TestParseRefusesAnchors(t *testing.T) {
	for _, text := range []string{"a: &x 1\nb: *x", "", "- 1"} {
		if _, err := template.Parse([]byte(text)); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}
