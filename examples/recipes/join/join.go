// Package join is a recipe: two effects at the same time, and a join.
package join

import (
	"context"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
)

//go:generate go tool ironflow-gen

// Decider asks for both effects at once. The second answer joins.
type Decider struct{}

func (Decider) Apply(now time.Time, s State, in Apply) ApplyDecision {
	return AcceptApply(Applied{}).Effect(AskScore{}, AskIncome{})
}

func (Decider) Scored(now time.Time, s State, in Scored) ScoredDecision {
	if s.IncomeCents == nil {
		return AcceptScored(ScoreKnown{Score: in.Score})
	}
	return AcceptScored(ScoreKnown{Score: in.Score}, Checked{})
}

func (Decider) IncomeFound(now time.Time, s State, in IncomeFound) IncomeFoundDecision {
	if s.Score == nil {
		return AcceptIncomeFound(IncomeKnown{IncomeCents: in.IncomeCents})
	}
	return AcceptIncomeFound(IncomeKnown{IncomeCents: in.IncomeCents}, Checked{})
}

// Evolver keeps the answers.
type Evolver struct{}

func (Evolver) Applied(s State, e Applied) State         { return s }
func (Evolver) ScoreKnown(s State, e ScoreKnown) State   { s.Score = &e.Score; return s }
func (Evolver) IncomeKnown(s State, e IncomeKnown) State { s.IncomeCents = &e.IncomeCents; return s }
func (Evolver) Checked(s State, e Checked) State         { return s }

// Handler stands for two services.
type Handler struct {
	Score  func(ctx context.Context, loan string) (int32, error)
	Income func(ctx context.Context, loan string) (int64, error)
}

func (h Handler) AskScore(ctx context.Context, e AskScore, call runtime.EffectCall) (AskScoreResult, error) {
	score, err := h.Score(ctx, call.Instance.ID)
	return Scored{Score: score}, err
}

func (h Handler) AskIncome(ctx context.Context, e AskIncome, call runtime.EffectCall) (AskIncomeResult, error) {
	cents, err := h.Income(ctx, call.Instance.ID)
	return IncomeFound{IncomeCents: cents}, err
}
