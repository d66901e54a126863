package gospec_test

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/ironflow-gen/ironflow/gen/convert"
	"github.com/ironflow-gen/ironflow/gen/diagnostic"
	"github.com/ironflow-gen/ironflow/gen/gospec"
	"github.com/ironflow-gen/ironflow/gen/internal/samemodel"
	"github.com/ironflow-gen/ironflow/gen/internal/typecheck"
	"github.com/ironflow-gen/ironflow/gen/spec"
	"github.com/ironflow-gen/ironflow/gen/yamlspec"
)

// checkResult checks what has become of a package of one file: each mistake has a place; what is accepted generates code
// that compiles and, where YAML can say it, means the same in YAML.
func checkResult(t *testing.T, result gospec.Result, p gospec.Package) (accepted bool) {
	t.Helper()
	file, source := p.Files[0].Name, p.Files[0].Content
	if result.Err != nil {
		var list diagnostic.Errors
		if !errors.As(result.Err, &list) {
			t.Fatalf("%v\n%s", result.Err, source)
		}
		for _, d := range list {
			if d.Pos.File != filepath.Join(p.Dir, file) || d.Pos.Line < 1 || d.Pos.Col < 1 || d.Message == "" {
				t.Errorf("%+v has no place or says nothing\n%s", d, source)
			}
		}
		return false
	}
	if err := typecheck.Workflow(result.Workflow, map[string][]byte{file: source}); err != nil {
		t.Errorf("%v\n%s", err, source)
	}
	yaml, err := convert.YAML(result.Workflow)
	if err != nil {
		return true
	}
	w, err := yamlspec.Parse("w.ironflow.yaml", yaml)
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, yaml, source)
	}
	for _, w := range []*spec.Workflow{w, result.Workflow} {
		samemodel.Reflow(w)
	}
	if diff := samemodel.Diff(result.Workflow, w); diff != "" {
		t.Errorf("YAML differs: %s\n%s\n%s", diff, yaml, source)
	}
	return true
}
