package convert_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/ironflow-gen/ironflow/gen/convert"
	"github.com/ironflow-gen/ironflow/gen/diagnostic"
	"github.com/ironflow-gen/ironflow/gen/emit"
	"github.com/ironflow-gen/ironflow/gen/gospec"
	"github.com/ironflow-gen/ironflow/gen/internal/samemodel"
	"github.com/ironflow-gen/ironflow/gen/internal/usermodule"
	"github.com/ironflow-gen/ironflow/gen/spec"
	"github.com/ironflow-gen/ironflow/gen/yamlspec"
)

// declaration is a declaration in YAML of which the tests make Go.
type declaration struct {
	name   string // of its directory
	source []byte
	exact  bool // gofmt leaves its docs as they are
}

// TestForms converts every declaration of the repository from YAML to Go and back, and compiles both forms.
func TestForms(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles a module")
	}
	t.Parallel()
	module := usermodule.New(t, "../..")
	addForms(t, module, fixtures(t))
	module.Run(t, "vet", "./...")
}

// addForms converts declarations from YAML to Go and back. Both forms must give the same model and the same files but for the
// types, and each conversion the same text as the one before. It adds the Go form to a module, in directories of the
// declarations' names, with all that is generated for it, and returns its model.
func addForms(t *testing.T, module usermodule.Module, list []declaration) []*spec.Workflow {
	t.Helper()
	var packages []gospec.Package
	for _, d := range list {
		source, err := convert.Go(parse(t, d.source))
		if err != nil {
			t.Fatalf("%s: %v", d.name, err)
		}
		module.Write(t, d.name+"/declaration.go", source)
		packages = append(packages, gospec.Package{
			Dir:   filepath.Join(module.Dir, d.name),
			Files: []gospec.File{{Name: "declaration.go", Content: source}},
		})
	}
	for i, result := range gospec.Load(packages) {
		d, source := list[i], packages[i].Files[0].Content
		if result.Err != nil {
			t.Fatalf("%s: %v\n%s", d.name, result.Err, source)
		}
		yaml, err := convert.YAML(result.Workflow)
		if err != nil {
			t.Fatalf("%s: %v", d.name, err)
		}
		again, err := convert.Go(parse(t, yaml))
		if err != nil {
			t.Fatalf("%s: %v", d.name, err)
		}
		if !bytes.Equal(source, again) {
			t.Errorf("%s: converting to YAML and back gives other Go types:\n%s\nwere\n%s", d.name, again, source)
		}
		backAgain, err := convert.YAML(parse(t, yaml))
		if err != nil || !bytes.Equal(yaml, backAgain) {
			t.Errorf("%s: the YAML is not stable: %v\n%s\nwas\n%s", d.name, err, backAgain, yaml)
		}
		for form, w := range map[string]*spec.Workflow{"Go": result.Workflow, "YAML made from Go": parse(t, yaml)} {
			want := parse(t, d.source)
			if !d.exact {
				samemodel.Reflow(w)
				samemodel.Reflow(want)
			}
			if diff := samemodel.Diff(want, w); diff != "" {
				t.Errorf("%s: the original YAML and %s differ:\n%s\n%s", d.name, form, diff, source)
			}
		}
	}
	var workflows []*spec.Workflow
	for i, result := range gospec.Load(packages) {
		addGenerated(t, module, list[i], result.Workflow)
		workflows = append(workflows, result.Workflow)
	}
	return workflows
}

var generatedHead = regexp.MustCompile(`// Source: .*\n`)

// addGenerated adds what is generated from Go, and compares it with what is generated from YAML.
func addGenerated(t *testing.T, m usermodule.Module, d declaration, w *spec.Workflow) {
	t.Helper()
	yaml := parse(t, d.source)
	if !d.exact {
		samemodel.Reflow(yaml)
		samemodel.Reflow(w)
	}
	ofYAML, ofGo := generated(t, yaml), generated(t, w)
	if len(ofYAML) != len(ofGo) {
		t.Errorf("%s: YAML gives %d files, Go %d", d.name, len(ofYAML), len(ofGo))
	}
	for name, content := range ofGo {
		m.Write(t, filepath.Join(d.name, name), content)
		a, b := generatedHead.ReplaceAll(content, nil), generatedHead.ReplaceAll(ofYAML[name], nil)
		if name != "types_ironflow.go" && !bytes.Equal(a, b) {
			t.Errorf("%s: %s differs between the forms:\n%s\nand\n%s", d.name, name, a, b)
		}
	}
}

func generated(t *testing.T, w *spec.Workflow) map[string][]byte {
	t.Helper()
	files, err := emit.Files(w)
	if err != nil {
		t.Fatal(err)
	}
	byName := make(map[string][]byte)
	for _, f := range files {
		byName[f.Name] = f.Content
	}
	return byName
}

