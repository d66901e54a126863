package docs_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestStability asks that docs/stability.md says of each package whether it is API.
func TestStability(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("stability.md")
	if err != nil {
		t.Fatal(err)
	}
	const module = "github.com/ironflow-gen/ironflow/"
	output, err := exec.CommandContext(t.Context(), "go", "list", module+"...").Output()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for pkg := range strings.FieldsSeq(string(output)) {
		name := strings.TrimPrefix(pkg, module)
		if strings.Contains("/"+name+"/", "/internal/") || strings.HasPrefix(name, "examples/") || strings.HasPrefix(name, "bench") ||
			strings.Contains(name, "testdata/") || name == "docs" || name == "docs/pictures" {
			continue
		}
		n++
		if strings.HasPrefix(name, "gen/") {
			name = "gen"
		}
		if !strings.Contains(string(page), "`"+name+"`") {
			t.Errorf("docs/stability.md does not say whether %s is API", name)
		}
	}
	if n < 20 {
		t.Errorf("go list names %d packages", n)
	}
}
