package order

import (
	"testing"
	"time"
)

var (
	now     = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	waiting = State{Status: StatusAwaitingPayment, Email: "ada@example.com", TotalCents: 700}
)

func TestCreateAddsUpAndCharges(t *testing.T) {
	d := Decider{}.Create(now, State{}, Create{
		OrderID: "o-1", Email: "ada@example.com", Card: "4242",
		Items: []Item{{Sku: "tea", Quantity: 2, PriceCents: 300}, {Sku: "cup", Quantity: 1, PriceCents: 100}},
	})
	if created, ok := d.Events()[0].(Created); !ok || created.TotalCents != 700 {
		t.Errorf("events = %+v, want Created with a total of 700", d.Events())
	}
	if charge, ok := d.Effects()[0].(ChargeCard); !ok || charge != (ChargeCard{Card: "4242", AmountCents: 700}) {
		t.Errorf("effects = %+v, want ChargeCard of 700", d.Effects())
	}
}

func TestCreateRejectsAnEmptyOrder(t *testing.T) {
	d := Decider{}.Create(now, State{}, Create{OrderID: "o-1"})
	if r, rejected := d.Rejection(); !rejected || r != (EmptyOrder{}) {
		t.Errorf("rejection = %+v, want EmptyOrder", r)
	}
}

func TestPay(t *testing.T) {
	for _, tc := range []struct {
		amount  int64
		missing int64 // 0 when accepted
	}{
		{amount: 699, missing: 1},
		{amount: 700},
		{amount: 701},
	} {
		d := Decider{}.Pay(now, waiting, Pay{OrderID: "o-1", AmountCents: tc.amount})
		r, rejected := d.Rejection()
		if rejected != (tc.missing > 0) {
			t.Errorf("Pay(%d) rejected = %v", tc.amount, rejected)
		}
		if rejected && r != (Underpaid{MissingCents: tc.missing}) {
			t.Errorf("Pay(%d) rejection = %+v, want %d missing", tc.amount, r, tc.missing)
		}
		if !rejected && d.Events()[0] != (Paid{AmountCents: tc.amount, PaidAt: now}) {
			t.Errorf("Pay(%d) events = %+v", tc.amount, d.Events())
		}
	}
}

func TestPaidKeepsTheTime(t *testing.T) {
	if s := (Evolver{}).Paid(waiting, Paid{PaidAt: now}); s.PaidAt == nil || !s.PaidAt.Equal(now) {
		t.Errorf("paid at %v, want %v", s.PaidAt, now)
	}
}
