// Package otherdb is a recipe: an effect that writes into another database exactly once.
package otherdb

import (
	"context"
	"database/sql"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
)

//go:generate go tool ironflow-gen

// Decider asks for the booking.
type Decider struct{}

func (Decider) Sell(now time.Time, s State, in Sell) SellDecision {
	return AcceptSell(Sold{AmountCents: in.AmountCents}).Effect(Book{AmountCents: in.AmountCents})
}

func (Decider) Booked(now time.Time, s State, in Booked) BookedDecision {
	return AcceptBooked(InLedger{})
}

// Evolver has nothing to keep.
type Evolver struct{}

func (Evolver) Sold(s State, e Sold) State         { return s }
func (Evolver) InLedger(s State, e InLedger) State { return s }

// Schema is the ledger. Each entry has the idempotency key of its effect, which is unique.
const Schema = `CREATE TABLE ledger (effect text PRIMARY KEY, sale text NOT NULL, amount_cents integer NOT NULL)`

// Handler books in the ledger.
type Handler struct{ Ledger *sql.DB }

// Book may be called again for a booking that was stored, when the answer got lost or the process died. The key finds it.
func (h Handler) Book(ctx context.Context, e Book, call runtime.EffectCall) (BookResult, error) {
	_, err := h.Ledger.ExecContext(ctx, `INSERT INTO ledger (effect, sale, amount_cents) VALUES ($1, $2, $3) ON CONFLICT (effect) DO NOTHING`,
		call.IdempotencyKey, call.Instance.ID, e.AmountCents)
	return Booked{}, err
}
