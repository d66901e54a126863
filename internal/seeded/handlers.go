package seeded

import (
	"context"
	"fmt"

	"github.com/ironflow-gen/ironflow/examples/order/order"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// Bank is a service that handlers charge. It charges once for each key.
type Bank struct {
	Charged map[string]int64 // cents, by key
	Calls   int
}

func (b *Bank) charge(key string, cents int64) {
	if b.Charged == nil {
		b.Charged = make(map[string]int64)
	}
	b.Calls++
	b.Charged[key] = cents
}

// Sum returns what was charged.
func (b *Bank) Sum() (sum int64) {
	for _, cents := range b.Charged {
		sum += cents
	}
	return sum
}

// Charge is the handler of ChargeCard.
type Charge func(b *Bank, e order.ChargeCard, call workflow.EffectCall) (order.ChargeCardResult, error)

// Charges has the handlers that charge wrongly, by the name of the mistake, and one that is right.
var Charges = map[string]Charge{
	"right": func(b *Bank, e order.ChargeCard, call workflow.EffectCall) (order.ChargeCardResult, error) {
		b.charge(call.IdempotencyKey, e.AmountCents)
		return order.Pay{AmountCents: e.AmountCents}, nil
	},
	"double charge after a crash": func(b *Bank, e order.ChargeCard, _ workflow.EffectCall) (order.ChargeCardResult, error) {
		b.charge(fmt.Sprint(b.Calls), e.AmountCents) // no key
		return order.Pay{AmountCents: e.AmountCents}, nil
	},
	"a key for each attempt": func(b *Bank, e order.ChargeCard, call workflow.EffectCall) (order.ChargeCardResult, error) {
		b.charge(fmt.Sprint(call.IdempotencyKey, call.Attempt), e.AmountCents)
		return order.Pay{AmountCents: e.AmountCents}, nil
	},
	"retry taken for done": func(b *Bank, e order.ChargeCard, call workflow.EffectCall) (order.ChargeCardResult, error) {
		if call.Attempt == 1 {
			b.charge(call.IdempotencyKey, e.AmountCents)
		}
		return order.Pay{AmountCents: e.AmountCents}, nil
	},
	"answer for another instance": func(b *Bank, e order.ChargeCard, _ workflow.EffectCall) (order.ChargeCardResult, error) {
		return order.Pay{OrderID: "2", AmountCents: e.AmountCents}, nil
	},
}

// Agency is a travel agency that takes no keys.
type Agency struct {
	Book   func(key string)
	Name   func() string
	Hotel  error
	Cancel func(flight string) error
}

func (a *Agency) BookFlight(_ context.Context, key string) (string, error) {
	if a.Book != nil {
		a.Book(key)
	}
	if a.Name != nil {
		return a.Name(), nil
	}
	return "flight", nil
}

func (a *Agency) BookHotel(context.Context, string) error { return a.Hotel }

func (a *Agency) CancelFlight(_ context.Context, _, flight string) error {
	if a.Cancel == nil {
		return nil
	}
	return a.Cancel(flight)
}
