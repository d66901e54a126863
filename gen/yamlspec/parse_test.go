package yamlspec_test

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/ironflow-gen/ironflow/gen/internal/corpus"
	"github.com/ironflow-gen/ironflow/gen/yamlspec"
)

var update = flag.Bool("update", false, "rewrite the expected output in testdata")

// TestParse runs the cases of testdata/*.txtar. A case is a declaration, name.yaml, followed by what it gives: name.stderr
// with one line for each mistake, or name.model with the model of a declaration that has none.
func TestParse(t *testing.T) {
	corpus.Archives(t, "testdata/*.txtar", func(t *testing.T, path string, archive *txtar.Archive) {
		got := &txtar.Archive{Comment: archive.Comment}
		want := make(map[string]string)
		for _, f := range archive.Files {
			name, isCase := strings.CutSuffix(f.Name, ".yaml")
			if !isCase {
				want[f.Name] = string(f.Data)
				continue
			}
			got.Files = append(got.Files, f, run(name, f.Data))
		}
		if *update {
			if err := os.WriteFile(path, txtar.Format(got), 0o644); err != nil {
				t.Fatal(err)
			}
			return
		}
		for _, f := range got.Files {
			if strings.HasSuffix(f.Name, ".yaml") {
				continue
			}
			if want[f.Name] != string(f.Data) {
				t.Errorf("%s differs; run with -update and read the change\ngot:\n%swant:\n%s", f.Name, f.Data, want[f.Name])
			}
			delete(want, f.Name)
		}
		for name := range want {
			t.Errorf("%s is left over: nothing produces it", name)
		}
	})
}

// run returns the expected output of one case.
func run(name string, src []byte) txtar.File {
	w, err := yamlspec.Parse(name+".yaml", src)
	if err != nil {
		return txtar.File{Name: name + ".stderr", Data: []byte(err.Error() + "\n")}
	}
	var out bytes.Buffer
	dump(&out, w)
	return txtar.File{Name: name + ".model", Data: out.Bytes()}
}

// TestOrder keeps the example of the documentation valid, and its model as expected.
func TestOrder(t *testing.T) {
	src, err := os.ReadFile("testdata/order.ironflow.yaml")
	if err != nil {
		t.Fatal(err)
	}
	w, err := yamlspec.Parse("order.ironflow.yaml", src)
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	dump(&got, w)
	const golden = "testdata/order.model"
	if *update {
		if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("%s differs\ngot:\n%s", golden, got.String())
	}
}
