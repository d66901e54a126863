package emit_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/build/constraint"
	"go/format"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/ironflow-gen/ironflow/gen/emit"
	"github.com/ironflow-gen/ironflow/gen/internal/randomspec"
	"github.com/ironflow-gen/ironflow/gen/yamlspec"
)

// randomDeclarations is how many declarations TestOutputIsDeterministicAndFormatted generates.
const randomDeclarations = 60

// TestOutputIsDeterministicAndFormatted generates random declarations twice, from the text on.
func TestOutputIsDeterministicAndFormatted(t *testing.T) {
	t.Parallel()
	declarations := uint64(randomDeclarations)
	if testing.Short() {
		declarations /= 10
	}
	for seed := range declarations {
		source := []byte(randomspec.YAML(rand.New(rand.NewPCG(seed, 11)), "random"))
		first, second := generate(t, source), generate(t, source)
		for i, f := range first {
			if !bytes.Equal(f.Content, second[i].Content) {
				t.Errorf("seed %d: two runs give different %s", seed, f.Name)
			}
			formatted, err := format.Source(f.Content)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(f.Content, formatted) {
				t.Errorf("seed %d: %s is not as gofmt writes it", seed, f.Name)
			}
			if !bytes.HasPrefix(f.Content, []byte(emit.Header+"\n"+emit.SourcePrefix+"random.ironflow.yaml\n\n")) {
				t.Errorf("seed %d: %s has no header", seed, f.Name)
			}
		}
	}
}

// TestOddText has docs with what Go files cannot have, or take for something else.
func TestOddText(t *testing.T) {
	const doc = "\ufeff`\u202e\u200b\\` */\n+build ignore\n \ufeff+build\n//go:build ignore\n+builder"
	source := fmt.Appendf(nil, "ironflow: 1\nworkflow: w\npackage: w\nid: id\nhttp: true\ndoc: %q\n"+
		"inputs: {Open: {doc: %q, fields: {id: {type: string, doc: %q}}}}\nevents: {Opened: {doc: %q}}\n", doc, doc, doc, doc)
	for _, f := range generate(t, source) {
		for line := range strings.Lines(string(f.Content)) {
			if constraint.IsGoBuild(line) || constraint.IsPlusBuild(line) {
				t.Errorf("%s has the build constraint %q", f.Name, line)
			}
		}
		_, document, found := strings.Cut(string(f.Content), "const openAPI = `")
		if !found {
			continue
		}
		document, _, _ = strings.Cut(document, "`")
		const want = "`\u202e\u200b\\` */\n+ build ignore\n + build\n//go:build ignore\n+builder"
		var root struct{ Info struct{ Description string } }
		if err := json.Unmarshal([]byte(document), &root); err != nil || root.Info.Description != want {
			t.Errorf("the document describes the workflow as %q, %v", root.Info.Description, err)
		}
	}
}

func generate(t testing.TB, source []byte) []emit.File {
	t.Helper()
	w, err := yamlspec.Parse("random.ironflow.yaml", source)
	if err != nil {
		t.Fatalf("%v\n%s", err, source)
	}
	files, err := emit.Files(w)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// BenchmarkTenWorkflows parses, checks and generates ten workflows of the example order's size.
func BenchmarkTenWorkflows(b *testing.B) {
	sources := make([][]byte, 10)
	order := readOrder(b)
	for i := range sources {
		sources[i] = bytes.Replace(order, []byte("workflow: order"), fmt.Appendf(nil, "workflow: order%d", i), 1)
	}
	for b.Loop() {
		for _, source := range sources {
			generate(b, source)
		}
	}
}

func readOrder(tb testing.TB) []byte {
	tb.Helper()
	source, err := os.ReadFile("../../examples/order/order/order.ironflow.yaml")
	if err != nil {
		tb.Fatal(err)
	}
	return source
}
