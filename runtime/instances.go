package runtime

import (
	"context"

	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// InstanceQuery asks an engine for a page of the list.
type InstanceQuery struct {
	InstanceFilter
	Limit  int    // instances on the page; default 100, at most 1000
	Cursor string // Page.Next of the page before; empty for the first
}

// Instances lists instances, the newest first, those of workflows that are not registered with the engine too.
//
// Workflow, Activity and the times of creation are found by an index. Status and the times of the last event are not,
// because an index on what every commit changes would cost every commit: instances that differ in them are read and left
// out. To look for a status, say in Activity whether its instances are active.
func (e *Engine) Instances(ctx context.Context, query InstanceQuery) (Page[store.InstanceSummary], error) {
	if err := query.validate(); err != nil {
		return Page[store.InstanceSummary]{}, err
	}
	after, err := decodeCursor[store.InstancePlace](query.Cursor)
	if err != nil {
		return Page[store.InstanceSummary]{}, err
	}
	size := pageSize(query.Limit)
	list := store.InstanceList{InstanceFilter: narrowed(query.InstanceFilter), After: after, Limit: size + 1}
	found, err := bound.UntilAvailable(ctx, e.config.UnavailableTimeout, func() ([]store.InstanceSummary, error) { return e.store.ListInstances(ctx, list) })
	if err != nil {
		return Page[store.InstanceSummary]{}, err
	}
	return page(found, size, func(s store.InstanceSummary) store.InstancePlace {
		return store.InstancePlace{CreatedAt: s.CreatedAt, ID: s.Key.ID, Workflow: s.Key.Workflow}
	}), nil
}

// CountInstances counts instances by workflow and status. It reads all that the filter accepts, which takes a while
// where there are millions.
func (e *Engine) CountInstances(ctx context.Context, filter InstanceFilter) (store.InstanceCounts, error) {
	if err := (&InstanceQuery{InstanceFilter: filter}).validate(); err != nil {
		return nil, err
	}
	return bound.UntilAvailable(ctx, e.config.UnavailableTimeout, func() (store.InstanceCounts, error) { return e.store.CountInstances(ctx, narrowed(filter)) })
}

func (q *InstanceQuery) validate() error {
	if err := store.CheckOneOf("InstanceFilter.Activity", q.Activity, store.AnyActivity, OnlyActive, OnlyCompleted); err != nil {
		return err
	}
	return store.CheckArgument("InstanceQuery", *q)
}

// narrowed adds to a filter what follows from it and an index can use: an instance is not changed before it is created.
func narrowed(f InstanceFilter) InstanceFilter {
	if !f.UpdatedBefore.IsZero() && (f.CreatedBefore.IsZero() || f.UpdatedBefore.Before(f.CreatedBefore)) {
		f.CreatedBefore = f.UpdatedBefore
	}
	return f
}
