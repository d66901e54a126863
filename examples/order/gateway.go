package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/ironflow-gen/ironflow/examples/order/order"
	"github.com/ironflow-gen/ironflow/runtime"
)

// The cards of the example, by how the payment provider takes them.
const (
	cardGood     = "good"
	cardFlaky    = "flaky"    // the first two attempts fail
	cardDeclined = "declined" // never pays
	cardSilent   = "silent"   // the provider asks to come back in an hour: the order times out
	cardSlow     = "slow"     // takes long: the process stops meanwhile
)

// gateway is a payment provider that is sometimes unwell.
type gateway struct {
	out            io.Writer
	providerIsFast bool
	slowCardSeen   chan struct{}

	mu       sync.Mutex
	attempts map[string]int // by idempotency key
}

func newGateway(out io.Writer) *gateway {
	return &gateway{out: out, slowCardSeen: make(chan struct{}, 1), attempts: make(map[string]int)}
}

func (g *gateway) Charge(ctx context.Context, key, card string, amountCents int64) error {
	err := g.charge(ctx, key, card)
	fmt.Fprintf(g.out, "   payment provider: %s card, %d cents, key %s: %s\n", card, amountCents, key, result(err))
	return err
}

func (g *gateway) charge(ctx context.Context, key, card string) error {
	g.mu.Lock()
	g.attempts[key]++
	attempt := g.attempts[key]
	g.mu.Unlock()

	switch {
	case card == cardFlaky && attempt <= 2:
		return errors.New("connection reset by peer")
	case card == cardDeclined:
		return order.ErrDeclined
	case card == cardSilent:
		return runtime.RetryAfter(errors.New("too many requests"), time.Hour)
	case card == cardSlow && !g.providerIsFast:
		select {
		case g.slowCardSeen <- struct{}{}:
		default:
		}
		<-ctx.Done()
		return context.Cause(ctx)
	}
	return nil
}

// waitForSlowCard returns when the payment that never ends has begun, or when that order has ended earlier.
func (g *gateway) waitForSlowCard(ctx context.Context) error {
	select {
	case <-g.slowCardSeen:
		return nil
	case <-time.After(2 * time.Second): // a run on an old file: the order is through
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func result(err error) string {
	if err != nil {
		return err.Error()
	}
	return "charged"
}

// mailer prints the mail.
type mailer struct{ out io.Writer }

func (m mailer) SendReceipt(_ context.Context, key, email string, amountCents int64) error {
	fmt.Fprintf(m.out, "   mail to %s: thank you for %d cents (key %s)\n", email, amountCents, key)
	return nil
}
