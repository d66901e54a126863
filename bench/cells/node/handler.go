package node

import (
	"context"

	"github.com/ironflow-gen/ironflow/runtime"
)

// Handler answers.
type Handler struct{}

var _ EffectHandler = Handler{}

// Ask answers.
func (Handler) Ask(_ context.Context, e Ask, _ runtime.EffectCall) (AskResult, error) {
	return Answered{Tag: e.Tag}, nil
}
