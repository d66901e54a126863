package membership

import (
	"context"

	"github.com/ironflow-gen/ironflow/runtime"
)

// Handler does what a test wants.
type Handler struct {
	OnCharge func(Charge) error
	OnMail   func(Mail) error
}

var _ EffectHandler = Handler{}

// Charge takes the money for one month.
func (h Handler) Charge(ctx context.Context, effect Charge, call runtime.EffectCall) (ChargeResult, error) {
	return Charged{AmountCents: effect.AmountCents}, h.OnCharge(effect)
}

func (h Handler) Mail(ctx context.Context, effect Mail, call runtime.EffectCall) error {
	return h.OnMail(effect)
}
