package scaffold_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
	"github.com/ironflow-gen/ironflow/gen/scaffold"
)

// stateless asks for Open and Close, Opened and Terminal, and Ring.
const stateless = `ironflow: 1
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
`

// withoutEffects asks for Open, Opened and Terminal.
const withoutEffects = `ironflow: 1
workflow: door
package: door
id: door_id
inputs: {Open: {fields: {door_id: string}}}
events: {Opened: {}}
`

const (
	openMethod   = " Open(now time.Time, state State, in Open) OpenDecision { return AcceptOpen(Opened{}) }\n"
	closeMethod  = " Close(now time.Time, state State, in Close) CloseDecision { return AcceptClose(Opened{}) }\n"
	bothMethods  = "func (Decider)" + openMethod + "\nfunc (Decider)" + closeMethod
	declareTypes = "package door\n\nimport \"time\"\n\ntype Decider struct{}\n\n"
)

// missing lists what types lack, as "Decider: Open, Close in x.go".
func missing(g *scaffold.Growth) string {
	var list []string
	for _, m := range g.Missing {
		text := fmt.Sprintf("%s: %s in %s", m.Type, strings.Join(m.Methods, ", "), m.File)
		if m.New {
			text += " (new)"
		}
		list = append(list, text)
	}
	return strings.Join(list, "; ")
}

func grow(t *testing.T, declaration string, own ...scaffold.Source) *scaffold.Growth {
	t.Helper()
	growth, err := read(t, parse(t, declaration), own...).Grow()
	if err != nil {
		t.Fatal(err)
	}
	return growth
}

func source(name, content string) scaffold.Source {
	return scaffold.Source{Path: name, Content: []byte(content)}
}

// TestMissing checks which methods are found missing, and that nothing is said where that cannot be known.
func TestMissing(t *testing.T) {
	const all = "Decider: Open, Close in decider_stubs.go (new); Evolver: Opened, Terminal in x.go; Handler: Ring in handler_stubs.go (new)"
	const onlyClose = "Decider: Close in x.go"
	for name, c := range map[string]struct{ source, want string }{
		"no types":          {"package door\n", ""},
		"no methods":        {"package door\n\ntype (\n\tDecider struct{}\n\tEvolver [2]int\n\tHandler func()\n)\n", all},
		"other package":     {"package door_test\n\ntype Decider struct{}\n", ""},
		"some methods":      {declareTypes + "func (d *Decider)" + openMethod, onlyClose},
		"all methods":       {declareTypes + bothMethods, ""},
		"type parameters":   {"package door\n\nimport \"time\"\n\ntype Decider[T, U any] struct{}\n\nfunc (d *Decider[A, B])" + openMethod, onlyClose},
		"embedded":          {"package door\n\nimport \"time\"\n\ntype Decider struct{ *base }\ntype base struct{}\n\nfunc (base)" + openMethod, onlyClose},
		"embedded twice":    {"package door\n\nimport \"time\"\n\ntype Decider struct{ a; b }\ntype a struct{}\ntype b struct{}\n\nfunc (a)" + openMethod + "\nfunc (b)" + openMethod, "Decider: Open, Close in x.go"},
		"nearer of two":     {"package door\n\nimport \"time\"\n\ntype Decider struct{ a; c }\ntype a struct{}\ntype b struct{}\ntype c struct{ b }\n\nfunc (a)" + openMethod + "\nfunc (b)" + openMethod, onlyClose},
		"embedded itself":   {"package door\n\nimport \"time\"\n\nvar _ time.Time\n\ntype Decider struct{ *base }\ntype base struct{ *Decider }\n", "Decider: Open, Close in x.go"},
		"embeds a mutex":    {"package door\n\nimport (\n\t\"sync\"\n\t\"time\"\n)\n\ntype Decider struct{ sync.Mutex }\n\nfunc (d *Decider)" + openMethod, onlyClose},
		"generic elsewhere": {"package door\n\nimport \"x/y\"\n\ntype Decider struct{ y.Base[State, Open] }\ntype Evolver struct{ *y.Base[State, Opened] }\n", ""},
		"from elsewhere":    {"package door\n\nimport \"x/y\"\n\ntype Evolver = y.Evolver\ntype Decider = y.Decider[State]\n", ""},
		"interface":         {"package door\n\ntype Decider interface{ Open() }\ntype Handler struct{ EffectHandler }\n", ""},
		"embeds contract":   {"package door\n\ntype Decider struct{ inner }\ntype inner struct{ InputDecider }\n", ""},
		"pointer":           {"package door\n\ntype Decider *int\n", ""},
		"alias":             {"package door\n\nimport \"time\"\n\ntype Decider = base\ntype base struct{}\n\nfunc (Decider)" + openMethod, onlyClose},
		"alias of generic":  {"package door\n\nimport \"time\"\n\ntype Decider = base[int]\ntype base[T any] struct{}\n\nfunc (*base[T])" + openMethod, onlyClose},
		"alias of itself":   {"package door\n\ntype Decider = other\ntype other = Decider\n", ""},
		"other type":        {"package door\n\nimport \"time\"\n\ntype Decider base\ntype base struct{}\n\nfunc (base)" + openMethod, "Decider: Open, Close in x.go"},
		"other with embed":  {"package door\n\nimport \"time\"\n\ntype Decider base\ntype base struct{ inner }\ntype inner struct{}\n\nfunc (inner)" + openMethod, onlyClose},
		"method of a map":   {"package door\n\nimport \"time\"\n\ntype Decider map[string]int\n\nfunc (Decider)" + openMethod, onlyClose},
		"another name":      {"package door\n\nimport \"time\"\n\ntype Rules struct{}\n\nvar _ InputDecider = Rules{}\n\nfunc (Rules)" + openMethod, "Rules: Close in x.go"},
		"wrapper":           {declareTypes + bothMethods + "\ntype traced struct{ InputDecider }\n\nvar _ InputDecider = traced{}\n", ""},
		"import renamed":    {"package door\n\nimport t \"time\"\n\ntype Decider struct{}\n\nfunc (Decider) Open(now t.Time, state State, in Open) OpenDecision { return AcceptOpen(Opened{}) }\n", onlyClose},
		"import blank":      {"package door\n\nimport _ \"time\"\n\ntype Decider struct{}\n", "Decider: Open, Close in decider_stubs.go (new)"},
	} {
		t.Run(name, func(t *testing.T) {
			growth := grow(t, stateless, source("x.go", c.source))
			if got := missing(growth); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if len(growth.Findings) > 0 {
				t.Errorf("there are findings: %v", growth.Findings)
			}
		})
	}
}

