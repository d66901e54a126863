package shop

import (
	"context"

	"github.com/ironflow-gen/ironflow/runtime"
)

// Handler handles plainly.
type Handler struct{}

var _ EffectHandler = Handler{}

func (Handler) Charge(context.Context, Charge, runtime.EffectCall) (ChargeResult, error) {
	return Charged{}, nil
}

func (Handler) Mail(context.Context, Mail, runtime.EffectCall) error { return nil }
