package generate_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ironflow-gen/ironflow/gen/emit"
	"github.com/ironflow-gen/ironflow/gen/generate"
	"github.com/ironflow-gen/ironflow/gen/internal/randomspec"
	"github.com/ironflow-gen/ironflow/gen/internal/typecheck"
)

// TestGrowEditedPackage grows a package that its owner has edited, laid out in other ways, renamed and split. Every old byte
// stays, and the result compiles.
func TestGrowEditedPackage(t *testing.T) {
	t.Parallel()
	windows := func(text string) string { return strings.ReplaceAll(text, "\n", "\r\n") }
	dir := t.TempDir()
	mine := map[string]string{
		// The type of the decider is here, its methods are elsewhere, and it embeds some. There is no import here.
		"kinds.go": `package door
type  Decider   struct { opening ; limit int }

type opening struct {}
type (
	Folding[T any] struct{ _ T }
	Evolver  =  Folding[int]
)
var ( _ InputDecider = (*Decider)(nil); _ EventEvolver = &Evolver{} ) // no newline at the end`,
		"rules.go": windows(`// Package door is mine.
package door

import (
	clock "time"
)

func (d *Decider) now() clock.Time { return clock.Time{} }

`),
		"rules_open.go": `package door

import . "time"

func (opening) Open(now Time,
	state State, in Open,
) (decision OpenDecision) {
	decision = AcceptOpen(Opened{})
	return
}
`,
		"fold.go": "package door\n\nfunc (e *Folding[K]) Opened(s State, _ Opened) State { return s }\n\n\n\n",
		"worker_linux.go": `//go:build !purego

package door

import (
	"context"
	ironflow "github.com/ironflow-gen/ironflow/runtime"
)

type Handler func(context.Context) error

var _ ironflow.EffectCall
`,
		"door_test.go": "package door\n\nimport \"time\"\n\nfunc (d *Decider) testOnly(time.Time) {}\n\nvar _ = (*Decider).testOnly\n",
		"mine.txt":     "package door {",
	}
	write(t, dir, "door.ironflow.yaml", grownDoor)
	for name, content := range mine {
		write(t, dir, name, content)
	}

	growth := replan(t, dir)
	if got := len(growth.Missing); got != 3 || len(growth.Findings) != 3 {
		t.Errorf("%d types lack something, want 3: %v", got, growth.Findings)
	}
	plan := runStubs(t, dir)
	if len(plan.Findings) > 0 {
		t.Errorf("there are findings: %v", plan.Findings)
	}
	grown := checkGrown(t, dir, mine)
	if want := []string{"kinds.go", "rules.go", "worker_linux.go"}; !slices.Equal(grown, want) {
		t.Errorf("stubs were added to %v, want %v", grown, want)
	}
	for file, want := range map[string]string{
		"rules.go":        windows("\n\nfunc (d *Decider) Close(now clock.Time, state State, in Close) CloseDecision {\n"),
		"kinds.go":        " // no newline at the end\n\nfunc (e *Folding[T]) Closed(state State, event Closed) State {\n",
		"worker_linux.go": "\n\nfunc (Handler) Ring(ctx context.Context, effect Ring, call ironflow.EffectCall) error {\n",
	} {
		if got := read(t, dir)[file]; !strings.Contains(got, want) {
			t.Errorf("%q is not in %s:\n%s", want, file, got)
		}
	}
}

