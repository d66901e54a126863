// Package ratelimit is a recipe: calls of a service that allows so many a second.
package ratelimit

import (
	"context"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
)

//go:generate go tool ironflow-gen

// Decider asks for all letters at once. The limit in the declaration spreads them.
type Decider struct{}

func (Decider) Send(now time.Time, s State, in Send) SendDecision {
	if len(in.Readers) == 0 {
		return RejectSend(NoReaders{})
	}
	decision := AcceptSend(Begun{Readers: int64(len(in.Readers))})
	for _, reader := range in.Readers {
		decision = decision.Effect(Mail{Reader: reader})
	}
	return decision
}

func (Decider) Mailed(now time.Time, s State, in Mailed) MailedDecision {
	if s.Left > 1 {
		return AcceptMailed(LetterSent{})
	}
	return AcceptMailed(LetterSent{}, AllSent{})
}

// Evolver counts the letters that are left.
type Evolver struct{}

func (Evolver) Begun(s State, e Begun) State           { s.Left = e.Readers; return s }
func (Evolver) LetterSent(s State, e LetterSent) State { s.Left--; return s }
func (Evolver) AllSent(s State, e AllSent) State       { return s }

// Handler sends a letter by a service that takes idempotency keys.
type Handler struct {
	Post func(ctx context.Context, key, reader string) error
}

func (h Handler) Mail(ctx context.Context, e Mail, call runtime.EffectCall) (MailResult, error) {
	return Mailed{}, h.Post(ctx, call.IdempotencyKey, e.Reader)
}
