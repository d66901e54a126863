// Package evolver has evolvers that decide.
package evolver

import (
	"context"
	"time"

	"github.com/ironflow-gen/ironflow/gen/vet/testdata/shop"
)

type folding struct {
	shop.Evolver
	decider shop.Decider
	client  *shop.Client
	ctx     context.Context
}

func (f folding) Created(s shop.State, e shop.Created) shop.State {
	if len(e.Items) == 0 {
		panic("no items") // want `^evolver: the evolver folding.Created panics, which makes the instance unreadable; check in the decider, before the event is stored$`
	}
	return s
}

func (f folding) Paid(s shop.State, e shop.Paid) shop.State {
	_ = shop.RejectPay(shop.Invalid{})                    // want `^evolver: the evolver folding.Paid calls shop.RejectPay; an evolver folds what was decided: decide in the decider$`
	_ = f.decider.Pay(time.Time{}, s, shop.Pay{})         // want `calls shop.Decider.Pay`
	_ = shop.AcceptPay(shop.Paid{}).Effect(shop.Charge{}) // want `calls shop.AcceptPay;`
	_ = verdict()                                         // want `calls verdict`
	_, _ = f.client.Pay(f.ctx, shop.Pay{})                // want `^outside: the evolver folding.Paid calls shop.Client.Pay, which calls runtime.Execute` `^outcome: `
	check()                                               // want `calls check, which calls shop.AcceptPay`
	return s
}

func verdict() shop.PayDecision { return shop.AcceptPay(shop.Paid{}) }

func check() { _ = shop.AcceptPay(shop.Paid{}) }

func (f folding) Cancelled(s shop.State, e shop.Cancelled) shop.State {
	if s.Status == shop.StatusPartly {
		s.Tags = append(s.Tags, e.Reason)
	}
	return s
}
