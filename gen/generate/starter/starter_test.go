package starter

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ironflow-gen/ironflow/gen/generate"
	"github.com/ironflow-gen/ironflow/gen/generate/buildinfo"
	"github.com/ironflow-gen/ironflow/gen/internal/samemodel"
	"github.com/ironflow-gen/ironflow/gen/spec"
)

func TestCheckName(t *testing.T) {
	for _, name := range []string{"shop", "orders2", "my_orders", "time", "net", "cmd", "std", "tool", "workflow"} {
		if err := CheckName(name); err != nil {
			t.Errorf("%q is refused: %v", name, err)
		}
	}
	for name, kind := range map[string]string{"func": "keyword", "string": "predeclared", "builtin": "meaning of its own"} {
		if err := CheckName(name); err == nil || !strings.Contains(err.Error(), kind) {
			t.Errorf("%q: got %v, which does not say %q", name, err, kind)
		}
	}
	for _, name := range []string{"", "Shop", "2d", "_x", "a-b", "a/b", "..", "é", "a b", "go", "nil", "len", "main", "init", "vendor"} {
		if CheckName(name) == nil {
			t.Errorf("%q is accepted", name)
		}
	}
}

// TestAlias checks that main.go imports the package under another name exactly when its own name is taken there.
func TestAlias(t *testing.T) {
	for name, alias := range map[string]bool{"shop": false, "client": true, "context": true, "run": true, "workflow": true} {
		dir := t.TempDir()
		pkg, err := New(dir, name, "example.com/x", YAML)
		if err != nil {
			t.Fatal(err)
		}
		main := string(pkg.Plan.Steps[len(pkg.Plan.Steps)-1].Content)
		want := `"example.com/x/` + name + `"`
		if alias {
			want = "workflow " + want
		}
		if !strings.Contains(main, "\t"+want+"\n") {
			t.Errorf("main.go of %s does not import %s", name, want)
		}
	}
}

// TestSampleComments checks that the comments behind the head of the sample stand below each other, whatever the name.
func TestSampleComments(t *testing.T) {
	for _, name := range []string{"a", "order", "a_much_longer_name"} {
		pkg, err := New(t.TempDir(), name, "example.com/x", YAML)
		if err != nil {
			t.Fatal(err)
		}
		columns := make(map[int]bool)
		head, _, _ := strings.Cut(string(pkg.Plan.Steps[0].Content), "doc:")
		for line := range strings.Lines(head) {
			if before, _, found := strings.Cut(line, "  # "); found {
				columns[len(before)] = true
			}
		}
		if len(columns) != 1 {
			t.Errorf("%s: comments begin in the columns %v:\n%s", name, columns, head)
		}
	}
}

// TestForms checks that the samples of both forms declare the same, in other words.
func TestForms(t *testing.T) {
	p := planner{data: data{Name: "shop", ImportPath: "example.com/x/shop"}, dir: t.TempDir(), plan: &generate.Plan{}}
	yaml, err := p.declareYAML()
	if err != nil {
		t.Fatal(err)
	}
	types, err := p.declareGo()
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range []*spec.Workflow{yaml, types} {
		samemodel.DropDocs(w)
	}
	if diff := samemodel.Diff(yaml, types); diff != "" {
		t.Errorf("the samples differ:\n%s", diff)
	}
}

func TestConflict(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"shop/handler.go", "shop/x.ironflow.yml", "shop/notes.txt", "cmd/shop/other.go", "server.go"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	_, err := New(dir, "shop", "example.com/x", YAML)
	var conflict *Conflict
	if !errors.As(err, &conflict) {
		t.Fatalf("got %v, want a conflict", err)
	}
	var want []string
	for _, name := range []string{"cmd/shop/other.go", "shop/handler.go", "shop/x.ironflow.yml"} {
		want = append(want, filepath.Join(dir, name))
	}
	if !slices.Equal(conflict.Files, want) {
		t.Errorf("got %v, want %v", conflict.Files, want)
	}
}