// foreign finds types of packages that the test's module does not have.
var foreign = regexp.MustCompile(`\bgo: ?"?[a-z]+\.[a-z]+/`)

// fixtures are the declarations of the repository that have no mistakes.
func fixtures(t *testing.T) []declaration {
	t.Helper()
	var list []declaration
	add := func(name string, source []byte) {
		if foreign.Match(source) {
			return
		}
		name = fmt.Sprintf("%s%d", strings.ToLower(regexp.MustCompile(`[^A-Za-z]`).ReplaceAllString(name, "")), len(list))
		source = regexp.MustCompile(`(?m)^package: \w+`).ReplaceAll(source, []byte("package: "+name))
		list = append(list, declaration{name, source, true})
	}
	for _, root := range []string{"../../examples", "../../runtime", "../../bench", ".."} {
		err := filepath.WalkDir(root, func(path string, e os.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			content, err := os.ReadFile(path)
			switch {
			case err != nil:
				return err
			case strings.HasSuffix(path, ".ironflow.yaml") && !strings.Contains(path, "mistakes"):
				add(strings.TrimSuffix(filepath.Base(path), ".ironflow.yaml"), content)
			case strings.HasSuffix(path, ".txtar"):
				archive := txtar.Parse(content)
				candidates := append(archive.Files, txtar.File{Name: "comment", Data: archive.Comment})
				for _, f := range candidates {
					if _, err := yamlspec.Parse("x.yaml", f.Data); err == nil {
						add(strings.TrimSuffix(filepath.Base(path), ".txtar"), f.Data)
					}
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(list) < 10 {
		t.Fatalf("found %d declarations", len(list))
	}
	return list
}

func parse(t *testing.T, source []byte) *spec.Workflow {
	t.Helper()
	w, err := yamlspec.Parse("x.ironflow.yaml", source)
	if err != nil {
		t.Fatalf("%v\n%s", err, source)
	}
	return w
}

// onlyInGo is a declaration with all that YAML cannot say.
const onlyInGo = `package w

import "database/sql"

//ironflow:workflow type=door id=DoorID
type State struct {
	By     Person
	Opened sql.Null[int]
}

//ironflow:input
type Open struct {
	DoorID string ` + "`json:\"doorId\"`" + `
}

//ironflow:event
type Opened struct{ Inner Inner }

type Inner struct {
	Text string ` + "`json:\"The-Text\"`" + `
	Color Color
}

type Color string

const (
	Red Color = "red"
	NoColor Color = ""
)

type Person struct{ name string }

func (p Person) MarshalText() ([]byte, error) { return []byte(p.name), nil }
`

func TestOnlyInGo(t *testing.T) {
	t.Parallel()
	m := usermodule.New(t, "../..")
	result := gospec.Load([]gospec.Package{{Dir: m.Dir, Files: []gospec.File{{Name: "w.go", Content: []byte(onlyInGo)}}}})[0]
	if result.Err != nil {
		t.Fatal(result.Err)
	}
	_, err := convert.YAML(result.Workflow)
	var list diagnostic.Errors
	if !errors.As(err, &list) {
		t.Fatalf("got %v", err)
	}
	want := `w.go:8:9: type "Null" of "database/sql" has type arguments, which YAML cannot give; declare a type for it in another package, and use that [IF1011]
w.go:28:2: constant "NoColor" of type "Color" is the empty text, which YAML does not take as a value; give it a text, which changes what is stored, or remove it [IF1011]
w.go:31:6: type "Person" belongs to the package and has JSON methods of its own, and YAML can only name such types of other packages; move it to one [IF1011]`
	if got := strings.ReplaceAll(err.Error(), m.Dir+string(filepath.Separator), ""); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

// TestEnumConstants keeps the names of the constants in YAML, where they can be used from outside.
func TestEnumConstants(t *testing.T) {
	t.Parallel()
	const source = `package w

//ironflow:workflow type=w id=ID
type State struct{ Shade Shade }

//ironflow:input
type Do struct{ ID string }

//ironflow:event
type Done struct{}

type Shade string

const (
	Dark Shade = "dark-red"
	Old Shade = "dark_red"
	older Shade = "DarkRed"
)
`
	m := usermodule.New(t, "../..")
	result := gospec.Load([]gospec.Package{{Dir: m.Dir, Files: []gospec.File{{Name: "w.go", Content: []byte(source)}}}})[0]
	if result.Err != nil {
		t.Fatal(result.Err)
	}
	yaml, err := convert.YAML(result.Workflow)
	if err != nil {
		t.Fatal(err)
	}
	var constants []string
	for _, v := range parse(t, yaml).Types[0].Values {
		constants = append(constants, v.GoName)
	}
	if got := strings.Join(constants, " "); got != "Dark Old ShadeDarkRed" {
		t.Errorf("the constants are %s in\n%s", got, yaml)
	}
}
