package delivery

import (
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
)

// Without Telemetry, what would be reported costs nothing but comparisons.
func TestNoTelemetryAllocatesNothing(t *testing.T) {
	d := &store.Delivery{Kind: store.Kind{Workflow: "order", Name: "ChargeCard"}, Attempt: 1}
	ctx := t.Context()
	allocations := testing.AllocsPerRun(100, func() {
		_, report := startDelivery(ctx, nil, d, time.Time{})
		report(telemetry.DeliveryEnd{Result: telemetry.DeliveryDone})
	})
	if allocations != 0 {
		t.Errorf("%v allocations", allocations)
	}
}
