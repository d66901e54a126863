package order

import (
	"context"
	"errors"

	"github.com/ironflow-gen/ironflow/runtime"
)

// Gateway is the payment provider.
type Gateway interface {
	Charge(ctx context.Context, c Charge) error
}

// Charge is a request for money. It may come again with the same key, and must then not be charged again.
type Charge struct {
	Key         string
	Attempt     int
	Card        string
	AmountCents int64
}

// ErrDeclined is what a Gateway says of a card that will never pay.
var ErrDeclined = errors.New("card declined")

// Mailer sends mail.
type Mailer interface {
	SendReceipt(ctx context.Context, key, email string, amountCents int64) error
}

// Handler carries the effects out.
type Handler struct {
	Gateway Gateway
	Mailer  Mailer
}

var _ EffectHandler = Handler{}

// ChargeCard charges the card. Any error but a decline is tried again, as the declaration says.
func (h Handler) ChargeCard(ctx context.Context, e ChargeCard, call runtime.EffectCall) (ChargeCardResult, error) {
	err := h.Gateway.Charge(ctx, Charge{
		Key: call.IdempotencyKey, Attempt: call.Attempt, Card: e.Card, AmountCents: e.AmountCents,
	})
	if errors.Is(err, ErrDeclined) {
		return PaymentFailed{Reason: err.Error()}, nil
	}
	if err != nil {
		return nil, err
	}
	return Pay{AmountCents: e.AmountCents}, nil
}

// SendReceipt mails the receipt.
func (h Handler) SendReceipt(ctx context.Context, e SendReceipt, call runtime.EffectCall) error {
	return h.Mailer.SendReceipt(ctx, call.IdempotencyKey, e.Email, e.AmountCents)
}