// TestGrowEditedGoForm is the same for a package whose Go types are the declaration: it grows by types in a file of their own, and
// neither the methods nor the types that were there change by a byte.
func TestGrowEditedGoForm(t *testing.T) {
	t.Parallel()
	windows := func(text string) string { return strings.ReplaceAll(text, "\n", "\r\n") }
	dir := t.TempDir()
	mine := map[string]string{
		"go.mod": "module example.com/user\n\ngo 1.26.0\n",
		"state.go": windows(`package door

//ironflow:workflow   type=door   id=DoorID
type State struct {
	Status Status
	counted[int32]
}

type counted[N int32 | int64] struct{ Count N }
`),
		"messages.go": `package door
type ( named struct { DoorID string }
//ironflow:input
Open struct { named ; By Who }

	//ironflow:event
	Opened struct { By Who })

type Who = string
`,
		"status.go": "package door\n\ntype Status string\n\nconst (\n\t//ironflow:accepts Open Opened=open\n\tClosed Status = \"closed\"\n\t//ironflow:accepts Shut WasShut=shut effects=Ring\n\tIsOpen Status = \"open\"\n\t//ironflow:terminal\n\tIsShut Status = \"shut\"\n)", // no newline
		"more.go":   "package door\n\n//ironflow:input\ntype Shut struct{ DoorID string }\n\n//ironflow:event\ntype WasShut struct{}\n\n//ironflow:effect\ntype Ring struct{}\n",
		"rules.go": windows(`package door

import clock "time"

type rules struct{ base }
type base struct{}
type Decider = rules

func (r *rules) Open(now clock.Time, state State, in Open) OpenDecision { return AcceptOpen(Opened{By: in.By}) }
`),
		"fold.go":        "package door\n\ntype Evolver struct{}\n\nfunc (e *Evolver) Opened(s State, _ Opened) State { s.Count++; return s }\n\n\n",
		"ring_tagged.go": "//go:build !purego\n\npackage door\n\nimport (\n\t\"context\"\n\n\t\"github.com/ironflow-gen/ironflow/runtime\"\n)\n\ntype Handler struct{}\n\nvar (\n\t_ context.Context\n\t_ runtime.EffectCall\n)\n",
	}
	for name, content := range mine {
		write(t, dir, name, content)
	}
	if got := len(replan(t, dir).Missing); got != 3 {
		t.Errorf("%d types lack something, want 3", got)
	}
	runStubs(t, dir)
	grown := checkGrown(t, dir, mine)
	if want := []string{"fold.go", "ring_tagged.go", "rules.go"}; !slices.Equal(grown, want) {
		t.Errorf("stubs were added to %v, want %v", grown, want)
	}
	for file, want := range map[string]string{
		"rules.go":       windows("\n\nfunc (r *rules) Shut(now clock.Time, state State, in Shut) ShutDecision {\n"),
		"fold.go":        "\n\n\nfunc (e *Evolver) WasShut(state State, event WasShut) State {\n",
		"ring_tagged.go": "\n\nfunc (Handler) Ring(ctx context.Context, effect Ring, call runtime.EffectCall) error {\n",
	} {
		if got := read(t, dir)[file]; !strings.Contains(got, want) {
			t.Errorf("%q is not in %s:\n%q", want, file, got)
		}
	}
}

// checkGrown checks that files of the user's begin as they were, that the package compiles, and that nothing is left to do. It
// returns the files that are longer than before.
func checkGrown(t *testing.T, dir string, before map[string]string) (grown []string) {
	t.Helper()
	files := make(map[string][]byte)
	after := read(t, dir)
	for name, content := range after {
		files[name] = []byte(content)
	}
	for name, old := range before {
		switch {
		case !strings.HasPrefix(after[name], old):
			t.Errorf("%s does not begin as it was:\n%q\nis now\n%q", name, old, after[name])
		case after[name] != old:
			grown = append(grown, name)
		}
	}
	if err := typecheck.Package("example.com/user", files); err != nil {
		t.Errorf("the package does not compile:\n%v\n%s", err, sources(after))
	}
	again := replan(t, dir)
	for _, step := range again.Steps {
		if step.Action != generate.Unchanged && step.Action != generate.Keep {
			t.Errorf("the next run would %v %s", step.Action, step.Path)
		}
	}
	if len(again.Findings) > 0 {
		t.Errorf("the next run finds %v", again.Findings)
	}
	slices.Sort(grown)
	return grown
}

// sources prints the files that are the user's.
func sources(files map[string]string) string {
	var b strings.Builder
	for _, name := range names(files) {
		if !strings.Contains(name, "_ironflow") {
			fmt.Fprintf(&b, "-- %s --\n%s\n", name, files[name])
		}
	}
	return b.String()
}

