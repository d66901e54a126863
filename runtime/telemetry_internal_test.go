package runtime

import (
	"testing"
	"time"
)

// Without Telemetry, what would be reported costs nothing but comparisons.
func TestNoTelemetryAllocatesNothing(t *testing.T) {
	config := Config{}.withDefaults()
	req := &request{workflow: &Workflow{name: "order"}, input: preparedInput{name: "Pay", instance: "a"}}
	delivery := &Delivery{Kind: Kind{Workflow: "order", Name: "ChargeCard"}, Attempt: 1}
	ctx := t.Context()
	allocations := testing.AllocsPerRun(100, func() {
		if config.startInput(ctx, req) != nil {
			t.Error("somebody is told of the end of an input")
		}
		_, delivered := startDelivery(ctx, config.Telemetry, delivery, time.Time{})
		delivered(DeliveryEnd{Result: DeliveryDone})
		config.reportDeadLetters(DeadLettersReport{})
	})
	if allocations != 0 {
		t.Errorf("%v allocations", allocations)
	}
}
