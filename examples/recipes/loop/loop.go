// Package loop is a recipe: an effect that is repeated until there is nothing left.
package loop

import (
	"context"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
)

//go:generate go tool ironflow-gen

// Decider asks for the next page, or ends.
type Decider struct{}

func (Decider) Start(now time.Time, s State, in Start) StartDecision {
	return AcceptStart(Started{}).Effect(ReadPage{Page: "first"})
}

func (Decider) PageRead(now time.Time, s State, in PageRead) PageReadDecision {
	if in.Next == nil {
		return AcceptPageRead(PageStored{Lines: in.Lines}, Finished{})
	}
	return AcceptPageRead(PageStored{Lines: in.Lines}).Effect(ReadPage{Page: *in.Next})
}

// Evolver counts.
type Evolver struct{}

func (Evolver) Started(s State, e Started) State       { return s }
func (Evolver) PageStored(s State, e PageStored) State { s.Pages++; s.Lines += e.Lines; return s }
func (Evolver) Finished(s State, e Finished) State     { return s }

// Handler reads a page from another service.
type Handler struct {
	Read func(ctx context.Context, page string) (lines int64, next *string, err error)
}

func (h Handler) ReadPage(ctx context.Context, e ReadPage, call runtime.EffectCall) (ReadPageResult, error) {
	lines, next, err := h.Read(ctx, e.Page)
	return PageRead{Lines: lines, Next: next}, err
}
