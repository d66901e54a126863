package booking

import (
	"context"

	"github.com/ironflow-gen/ironflow/runtime"
)

// Handler asks providers.
type Handler struct {
	Provider Provider
}

// Provider sells flights or hotels.
type Provider interface {
	// Book returns the reference of a booking, or why there is none. The same key books once.
	Book(ctx context.Context, what, destination, key string) (reference, refusal string, err error)
}

var _ EffectHandler = Handler{}

// AskProvider asks the provider. Who does not answer after three attempts has refused.
func (h Handler) AskProvider(ctx context.Context, effect AskProvider, call runtime.EffectCall) (AskProviderResult, error) {
	reference, refusal, err := h.Provider.Book(ctx, effect.What, effect.Destination, call.IdempotencyKey)
	switch {
	case err != nil:
		return nil, err
	case refusal != "":
		return Refused{Reason: refusal}, nil
	}
	return Confirmed{Reference: reference}, nil
}
