package gospec_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
	"github.com/ironflow-gen/ironflow/gen/gospec"
	"github.com/ironflow-gen/ironflow/gen/internal/corpus"
	"github.com/ironflow-gen/ironflow/gen/internal/samemodel"
	"github.com/ironflow-gen/ironflow/gen/yamlspec"
)

var update = flag.Bool("update", false, "rewrite the mistakes in testdata")

// TestForms reads archives of a package "w", together with others that it imports. The declaration in the comment of the
// archive says the same in YAML, or the file "mistakes" lists what is wrong.
func TestForms(t *testing.T) {
	corpus.Archives(t, "testdata/*.txtar", func(t *testing.T, path string, archive *txtar.Archive) {
		t.Parallel()
		compare(t, path, archive)
	})
}

func compare(t *testing.T, path string, archive *txtar.Archive) {
	dir := unpack(t, archive)
	result := gospec.Load([]gospec.Package{readPackage(t, filepath.Join(dir, "w"))})[0]
	if len(strings.TrimSpace(string(archive.Comment))) == 0 {
		mistakes(t, path, archive, dir, result.Err)
		return
	}
	if result.Err != nil {
		t.Fatal(result.Err)
	}
	want, err := yamlspec.Parse("w.ironflow.yaml", archive.Comment)
	if err != nil {
		t.Fatal(err)
	}
	if diff := samemodel.Diff(result.Workflow, want); diff != "" {
		t.Errorf("Go and YAML differ:\n%s", diff)
	}
}

// mistakes compares what is reported with the file of this name.
func mistakes(t *testing.T, path string, archive *txtar.Archive, dir string, err error) {
	var list diagnostic.Errors
	if !errors.As(err, &list) {
		t.Fatalf("got %v, want mistakes", err)
	}
	got := strings.ReplaceAll(list.Error(), dir+string(filepath.Separator), "") + "\n"
	for i, f := range archive.Files {
		if f.Name != "mistakes" {
			continue
		}
		if *update {
			archive.Files[i].Data = []byte(got)
			if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
				t.Fatal(err)
			}
		} else if got != string(f.Data) {
			t.Errorf("got:\n%s\nwant:\n%s", got, f.Data)
		}
		return
	}
	t.Fatalf("there is neither a declaration in YAML nor a file \"mistakes\"; got:\n%s", got)
}

// unpack writes an archive into a module of its own.
func unpack(t testing.TB, archive *txtar.Archive) (dir string) {
	t.Helper()
	dir = t.TempDir()
	write(t, filepath.Join(dir, "go.mod"), "module example.com/user\n\ngo 1.26.0\n")
	for _, f := range archive.Files {
		write(t, filepath.Join(dir, f.Name), string(f.Data))
	}
	return dir
}

func write(t testing.TB, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// readPackage reads the Go files of a directory that are not generated.
func readPackage(t testing.TB, dir string) gospec.Package {
	t.Helper()
	p := gospec.Package{Dir: dir}
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") || strings.HasSuffix(path, "_ironflow.go") {
			continue
		}
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		p.Files = append(p.Files, gospec.File{Name: filepath.Base(path), Content: content})
	}
	return p
}
