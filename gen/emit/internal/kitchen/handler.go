package kitchen

import (
	"context"

	"github.com/ironflow-gen/ironflow/runtime"
)

// Handler does the work outside of the workflow. An effect may be handled more than once, after a failure or a crash:
// pass call.IdempotencyKey to services that take one. An error means that the effect is tried again later, unless it is
// marked with runtime.Permanent.
type Handler struct{}

var _ EffectHandler = Handler{}

func (Handler) Clean(ctx context.Context, effect Clean, call runtime.EffectCall) (CleanResult, error) {
	// TODO: do it here, with call.IdempotencyKey.
	return Empty{}, nil
}

func (Handler) Ring(ctx context.Context, effect Ring, call runtime.EffectCall) error {
	// TODO: do it here, with call.IdempotencyKey.
	return nil
}
