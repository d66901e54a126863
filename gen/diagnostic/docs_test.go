package diagnostic_test

import (
	"strings"
	"testing"

	"github.com/ironflow-gen/ironflow/gen/diagnostic"
)

// TestOverview checks that every code is listed once, under its area.
func TestOverview(t *testing.T) {
	overview := diagnostic.Overview()
	for _, r := range diagnostic.Rules() {
		if line := "  " + string(r.Code) + "  " + r.Title + "\n"; strings.Count(overview, line) != 1 {
			t.Errorf("%q is not in the overview once", line)
		}
	}
}
