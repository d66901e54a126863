package diagram_test

import (
	"regexp"
	"testing"

	"github.com/ironflow-gen/ironflow/examples/order/order"
	"github.com/ironflow-gen/ironflow/examples/subscription/subscription"
	"github.com/ironflow-gen/ironflow/gen/diagram"
	"github.com/ironflow-gen/ironflow/gen/generate"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// description is what a machine does not have.
var description = regexp.MustCompile("<desc>.*</desc>\n")

// TestSameText checks that the library draws what ironflow-gen draws.
func TestSameText(t *testing.T) {
	t.Parallel()
	for dir, machine := range map[string]*workflow.Machine{
		"../../examples/order/order": order.Machine(), "../../examples/subscription/subscription": subscription.Machine(),
	} {
		list, err := generate.Load([]string{dir})
		if err != nil {
			t.Fatal(err)
		}
		drawn, err := machine.SVG(workflow.Marks{})
		if err != nil {
			t.Fatal(err)
		}
		for format, got := range map[string]string{"mermaid": machine.Mermaid(), "dot": machine.DOT(), "svg": string(drawn)} {
			want, err := diagram.Draw(list[0], format)
			want = description.ReplaceAll(want, nil)
			if err != nil || got != string(want) {
				t.Errorf("%s as %s: the library draws\n%s\nand ironflow-gen\n%s%v", dir, format, got, want, err)
			}
		}
	}
}
