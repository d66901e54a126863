package gospec_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/ironflow-gen/ironflow/gen/gospec"
)

var fenced = regexp.MustCompile("(?ms)^```go\n(.*?)^```$")

// sampleTypes are what a snippet that is no whole declaration is completed with, by the directives that it lacks.
var sampleTypes = []struct{ directive, code string }{
	{"//ironflow:workflow", "//ironflow:workflow type=door id=DoorID\ntype State struct{}\n"},
	{"type Open struct", "//ironflow:input\ntype Open struct{ DoorID string }\n"},
	{"type Opened struct", "//ironflow:event\ntype Opened struct{}\n"},
}

// TestDocs reads every Go snippet of the documentation that has directives.
func TestDocs(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	write(t, filepath.Join(root, "go.mod"), "module example.com/docs\n\ngo 1.26.0\n")
	packages := snippets(t, root, "../../docs/reference/annotated-go.md")
	if len(packages) < 6 {
		t.Fatalf("found %d snippets", len(packages))
	}
	for i, result := range gospec.Load(packages) {
		if result.Err != nil {
			t.Errorf("%v\n%s", result.Err, packages[i].Files[0].Content)
		}
	}
}

// snippets makes packages in a module of the snippets of a page.
func snippets(t *testing.T, root, page string) []gospec.Package {
	t.Helper()
	doc, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var packages []gospec.Package
	for i, at := range fenced.FindAllSubmatchIndex(doc, -1) {
		source := string(doc[at[2]:at[3]])
		if !strings.Contains(source, "//ironflow:") {
			continue
		}
		if !strings.HasPrefix(source, "package ") {
			head := "package door\n\n"
			if strings.Contains(source, "time.") {
				head += "import \"time\"\n\n"
			}
			source = head + source
			for _, s := range sampleTypes {
				if !strings.Contains(source, s.directive) {
					source += "\n" + s.code
				}
			}
		}
		line := 1 + strings.Count(string(doc[:at[2]]), "\n")
		packages = append(packages, gospec.Package{
			Dir:   filepath.Join(root, fmt.Sprint(filepath.Base(page), i)),
			Files: []gospec.File{{Name: fmt.Sprintf("line%d.go", line), Content: []byte(source)}},
		})
	}
	return packages
}
