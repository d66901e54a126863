package emit_test

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/ironflow-gen/ironflow/gen/emit"
	"github.com/ironflow-gen/ironflow/gen/internal/corpus"
	"github.com/ironflow-gen/ironflow/gen/yamlspec"
)

var update = flag.Bool("update", false, "rewrite the generated code in testdata")

// TestGolden runs the cases of testdata. A case is a declaration and those of the generated files, or the part of one
// from a line on, that show what the case is about: "workflow_ironflow.go" is the whole file, "workflow_ironflow.go from
// func NewWorkflow" the part that begins with the line of that beginning and ends before the next blank line.
func TestGolden(t *testing.T) {
	t.Parallel()
	corpus.Archives(t, "testdata/*.txtar", func(t *testing.T, path string, archive *txtar.Archive) {
		declaration := archive.Files[0]
		w, err := yamlspec.Parse(declaration.Name, declaration.Data)
		if err != nil {
			t.Fatal(err)
		}
		generated, err := emit.Files(w)
		if err != nil {
			t.Fatal(err)
		}
		for i, f := range archive.Files[1:] {
			got := excerpt(t, generated, f.Name)
			if !*update && !bytes.Equal(got, f.Data) {
				t.Errorf("%s differs; run with -update and read the change\ngot:\n%s", f.Name, got)
			}
			archive.Files[1+i].Data = got
		}
		if *update {
			if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// excerpt returns what a name in a case stands for.
func excerpt(t *testing.T, generated []emit.File, name string) []byte {
	t.Helper()
	name, from, part := strings.Cut(name, " from ")
	for _, f := range generated {
		if f.Name != name {
			continue
		}
		if !part {
			return f.Content
		}
		_, rest, found := bytes.Cut(f.Content, []byte("\n"+from))
		if !found {
			t.Fatalf("%s has no line that begins with %q", name, from)
		}
		text, _, _ := bytes.Cut(rest, []byte("\n\n"))
		return append(append([]byte(from), bytes.TrimSuffix(text, []byte("\n"))...), '\n')
	}
	t.Fatalf("there is no file %q", name)
	return nil
}