// TestRandomGrowth lets random declarations grow by one message at a time, and edits the user's files in between.
func TestRandomGrowth(t *testing.T) {
	if testing.Short() {
		t.Skip("grows many declarations")
	}
	t.Parallel()
	const declarations, steps = 15, 6
	stubs, effective := 0, make(map[string]int)
	for seed := range uint64(declarations) {
		dir := t.TempDir()
		editor := editor{t: t, r: rand.New(rand.NewPCG(seed, 1)), dir: dir, effective: effective}
		for step, declaration := range randomspec.Growth(seed, "thing", steps) {
			write(t, dir, "thing.ironflow.yaml", declaration)
			if step > 0 {
				editor.edit()
			}
			before := read(t, dir)
			for name := range before {
				if strings.Contains(name, "ironflow") {
					delete(before, name)
				}
			}
			runStubs(t, dir)
			stubs += len(checkGrown(t, dir, before))
			if t.Failed() {
				t.Fatalf("seed %d, step %d:\n%s", seed, step, declaration)
			}
		}
	}
	if stubs < declarations*steps/3 {
		t.Errorf("stubs were added to files only %d times", stubs)
	}
	for name := range new(editor).edits() {
		if effective[name] == 0 {
			t.Errorf("no edit of the kind %q has changed anything: %v", name, effective)
		}
	}
}

// editor changes files of the user's like a user, at random. The package still compiles as well as it did before.
type editor struct {
	t     *testing.T
	r     *rand.Rand
	dir   string
	count int

	effective map[string]int // how many edits have changed something, by their name
}

// edits are what is done to the files, by name.
func (e *editor) edits() map[string]func() {
	return map[string]func(){
		"rename": e.rename, "split": e.split, "move the type": e.moveType, "lay out": e.layOut, "line ends": e.lineEnds,
		"rename an import": e.renameImport, "use pointers": e.usePointers, "embed": e.embed, "comment": e.comment,
	}
}

func (e *editor) edit() {
	edits := e.edits()
	kinds := slices.Sorted(maps.Keys(edits))
	if e.count == 0 { // what the skeleton's test calls will move
		if err := os.Remove(filepath.Join(e.dir, "decider_test.go")); err != nil {
			e.t.Fatal(err)
		}
	}
	for range 1 + e.r.IntN(3) {
		e.count++
		kind, before := kinds[e.r.IntN(len(kinds))], read(e.t, e.dir)
		edits[kind]()
		if !maps.Equal(before, read(e.t, e.dir)) {
			e.effective[kind]++
		}
	}
}

// pick returns one of the user's files.
func (e *editor) pick() (name, content string) {
	files := read(e.t, e.dir)
	var mine []string
	for _, name := range names(files) {
		if filepath.Ext(name) == ".go" && !strings.Contains(name, "_ironflow") {
			mine = append(mine, name)
		}
	}
	name = mine[e.r.IntN(len(mine))]
	return name, files[name]
}

func (e *editor) save(name, content string) { write(e.t, e.dir, name, content) }

func (e *editor) rename() {
	name, _ := e.pick()
	if err := os.Rename(filepath.Join(e.dir, name), filepath.Join(e.dir, fmt.Sprintf("file%d.go", e.count))); err != nil {
		e.t.Fatal(err)
	}
}

// cut takes a declaration out of a file. It is the first of those that are wanted.
func (e *editor) cut(content string, wanted func(ast.Decl) bool) (rest, taken string) {
	set := token.NewFileSet()
	f, err := parser.ParseFile(set, "x.go", content, parser.ParseComments)
	if err != nil {
		e.t.Fatal(err)
	}
	for _, decl := range f.Decls {
		if wanted(decl) {
			start, end := set.Position(decl.Pos()).Offset, set.Position(decl.End()).Offset
			return content[:start] + content[end:], content[start:end]
		}
	}
	return content, ""
}

// head begins a new file with the imports that methods need, and uses them.
const head = `package thing

import (
	"context"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
)

var (
	_ context.Context
	_ time.Time
	_ runtime.EffectCall
)

`

// keepImports uses what a file imports, in case that what uses it is moved.
func keepImports(content string) string {
	for name, use := range map[string]string{"context": "context.Context", "time": "time.Time", "runtime": "runtime.EffectCall"} {
		alias := regexp.MustCompile(`(\w+) "(\S+/)?` + name + `"`).FindStringSubmatch(content)
		switch {
		case alias != nil && alias[1] != "import":
			content += "\n\nvar _ " + strings.Replace(use, name, alias[1], 1) + "\n"
		case strings.Contains(content, `"`+name+`"`) || strings.Contains(content, `/`+name+`"`):
			content += "\n\nvar _ " + use + "\n"
		}
	}
	return content
}

