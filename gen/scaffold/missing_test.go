package scaffold_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ironflow-gen/ironflow/gen/scaffold"
)

// TestMissing checks which methods are found missing, and that nothing is said where that cannot be known.
func TestMissing(t *testing.T) {
	stateless := parse(t, `ironflow: 1
workflow: door
package: door
id: door_id
inputs:
  Open: {fields: {door_id: string}}
  Close: {fields: {door_id: string}}
events:
  Opened: {}
effects:
  Ring: {}
`)
	const all = "Decider: the methods Open and Close; Evolver: the methods Opened and Terminal; Handler: the method Ring"
	for name, c := range map[string]struct{ source, want string }{
		"no types":        {"package door\n", ""},
		"no methods":      {"package door\n\ntype (\n\tDecider struct{}\n\tEvolver [2]int\n\tHandler func()\n)\n", all},
		"other package":   {"package door_test\n\ntype Decider struct{}\n", ""},
		"broken":          {"package door\n\ntype Decider struct{}\n\nfunc {\n", ""},
		"some methods":    {"package door\n\ntype Decider struct{}\n\nfunc (d *Decider) Open() {}\n", "Decider: the method Close"},
		"all methods":     {"package door\n\ntype Decider struct{}\n\nfunc (Decider) Open() {}\nfunc (Decider) Close() {}\n", ""},
		"no receiver":     {"package door\n\ntype Decider struct{}\n\nfunc Open() {}\n", "Decider: the methods Open and Close"},
		"type parameters": {"package door\n\ntype Decider[T, U any] struct{}\n\nfunc (d *Decider[T, U]) Open() {}\n", "Decider: the method Close"},
		"embedded":        {"package door\n\ntype Decider struct{ *base }\ntype base struct{}\n\nfunc (base) Open() {}\n", "Decider: the method Close"},
		"embedded itself": {"package door\n\ntype Decider struct{ *base }\ntype base struct{ *Decider }\n", "Decider: the methods Open and Close"},
		"from elsewhere":  {"package door\n\nimport \"x/y\"\n\ntype Decider struct{ y.Base }\ntype Evolver = y.Evolver\n", ""},
		"interface":       {"package door\n\ntype Decider interface{ Open() }\ntype Handler struct{ EffectHandler }\n", ""},
		"alias":           {"package door\n\ntype Decider = base\ntype base struct{}\n\nfunc (base) Open() {}\n", "Decider: the method Close"},
		"other type":      {"package door\n\ntype Decider base\ntype base struct{}\n\nfunc (base) Open() {}\n", "Decider: the methods Open and Close"},
		"method of a map": {"package door\n\ntype Decider map[string]int\n\nfunc (Decider) Open() {}\n", "Decider: the method Close"},
	} {
		t.Run(name, func(t *testing.T) {
			list, err := scaffold.Missing(stateless, []scaffold.Source{{Name: "x.go", Content: []byte(c.source)}})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, m := range list {
				got = append(got, fmt.Sprintf("%s: %s", m.Type, m.Names))
				if m.File != "x.go" || strings.Count(string(m.Code), "func (") != 1+strings.Count(m.Names, " and ") {
					t.Errorf("%s in %s:\n%s", m.Type, m.File, m.Code)
				}
			}
			if got := strings.Join(got, "; "); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestUnneeded checks that a type called Handler only counts when it is about effects.
func TestUnneeded(t *testing.T) {
	const head = "ironflow: 1\nworkflow: door\npackage: door\nid: door_id\ninputs: {Open: {fields: {door_id: string}}}\nevents: {Opened: }\n"
	for name, c := range map[string]struct{ more, source, want string }{
		"interface": {"", "package door\n\ntype Handler struct{}\n\nvar _ EffectHandler = Handler{}\n", "x.go"},
		"method":    {"", "package door\n\ntype Handler struct{}\n\nfunc (Handler) Ring(call runtime.EffectCall) error { return nil }\n", "x.go"},
		"pages":     {"", "package door\n\ntype Handler struct{}\n\nfunc (Handler) ServeHTTP() {}\n", ""},
		"effects":   {"effects: {Ring: {}}\n", "package door\n\ntype Handler struct{}\n\nvar _ EffectHandler = Handler{}\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := parse(t, head+c.more)
			if got := scaffold.Unneeded(w, []scaffold.Source{{Name: "x.go", Content: []byte(c.source)}}); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
