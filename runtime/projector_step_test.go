package runtime

import "testing"

// Without Telemetry, what would be reported of a step costs nothing but comparisons.
func TestStepWithoutTelemetryAllocatesNothing(t *testing.T) {
	config, ctx := projectConfig{}, t.Context()
	allocations := testing.AllocsPerRun(100, func() {
		_, report := config.startStep(ctx, ProjectionStart{Projection: "journal"})
		report(nil)
	})
	if allocations != 0 {
		t.Errorf("%v allocations", allocations)
	}
}