// split moves a method to a new file.
func (e *editor) split() {
	name, content := e.pick()
	skip := e.r.IntN(4)
	rest, taken := e.cut(content, func(decl ast.Decl) bool {
		fn, ok := decl.(*ast.FuncDecl)
		skip--
		return ok && fn.Recv != nil && skip < 0
	})
	if taken == "" || regexp.MustCompile(`\w+ "(time|context|\S+/runtime)"`).MatchString(strings.ReplaceAll(content, "import", "")) {
		return // it may use a package under another name
	}
	e.save(name, keepImports(rest))
	e.save(fmt.Sprintf("method%d.go", e.count), head+taken+"\n")
}

// moveType moves a type to a new file that imports nothing.
func (e *editor) moveType() {
	name, content := e.pick()
	rest, taken := e.cut(content, func(decl ast.Decl) bool {
		gen, ok := decl.(*ast.GenDecl)
		return ok && gen.Tok == token.TYPE && !gen.Lparen.IsValid()
	})
	if taken != "" {
		e.save(name, keepImports(rest))
		e.save(fmt.Sprintf("type%d.go", e.count), "package thing\n\n"+taken)
	}
}

// layOut changes what gofmt would change back.
func (e *editor) layOut() {
	name, content := e.pick()
	content = strings.ReplaceAll(content, "\n\t", "\n    ")
	content = strings.ReplaceAll(content, ") {\n", ")   {\n\n")
	e.save(name, strings.TrimRight(content, "\r\n"))
}

func (e *editor) lineEnds() {
	name, content := e.pick()
	content = strings.ReplaceAll(content, "\r\n", "\n")
	e.save(name, strings.ReplaceAll(content, "\n", "\r\n"))
}

// renameImport gives a package another name in one file.
func (e *editor) renameImport() {
	name, content := e.pick()
	pkg := []string{"time", "context", "runtime"}[e.r.IntN(3)]
	plain := regexp.MustCompile(`(?m)^(import |\s+)("(\S+/)?` + pkg + `")`)
	if !plain.MatchString(content) {
		return
	}
	alias := fmt.Sprintf("%s%d", pkg, e.count)
	content = plain.ReplaceAllString(content, "${1}"+alias+" ${2}")
	e.save(name, regexp.MustCompile(`\b`+pkg+`\.([A-Z])`).ReplaceAllString(content, alias+".$1"))
}

// usePointers gives all methods of a type pointer receivers.
func (e *editor) usePointers() {
	typeName := []string{"Decider", "Evolver", "Handler"}[e.r.IntN(3)]
	for name, content := range read(e.t, e.dir) {
		if strings.Contains(name, "ironflow") {
			continue
		}
		content = strings.ReplaceAll(content, "func ("+typeName+") ", "func (me *"+typeName+") ")
		e.save(name, strings.ReplaceAll(content, " = "+typeName+"{}", " = &"+typeName+"{}"))
	}
}

// embed moves one method of a type to another type that it embeds.
func (e *editor) embed() {
	typeName := []string{"Decider", "Evolver", "Handler"}[e.r.IntN(3)]
	part := fmt.Sprintf("part%d", e.count)
	moved := false
	for name, content := range read(e.t, e.dir) {
		if strings.Contains(name, "ironflow") {
			continue
		}
		old := content
		if !moved {
			content = strings.Replace(content, "func ("+typeName+") ", "func ("+part+") ", 1)
			moved = content != old
		}
		if content != old {
			e.save(name, content)
		}
	}
	if !moved {
		return
	}
	declaration := regexp.MustCompile(`type ` + typeName + ` struct ?\{`)
	for name, content := range read(e.t, e.dir) {
		if !strings.Contains(name, "ironflow") && declaration.MatchString(content) {
			e.save(name, declaration.ReplaceAllString(content, "type "+part+" struct{}\n\ntype "+typeName+" struct{ "+part+"; "))
		}
	}
}

func (e *editor) comment() {
	name, content := e.pick()
	e.save(name, content+"\n// The end, with an "+emit.Header)
}
