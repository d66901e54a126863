package order

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/ironflowtest"
	"github.com/ironflow-gen/ironflow/runtime/ironflowtest/postgrestest"
	"github.com/ironflow-gen/ironflow/runtime/memory"
)

// silent is a payment provider that never answers.
type silent struct{ Handler }

func (silent) ChargeCard(context.Context, ChargeCard, runtime.EffectCall) (ChargeCardResult, error) {
	return nil, runtime.Snooze(time.Hour)
}

func TestNobodyPays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine, err := runtime.NewEngine(memory.New(), runtime.Config{}, NewWorkflow(Decider{}, Evolver{}, silent{}))
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		stopped := make(chan error, 1)
		go func() { stopped <- engine.Run(ctx) }()

		if _, err := NewClient(engine).Create(ctx, Create{OrderID: "o-1", CartID: "c-1", Items: basket}); err != nil {
			t.Fatal(err)
		}
		kit.AwaitState(t, engine, "o-1", func(s State) bool { return s.Status == StatusCancelled })

		stop()
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	})
}

func TestOrderWaitsForItsPayment(t *testing.T) {
	engine, err := runtime.NewEngine(postgrestest.Open(t), runtime.Config{}, NewWorkflow(Decider{}, Evolver{}, Handler{}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewClient(engine).Create(t.Context(), Create{OrderID: "o-1", CartID: "c-1", Items: basket}); err != nil {
		t.Fatal(err)
	}
	kit.RequireEffect(t, engine, "o-1", EffectChargeCard)
	kit.RequireTimer(t, engine, "o-1", "payment_timeout")
}

func TestHistory_o_1(t *testing.T) {
	kit.GivenStored(t,
		ironflowtest.Stored(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), "Created", 1, `{"items":[{"sku":"text-1","quantity":1,"price_cents":300}],"email":"text-2","total_cents":300}`),
	).
		HasStatus("awaiting_payment").
		// The timer payment_timeout is the next to fire.
		At(time.Date(2026, 1, 2, 3, 4, 8, 0, time.UTC)).TryStored("PaymentTimeout", `{"order_id":"under-test"}`)
}

func TestOrderIsPaid(t *testing.T) {
	kit.Simulate(t, func(s *ironflowtest.Simulation) {
		ironflowtest.Stub(s, "ChargeCard", func(e ChargeCard, call runtime.EffectCall) (ChargeCardResult, error) {
			return Pay{AmountCents: e.AmountCents}, nil
		})
		ironflowtest.Stub(s, "SendReceipt", func(SendReceipt, runtime.EffectCall) (any, error) { return nil, nil })
		s.Send(Create{OrderID: "o-1", CartID: "c-1", Items: basket})
		s.RunUntilIdle()
		s.Expect("order", "o-1", "paid")
		if n := len(s.Calls("SendReceipt")); n != 1 {
			s.Errorf("the customer gets %d receipts", n)
		}
	})
}

func TestChargedOnce(t *testing.T) {
	kit.Simulate(t, func(s *ironflowtest.Simulation) {
		charges := make(map[string]int64) // by idempotency key, as a payment provider keeps them
		ironflowtest.Stub(s, "ChargeCard", func(e ChargeCard, call runtime.EffectCall) (ChargeCardResult, error) {
			charges[call.IdempotencyKey] = e.AmountCents
			return Pay{AmountCents: e.AmountCents}, nil
		})
		ironflowtest.Stub(s, "SendReceipt", func(SendReceipt, runtime.EffectCall) (any, error) { return nil, nil })
		s.Check(func() error {
			if len(charges) > 1 {
				return fmt.Errorf("charged %d times", len(charges))
			}
			return nil
		})
		s.Wander(10, Create{OrderID: "o-1", CartID: "c-1", Items: basket})
		s.RunUntilIdle()
	}, ironflowtest.Seeds(50), ironflowtest.Faults(ironflowtest.AllFaults...))
}
