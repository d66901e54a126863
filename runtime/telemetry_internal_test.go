package runtime

import (
	"testing"

	"github.com/ironflow-gen/ironflow/runtime/internal/commit"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// Without Telemetry, what would be reported costs nothing but comparisons.
func TestNoTelemetryAllocatesNothing(t *testing.T) {
	req := &commit.Request{Workflow: new(Workflow), Input: workflow.PreparedInput{Name: "Pay", Instance: "a"}}
	ctx := t.Context()
	allocations := testing.AllocsPerRun(100, func() {
		if commit.StartInput(ctx, nil, req) != nil {
			t.Error("somebody is told of the end of an input")
		}
	})
	if allocations != 0 {
		t.Errorf("%v allocations", allocations)
	}
}
