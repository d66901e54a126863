package ticket

import (
	"context"

	"github.com/ironflow-gen/ironflow/runtime"
)

// Handler does what its fields say. Where one is nil, ann is free and every customer is reached.
type Handler struct {
	OnFindAgent func(ctx context.Context, e FindAgent, call runtime.EffectCall) (FindAgentResult, error)
	OnNotify    func(ctx context.Context, e Notify, call runtime.EffectCall) error
}

var _ EffectHandler = Handler{}

// FindAgent finds ann.
func (h Handler) FindAgent(ctx context.Context, e FindAgent, call runtime.EffectCall) (FindAgentResult, error) {
	if h.OnFindAgent != nil {
		return h.OnFindAgent(ctx, e, call)
	}
	return Assigned{Agent: "ann"}, nil
}

// Notify succeeds.
func (h Handler) Notify(ctx context.Context, e Notify, call runtime.EffectCall) error {
	if h.OnNotify != nil {
		return h.OnNotify(ctx, e, call)
	}
	return nil
}
