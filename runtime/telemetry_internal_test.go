package runtime

import (
	"testing"
	"time"
)

// Without Telemetry, what would be reported costs nothing but comparisons.
func TestNoTelemetryAllocatesNothing(t *testing.T) {
	e := &Engine{}
	req := &request{workflow: &Workflow{name: "order"}, input: preparedInput{name: "Pay", instance: "a"}}
	delivery := &Delivery{Kind: Kind{Workflow: "order", Name: "ChargeCard"}, Attempt: 1}
	ctx := t.Context()
	allocations := testing.AllocsPerRun(100, func() {
		if startInput(ctx, nil, req) != nil {
			t.Error("somebody is told of the end of an input")
		}
		_, delivered := startDelivery(ctx, nil, delivery, time.Time{})
		delivered(DeliveryEnd{Result: DeliveryDone})
		e.reportDeadLetters(DeadLettersReport{})
	})
	if allocations != 0 {
		t.Errorf("%v allocations", allocations)
	}
}