// TestPlaces checks where the stub of Close goes when the type, its methods and its imports are in several files.
func TestPlaces(t *testing.T) {
	const (
		typeOnly = "package door\n\ntype Decider struct{}\n"
		typeTime = "package door\n\nimport \"time\"\n\ntype Decider struct{ at time.Time }\n"
		openOnly = "package door\n\nimport \"time\"\n\nfunc (Decider)" + openMethod
		helper   = "package door\n\nimport \"time\"\n\nfunc (Decider) help() { _ = time.Now }\n\nfunc (Decider) more() {}\n"
	)
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"with its methods":   {map[string]string{"a.go": typeOnly, "b.go": openOnly}, "b.go"},
		"with most of them":  {map[string]string{"a.go": typeOnly, "b.go": openOnly, "c.go": helper}, "c.go"},
		"with the type":      {map[string]string{"a.go": openOnly, "b.go": typeTime}, "b.go"},
		"never in a test":    {map[string]string{"a.go": typeOnly, "a_test.go": helper}, "decider_stubs.go (new)"},
		"with earlier stubs": {map[string]string{"a.go": typeOnly, "decider_stubs.go": "package door\n\nimport \"time\"\n\nvar _ time.Time\n"}, "decider_stubs.go"},
		"name is taken":      {map[string]string{"a.go": typeOnly, "decider_stubs.go": "package door\n"}, "decider_stubs_more.go (new)"},
		"two platforms":      {map[string]string{"a_linux.go": typeTime, "a_windows.go": typeTime, "b.go": openOnly}, "b.go"},
		"only platforms":     {map[string]string{"a_linux.go": typeTime, "a_windows.go": typeTime}, "decider_stubs.go (new)"},
		"of one platform":    {map[string]string{"a_linux.go": typeTime, "b.go": helper}, "a_linux.go"},
		"another platform":   {map[string]string{"a.go": typeOnly, "b_linux.go": openOnly}, "decider_stubs.go (new)"},
		"same constraint":    {map[string]string{"a.go": "//go:build cgo\n\n" + typeOnly, "b.go": helper, "c.go": "//go:build cgo\n\n" + openOnly}, "c.go"},
		"below":              {map[string]string{"some/dir/a.go": typeOnly}, "some/dir/decider_stubs.go (new)"},
		"dot import":         {map[string]string{"a.go": "package door\n\nimport . \"time\"\n\ntype Decider struct{ at Time }\n"}, "a.go"},
	} {
		t.Run(name, func(t *testing.T) {
			var own []scaffold.Source
			for _, name := range slices.Sorted(maps.Keys(c.files)) {
				own = append(own, source(name, c.files[name]))
			}
			if _, file, _ := strings.Cut(missing(grow(t, stateless, own...)), " in "); file != c.want {
				t.Errorf("got the file %s, want %s", file, c.want)
			}
		})
	}
}

