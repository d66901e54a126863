package project

import (
	"testing"

	"github.com/ironflow-gen/ironflow/runtime/telemetry"
)

// Without Telemetry, what would be reported of a step costs nothing but comparisons.
func TestStepWithoutTelemetryAllocatesNothing(t *testing.T) {
	config, ctx := Config{}, t.Context()
	allocations := testing.AllocsPerRun(100, func() {
		_, report := config.startStep(ctx, telemetry.ProjectionStart{Projection: "journal"})
		report(nil)
	})
	if allocations != 0 {
		t.Errorf("%v allocations", allocations)
	}
}
