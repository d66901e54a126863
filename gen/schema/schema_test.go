package schema_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
	"github.com/ironflow-gen/ironflow/gen/internal/corpus"
	"github.com/ironflow-gen/ironflow/gen/schema"
	"github.com/ironflow-gen/ironflow/gen/yamlspec"
)

// compile compiles the schema, which checks it against that of its dialect.
func compile(t *testing.T) *jsonschema.Schema {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema.JSON()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(schema.URL, document); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(schema.URL)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// decode reads YAML as an editor does, into what JSON has.
func decode(src []byte) (any, error) {
	var value any
	if err := yaml.Unmarshal(src, &value); err != nil {
		return nil, err
	}
	text, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	return jsonschema.UnmarshalJSON(bytes.NewReader(text))
}

// shapes are the mistakes that a schema can see wherever they are.
var shapes = []diagnostic.Code{
	diagnostic.FormatVersion, diagnostic.UnknownKey, diagnostic.NotMapping, diagnostic.NotList, diagnostic.NotText, diagnostic.NotName,
	diagnostic.NotBoolean, diagnostic.NotNumber, diagnostic.NameForm, diagnostic.LongName, diagnostic.NoType, diagnostic.EmptyEnum,
	diagnostic.NoWorkflowName, diagnostic.NoPackageName, diagnostic.TimerNoInput,
}

// TestDeclarations checks every declaration of the repository: the valid ones are valid for the schema, and those with a
// mistake of shape are not.
func TestDeclarations(t *testing.T) {
	s := compile(t)
	valid, invalid := 0, 0
	for name, src := range corpus.Declarations(t, "../..", ".yaml") {
		value, err := decode(src)
		if err != nil || bytes.Contains(src, []byte(": !")) {
			continue // no YAML, or YAML with tags, which a schema does not see
		}
		refused := s.Validate(value)
		_, err = yamlspec.Parse(name, src)
		list, _ := diagnostic.Split(err)
		switch {
		case len(list) == 0:
			valid++
			if refused != nil {
				t.Errorf("%s is valid, but the schema says: %v", name, refused)
			}
		case slices.ContainsFunc(list, func(d diagnostic.Diagnostic) bool { return slices.Contains(shapes, d.Code) }):
			invalid++
			if refused == nil {
				t.Errorf("the schema sees none of the mistakes of %s:\n%v", name, err)
			}
		}
	}
	if valid < 30 || invalid < 20 {
		t.Errorf("only %d valid declarations and %d with mistakes", valid, invalid)
	}
}

// TestSingleMistakes makes one mistake at a time in a valid declaration.
func TestSingleMistakes(t *testing.T) {
	const declaration = `ironflow: 1
workflow: door
package: door
id: door_id
inputs:
  Open: {fields: {door_id: string}}
  Close: {fields: {door_id: string}}
events: {Opened: , Closed: {fields: {at: time}}}
types:
  Size: {enum: [small, large]}
  Money: {go: example.com/money.Amount}
effects:
  Ring: {returns: [Open], retry: {max_attempts: 3, base: 1s}, timeout: 1m, priority: 5, limit: {rate: 1.5}}
  Tell: {sends: {workflow: other, input: Hear}}
timers:
  closer: {input: Close, after: 1d12h, while: open}
  weekly: {input: Close, schedule: "0 9 * * MON", zone: Europe/Berlin, missed: all}
schedules:
  daily: {input: Open, schedule: "@daily", instance: "door-{time}"}
states:
  closed: {accepts: {Open: {Opened: open, effects: Ring, timers: [weekly]}}}
  open: {accepts: {Close: {Closed: closed}}, doc: It is open.}
`
	s := compile(t)
	check := func(text string) error {
		value, err := decode([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return s.Validate(value)
	}
	if err := check(declaration); err != nil {
		t.Fatal(err)
	}
	for _, change := range [][2]string{
		{"ironflow: 1", "ironflow: 2"}, {"ironflow: 1", `ironflow: "1"`}, {"workflow: door\n", ""}, {"workflow: door", "workflow: Door"},
		{"package: door", "package: main"}, {"package: door", "package: func"}, {"id: door_id", "key: door_id"}, {"Open: {fields", "open: {fields"},
		{"door_id: string}}\n  Close", "door_id: []}}\n  Close"}, {"door_id: string}}\n  Close", "door_id: list<}}\n  Close"},
		{"door_id: string}}\n  Close", "door_id: list}}\n  Close"}, {"Closed: {fields", "Closed: {feilds"}, {"[small, large]", "[]"},
		{"money.Amount", "money.amount"}, {"max_attempts: 3", "max_attempts: 0"}, {"base: 1s", "base: 1"}, {"base: 1s", "base: 1 s"},
		{"timeout: 1m", "timeout: m"}, {"priority: 5", "priority: 1001"}, {"rate: 1.5", "rate: 0"}, {"{rate: 1.5}", "{}"},
		{"{rate: 1.5}", "{burst: 3}"}, {"{rate: 1.5}", "{key: x}"}, {"{sends: {", "{returns: Open, sends: {"}, {"{sends: {", "{ended: Open, sends: {"},
		{", input: Hear", ""}, {"after: 1d12h", `after: 1h, schedule: "@daily"`}, {"after: 1d12h", "after: 1h, zone: UTC"}, {"missed: all", "missed: some"},
		{"0 9 * * MON", "0 9 * *"}, {"@daily", "@sometimes"}, {", instance: \"door-{time}\"", ""}, {"Opened: open", "opened: open"},
		{"Opened: open", "Opened: Open"}, {"effects: Ring", "effect: Ring"}, {"[weekly]", "[Weekly]"}, {"{Closed: closed}", "{}"}, {"doc: It is open.", "doc: 5"},
	} {
		if !strings.Contains(declaration, change[0]) {
			t.Fatalf("%q is not in the declaration", change[0])
		}
		if check(strings.Replace(declaration, change[0], change[1], 1)) == nil {
			t.Errorf("the schema accepts %q in place of %q", change[1], change[0])
		}
	}
}

// TestDescriptions checks that an editor has something to show for every key.
func TestDescriptions(t *testing.T) {
	var root map[string]any
	if err := json.Unmarshal(schema.JSON(), &root); err != nil {
		t.Fatal(err)
	}
	if root["$id"] != schema.URL {
		t.Errorf("the schema is called %v, and said to be at %s", root["$id"], schema.URL)
	}
	definitions := root["$defs"].(map[string]any)
	described := func(s map[string]any) bool {
		for s["description"] == nil {
			ref, ok := s["$ref"].(string)
			if !ok {
				return false
			}
			s = definitions[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any)
		}
		return true
	}
	var walk func(path string, node any)
	walk = func(path string, node any) {
		switch node := node.(type) {
		case map[string]any:
			for key, value := range node {
				properties, ok := value.(map[string]any)
				if ok && (key == "properties" || key == "patternProperties") {
					for name, property := range properties {
						if !described(property.(map[string]any)) {
							t.Errorf("%s/%s has no description", path, name)
						}
					}
				}
				walk(path+"/"+key, value)
			}
		case []any:
			for _, value := range node {
				walk(path, value)
			}
		}
	}
	walk("", root)
}

// TestKeys checks that the parser knows every key of the schema, in a declaration where each has a wrong value.
func TestKeys(t *testing.T) {
	var root struct {
		Properties map[string]any
		Defs       map[string]struct {
			Properties map[string]any
		} `json:"$defs"`
	}
	if err := json.Unmarshal(schema.JSON(), &root); err != nil {
		t.Fatal(err)
	}
	places := map[string]string{
		"message": "rejections: {X: {%s: {}}}", "event": "events: {X: {%s: {}}}", "input": "inputs: {X: {%s: {}}}", "effect": "effects: {X: {%s: {}}}", "timer": "timers: {x: {%s: {}}}",
		"scheduled": "schedules: {x: {%s: {}}}", "stateOfMachine": "states: {x: {%s: {}}}", "transition": "states: {x: {accepts: {X: {%s: {}}}}}",
		"delivery": "effects: {X: {starts: {%s: {}}}}", "": "%s: {}",
	}
	keys := map[string]map[string]any{"": root.Properties}
	for name, definition := range root.Defs {
		if len(definition.Properties) > 0 {
			keys[name] = definition.Properties
		}
	}
	for name, properties := range keys {
		place, ok := places[name]
		if !ok {
			t.Errorf("no place is known for the keys of %q", name)
			continue
		}
		for key := range properties {
			_, err := yamlspec.Parse("key.yaml", []byte(strings.Replace(place, "%s", key, 1)))
			list, _ := diagnostic.Split(err)
			if slices.ContainsFunc(list, func(d diagnostic.Diagnostic) bool { return d.Code == diagnostic.UnknownKey }) {
				t.Errorf("the parser does not know %q of %q:\n%v", key, name, err)
			}
		}
	}
}
