package scaffold_test

import (
	"bytes"
	"errors"
	"go/parser"
	"go/token"
	"testing"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
	"github.com/ironflow-gen/ironflow/gen/scaffold"
)

// FuzzGrow reads any file of the user's. Either it is explained why it cannot be read, or stubs can be put behind what is in
// it, and nothing is left to do then.
func FuzzGrow(f *testing.F) {
	for _, seed := range []string{
		"", "package door", "package door\n\nfunc {\n", declareTypes + bothMethods, declareTypes + "func (d *Decider)" + openMethod + "// end",
		"package door\r\n\r\nimport t \"time\"\r\n\r\ntype Decider[T any] struct{ base }\r\n\r\nfunc (d *Decider[T]) now() t.Time { return t.Time{} }",
		"//go:build linux && !cgo\n\npackage door\n\nimport . \"time\"\n\ntype (\n\tEvolver = fold\n\tfold struct{ *fold; Time }\n)\n",
		"package door\n\nvar _ InputDecider = (*rules)(nil)\n\ntype rules []int\n\nvar _, a EventEvolver\n",
		"package door\n\nimport (\n\t\"context\"\n\tr \"github.com/ironflow-gen/ironflow/runtime\"\n)\n\ntype Handler func(context.Context, r.EffectCall)\n\nfunc (Handler) Ring() {}\n",
		"//line x.go:1\npackage door\n/*line y.go:7:3*/type Decider struct{}\n",
	} {
		f.Add(seed)
	}
	w := parse(f, stateless)
	glue := generated(f, w)
	f.Fuzz(func(t *testing.T, text string) {
		content := []byte(text)
		p, err := scaffold.Read(w, glue, []scaffold.Source{{Path: "x.go", Content: content}})
		if err != nil {
			if list := (diagnostic.Errors)(nil); !errors.As(err, &list) || len(list) == 0 || list[0].Pos.Line < 1 || list[0].Pos.Col < 1 {
				t.Fatalf("not explained: %v", err)
			}
			return
		}
		if _, err := p.Skeleton(); err != nil {
			t.Fatal(err)
		}
		growth, err := p.Grow()
		if err != nil {
			t.Fatal(err)
		}
		files := map[string][]byte{"x.go": content}
		for _, m := range growth.Missing {
			grown := m.AppendTo(files[m.File])
			if !bytes.HasPrefix(grown, files[m.File]) {
				t.Fatalf("%s does not begin as it was: %q", m.File, grown)
			}
			if _, err := parser.ParseFile(token.NewFileSet(), m.File, grown, 0); err != nil {
				t.Fatalf("%v\n%s", err, grown)
			}
			files[m.File] = grown
		}
		var own []scaffold.Source
		for path, content := range files {
			own = append(own, scaffold.Source{Path: path, Content: content})
		}
		again, err := scaffold.Read(w, glue, own)
		if err != nil {
			t.Fatal(err)
		}
		if growth, err = again.Grow(); err != nil || len(growth.Missing) > 0 {
			t.Fatalf("still missing: %s (%v)\n%s", missing(growth), err, files["x.go"])
		}
	})
}
