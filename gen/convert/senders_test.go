package convert_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ironflow-gen/ironflow/gen/convert"
	"github.com/ironflow-gen/ironflow/gen/gospec"
	"github.com/ironflow-gen/ironflow/gen/spec"
)

// TestSenders checks which inputs are for clients, in both forms.
func TestSenders(t *testing.T) {
	t.Parallel()
	const head = `ironflow: 1
workflow: parcel
package: parcel
id: id
inputs:
  Begin: {fields: {id: string}}
`
	const events = "events: {Done: {}}\n"
	for name, test := range map[string]struct{ rest, internal, operator string }{
		"nothing delivers it":   {"  Other: {fields: {id: string}}\n" + events, "", ""},
		"result":                {"  Other: {fields: {id: string}}\n" + events + "effects: {Work: {returns: [Begin, Other]}}\n", "Begin Other", ""},
		"result of clients too": {"  Other: {from: client, fields: {id: string}}\n" + events + "effects: {Work: {returns: [Begin, Other]}}\n", "Begin", ""},
		"dead letter":           {"  Other: {fields: {id: string, error: string}}\n" + events + "effects: {Work: {dead: Other}}\n", "Other", ""},
		"end of a child": {"  Other: {fields: {id: string, child: string}}\n" + events +
			"effects: {Work: {starts: {workflow: other, input: Go}, ended: Other}}\n", "Other", ""},
		"refusal": {"  Other: {fields: {id: string, outcome: string}}\n" + events +
			"effects: {Work: {sends: {workflow: other, input: Go}, refused: Other}}\n", "Other", ""},
		"timer":            {"  Other: {fields: {id: string}}\n" + events + "timers: {tick: {input: Other, after: 1h}}\n", "Other", ""},
		"timer of clients": {"  Other: {from: client, fields: {id: string}}\n" + events + "timers: {tick: {input: Other, after: 1h}}\n", "", ""},
		"schedule":         {"  Other: {fields: {id: string}}\n" + events + "schedules: {tick: {input: Other, schedule: \"@daily\", instance: a}}\n", "Other", ""},
		"declared":         {"  Other: {from: internal, fields: {id: string}}\n" + events, "Other", ""},
		"of operators":     {"  Other: {from: operator, fields: {id: string}}\n" + events, "", "Other"},
		"sent to itself":   {"  Other: {fields: {id: string}}\n" + events + "effects: {Work: {fields: {id: string}, sends: {workflow: parcel, input: Other}}}\n", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := parse(t, []byte(head+test.rest))
			check := func(form string, w *spec.Workflow) {
				var internal []string
				for _, m := range w.InternalInputs() {
					internal = append(internal, m.Name.Text)
				}
				if got := strings.Join(internal, " "); got != test.internal {
					t.Errorf("%s: internal are %q, want %q", form, got, test.internal)
				}
				var operator []string
				for _, m := range w.OperatorInputs() {
					operator = append(operator, m.Name.Text)
				}
				if got := strings.Join(operator, " "); got != test.operator {
					t.Errorf("%s: of operators are %q, want %q", form, got, test.operator)
				}
				for _, m := range w.Inputs {
					if slices.Contains(w.ClientInputs(), m) == (m.Internal || m.Operator) {
						t.Errorf("%s: %s is both for clients and internal, or neither", form, m.Name.Text)
					}
				}
			}
			check("YAML", w)
			source, err := convert.Go(w)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module example.com/user\n"), 0o666); err != nil {
				t.Fatal(err)
			}
			result := gospec.Load([]gospec.Package{{Dir: dir, Files: []gospec.File{{Name: "parcel.go", Content: source}}}})[0]
			if result.Err != nil {
				t.Fatalf("%v\n%s", result.Err, source)
			}
			check("Go", result.Workflow)
		})
	}
}
