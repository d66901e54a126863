package yamlspec_test

import (
	"os"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/ironflow-gen/ironflow/gen/internal/corpus"
	"github.com/ironflow-gen/ironflow/gen/spec"
	"github.com/ironflow-gen/ironflow/gen/yamlspec"
)

// TestTogether runs the cases of testdata/together. A case is the declarations of one run, each without mistakes of its
// own, and stderr with what is wrong between them.
func TestTogether(t *testing.T) {
	corpus.Archives(t, "testdata/together/*.txtar", func(t *testing.T, path string, archive *txtar.Archive) {
		var list []*spec.Workflow
		var want string
		got := &txtar.Archive{Comment: archive.Comment}
		for _, f := range archive.Files {
			if f.Name == "stderr" {
				want = string(f.Data)
				continue
			}
			w, err := yamlspec.Parse(f.Name, f.Data)
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, w)
			got.Files = append(got.Files, f)
		}
		var d spec.Diagnostics
		spec.ValidateTogether(list, nil, &d)
		var mistakes string
		if err := d.Err(); err != nil {
			mistakes = err.Error() + "\n"
		}
		if *update {
			got.Files = append(got.Files, txtar.File{Name: "stderr", Data: []byte(mistakes)})
			if err := os.WriteFile(path, txtar.Format(got), 0o644); err != nil {
				t.Fatal(err)
			}
			return
		}
		if mistakes != want {
			t.Errorf("got:\n%swant:\n%s", mistakes, want)
		}
	})
}
