package scaffold_test

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/ironflow-gen/ironflow/gen/emit"
	"github.com/ironflow-gen/ironflow/gen/internal/randomspec"
	"github.com/ironflow-gen/ironflow/gen/internal/usermodule"
	"github.com/ironflow-gen/ironflow/gen/scaffold"
	"github.com/ironflow-gen/ironflow/gen/spec"
	"github.com/ironflow-gen/ironflow/gen/yamlspec"
)

var update = flag.Bool("update", false, "rewrite the expected files in testdata")

// TestGolden compares the skeletons of the declarations in testdata with the files that stand behind them.
func TestGolden(t *testing.T) {
	for _, c := range cases(t) {
		t.Run(c.name, func(t *testing.T) {
			files := skeleton(t, parse(t, c.declaration), nil)
			if *update {
				c.archive.Files = c.archive.Files[:1]
				for _, f := range files {
					c.archive.Files = append(c.archive.Files, txtar.File{Name: f.Name, Data: f.Content})
				}
				if err := os.WriteFile(c.path, txtar.Format(c.archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want := c.archive.Files[1:]
			if len(files) != len(want) {
				t.Fatalf("got %d files, want %d", len(files), len(want))
			}
			for i, f := range files {
				if f.Name != want[i].Name || !bytes.Equal(f.Content, want[i].Data) {
					t.Errorf("%s differs from %s; run with -update and look at the difference:\n%s", f.Name, want[i].Name, f.Content)
				}
			}
		})
	}
}

// randomDeclarations is how many random declarations TestSkeletons scaffolds.
const randomDeclarations = 12

// TestSkeletons checks skeletons in a module outside of this one. As written they compile, what the declaration alone decides
// passes, and each method that only the user can write is listed and fails. With their examples in place they pass as a whole.
func TestSkeletons(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles a module")
	}
	t.Parallel()
	module := usermodule.New(t, "../..")
	var fresh []string
	add := func(declaration string) {
		w := parse(t, declaration)
		generated, err := emit.Files(w)
		if err != nil {
			t.Fatalf("%v\n%s", err, declaration)
		}
		fresh = append(fresh, "./fresh/"+w.Package.Text)
		for _, dir := range []string{"fresh", "followed"} {
			for _, f := range generated {
				module.Write(t, filepath.Join(dir, w.Package.Text, f.Name), f.Content)
			}
			for _, f := range skeleton(t, w, nil) {
				content := f.Content
				if dir == "followed" {
					content = follow(content)
				}
				module.Write(t, filepath.Join(dir, w.Package.Text, f.Name), content)
			}
		}
	}
	for _, c := range cases(t) {
		add(c.declaration)
	}
	for seed := range uint64(randomDeclarations) {
		add(randomspec.YAML(rand.New(rand.NewPCG(seed, 3)), fmt.Sprintf("random%d", seed)))
	}
	module.Run(t, "vet", "./...")
	module.Run(t, "test", "-skip", "TestVerify", "./followed/...") // which rightly finds that random workflows get stuck
	module.Run(t, append([]string{"test", "-run", "TestRefuses"}, fresh...)...)

	cmd := exec.Command("go", append([]string{"test", "-v"}, fresh...)...)
	cmd.Dir = module.Dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Error("skeletons pass although nothing is written")
	}
	for _, c := range cases(t) {
		w := parse(t, c.declaration)
		var methods []string
		for _, in := range w.Inputs {
			methods = append(methods, "Decider."+in.Name.Text)
		}
		for _, e := range w.Handled() {
			methods = append(methods, "Handler."+e.Name.Text)
		}
		for _, m := range methods {
			if !strings.Contains(string(out), ": "+m+" is not written yet") {
				t.Errorf("%s: TestUnfinished does not list %s:\n%s", c.name, m, out)
			}
		}
	}
	for _, line := range strings.Split(string(out), "\n") {
		if name, ok := strings.CutPrefix(line, "--- PASS: "); ok && !strings.HasPrefix(name, "TestRefuses") {
			t.Errorf("a test passes although nothing is written: %s", name)
		}
	}
	if strings.Contains(string(out), "panic:") {
		t.Errorf("what is not written ends the process:\n%s", out)
	}
}

var (
	exampleBlock = regexp.MustCompile(`(?m)^\t//\n((?:\t//(?:\t.*)?\n)+)\t.*unfinished\(.*\n`)
	commented    = regexp.MustCompile(`(?m)^\t//\t?`)
)

// follow puts the examples of a skeleton in the place of what fails, and the plainest body where there is none. Its test expects no more than
// that the input is accepted.
func follow(content []byte) []byte {
	content = bytes.ReplaceAll(content, []byte(".When(in).Then()"), []byte(".When(in)"))
	content = exampleBlock.ReplaceAllFunc(content, func(block []byte) []byte {
		block = bytes.TrimPrefix(block, []byte("\t//\n"))
		block = block[:bytes.LastIndexByte(block[:len(block)-1], '\n')+1]
		return commented.ReplaceAll(block, nil)
	})
	content = bytes.ReplaceAll(content, []byte(`panic(unfinished("Evolver.Terminal"))`), []byte("return false"))
	content = regexp.MustCompile(`panic\(unfinished\("Evolver.\w+"\)\)`).ReplaceAll(content, []byte("return state"))
	return regexp.MustCompile(`return unfinished\("Handler.\w+"\)`).ReplaceAll(content, []byte("return nil"))
}

// TestExisting checks what is left out because the user has it.
func TestExisting(t *testing.T) {
	w := parse(t, cases(t)[0].declaration) // package parcel
	const all = "decider.go handler.go decider_test.go"
	for name, c := range map[string]struct {
		file, content string
		written       string
		reason        string // of the first file left out
		without       string // what the written decider.go lacks
	}{
		"nothing":            {written: all},
		"unrelated":          {file: "x.go", content: "package parcel\n\ntype X struct{}\n", written: all},
		"other package":      {file: "x_test.go", content: "package parcel_test\n\ntype Handler struct{}\n", written: all},
		"a method of theirs": {file: "x.go", content: "package parcel\n\nfunc (X) Decider() {}\n", written: all},
		"decider.go":         {file: "decider.go", content: "package parcel\n", written: "handler.go", reason: "it exists"},
		"decider_test.go":    {file: "decider_test.go", content: "package parcel", written: "decider.go handler.go", reason: "it exists"},
		"handler elsewhere": {file: "x.go", content: "package parcel\n\ntype (\n\tA int\n\tHandler struct{ a A }\n)\n",
			written: "decider.go", reason: "x.go declares Handler"},
		"decider elsewhere": {file: "x.go", content: "package parcel\n\ntype Decider struct{}\n",
			written: "decider.go handler.go", reason: "it belongs to a new decider.go", without: "Decider"},
		"evolver elsewhere": {file: "x.go", content: "package parcel\n\ntype Evolver struct{}\n",
			written: "decider.go handler.go", reason: "it belongs to a new decider.go", without: "Evolver"},
		"both elsewhere": {file: "x.go", content: "package parcel\n\ntype Decider struct{}\ntype Evolver = Decider\n",
			written: "handler.go", reason: "x.go declares Decider"},
		"test elsewhere": {file: "x_test.go", content: "package parcel\n\nfunc TestAcceptsSend() {}\n",
			written: "decider.go handler.go", reason: "x_test.go declares TestAcceptsSend"},
		"another name": {file: "x.go", content: "package parcel\n\ntype (\n\tRules struct{}\n\tFold struct{}\n)\n\n" +
			"var (\n\t_ InputDecider = (*Rules)(nil)\n\t_ EventEvolver = &Fold{}\n)\n",
			written: "handler.go", reason: "x.go declares Rules"},
		"left out": {file: "x.go", content: "//go:build ignore\n\npackage parcel\n\ntype Decider struct{}\n", written: all},
	} {
		t.Run(name, func(t *testing.T) {
			var existing []scaffold.Source
			if c.file != "" {
				existing = append(existing, scaffold.Source{Path: c.file, Content: []byte(c.content)})
			}
			var written []string
			var left *scaffold.File
			for _, f := range skeleton(t, w, existing) {
				if f.Content == nil {
					if left == nil {
						left = &f
					}
					continue
				}
				written = append(written, f.Name)
				if f.Name == "decider.go" && c.without != "" && bytes.Contains(f.Content, []byte("type "+c.without)) {
					t.Errorf("decider.go declares %s a second time", c.without)
				}
			}
			if got := strings.Join(written, " "); got != c.written {
				t.Errorf("written: %s, want: %s", got, c.written)
			}
			if left != nil && left.Reason != c.reason {
				t.Errorf("%s: got the reason %q, want %q", left.Name, left.Reason, c.reason)
			}
		})
	}
}

// testCase is a declaration of testdata with the skeleton that is expected of it.
type testCase struct {
	name, path  string
	declaration string
	archive     *txtar.Archive
}

func cases(t *testing.T) []testCase {
	t.Helper()
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	var list []testCase
	for _, path := range paths {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(path), ".txtar")
		list = append(list, testCase{name, path, string(archive.Files[0].Data), archive})
	}
	return list
}

func parse(t testing.TB, declaration string) *spec.Workflow {
	t.Helper()
	w, err := yamlspec.Parse("declaration.ironflow.yaml", []byte(declaration))
	if err != nil {
		t.Fatalf("%v\n%s", err, declaration)
	}
	return w
}

func skeleton(t *testing.T, w *spec.Workflow, existing []scaffold.Source) []scaffold.File {
	t.Helper()
	files, err := read(t, w, existing...).Skeleton()
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// read reads the package of a workflow, with all that is generated for it.
func read(t *testing.T, w *spec.Workflow, own ...scaffold.Source) *scaffold.Package {
	t.Helper()
	p, err := scaffold.Read(w, generated(t, w), own)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func generated(t testing.TB, w *spec.Workflow) []scaffold.Source {
	t.Helper()
	files, err := emit.Files(w)
	if err != nil {
		t.Fatal(err)
	}
	var list []scaffold.Source
	for _, f := range files {
		list = append(list, scaffold.Source{Path: f.Name, Content: f.Content})
	}
	return list
}
