package convert_test

import (
	"fmt"
	"testing"

	"github.com/ironflow-gen/ironflow/gen/convert"
)

// TestTabs has a doc whose lines begin with tabs, which is not to be taken for the indentation of YAML.
func TestTabs(t *testing.T) {
	t.Parallel()
	const doc = "\tcode\n\tmore\n\n\nend"
	w := parse(t, fmt.Appendf(nil, "ironflow: 1\nworkflow: w\npackage: w\nid: id\ndoc: %q\ninputs: {Open: {fields: {id: string}}}\nevents: {Opened: }\n", doc))
	yaml, err := convert.YAML(w)
	if err != nil {
		t.Fatal(err)
	}
	if got := parse(t, yaml).Doc; got != doc {
		t.Errorf("the doc %q has become %q", doc, got)
	}
}
