package membership

import (
	"context"

	"github.com/ironflow-gen/ironflow/runtime"
)

// Handler does what a test wants.
type Handler struct {
	OnCharge func(Charge) error
	OnMail   func(Mail) error
	Answer   MailResult // to each mail; nil for none
}

var _ EffectHandler = Handler{}

// Charge takes the money for one month.
func (h Handler) Charge(ctx context.Context, effect Charge, call runtime.EffectCall) (ChargeResult, error) {
	return Charged{AmountCents: effect.AmountCents}, h.OnCharge(effect)
}

// Mail sends a letter, which may come back.
func (h Handler) Mail(ctx context.Context, effect Mail, call runtime.EffectCall) (MailResult, error) {
	return h.Answer, h.OnMail(effect)
}

// Clean answers with Empty.
func (h Handler) Clean(ctx context.Context, effect Clean, call runtime.EffectCall) (CleanResult, error) {
	return Empty{}, nil
}

// Ring does nothing.
func (h Handler) Ring(ctx context.Context, effect Ring, call runtime.EffectCall) error { return nil }
