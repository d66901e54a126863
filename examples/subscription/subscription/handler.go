package subscription

import (
	"context"

	"github.com/ironflow-gen/ironflow/runtime"
)

// Handler takes money.
type Handler struct {
	Bank Bank
}

// Bank takes money.
type Bank interface {
	// Charge takes the price of a plan from a subscriber. The same key takes it once.
	Charge(ctx context.Context, subscriber, plan, key string) error
}

var _ EffectHandler = Handler{}

// Charge takes the price of a period. A few at a time, as the bank wants it.
func (h Handler) Charge(ctx context.Context, effect Charge, call runtime.EffectCall) (ChargeResult, error) {
	if err := h.Bank.Charge(ctx, call.Instance.ID, effect.Plan, call.IdempotencyKey); err != nil {
		return nil, err
	}
	return Charged{}, nil
}
