package bound

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Answer is what a cell says.
type Answer[C, T any] struct {
	Cell  C
	Value T
	Err   error
}

// AskAll asks cells at the same time. Each has half of the time that is left, so that the others' answers are of use.
func AskAll[C, T any](ctx context.Context, cells []C, call func(context.Context, C) (T, error)) []Answer[C, T] {
	if deadline, ends := ctx.Deadline(); ends {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(deadline)/2)
		defer cancel()
	}
	answers := make([]Answer[C, T], len(cells))
	done := make(chan struct{}, len(cells))
	for i, c := range cells {
		go func() {
			answers[i].Cell = c
			answers[i].Value, answers[i].Err = call(ctx, c)
			done <- struct{}{}
		}()
	}
	for range cells { // the calls of a Store end with ctx
		<-done
	}
	return answers
}

// Parts asks all cells for a part of an answer, and returns the parts. If some cells do not answer, the error is *store.Incomplete with their
// names.
func Parts[C, T any](ctx context.Context, cells []C, name func(C) string, call func(context.Context, C) (T, error)) (parts []T, err error) {
	var missing store.Incomplete
	var errs []error
	for _, a := range AskAll(ctx, cells, call) {
		switch {
		case a.Err == nil:
			parts = append(parts, a.Value)
		case errors.As(a.Err, new(*store.Unsupported)):
			return nil, a.Err
		default:
			missing.Cells = append(missing.Cells, name(a.Cell))
			errs = append(errs, fmt.Errorf("cell %q: %w", name(a.Cell), a.Err))
		}
	}
	switch {
	case errs == nil:
		return parts, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case len(parts) == 0:
		return nil, errors.Join(errs...)
	}
	missing.Err = errors.Join(errs...)
	return parts, &missing
}
