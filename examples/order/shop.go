package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/ironflow-gen/ironflow/examples/order/order"
	"github.com/ironflow-gen/ironflow/runtime"
)

// shop is one process of the shop: an engine with its workers, and a client to send inputs.
type shop struct {
	client *order.Client
}

// withShop runs a shop as long as f does, and stops it.
func withShop(ctx context.Context, store runtime.Store, config runtime.Config, g *gateway, f func(*shop) error) error {
	workflow := order.NewWorkflow(order.Decider{}, order.Evolver{}, order.Handler{Gateway: g, Mailer: mailer{g.out}})
	engine, err := runtime.NewEngine(store, config, workflow)
	if err != nil {
		return err
	}
	running, stop := context.WithCancel(ctx)
	stopped := make(chan error)
	go func() { stopped <- engine.Run(running) }()
	err = f(&shop{client: order.NewClient(engine)})
	stop()
	return errors.Join(err, <-stopped)
}

// customers are the orders of the example: what becomes of each depends on its card.
var customers = []struct{ id, card string }{
	{"order-1", cardGood},
	{"order-2", cardFlaky},
	{"order-3", cardDeclined},
	{"order-4", cardSilent},
	{slowOrder, cardSlow},
}

const slowOrder = "order-5"

var basket = []order.Item{{Sku: "tea", Quantity: 2, PriceCents: 300}, {Sku: "cup", Quantity: 1, PriceCents: 100}}

// placeOrders creates every order. Doing so again, after a restart, changes nothing: an order is created once.
func (s *shop) placeOrders(ctx context.Context, out io.Writer) error {
	for _, c := range customers {
		outcome, err := s.client.Create(ctx, order.Create{
			OrderID: c.id, CartID: "cart-of-" + c.id, Email: c.id + "@example.com", Card: c.card, Items: basket,
		})
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s: Create with the %s card: %s\n", c.id, c.card, describe(outcome))
	}

	empty, err := s.client.Create(ctx, order.Create{OrderID: "order-6", CartID: "cart-of-order-6"})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "order-6: Create of nothing: %s\n", describe(empty))

	short, err := s.client.Pay(ctx, order.Pay{OrderID: "order-4", AmountCents: 1})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "order-4: Pay of 1 cent: %s\n", describe(short))
	if !short.AlreadyCompleted() { // else its cart is free again
		return s.orderTakenCart(ctx, out)
	}
	return nil
}

// orderTakenCart tries to make a second order of a cart.
func (s *shop) orderTakenCart(ctx context.Context, out io.Writer) error {
	outcome, err := s.client.Create(ctx, order.Create{
		OrderID: "order-7", CartID: "cart-of-order-4", Email: "order-7@example.com", Card: cardGood, Items: basket,
	})
	var conflict *runtime.UniqueKeyConflict
	switch {
	case errors.As(err, &conflict):
		fmt.Fprintf(out, "order-7: Create with the cart of order-4: %v\n", err)
		return nil
	case err != nil:
		return err
	}
	fmt.Fprintf(out, "order-7: Create with the cart that order-4 has just left: %s\n", describe(outcome))
	return nil
}

// waitForSlowCard returns when the payment that never ends has begun, or its order has ended in an earlier run.
func (s *shop) waitForSlowCard(ctx context.Context, g *gateway) error {
	view, err := s.client.State(ctx, slowOrder)
	if err != nil || view.Completed {
		return err
	}
	select {
	case <-g.slowCardSeen:
		return nil
	case <-time.After(2 * time.Second): // it is leased to a process that was killed
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func describe[E, R any](o runtime.Outcome[E, R]) string {
	switch {
	case o.Accepted():
		return fmt.Sprintf("accepted with %T, version %d", o.Events[0], o.Version)
	case o.Rejected():
		return fmt.Sprintf("rejected, %T%+v", o.Rejection, o.Rejection)
	default:
		return "already completed"
	}
}

// waitForAll waits until every order has ended.
func (s *shop) waitForAll(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for _, c := range customers {
		if _, err := s.client.Await(ctx, c.id, runtime.UntilCompleted()); err != nil {
			return err
		}
	}
	return nil
}

func (s *shop) printHistories(ctx context.Context, out io.Writer) error {
	for _, c := range customers {
		view, err := s.client.State(ctx, c.id)
		if err != nil {
			return err
		}
		history, err := s.client.History(ctx, c.id)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "\n%s, %s card: %s\n", c.id, c.card, view.State.Status)
		for _, e := range history {
			fmt.Fprintf(out, "  %d  %s  %T%+v\n", e.Version, e.RecordedAt.Format("15:04:05.000"), e.Event, e.Event)
		}
	}
	return nil
}
