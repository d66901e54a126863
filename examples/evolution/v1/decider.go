// Package v1 is the first version of the subscription.
package v1

import (
	"context"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
)

// Decider decides on inputs.
type Decider struct{}

var _ InputDecider = Decider{}

// Subscribe bills the first period.
func (Decider) Subscribe(_ time.Time, _ State, in Subscribe) SubscribeDecision {
	return AcceptSubscribe(Subscribed{PriceCents: in.PriceCents}).Effect(Charge{Cents: in.PriceCents})
}

// Charged counts what was billed.
func (Decider) Charged(_ time.Time, _ State, in Charged) ChargedDecision {
	return AcceptCharged(Billed{Cents: in.Cents})
}

// Renew bills the next period.
func (Decider) Renew(_ time.Time, state State, _ Renew) RenewDecision {
	return AcceptRenew(Renewed{}).Effect(Charge{Cents: state.PriceCents})
}

// Cancel ends the subscription.
func (Decider) Cancel(time.Time, State, Cancel) CancelDecision { return AcceptCancel(Cancelled{}) }

// Evolver folds events.
type Evolver struct{}

var _ EventEvolver = Evolver{}

// Subscribed keeps the price.
func (Evolver) Subscribed(s State, e Subscribed) State {
	s.PriceCents = e.PriceCents
	return s
}

// Billed adds what was billed.
func (Evolver) Billed(s State, e Billed) State {
	s.BilledCents += e.Cents
	return s
}

// Renewed changes nothing but the status.
func (Evolver) Renewed(s State, _ Renewed) State { return s }

// Cancelled changes nothing but the status.
func (Evolver) Cancelled(s State, _ Cancelled) State { return s }

// Handler takes money.
type Handler struct {
	Pay func(ctx context.Context, cents int64, key string) error // the same key takes it once
}

var _ EffectHandler = Handler{}

// Charge takes the price.
func (h Handler) Charge(ctx context.Context, effect Charge, call runtime.EffectCall) (ChargeResult, error) {
	if err := h.Pay(ctx, effect.Cents, call.IdempotencyKey); err != nil {
		return nil, err
	}
	return Charged{Cents: effect.Cents}, nil
}
