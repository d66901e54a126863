package vet

import (
	"flag"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/analysistest"

	"github.com/ironflow-gen/ironflow/gen/generate"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestFixtures runs all passes on the packages in testdata, which say in comments what is found where; what no comment
// expects is an error too, above all in the package clean. They belong to the module, so that they use the real runtime and
// real generated code. A golden file holds the source after the suggested fixes.
func TestFixtures(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	var packages []string
	err = filepath.WalkDir("testdata", func(path string, e os.DirEntry, err error) error {
		if err == nil && e.IsDir() {
			if files, _ := filepath.Glob(filepath.Join(path, "*.go")); len(files) > 0 {
				packages = append(packages, "./gen/vet/"+filepath.ToSlash(path))
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		writeGoldens(t, root, packages)
	}
	analysistest.RunWithSuggestedFixes(t, root, allAnalyzers(), packages...)
}

// TestGenerated keeps the generated files of the fixtures up to date. To write them anew, run
// ironflow-gen ./gen/vet/testdata/shop ./gen/vet/testdata/annotated.
func TestGenerated(t *testing.T) {
	plan, err := generate.New([]string{"testdata/shop", "testdata/annotated"}, generate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	diff, err := plan.Check()
	if err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
}

// writeGoldens writes what Check and Fix make of the fixtures.
func writeGoldens(t *testing.T, root string, packages []string) {
	findings, err := Check(t.Context(), packages, Options{Dir: root})
	if err != nil {
		t.Fatal(err)
	}
	files, _, err := findings.Fix()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if err := os.WriteFile(f.Path+".golden", f.After, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// allAnalyzers is one pass that runs all of them, so that the packages are loaded once.
func allAnalyzers() *analysis.Analyzer {
	requires := make(map[*analysis.Analyzer]bool)
	for _, a := range subjects() {
		for _, required := range a.Requires {
			requires[required] = true
		}
	}
	all := &analysis.Analyzer{Name: "all", Doc: "run all passes"}
	for a := range requires {
		all.Requires = append(all.Requires, a)
	}
	all.Run = func(pass *analysis.Pass) (any, error) {
		results := maps.Clone(pass.ResultOf)
		for _, a := range Analyzers() {
			one := *pass
			one.Analyzer, one.ResultOf = a, results
			result, err := a.Run(&one)
			if err != nil {
				return nil, err
			}
			results[a] = result
		}
		return nil, nil
	}
	return all
}
