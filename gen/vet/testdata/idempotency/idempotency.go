// Package idempotency gives services keys.
package idempotency

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"github.com/ironflow-gen/ironflow/gen/vet/testdata/shop"
	"github.com/ironflow-gen/ironflow/runtime"
)

type charge struct {
	Amount         int64
	IdempotencyKey string
}

type params struct {
	Amount           int64
	IdempotencyToken *string
}

func (p *params) SetIdempotencyKey(key string) { p.IdempotencyToken = &key }

type gateway interface {
	Charge(ctx context.Context, c charge) error
	Refund(ctx context.Context, idempotencyKey string, amount int64) error
}

func withIdempotencyKey(string) func() { return nil }

type handling struct {
	shop.Handler
	gateway gateway
}

func (h handling) Charge(ctx context.Context, e shop.Charge, call runtime.EffectCall) (shop.ChargeResult, error) {
	err := h.gateway.Charge(ctx, charge{Amount: e.Amount, IdempotencyKey: uuid.NewString()}) // want `^idempotency: the handler handling.Charge gives uuid.NewString\(\) to IdempotencyKey; give it call.IdempotencyKey, which is the same for each attempt and for no other effect$`
	if err != nil {
		return nil, err
	}
	_ = h.gateway.Refund(ctx, call.Instance.ID, e.Amount) // want `gives call.Instance.ID to idempotencyKey`
	c := charge{Amount: e.Amount}
	c.IdempotencyKey = "a" // want `gives "a" to IdempotencyKey`
	p := params{Amount: 1}
	p.SetIdempotencyKey("a") // want `gives "a" to SetIdempotencyKey`
	withIdempotencyKey("a")  // want `gives "a" to withIdempotencyKey`
	header := http.Header{}
	header.Set("Idempotency-Key", "a")            // want `gives "a" to Idempotency-Key`
	_ = map[string]string{"Idempotency-Key": "a"} // want `gives "a" to Idempotency-Key`
	options := map[string]string{}
	options["idempotency_key"] = "a" // want `gives "a" to idempotency_key`
	return shop.Charged{}, nil
}

type unnamed struct {
	shop.Handler
	gateway gateway
}

func (h unnamed) Mail(ctx context.Context, e shop.Mail, _ runtime.EffectCall) error {
	return h.gateway.Refund(ctx, e.Text, 1) // want `gives e.Text to idempotencyKey`
}

type keyed struct {
	shop.Handler
	gateway gateway
}

func (h keyed) Charge(ctx context.Context, e shop.Charge, call runtime.EffectCall) (shop.ChargeResult, error) {
	key := "charge-" + call.IdempotencyKey
	_ = h.gateway.Charge(ctx, charge{e.Amount, key})
	_ = h.gateway.Charge(ctx, charge{Amount: e.Amount, IdempotencyKey: call.IdempotencyKey})
	_ = h.gateway.Refund(ctx, key, e.Amount)
	c := charge{Amount: e.Amount}
	c.IdempotencyKey = key
	p := params{IdempotencyToken: &key}
	p.SetIdempotencyKey(h.keyOf(call))
	header := http.Header{}
	header.Set("Idempotency-Key", call.IdempotencyKey)
	header.Set("Accept", "application/json")
	return shop.Charged{}, nil
}

func (h keyed) keyOf(call runtime.EffectCall) string { return call.IdempotencyKey }
