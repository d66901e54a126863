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
}

func newGateway(out io.Writer) *gateway {
	return &gateway{out: out, slowCardSeen: make(chan struct{}, 1)}
}

func (g *gateway) Charge(ctx context.Context, c order.Charge) error {
	err := g.charge(ctx, c)
	fmt.Fprintf(g.out, "   payment provider: %s card, %d cents, key %s: %s\n", c.Card, c.AmountCents, c.Key, result(err))
	return err
}

func (g *gateway) charge(ctx context.Context, c order.Charge) error {
	switch {
	case c.Card == cardFlaky && c.Attempt <= 2:
		return errors.New("connection reset by peer")
	case c.Card == cardDeclined:
		return order.ErrDeclined
	case c.Card == cardSilent:
		return runtime.RetryAfter(errors.New("too many requests"), time.Hour)
	case c.Card == cardSlow && !g.providerIsFast:
		select {
		case g.slowCardSeen <- struct{}{}:
		default:
		}
		<-ctx.Done()
		return context.Cause(ctx)
	}
	return nil
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
