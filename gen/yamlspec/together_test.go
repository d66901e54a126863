package yamlspec_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/ironflow-gen/ironflow/gen/spec"
	"github.com/ironflow-gen/ironflow/gen/yamlspec"
)

// TestTogether runs the cases of testdata/together. A case is the declarations of one run, each without mistakes of its
// own, and stderr with what is wrong between them.
func TestTogether(t *testing.T) {
	files, err := filepath.Glob("testdata/together/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no test data: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
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
			spec.ValidateTogether(list, &d)
			var mistakes string
			if err := d.Err(); err != nil {
				mistakes = err.Error() + "\n"
			}
			if *update {
				got.Files = append(got.Files, txtar.File{Name: "stderr", Data: []byte(mistakes)})
				if err := os.WriteFile(file, txtar.Format(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if mistakes != want {
				t.Errorf("got:\n%swant:\n%s", mistakes, want)
			}
		})
	}
}
