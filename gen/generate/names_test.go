package generate_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
	"github.com/ironflow-gen/ironflow/gen/generate"
	"github.com/ironflow-gen/ironflow/gen/internal/randomspec"
	"github.com/ironflow-gen/ironflow/gen/internal/typecheck"
)

// wideYAML and wideGo use all that code is generated for.
const wideYAML = `ironflow: 1
workflow: door
package: door
id: door_id
http: true
unique: {Open: visitor}
types:
  Color: {enum: [red, green]}
  Key: {color: Color, made_at: time, price: decimal}
  Link: {go: net/url.URL}
state: {keys: list<Key>, link: optional<Link>, raw: json}
inputs:
  Open: {fields: {door_id: string, visitor: string, keys: map<Key>, wait: duration}}
  Close: {fields: {door_id: string}}
events:
  Opened: {fields: {keys: list<Key>}}
  Closed: {fields: {at: time}}
effects:
  Ring: {fields: {times: int32}, returns: [Close], timeout: 20s}
  Log: {}
timers:
  closing: {input: Close, after: 1h}
rejections:
  Broken: {fields: {since: time}}
states:
  closed: {accepts: {Open: {Opened: open, effects: [Ring, Log], timers: [closing]}}}
  open: {accepts: {Close: {Closed: closed}}}
`

const wideGo = `package door

//ironflow:workflow type=door id=DoorID http=true unique=Open:Visitor
type State struct {
	Status Status
	Keys   []Key
	First  *Key
	Colors map[string]Color
	Count  Count
}

type Status string

const (
	//ironflow:accepts Open Opened=open effects=Ring,Log timers=closing
	StatusClosed Status = "closed"
	//ironflow:accepts Close Closed=closed
	StatusOpen Status = "open"
)

type Key struct {
	Color Color
	Nested []map[string]*Color
}

type Color string

const (
	Red   Color = "red"
	Green Color = "green"
)

type Count int64

//ironflow:input
type Open struct {
	DoorID  string
	Visitor string
	Key     Key
	Keys    map[string]Key
	Count   *Count
}

//ironflow:input
type Close struct{ DoorID string }

//ironflow:event
type Opened struct{ Keys []*Key; Color Color; Count []Count }

//ironflow:event
type Closed struct{ Key Key }

//ironflow:effect returns=Close timeout=20s
type Ring struct{ Key Key }

//ironflow:effect
type Log struct{}

//ironflow:timer closing input=Close after=1h

//ironflow:rejection
type Broken struct{ Color *Color }
`

// own are declarations at package level, with the name in place of NAME.
var own = map[string]string{
	"type":  "type NAME struct{}",
	"alias": "type NAME = struct{}",
	"func":  "func NAME() {}",
	"var":   "var NAME = 1",
	"const": "const (\n\tfirst = iota\n\tNAME\n)",
}

// TestNames generates packages whose users have names that generated code has as well: as other declarations in a file or a
// test beside the declaration, and as what annotated Go types declare. What is accepted must compile. What is not has a
// mistake where the name is.
func TestNames(t *testing.T) {
	t.Parallel()
	names := append([]string{"adapter", "refuse", "unfinished", "inputID", "encodeKey", "openAPI", "colorValues", "cmp", "json", "pkgurl", "v_"}, randomspec.HostileNames...)
	accepted := 0
	for i, name := range names {
		if testing.Short() && i%32 != 0 {
			continue
		}
		for kind, text := range own {
			for j, file := range []string{"own.go", "own_windows.go", "own_test.go"} {
				if j > 0 && kind != "func" {
					continue // what is declared makes no difference between files
				}
				code := "package door\n\n" + strings.ReplaceAll(text, "NAME", name) + "\n"
				accepted += checkNames(t, name+"/"+kind+"/"+file+"/yaml", name, map[string]string{"door.ironflow.yaml": wideYAML, file: code})
				if file == "own.go" {
					accepted += checkNames(t, name+"/"+kind+"/go", name, map[string]string{"door.go": wideGo, file: code})
				}
			}
		}
		for _, replaced := range []string{"State", "Status", "StatusOpen", "Key", "Color", "Green", "Count"} {
			if name == "int64" && replaced == "State" {
				continue // it would contain itself
			}
			code := replaceName(wideGo, replaced, name)
			accepted += checkNames(t, name+"/"+replaced, name, map[string]string{"door.go": code})
		}
	}
	if accepted < 200 && !testing.Short() {
		t.Errorf("only %d packages were accepted", accepted)
	}
}

// replaceName renames a type or a constant of wideGo, but not the fields of the same name.
func replaceName(source, from, to string) string {
	var b strings.Builder
	for line := range strings.Lines(source) {
		for _, mention := range []string{"type NAME ", " NAME\n", "\tNAME ", "*NAME", "]NAME", " NAME;", " NAME }", " NAME ="} {
			old := strings.ReplaceAll(mention, "NAME", from)
			if mention == "\tNAME " && !strings.Contains(line, " = \"") {
				continue
			}
			line = strings.ReplaceAll(line, old, strings.ReplaceAll(mention, "NAME", to))
		}
		b.WriteString(line)
	}
	return b.String()
}