// TestNewFile checks the head of a file that is made for stubs: what it imports, and that it is built whenever the type is.
func TestNewFile(t *testing.T) {
	const head = `//go:build (cgo || darwin) && linux && amd64

package door

import (
	"context"

	"github.com/ironflow-gen/ironflow/runtime"
)

func (h *Handler[T]) Ring(ctx context.Context, effect Ring, call runtime.EffectCall) error {
	// TODO: do it here, with call.IdempotencyKey.
	return unfinished("Handler.Ring")
}
`
	growth := grow(t, stateless, source("handler_linux_amd64.go",
		"//go:build cgo || darwin\n\npackage door\n\ntype Handler[T any] struct{}\n\nfunc (h *Handler[A]) close() {}\n"))
	if got := string(growth.Missing[0].Stubs); got != head || !growth.Missing[0].New {
		t.Errorf("got:\n%s\nwant:\n%s", got, head)
	}
}

// TestAppend checks the seam between what is there and the stubs.
func TestAppend(t *testing.T) {
	const stub = `// Terminal reports whether the workflow has ended. It then refuses every input.
func (Evolver) Terminal(state State) bool {
	panic(unfinished("Evolver.Terminal"))
}
`
	const code = "package door\n\ntype Evolver struct{}\n\nfunc (Evolver) Opened(s State, e Opened) State { return s }"
	windows := func(text string) string { return strings.ReplaceAll(text, "\n", "\r\n") }
	for name, c := range map[string]struct{ content, want string }{
		"newline":          {code + "\n", code + "\n\n" + stub},
		"no newline":       {code, code + "\n\n" + stub},
		"comment":          {code + " // the end", code + " // the end\n\n" + stub},
		"empty line":       {code + "\n\n", code + "\n\n" + stub},
		"empty lines":      {code + "\n\n\n", code + "\n\n\n" + stub},
		"windows":          {windows(code + "\n"), windows(code + "\n\n" + stub)},
		"windows, no line": {windows(code), windows(code + "\n\n" + stub)},
		"windows, empty":   {windows(code + "\n\n"), windows(code + "\n\n" + stub)},
		"mixed":            {windows(code) + "\n", windows(code) + "\n\n" + stub},
		"byte order mark":  {"\ufeff" + code, "\ufeff" + code + "\n\n" + stub},
	} {
		t.Run(name, func(t *testing.T) {
			content := []byte(c.content)
			growth := grow(t, stateless, scaffold.Source{Path: "x.go", Content: content})
			got := string(growth.Missing[0].AppendTo(content))
			if got != c.want || string(content) != c.content {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestStubs checks the text of stubs: documentation, what the declaration allows, and the receiver.
func TestStubs(t *testing.T) {
	const declaration = `ironflow: 1
workflow: door
package: door
id: door_id
inputs:
  Open: {doc: Somebody comes., fields: {door_id: string, by: string}}
  Close: {fields: {door_id: string}}
events:
  Opened: {doc: Opened says who came., fields: {by: string, at: time}}
  Closed: {}
effects:
  Ring: {doc: It rings., fields: {by: string}, returns: [Close, Open]}
timers:
  tired: {input: Close, after: 1m}
rejections:
  Locked: {}
states:
  shut: {accepts: {Open: {Opened: open, Closed: shut, effects: [Ring], timers: [tired]}}}
  open: {accepts: {Open: {Opened: open}, Close: {Closed: over}}}
  over: {terminal: true}
`
	const code = `package door

import (
	c "context"
	"time"

	flow "github.com/ironflow-gen/ironflow/runtime"
)

type (
	Decider struct{ at time.Time }
	Evolver struct{}
	Handler struct{}
)

func (in *Decider) a() {}

func (in *Decider) b() {}

func (e Evolver) a() {}

func (*Evolver) b(ctx c.Context) {}

func (h *Handler) a(call flow.EffectCall) {}

func (handler *Handler) b() {}
`
	want := []string{`// Open: Somebody comes.
func (*Decider) Open(now time.Time, state State, in Open) OpenDecision {
	// TODO: decide. The declaration allows the events Opened and Closed, the effect Ring, the timer TimerTired and
	// RejectOpen with Locked.
	panic(unfinished("Decider.Open"))
}

func (*Decider) Close(now time.Time, state State, in Close) CloseDecision {
	// TODO: decide. The declaration allows the event Closed and RejectClose with Locked.
	panic(unfinished("Decider.Close"))
}
`, `// Opened says who came.
func (e Evolver) Opened(state State, event Opened) State {
	// TODO: return the state with By and At of the event folded in.
	panic(unfinished("Evolver.Opened"))
}

func (e Evolver) Closed(state State, event Closed) State {
	// TODO: return the state as it is after the event.
	panic(unfinished("Evolver.Closed"))
}
`, `// Ring: It rings.
func (handler *Handler) Ring(ctx c.Context, effect Ring, call flow.EffectCall) (RingResult, error) {
	// TODO: do it here, with call.IdempotencyKey. The result is Close or Open.
	return nil, unfinished("Handler.Ring")
}
`}
	growth := grow(t, declaration, source("x.go", code))
	if len(growth.Missing) != len(want) {
		t.Fatalf("got %s", missing(growth))
	}
	for i, m := range growth.Missing {
		if string(m.Stubs) != want[i] {
			t.Errorf("got:\n%s\nwant:\n%s", m.Stubs, want[i])
		}
	}
}

// TestFindings checks what is said of methods that no longer fit the declaration, and of names that clash with it.
func TestFindings(t *testing.T) {
	const handler = "package door\n\nimport (\n\t\"context\"\n\n\t\"github.com/ironflow-gen/ironflow/runtime\"\n)\n\ntype Handler struct{}\n\n"
	for name, c := range map[string]struct {
		declaration, source string
		want                string // "" when there is nothing to say
	}{
		"fits":            {stateless, declareTypes + bothMethods, ""},
		"alias":           {stateless, "package door\n\nimport \"time\"\n\ntype moment = time.Time\n\ntype Decider struct{}\n\nfunc (Decider) Open(now moment, state State, in Open) OpenDecision { panic(0) }\n\nfunc (Decider)" + closeMethod, ""},
		"own alias":       {stateless, "package door\n\nimport \"time\"\n\ntype answer = OpenDecision\n\ntype Decider struct{}\n\nfunc (Decider) Open(now time.Time, state State, in Open) answer { panic(0) }\n\nfunc (Decider)" + closeMethod, ""},
		"written out":     {stateless, "package door\n\nimport (\n\t\"time\"\n\n\t\"github.com/ironflow-gen/ironflow/runtime\"\n)\n\ntype Decider struct{}\n\nfunc (Decider) Open(now time.Time, state State, in Open) runtime.Decision[OpenEvent, OpenEffect, runtime.NoTimer, Rejection] { panic(0) }\n\nfunc (Decider)" + closeMethod, ""},
		"other context":   {stateless, strings.ReplaceAll(handler, `"context"`, `"golang.org/x/net/context"`) + "func (Handler) Ring(ctx context.Context, effect Ring, call runtime.EffectCall) error { return nil }\n", ""},
		"helper":          {stateless, declareTypes + bothMethods + "\nfunc (Decider) Total(now time.Time, state State, n int) int { return n }\n", ""},
		"own type":        {stateless, declareTypes + bothMethods + "\ntype Item struct{}\n\ntype ItemDecision int\n\nfunc (Decider) Item(now time.Time, state State, i Item) ItemDecision { return 0 }\n", ""},
		"other Handler":   {withoutEffects, "package door\n\ntype Handler struct{}\n\nfunc (Handler) ServeHTTP() {}\n", ""},
		"package of test": {withoutEffects, "package door_test\n\ntype Client struct{}\n", ""},

		"parameter is missing": {stateless, declareTypes + "func (d Decider) Open(state State, in Open) OpenDecision { panic(0) }\n\nfunc (Decider)" + closeMethod,
			"x.go:7:18: Decider.Open does not have the signature that the declaration asks for; change it to func (d Decider) Open(now time.Time, state State, in Open) OpenDecision [IF0912]"},
		"other input": {stateless, declareTypes + "func (Decider) Open(at time.Time, s State, in Close) OpenDecision { panic(0) }\n\nfunc (Decider)" + closeMethod,
			"x.go:7:16: Decider.Open does not have the signature that the declaration asks for; change it to func (Decider) Open(at time.Time, s State, in Open) OpenDecision [IF0912]"},
		"pointer to the state": {stateless, declareTypes + "func (Decider) Open(at time.Time, s *State, in Open) OpenDecision { panic(0) }\n\nfunc (Decider)" + closeMethod,
			"x.go:7:16: Decider.Open does not have the signature that the declaration asks for; change it to func (Decider) Open(at time.Time, s State, in Open) OpenDecision [IF0912]"},
		"result came": {strings.Replace(stateless, "Ring: {}", "Ring: {returns: [Close]}", 1), handler + "func (h *Handler) Ring(ctx context.Context, e Ring, call runtime.EffectCall) error { return nil }\n",
			"x.go:11:19: Handler.Ring does not have the signature that the declaration asks for; change it to func (h *Handler) Ring(ctx context.Context, e Ring, call runtime.EffectCall) (RingResult, error) [IF0912]"},
		"result went": {stateless, strings.Replace(handler, `"github.com`, `rt "github.com`, 1) + "func (*Handler) Ring(context.Context, Ring, rt.EffectCall) (RingResult, error) { return nil, nil }\n",
			"x.go:11:17: Handler.Ring does not have the signature that the declaration asks for; change it to func (*Handler) Ring(ctx context.Context, effect Ring, call rt.EffectCall) error [IF0912]"},
		"promoted": {stateless, "package door\n\ntype Evolver struct{ fold }\n\ntype fold struct{}\n\nfunc (fold) Opened(s State, e Open) State { return s }\n\nfunc (fold) Terminal(State) bool { return false }\n",
			"x.go:7:13: fold.Opened does not have the signature that the declaration asks for; change it to func (fold) Opened(s State, e Opened) State [IF0912]"},

		"input is gone": {withoutEffects, declareTypes + bothMethods,
			"x.go:9:16: the declaration has no input Close any more; delete the method in line 9 [IF0913]"},
		"with a comment": {withoutEffects, declareTypes + "func (Decider)" + openMethod + "\n// Close closes.\nfunc (Decider) Close(now time.Time, state State, in Close) CloseDecision {\n\treturn AcceptClose(Opened{})\n}\n",
			"x.go:10:16: the declaration has no input Close any more; delete the method in lines 9 to 12 [IF0913]"},
		"input was renamed": {withoutEffects, declareTypes + "func (Decider)" + closeMethod,
			"x.go:7:16: the declaration has no input Close any more; delete the method in line 7, or make it the method Open, which is missing, if the input was renamed [IF0913]"},
		"event is gone": {withoutEffects, "package door\n\ntype Evolver struct{}\n\nfunc (Evolver) Opened(s State, e Opened) State { return s }\n\nfunc (Evolver) Closed(s State, e Closed) State { return s }\n\nfunc (Evolver) Terminal(State) bool { return false }\n",
			"x.go:7:16: the declaration has no event Closed any more; delete the method in line 7 [IF0913]"},
		"effect is gone": {stateless, handler + "func (Handler) Ring(ctx context.Context, e Ring, call runtime.EffectCall) error { return nil }\n\nfunc (Handler) Greet(ctx context.Context, e Greet, call runtime.EffectCall) error { return nil }\n",
			"x.go:13:16: the declaration has no effect Greet any more; delete the method in line 13 [IF0913]"},
		"all effects are gone": {withoutEffects, handler + "func (Handler) Ring(ctx context.Context, e Ring, call runtime.EffectCall) error { return nil }\n",
			"x.go:9:6: the declaration has no effects for a handler any more, and NewWorkflow takes none; delete Handler [IF0913]"},

		"type": {withoutEffects, "package door\n\ntype (\n\tClient struct{}\n)\n",
			"x.go:4:2: Client is declared here and in client_ironflow.go, which is generated; rename this one [IF0914]"},
		"function": {withoutEffects, "package door\n\nfunc unfinished() {}\n",
			"x.go:3:6: unfinished is declared here and in workflow_ironflow.go, which is generated; rename this one [IF0914]"},
		"constant": {withoutEffects, "package door\n\nconst a, WorkflowName = 1, 2\n",
			"x.go:3:10: WorkflowName is declared here and in types_ironflow.go, which is generated; rename this one [IF0914]"},
	} {
		t.Run(name, func(t *testing.T) {
			growth := grow(t, c.declaration, source("x.go", c.source))
			if got := growth.Findings.Error(); got != c.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, c.want)
			}
		})
	}
}

// TestMethodInTest checks that a method that only tests see does not count, and gets no stub either, which would stand
// beside it when tests are built.
func TestMethodInTest(t *testing.T) {
	growth := grow(t, stateless, source("x.go", declareTypes+"func (Decider)"+openMethod),
		source("x_test.go", "package door\n\nimport \"time\"\n\nfunc (Decider)"+closeMethod+"\ntype Evolver struct{}\n"))
	const want = "x_test.go:5:16: Decider.Close is in a test file, so the package itself lacks the method; move it to a file that is no test [IF0911]"
	if got := growth.Findings.Error(); got != want || len(growth.Missing) > 0 {
		t.Errorf("got %q and the missing %q, want %q", got, missing(growth), want)
	}
}

// TestBroken checks that a file that does not parse is explained, and that one that does not count is not.
func TestBroken(t *testing.T) {
	w := parse(t, withoutEffects)
	for name, c := range map[string]struct{ file, content, want string }{
		"syntax":          {"x.go", "package door\n\nfunc {\n", "x.go:3:6: this does not parse: expected 'IDENT', found '{'; mend it first"},
		"conflict":        {"x.go", "package door\n\n<<<<<<< HEAD\nfunc a() {}\n=======\nfunc b() {}\n>>>>>>> other\n", "x.go:3:1: a merge has left a conflict here; mend it first"},
		"no clause":       {"x.go", "func a() {}\n", "x.go:1:1: this does not parse: expected 'package'"},
		"half a clause":   {"x.go", "package", "x.go:1:8: this does not parse: expected 'IDENT'"},
		"test":            {"x_test.go", "package door\n\nfunc {\n", "x_test.go:3:6: this does not parse"},
		"line comment":    {"x.go", "//line y.go:70\npackage door\n\nfunc {\n", "x.go:4:6: this does not parse"},
		"windows":         {"x.go", "package door\r\n\r\nfunc {\r\n", "x.go:3:6: this does not parse"},
		"ignored":         {"x.go", "//go:build ignore\n\npackage door\n\nfunc {\n", ""},
		"ignored, two":    {"x.go", "//go:build ignore && !linux\n\npackage door\n\nfunc {\n", ""},
		"not ignored":     {"x.go", "//go:build ignore || !linux\n\npackage door\n\nfunc {\n", "x.go:5:6: this does not parse"},
		"of a platform":   {"x.go", "//go:build !linux && (!cgo || race)\n\npackage door\n\nfunc {\n", "x.go:5:6: this does not parse"},
		"underscore":      {"_x.go", "package door\n\nfunc {\n", ""},
		"not in go build": {".x.go", "package door\n\nfunc {\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := scaffold.Read(w, generated(t, w), []scaffold.Source{source(c.file, c.content)})
			var list diagnostic.Errors
			switch {
			case c.want == "" && err == nil:
			case !errors.As(err, &list) || c.want == "":
				t.Fatalf("got %v", err)
			case !strings.HasPrefix(list[0].String(), c.want) || !strings.HasSuffix(list[0].String(), "[IF0910]") || len(list) > 3:
				t.Errorf("got:\n%v\nwant %s", err, c.want)
			}
		})
	}
}
