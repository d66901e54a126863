package runtime_test

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// module is the path of the module, samples those of its packages that are what gen writes.
const (
	module  = "github.com/ironflow-gen/ironflow"
	samples = module + "/gen/emit/internal/"
)

// rooms says what each package of the runtime may import of the module, besides codec and the small packages below internal: usererr,
// which knows store alone, and backoff and unknown, which know no other.
var rooms = map[string][]string{
	"store":              {},
	"workflow":           {"store"},
	"telemetry":          {"store", "workflow"},
	"internal/seal":      {"store"},
	"internal/bound":     {"store", "internal/seal"},
	"internal/shadow":    {"store", "workflow", "telemetry"},
	"internal/commit":    {"store", "workflow", "telemetry", "internal/bound", "internal/shadow"},
	"internal/delivery":  {"store", "workflow", "telemetry", "internal/bound", "internal/commit"},
	"internal/project":   {"store", "workflow", "telemetry", "internal/bound"},
	"internal/explain":   {"store", "workflow", "telemetry"},
	"internal/retention": {"store", "telemetry", "internal/bound"},
	"internal/bulk":      {"store", "internal/bound"},
	"internal/verify":    {"store", "workflow", "telemetry", "internal/bound", "internal/commit"},
	"admin":              {"store", "workflow", "telemetry", "internal/bound", "internal/commit", "internal/explain", "internal/project"},
	"console":            {"store", "workflow", "telemetry", "admin"},
	"postgres":           {"store"},
	"sqlite":             {"store"},
	"memory":             {"store"},
	"transfer":           {"store", "workflow", "internal/seal"},
	"relay":              {"", "store", "internal/project"},
	"cells":              {"", "admin", "store", "internal/bound"},
	"codec":              {},
}

// Imports point one way, and whoever uses the core gets neither a database driver nor OpenTelemetry with it.
func TestImports(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		packages string
		never    []string // prefixes of packages
	}{
		{"./runtime", []string{
			"go.opentelemetry.io/", "github.com/jackc/", "modernc.org/", module + "/gen", module + "/runtime/postgres", module + "/runtime/sqlite",
			module + "/runtime/memory",
		}},
		{"./runtime/...", []string{"go.opentelemetry.io/", module + "/gen"}},
		{"./gen/...", []string{module + "/runtime"}},
		{"./...", []string{"go.opentelemetry.io/"}},
	} {
		for of, imports := range listed(t, test.packages, "Deps") {
			for _, imported := range imports {
				for _, prefix := range test.never {
					if strings.HasPrefix(imported, prefix) && !strings.HasPrefix(of, samples) {
						t.Errorf("%s imports %s", of, imported)
					}
				}
			}
		}
	}
	imports := listed(t, "./runtime/...", "Imports")
	for room, may := range rooms {
		of := module + "/runtime/" + room
		if len(imports[of]) == 0 {
			t.Errorf("%s is not there, or imports nothing at all", of)
		}
		for _, imported := range imports[of] {
			name, own := strings.CutPrefix(imported, module+"/runtime")
			name = strings.TrimPrefix(name, "/")
			_, walled := rooms[name]
			if own && (walled || name == "") && name != "codec" && !slices.Contains(may, name) {
				t.Errorf("%s imports %s, it may import %q", of, imported, may)
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

// listed returns what "go list" says of packages: a list of import paths for each of them.
func listed(t *testing.T, packages, field string) map[string][]string {
	t.Helper()
	list := exec.CommandContext(t.Context(), "go", "list", "-f", `{{$of := .ImportPath}}{{range .`+field+`}}{{$of}} {{.}}{{"\n"}}{{end}}`, packages)
	list.Dir = ".."
	list.Stderr = t.Output()
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string][]string)
	for line := range strings.Lines(string(out)) {
		of, imported, _ := strings.Cut(strings.TrimSpace(line), " ")
		found[of] = append(found[of], imported)
	}
	return found
}
