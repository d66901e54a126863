package runtime

import (
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/commit"
	"github.com/ironflow-gen/ironflow/runtime/internal/delivery"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// Without Telemetry, what would be reported costs nothing but comparisons.
func TestNoTelemetryAllocatesNothing(t *testing.T) {
	e := &Engine{}
	req := &commit.Request{Workflow: new(Workflow), Input: workflow.PreparedInput{Name: "Pay", Instance: "a"}}
	dl := &store.Delivery{Kind: store.Kind{Workflow: "order", Name: "ChargeCard"}, Attempt: 1}
	ctx := t.Context()
	allocations := testing.AllocsPerRun(100, func() {
		if commit.StartInput(ctx, nil, req) != nil {
			t.Error("somebody is told of the end of an input")
		}
		_, delivered := delivery.StartDelivery(ctx, nil, dl, time.Time{})
		delivered(telemetry.DeliveryEnd{Result: telemetry.DeliveryDone})
		e.reportDeadLetters(telemetry.DeadLettersReport{})
	})
	if allocations != 0 {
		t.Errorf("%v allocations", allocations)
	}
}
