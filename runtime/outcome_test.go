package runtime_test

import (
	"fmt"
	"testing"

	"github.com/ironflow-gen/ironflow/runtime"
)

type printedPaid struct{ AmountCents int64 }

type printedClosed struct{}

// TestOutcomePrintsNames prints events with their names, whatever their types are.
func TestOutcomePrintsNames(t *testing.T) {
	t.Parallel()
	for want, outcome := range map[string]any{
		"accepted as version 2: runtime_test.printedPaid{AmountCents:5}, runtime_test.printedClosed{}": runtime.AcceptedOutcome[any, any](2, printedPaid{5}, printedClosed{}),
		`accepted as version 1: Paid{"amount_cents":5}`:                                                runtime.AcceptedOutcome[runtime.Encoded, runtime.Encoded](1, runtime.Encoded{Type: "Paid", Payload: []byte(`{"amount_cents":5}`)}),
		"rejected: runtime_test.printedClosed{}":                                                       runtime.RejectedOutcome[any, any](1, printedClosed{}),
		"already completed":                                                                            runtime.CompletedOutcome[any, any](1),
	} {
		for _, verb := range []string{"%v", "%+v", "%s"} {
			if got := fmt.Sprintf(verb, outcome); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}
	}
}
