package admin

import (
	"cmp"
	"context"
	"slices"

	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// InstanceQuery selects a page of the list of instances.
type InstanceQuery struct {
	store.InstanceFilter
	Limit  int    // instances on the page; default 100, at most 1000
	Cursor string // Page.Next of the previous page; empty for the first page
}

// Instances lists instances, the newest first.
//
// Workflow, Activity and the times of creation are found by an index. There is no index on Status and the times of the last
// event: every commit changes them, so an index would slow every commit. A query by these reads instances that do not match and
// skips them. When you look for a status, also set Activity to skip most of them.
func (a *Admin) Instances(ctx context.Context, query InstanceQuery) (Page[store.InstanceSummary], error) {
	if err := query.validate(); err != nil {
		return Page[store.InstanceSummary]{}, err
	}
	after, err := decodeCursor[store.InstancePlace](query.Cursor)
	if err != nil {
		return Page[store.InstanceSummary]{}, err
	}
	size := pageSize(query.Limit)
	list := store.InstanceList{InstanceFilter: query.InstanceFilter.Narrowed(), After: after, Limit: size + 1}
	found, err := bound.UntilAvailable(ctx, a.config.UnavailableTimeout, func() ([]store.InstanceSummary, error) { return a.store.ListInstances(store.AllowLag(ctx), list) })
	var lacks lacking
	if err := lacks.fails(err); err != nil {
		return Page[store.InstanceSummary]{}, err
	}
	return page(found, size, func(s store.InstanceSummary) store.InstancePlace {
		return store.InstancePlace{CreatedAt: s.CreatedAt, ID: s.Key.ID, Workflow: s.Key.Workflow}
	}), lacks.err
}

// CountInstances counts instances by workflow and status. It reads all instances that the filter accepts, which is slow for
// millions of them.
func (a *Admin) CountInstances(ctx context.Context, filter store.InstanceFilter) (store.InstanceCounts, error) {
	if err := (&InstanceQuery{InstanceFilter: filter}).validate(); err != nil {
		return nil, err
	}
	return bound.UntilAvailable(ctx, a.config.UnavailableTimeout, func() (store.InstanceCounts, error) {
		return a.store.CountInstances(store.AllowLag(ctx), filter.Narrowed())
	})
}

// NewestCounts counts instances of a workflow by status: the newest active ones and the newest completed ones.
type NewestCounts struct {
	Counts store.InstanceCounts

	// MoreActive and MoreCompleted say that there are further instances, older than those that were counted.
	MoreActive, MoreCompleted bool
}

// CountNewest counts the newest instances of a workflow by status, up to limit of those that are active and up to limit of those that have
// completed. Unlike CountInstances, it costs no more when there are more instances.
func (a *Admin) CountNewest(ctx context.Context, workflow string, limit int) (c NewestCounts, err error) {
	if err := store.CheckArgument("the limit", limit); err != nil {
		return c, err
	}
	var lacks lacking
	number := make(map[store.InstanceCount]int64) // by what it counts
	for activity, more := range map[store.Activity]*bool{store.OnlyActive: &c.MoreActive, store.OnlyCompleted: &c.MoreCompleted} {
		filter := store.InstanceFilter{Workflow: workflow, Activity: activity}
		if err := (&InstanceQuery{InstanceFilter: filter}).validate(); err != nil {
			return c, err
		}
		found, err := a.store.ListInstances(ctx, store.InstanceList{InstanceFilter: filter, Limit: limit + 1})
		if err := lacks.fails(err); err != nil {
			return c, err
		}
		if *more = len(found) > limit; *more {
			found = found[:limit]
		}
		for _, i := range found {
			number[store.InstanceCount{Workflow: workflow, Status: i.Status, Completed: i.Completed()}]++
		}
	}
	for count, n := range number {
		count.Count = n
		c.Counts = append(c.Counts, count)
	}
	slices.SortFunc(c.Counts, func(a, b store.InstanceCount) int {
		if a.Completed != b.Completed {
			return map[bool]int{false: -1, true: 1}[a.Completed]
		}
		return cmp.Compare(a.Status, b.Status)
	})
	return c, lacks.err
}

func (q *InstanceQuery) validate() error {
	if err := store.CheckOneOf("InstanceFilter.Activity", q.Activity, store.AnyActivity, store.OnlyActive, store.OnlyCompleted); err != nil {
		return err
	}
	return store.CheckArgument("InstanceQuery", *q)
}
