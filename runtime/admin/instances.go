package admin

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// InstanceQuery selects a page of the list of instances.
type InstanceQuery struct {
	store.InstanceFilter
	Limit  int           // instances on the page; default 100, at most 1000
	Cursor string        // Page.Next of the previous page; empty for the first page
	Budget time.Duration // how long Instances may look for instances that match. Default: 500 ms
}

// listChunk is how many instances are read at once when few of them match.
const listChunk = 1000

// Instances lists instances, the newest first.
//
// Workflow, Activity and the times of creation are found by an index. There is no index on Status and the times of the last
// event: every commit changes them, so an index would slow every commit. A query by these checks one instance after the other, for at most
// InstanceQuery.Budget. If the page is not full by then, Page.Looked says how many instances were checked, and Page.Next continues after them;
// such a page may be empty. When you look for a status, also set Activity to skip most of the others.
func (a *Admin) Instances(ctx context.Context, query InstanceQuery) (Page[store.InstanceSummary], error) {
	if err := query.validate(); err != nil {
		return Page[store.InstanceSummary]{}, err
	}
	after, err := decodeCursor[store.InstancePlace](query.Cursor)
	if err != nil {
		return Page[store.InstanceSummary]{}, err
	}
	place := func(s store.InstanceSummary) store.InstancePlace {
		return store.InstancePlace{CreatedAt: s.CreatedAt, ID: s.Key.ID, Workflow: s.Key.Workflow}
	}
	size, until := pageSize(query.Limit), time.Now().Add(cmp.Or(query.Budget, 500*time.Millisecond))
	list := store.InstanceList{InstanceFilter: query.Narrowed(), After: after, Limit: size + 1}
	// What no index finds is left out here and not by the store: a store reads on until it has found a whole page, which may be all instances.
	list.Status, list.UpdatedFrom, list.UpdatedBefore = "", time.Time{}, time.Time{}
	var found []store.InstanceSummary
	var lacks lacking
	for looked := 0; ; {
		chunk, err := bound.UntilAvailable(ctx, a.config.UnavailableTimeout, func() ([]store.InstanceSummary, error) { return a.store.ListInstances(store.AllowLag(ctx), list) })
		if err := lacks.fails(err); err != nil {
			return Page[store.InstanceSummary]{}, err
		}
		for _, i := range chunk {
			if query.Accepts(i) {
				found = append(found, i)
			}
		}
		if len(found) > size || len(chunk) < list.Limit {
			return page(found, size, place), lacks.err
		}
		looked += len(chunk)
		last := place(chunk[len(chunk)-1])
		if !time.Now().Before(until) {
			return Page[store.InstanceSummary]{Items: found, Next: encodeCursor(last), Looked: looked}, lacks.err
		}
		list.After, list.Limit = &last, min(2*list.Limit, listChunk)
	}
}

// CountInstances counts instances by workflow and status. It reads all instances that the other parts of the filter accept to find those with a
// Status or with times of the last event, which takes seconds for millions of them. CountNewest takes no longer for millions.
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
