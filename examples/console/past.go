package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/ironflow-gen/ironflow/examples/order/order"
	"github.com/ironflow-gen/ironflow/examples/recipes/foureyes"
	"github.com/ironflow-gen/ironflow/examples/subscription/subscription"
	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

const day = 24 * time.Hour

// past is a clock that shows an earlier time.
type past time.Duration

func (p past) Now() time.Time                         { return time.Now().Add(-time.Duration(p)) }
func (p past) After(d time.Duration) <-chan time.Time { return time.After(d) }

// fillPast stores what operators are asked about and what takes days to come about: an order that was not charged, receipts that were
// not sent, a transfer that nobody approves, and a workflow that was paused. It does nothing if the store has it already.
func fillPast(ctx context.Context, store runtime.Store, workflows []*workflow.Workflow) error {
	ago := func(d time.Duration) (*runtime.Engine, error) {
		return runtime.NewEngine(store, runtime.Config{
			Name: "shop-0", Version: "v1.3.0", Clock: past(d), Logger: slog.New(slog.DiscardHandler),
		}, workflows...)
	}
	engine, err := ago(8 * day)
	if err != nil {
		return err
	}
	var unknown *runtime.UnknownInstance
	if _, err := order.NewClient(engine).State(ctx, "o-17"); !errors.As(err, &unknown) {
		return err
	}
	err = accepted(foureyes.NewClient(engine).Request(ctx, foureyes.Request{TransferID: "transfer-4711", By: "ann", AmountCents: 90_000}))
	if err != nil {
		return err
	}

	if engine, err = ago(4 * day); err != nil {
		return err
	}
	orders := order.NewClient(engine)
	err = accepted(orders.Create(ctx, newOrder("o-17", "stolen", "grace@example.com")))
	paid := []string{"o-18", "o-19", "o-20", "o-21", "o-22"}
	for _, id := range paid {
		err = errors.Join(err, accepted(orders.Create(ctx, newOrder(id, "good", unreachable))))
	}
	err = errors.Join(err, accepted(subscription.NewClient(engine).Subscribe(ctx, subscription.Subscribe{SubscriptionID: "grace", Plan: "monthly"})))
	if err != nil {
		return err
	}
	err = runUntil(ctx, engine, func() (bool, error) {
		dead, err := engine.CountDeadLetters(ctx, runtime.DeadLetterFilter{Workflow: "order", Kind: "ChargeCard"})
		for _, id := range paid {
			if err != nil || len(dead) == 0 {
				break
			}
			var v runtime.View[order.State]
			if v, err = orders.State(ctx, id); !v.Completed {
				return false, err
			}
		}
		return len(dead) > 0, err
	})
	if err != nil {
		return err
	}

	if engine, err = ago(4*day - time.Minute); err != nil {
		return err
	}
	err = runUntil(ctx, engine, func() (bool, error) {
		v, err := order.NewClient(engine).State(ctx, "o-17")
		return v.Completed, err
	})
	if err != nil {
		return err
	}

	if engine, err = ago(2 * time.Hour); err != nil {
		return err
	}
	return engine.PauseWorkflow(ctx, runtime.Pause{
		Workflow: "subscription", By: "maria", Reason: "the bank asks for no charges until Monday, ticket 4711",
	})
}

// runUntil runs an engine until a condition is true.
func runUntil(ctx context.Context, engine *runtime.Engine, reached func() (bool, error)) error {
	running, stop := context.WithCancel(ctx)
	stopped := make(chan error, 1)
	go func() { stopped <- engine.Run(running) }()
	var err error
	for is := false; !is && err == nil; {
		select {
		case <-ctx.Done():
			err = ctx.Err()
		case <-time.After(10 * time.Millisecond):
			is, err = reached()
		}
	}
	stop()
	return errors.Join(err, <-stopped)
}
