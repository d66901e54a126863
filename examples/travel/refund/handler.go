package refund

import (
	"context"

	"github.com/ironflow-gen/ironflow/runtime"
)

// Handler asks for money back.
type Handler struct {
	Provider Provider
}

// Provider has the money.
type Provider interface {
	// Refund pays a booking back. The same key pays once.
	Refund(ctx context.Context, reference, key string) error
}

var _ EffectHandler = Handler{}

// Repay asks the provider for the money.
func (h Handler) Repay(ctx context.Context, effect Repay, call runtime.EffectCall) (RepayResult, error) {
	if err := h.Provider.Refund(ctx, effect.Reference, call.IdempotencyKey); err != nil {
		return nil, err
	}
	return Repaid{}, nil
}
