package runtime_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// TestOptionalHandlerResult checks what a handler may answer with whose effect need not lead to an input.
func TestOptionalHandlerResult(t *testing.T) {
	broken := errors.New("broken")
	for name, test := range map[string]struct {
		result ticket.FindAgentResult
		err    error
		want   any
		fails  string
	}{
		"nothing":     {nil, nil, nil, ""},
		"an input":    {ticket.Assigned{ID: "a"}, nil, ticket.Assigned{ID: "a"}, ""},
		"an error":    {ticket.Assigned{}, broken, nil, "broken"},
		"nil pointer": {(*ticket.Assigned)(nil), nil, nil, "return nil itself for no input"},
	} {
		got, err := workflow.OptionalHandlerResult(test.result, test.err)
		if got != test.want || (err != nil) != (test.fails != "") || err != nil && !strings.Contains(err.Error(), test.fails) {
			t.Errorf("%s: got %v, %v, want %v, %q", name, got, err, test.want, test.fails)
		}
	}
}
