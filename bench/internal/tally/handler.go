package tally

import (
	"context"

	"github.com/ironflow-gen/ironflow/runtime"
)

// Handler calls a function for each effect, when it is set.
type Handler struct {
	OnTell, OnAsk func(runtime.EffectCall)
}

var _ EffectHandler = Handler{}

// Tell does nothing but call OnTell.
func (h Handler) Tell(_ context.Context, _ Tell, call runtime.EffectCall) error {
	if h.OnTell != nil {
		h.OnTell(call)
	}
	return nil
}

// Ask answers at once.
func (h Handler) Ask(_ context.Context, _ Ask, call runtime.EffectCall) (AskResult, error) {
	if h.OnAsk != nil {
		h.OnAsk(call)
	}
	return Looped{}, nil
}
