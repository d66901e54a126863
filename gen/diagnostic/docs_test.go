package diagnostic_test

import (
	"os"
	"strings"
	"testing"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
)

// TestMarkdown keeps the page of the documentation as it is printed.
func TestMarkdown(t *testing.T) {
	page, err := os.ReadFile("../../docs/diagnostics.md")
	if err != nil {
		t.Fatal(err)
	}
	if string(page) != diagnostic.Markdown() {
		t.Error("docs/diagnostics.md is not up to date; run: go generate ./gen/diagnostic")
	}
}

// TestOverview checks that every code is listed once, under its area.
func TestOverview(t *testing.T) {
	overview := diagnostic.Overview()
	for _, r := range diagnostic.Rules() {
		if line := "  " + r.Code.String() + "  " + r.Title + "\n"; strings.Count(overview, line) != 1 {
			t.Errorf("%q is not in the overview once", line)
		}
	}
}
