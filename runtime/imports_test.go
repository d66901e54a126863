package runtime_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// module is the path of the module, samples those of its packages that are what gen writes.
const (
	module  = "github.com/ironflow-gen/ironflow"
	samples = module + "/gen/emit/internal/"
)

// Imports point one way, and whoever uses the core gets neither a database driver nor OpenTelemetry with it.
func TestImports(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		packages string
		never    []string // prefixes of packages
	}{
		{"./runtime", []string{
			"go.opentelemetry.io/", "github.com/jackc/", "modernc.org/", module + "/gen", module + "/runtime/postgres", module + "/runtime/sqlite",
		}},
		{"./runtime/...", []string{"go.opentelemetry.io/", module + "/gen"}},
		{"./gen/...", []string{module + "/runtime"}},
		{"./...", []string{"go.opentelemetry.io/"}},
	} {
		list := exec.CommandContext(t.Context(), "go", "list", "-f", `{{$of := .ImportPath}}{{range .Deps}}{{$of}} {{.}}{{"\n"}}{{end}}`, test.packages)
		list.Dir = ".."
		list.Stderr = t.Output()
		out, err := list.Output()
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(out)) {
			of, imported, _ := strings.Cut(strings.TrimSpace(line), " ")
			for _, prefix := range test.never {
				if strings.HasPrefix(imported, prefix) && !strings.HasPrefix(of, samples) {
					t.Errorf("%s imports %s", of, imported)
				}
			}
		}
	}
	for _, file := range []string{"../go.mod", "../go.sum"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "opentelemetry") {
			t.Errorf("%s names OpenTelemetry, which is for the module runtime/otel alone", file)
		}
	}
}
