package runtime_test

import (
	"fmt"
	"testing"

	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

type printedPaid struct{ AmountCents int64 }

type printedClosed struct{}

// TestOutcomePrintsNames prints events with their names, whatever their types are.
func TestOutcomePrintsNames(t *testing.T) {
	t.Parallel()
	for want, outcome := range map[string]any{
		"accepted as version 2: runtime_test.printedPaid{AmountCents:5}, runtime_test.printedClosed{}": workflow.AcceptedOutcome[any, any](2, printedPaid{5}, printedClosed{}),
		`accepted as version 1: Paid{"amount_cents":5}`:                                                workflow.AcceptedOutcome[workflow.Encoded, workflow.Encoded](1, workflow.Encoded{Type: "Paid", Payload: []byte(`{"amount_cents":5}`)}),
		"rejected: runtime_test.printedClosed{}":                                                       workflow.RejectedOutcome[any, any](1, printedClosed{}),
		"already completed":                                                                            workflow.CompletedOutcome[any, any](1),
	} {
		for _, verb := range []string{"%v", "%+v", "%s"} {
			if got := fmt.Sprintf(verb, outcome); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}
	}
}
