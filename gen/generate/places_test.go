package generate_test

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/ironflow-gen/ironflow/gen/generate"
)

// gateInGo is a declaration of Go types with an effect, whose handler imports package runtime.
const gateInGo = `package door

//ironflow:workflow type=door id=DoorID
type State struct{ Status Status }

//ironflow:input
type Open struct{ DoorID string }

//ironflow:event
type Opened struct{}

//ironflow:effect
type Ring struct{}

type Status string

const (
	//ironflow:accepts Open Opened=open effects=Ring
	Closed Status = "closed"
	//ironflow:terminal
	IsOpen Status = "open"
)
`

// TestPlaces generates in places that go on with the go command in ways of their own. What is generated is the same everywhere, a
// second run, which reads the files that the first has made, does nothing, and where the module can be built, it is.
func TestPlaces(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles modules")
	}
	t.Parallel()
	checkout, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	requires := "\nrequire github.com/ironflow-gen/ironflow v0.0.0\n\nreplace github.com/ironflow-gen/ironflow => " + checkout + "\n"
	goMod := func(path string) string { return "module example.com/" + path + "\n\ngo 1.26.0\n" + requires }

	reference := t.TempDir()
	write(t, reference, "go.mod", goMod("user"))
	write(t, reference, "yaml/door.ironflow.yaml", grownDoor)
	write(t, reference, "go/door.go", gateInGo)
	run(t, reference+"/...")
	want := generatedIn(t, reference)
	if len(want) < 20 {
		t.Fatalf("only %v was generated", names(want))
	}

	for name, place := range map[string]struct {
		files   map[string]string
		dir     string   // of the module, below that of the test
		prepare []string // go commands, before
		check   string   // the go command that finds nothing afterwards
	}{
		"spaces":    {map[string]string{"a dir, with: ü 門/go.mod": goMod("user")}, "a dir, with: ü 門", nil, "vet -mod=mod ./..."},
		"workspace": {map[string]string{"go.work": "go 1.26.0\n\nuse ./a\nuse ./b\n", "a/go.mod": goMod("a"), "b/go.mod": goMod("b")}, "a", nil, "vet ./..."},
		// A workspace that does not use the module is in the way of the go command, and not of the generator.
		"other workspace": {map[string]string{"go.work": "go 1.26.0\n\nuse ./b\n", "a/go.mod": goMod("a"), "b/go.mod": goMod("b")}, "a", nil, ""},
		"vendored": {map[string]string{
			"go.mod":  goMod("user"),
			"uses.go": "package user\n\nimport (\n\t_ \"github.com/ironflow-gen/ironflow/runtime\"\n\t_ \"github.com/ironflow-gen/ironflow/runtime/codec\"\n)\n",
		}, ".", []string{"mod tidy", "mod vendor"}, "build ./..."},
		// A module that has never heard of ironflow, as the first run finds it.
		"no requirement": {map[string]string{"go.mod": "module example.com/user\n\ngo 1.26.0\n"}, ".", nil, ""},
		"old go":         {map[string]string{"go.mod": "module example.com/user\n\ngo 1.18\n"}, ".", nil, ""},
		"other vendored": {map[string]string{
			"go.mod":             "module example.com/user\n\ngo 1.26.0\n\nrequire example.com/other v1.0.0\n",
			"vendor/modules.txt": "# example.com/other v1.0.0\n## explicit\n",
		}, ".", nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := t.TempDir()
			for file, content := range place.files {
				write(t, root, file, content)
			}
			dir := filepath.Join(root, place.dir)
			command := func(args ...string) {
				t.Helper()
				cmd := exec.Command("go", args...)
				cmd.Dir = dir
				cmd.Env = append(os.Environ(), "GOFLAGS=")
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Fatalf("go %v: %v\n%s", args, err, out)
				}
			}
			for _, args := range place.prepare {
				command(strings.Fields(args)...)
			}
			write(t, dir, "yaml/door.ironflow.yaml", grownDoor)
			write(t, dir, "go/door.go", gateInGo)
			run(t, dir+"/...")
			got := generatedIn(t, dir)
			if !maps.Equal(got, want) {
				t.Errorf("there is %v, want %v, or with other contents", names(got), names(want))
			}
			for _, step := range run(t, dir+"/...") {
				if step.Changes() {
					t.Errorf("the second run acts on %s", step.Path)
				}
			}
			if diff, err := generateCheck(dir + "/..."); err != nil || diff != "" {
				t.Errorf("the result is not up to date: %v\n%s", err, diff)
			}
			if place.check != "" {
				command(strings.Fields(place.check)...)
			}
		})
	}
}

func generateCheck(path string) (string, error) {
	plan, err := generate.New([]string{path}, generate.Options{})
	if err != nil {
		return "", err
	}
	return plan.Check()
}

var ofPackages = regexp.MustCompile(`^(yaml|go)[/\\]`)

// generatedIn returns what there is in the two packages, but the declarations.
func generatedIn(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := read(t, dir)
	maps.DeleteFunc(files, func(name, _ string) bool {
		return !ofPackages.MatchString(name) || filepath.Base(name) == "door.go" || strings.HasSuffix(name, ".yaml")
	})
	return files
}

// TestUnreadable checks what is said of links that lead nowhere, and that what is no file is passed over.
func TestUnreadable(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "door.ironflow.yaml")
	if err := os.Symlink(filepath.Join(dir, "nowhere"), path); err != nil {
		t.Skip(err)
	}
	if _, err := generate.New([]string{dir}, generate.Options{}); err == nil || !strings.HasPrefix(err.Error(), path+": ") {
		t.Errorf("got %v", err)
	}
}
