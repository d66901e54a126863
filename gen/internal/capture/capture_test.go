package capture_test

import (
	"go/parser"
	"go/token"
	"go/types"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ironflow-gen/ironflow/gen/internal/capture"
	"github.com/ironflow-gen/ironflow/gen/internal/randomspec"
	"github.com/ironflow-gen/ironflow/gen/internal/typecheck"
	"github.com/ironflow-gen/ironflow/gen/yamlspec"
)

// TestPredeclared looks for names of Go that generated code and the skeleton use, and that are not refused in the user's files.
func TestPredeclared(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		w, err := yamlspec.Parse("w.ironflow.yaml", []byte(randomspec.YAML(rand.New(rand.NewPCG(seed, 3)), "w")))
		if err != nil {
			t.Fatal(err)
		}
		files, err := typecheck.Render(w, nil)
		if err != nil {
			t.Fatal(err)
		}
		for name, content := range files {
			file, err := parser.ParseFile(token.NewFileSet(), name, content, 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, id := range file.Unresolved {
				if types.Universe.Lookup(id.Name) != nil && !slices.Contains(capture.Predeclared, id.Name) {
					t.Errorf("%s uses %s", name, id.Name)
				}
			}
		}
	}
}

func TestAvoid(t *testing.T) {
	t.Parallel()
	const source = `package p

import (
	"context"

	"example.com/codec"
)

// f is about ʹv.
func f(ctx context.Context, v codec.V) (w ʹv) {
	var s struct{ v ʹv }
	s.v = ʹv{v: 1}
	switch v := v.(type) {
	case ʹv:
		return v
	}
	return codec.Of[ʹv](v)
}
`
	const want = `package p

import (
	"context"

	pkgcodec "example.com/codec"
)

// f is about ʹv.
func f(ctx context.Context, v_ pkgcodec.V) (w v) {
	var s struct{ v v }
	s.v = v{v: 1}
	switch v_ := v_.(type) {
	case v:
		return v_
	}
	return pkgcodec.Of[v](v_)
}
`
	got, err := capture.Avoid([]byte(source), func(name string) bool { return name == "codec" || name == "v" })
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("got\n%s", got)
	}
}
