package storm

import (
	"context"

	"github.com/ironflow-gen/ironflow/runtime"
)

// Handler calls On for each effect, and answers when that returns no error.
type Handler struct {
	On func(context.Context, runtime.EffectCall) error
}

var _ EffectHandler = Handler{}

// Free answers.
func (h Handler) Free(ctx context.Context, e Free, call runtime.EffectCall) (FreeResult, error) {
	return Answered{Tag: e.Tag}, h.On(ctx, call)
}

// Keyed answers.
func (h Handler) Keyed(ctx context.Context, e Keyed, call runtime.EffectCall) (KeyedResult, error) {
	return Answered{Tag: e.Tag}, h.On(ctx, call)
}

// Limited answers.
func (h Handler) Limited(ctx context.Context, e Limited, call runtime.EffectCall) (LimitedResult, error) {
	return Answered{Tag: e.Tag}, h.On(ctx, call)
}
