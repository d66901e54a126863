package emit_test

import (
	"bytes"
	"fmt"
	"go/format"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/ironflow-gen/ironflow/gen/emit"
	"github.com/ironflow-gen/ironflow/gen/internal/randomspec"
	"github.com/ironflow-gen/ironflow/gen/yamlspec"
)

// TestOutputIsDeterministicAndFormatted generates random declarations twice, from the text on.
func TestOutputIsDeterministicAndFormatted(t *testing.T) {
	t.Parallel()
	for seed := range uint64(randomDeclarations) {
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