// TestPrepare checks which go commands a module needs.
func TestPrepare(t *testing.T) {
	const (
		require = "require github.com/ironflow-gen/ironflow v1.0.0\n"
		replace = "replace github.com/ironflow-gen/ironflow => ../x\n"
		toolUse = "tool github.com/ironflow-gen/ironflow/cmd/ironflow-gen\n"

		get     = "go get -tool github.com/ironflow-gen/ironflow/cmd/ironflow-gen@v1.2.3"
		edit    = "go mod edit -tool=github.com/ironflow-gen/ironflow/cmd/ironflow-gen"
		useHere = edit + " -replace=github.com/ironflow-gen/ironflow=/src"
		tidy    = "go mod tidy"
	)
	released := buildinfo.Build{Version: "v1.2.3", Released: true}
	checkout := buildinfo.Build{Version: "(devel)", Checkout: "/src"}
	unknown := buildinfo.Build{Version: "(devel)"}
	for name, c := range map[string]struct {
		goMod string // after its module line; "-" when there is no file
		build buildinfo.Build
		want  []string // none when it must fail
	}{
		"no go.mod, released":   {"-", released, []string{"go mod init example.com/shop", get, tidy}},
		"no go.mod, checkout":   {"-", checkout, []string{"go mod init example.com/shop", useHere, tidy}},
		"released":              {"", released, []string{get, tidy}},
		"no tool, released":     {require, released, []string{get, tidy}},
		"checkout":              {require, checkout, []string{useHere, tidy}},
		"replaced already":      {require + replace, checkout, []string{edit, tidy}},
		"ready":                 {require + toolUse, released, []string{tidy}},
		"ready with checkout":   {require + replace + toolUse, checkout, []string{tidy}},
		"unknown":               {"", unknown, nil},
		"unknown, but replaced": {replace, unknown, []string{edit, tidy}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if c.goMod != "-" {
				content := "module example.com/shop\n\ngo 1.26.0\n\n" + c.goMod
				if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte(content), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			module, err := FindModule(dir, "shop", "")
			if err != nil {
				t.Fatal(err)
			}
			commands, err := module.Commands(c.build)
			if (err != nil) != (c.want == nil) {
				t.Fatalf("got the error %v", err)
			}
			var got []string
			for _, command := range commands {
				got = append(got, command.String())
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestImportPath(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module example.com/shop\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for below, want := range map[string]string{".": "example.com/shop", "a/b": "example.com/shop/a/b"} {
		module, err := FindModule(filepath.Join(dir, below), "x", "")
		if err != nil {
			t.Fatal(err)
		}
		if got := module.ImportPath(); got != want {
			t.Errorf("%s: got %s, want %s", below, got, want)
		}
	}
}

func TestDirectoryIsAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "shop")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := FindModule(file, "x", ""); err == nil || err.Error() != file+" is not a directory" {
		t.Errorf("got %v", err)
	}
}

func TestQuote(t *testing.T) {
	for arg, want := range map[string]string{
		"a/b-c_d.e": "a/b-c_d.e", "-tool=x/y@v1": "-tool=x/y@v1", "my shop": "'my shop'", "$HOME": "'$HOME'", "it's": `'it'\''s'`, "": "''",
	} {
		if got := Quote(arg); got != want {
			t.Errorf("%q: got %s, want %s", arg, got, want)
		}
	}
	if got := (Command{Args: []string{"mod", "edit", "-replace=x=/my src"}}).String(); got != "go mod edit '-replace=x=/my src'" {
		t.Errorf("got %s", got)
	}
}

func TestGoVersion(t *testing.T) {
	dir := t.TempDir()
	goMod := func(version string) {
		content := "module example.com/shop\n\ngo " + version + "\n"
		if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	goMod("1.22")
	module, err := FindModule(dir, "shop", "")
	if err != nil {
		t.Fatal(err)
	}
	goMod("1.26.0")
	if before, now, err := module.GoVersion(); before != "1.22" || now != "1.26.0" || err != nil {
		t.Errorf("got %s, %s, %v", before, now, err)
	}
}

// TestFailureSaysWhatIsLeft lets the go command fail.
func TestFailureSaysWhatIsLeft(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module example.com/shop\n\ngo 1.26.0\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	module, err := FindModule(dir, "shop", "")
	if err != nil {
		t.Fatal(err)
	}
	err = module.Prepare(t.Context(), buildinfo.Build{Checkout: filepath.Join(dir, "missing")}, func(Command) {})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"go mod tidy: exit status", filepath.Join(dir, "missing"), "run in " + dir + ":\n  go mod tidy"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in the error:\n%v", want, err)
		}
	}
}

func TestModulePath(t *testing.T) {
	dir := t.TempDir()
	module, err := FindModule(dir, "shop", "example.org/all/shop")
	if err != nil || module.ImportPath() != "example.org/all/shop" || module.Exists() {
		t.Errorf("got %+v, %v", module, err)
	}
	if _, err := FindModule(dir, "shop", "no path"); err == nil || !strings.Contains(err.Error(), "write a path like") {
		t.Errorf("a path with a space gives %v", err)
	}
	file := filepath.Join(dir, "go.mod")
	if err := os.WriteFile(file, []byte("module example.org/there\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := FindModule(dir, "shop", "example.org/other"); err == nil || err.Error() != file+": the module there is example.org/there, not example.org/other" {
		t.Errorf("another path than that of the module gives %v", err)
	}
	if module, err := FindModule(dir, "shop", "example.org/there"); err != nil || !module.Exists() {
		t.Errorf("the path of the module gives %v", err)
	}
}

// TestNewModulePath checks that only who has chosen no path for the new module is told to.
func TestNewModulePath(t *testing.T) {
	for modulePath, want := range map[string]string{
		"":                 "there is no go.mod, so this becomes a module; give it a path of yours when it has one",
		"example.com/mine": "there is no go.mod, so this becomes a module",
	} {
		module, err := FindModule(t.TempDir(), "shop", modulePath)
		if err != nil {
			t.Fatal(err)
		}
		commands, err := module.Commands(buildinfo.Build{Version: "v1.2.3", Released: true})
		if err != nil {
			t.Fatal(err)
		}
		if got := commands[0].Why; got != want {
			t.Errorf("with the path %q got %q", modulePath, got)
		}
	}
}