// checkNames returns 1 when a package is accepted.
func checkNames(t *testing.T, what, name string, files map[string]string) int {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module example.com/door\n\ngo 1.26.0\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for file, content := range files {
		write(t, dir, file, content)
	}
	plan, err := generate.New([]string{dir}, generate.Options{})
	if err == nil && plan.Findings.Failed() {
		err = plan.Findings
	}
	if err != nil {
		var list diagnostic.Errors
		if !errors.As(err, &list) {
			t.Errorf("%s: %v", what, err)
		}
		for _, d := range list {
			line := strings.Split(files[filepath.Base(d.Pos.File)], "\n")[max(d.Pos.Line-1, 0)]
			if d.Pos.Line < 1 || !strings.Contains(line, name) {
				t.Errorf("%s: %v has not the place of the name", what, d)
			}
		}
		return 0
	}
	all := make(map[string][]byte)
	for file, content := range files {
		if !strings.Contains(file, "_windows") {
			all[file] = []byte(content)
		}
	}
	for _, step := range plan.Steps {
		if step.Content != nil {
			all[filepath.Base(step.Path)] = step.Content
		}
	}
	if err := typecheck.Package("example.com/door", all); err != nil {
		t.Errorf("%s: accepted, and does not compile: %v", what, err)
	}
	return 1
}

// TestNamesOfImports imports packages under names of generated code into a file of the user's.
func TestNamesOfImports(t *testing.T) {
	if testing.Short() {
		t.Skip("generates many packages; TestNames generates some")
	}
	t.Parallel()
	for _, name := range []string{"adapter", "refuse", "unfinished", "encodeKey", "State", "context", "runtime", "codec", "err", "nil", "Decider", "Evolver", "Handler", "newTestClient",
		"TestAcceptsOpen", "TestRefusesClose"} {
		code := fmt.Sprintf("package door\n\nimport %s \"strings\"\n\nvar _ = %s.ToLower\n", name, name)
		checkNames(t, name, name, map[string]string{"door.ironflow.yaml": wideYAML, "own.go": code})
		checkNames(t, name, name, map[string]string{"door.go": wideGo, "own.go": code})
		checkNames(t, name+" in a test", name, map[string]string{"door.ironflow.yaml": wideYAML, "own_test.go": code})
	}
}

// TestImportedSkeleton shows that a file of the skeleton is not written while an import has the name of its type.
func TestImportedSkeleton(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "door.ironflow.yaml", wideYAML)
	write(t, dir, "own.go", "package door\n\nimport Evolver \"strings\"\n\nvar _ = Evolver.ToLower\n")
	plan, err := generate.New([]string{dir}, generate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := filepath.Join(dir, "own.go") + ":3:8: Evolver is imported here, and is to be declared in decider.go; give the import another name [IF0914]"
	if got := plan.Findings.Error(); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for _, step := range plan.Steps {
		if name := filepath.Base(step.Path); step.Content != nil && (name == "decider.go" || name == "decider_test.go") {
			t.Errorf("%s is to be written", name)
		}
	}
}

// TestNamesOfMethods gives types methods that generated code gives them as well, or fields of the same name.
func TestNamesOfMethods(t *testing.T) {
	if testing.Short() {
		t.Skip("generates many packages; TestNames generates some")
	}
	t.Parallel()
	for method, of := range map[string][]string{
		"isInput": {"Open", "Close"}, "isEvent": {"Opened"}, "isOpenEvent": {"Opened"}, "TimerSpec": {"TimerClosing"}, "Keys": {"State"}, "Pay": {"*Client"},
		"Open": {"*Client", "*HTTPClient"}, "decide": {"adapter"}, "Total": {"State", "Open"},
	} {
		for _, owner := range of {
			code := fmt.Sprintf("package door\n\nfunc (%s) %s() {}\n", owner, method)
			checkNames(t, owner+"."+method, method, map[string]string{"door.ironflow.yaml": wideYAML, "own.go": code})
			if owner != "State" {
				checkNames(t, owner+"."+method, method, map[string]string{"door.go": wideGo, "own.go": code})
			}
		}
	}
}

// TestNamesOfGo shows what is said of a name that generated code cannot do without.
func TestNamesOfGo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "door.ironflow.yaml", door)
	write(t, dir, "own.go", "package door\n\nvar nil = 0\n")
	_, err := generate.New([]string{dir}, generate.Options{})
	want := filepath.Join(dir, "own.go") + ":3:5: nil is declared here, which hides the nil of Go from generated code in this package; rename it [IF0916]"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// TestNamesOfGoBesideTypes does the same for annotated Go types, whose own meaning depends on such names.
func TestNamesOfGoBesideTypes(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"string", "bool", "error", "nil", "true", "uint32", "any"} {
		declaration := "type " + name + " int64"
		if name == "nil" || name == "true" {
			declaration = "var " + name + " = 0"
		}
		for _, file := range []string{"own.go", "door.go"} {
			dir := t.TempDir()
			write(t, dir, "go.mod", "module example.com/user\n\ngo 1.26.0\n")
			write(t, dir, "door.go", wideGo)
			place := "3:6"
			if strings.HasPrefix(declaration, "var") {
				place = "3:5"
			}
			if file == "own.go" {
				write(t, dir, file, "package door\n\n"+declaration+"\n")
			} else {
				write(t, dir, file, strings.Replace(wideGo, "package door\n\n", "package door\n\n"+declaration+"\n\n", 1))
			}
			_, err := generate.New([]string{dir}, generate.Options{})
			want := fmt.Sprintf("%s:%s: %s is declared here, which hides the %s of Go from generated code in this package; rename it [IF0916]", filepath.Join(dir, file), place, name, name)
			if err == nil || err.Error() != want {
				t.Errorf("got %v, want %s", err, want)
			}
		}
	}
}
