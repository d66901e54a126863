package admin

import (
	"context"
	"fmt"
	"slices"

	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// FindQuery selects instances by exactly one of Field, UniqueKey and IDPrefix.
type FindQuery struct {
	// Workflow is the name of the workflow. It may be empty for IDPrefix, which then looks in all workflows, and for a Field that a
	// single workflow declares.
	Workflow string

	Field, Value string // the instances whose search field has this value, as workflow.Search writes it
	UniqueKey    string // the active instance that holds this key
	IDPrefix     string // the instances whose ids begin with this text

	Limit  int    // instances on the page; default 100, at most 1000
	Cursor string // Page.Next of the previous page; empty for the first page
}

// Find returns instances by the value of a search field, by a unique key, or by the beginning of their ids, sorted by id. An index finds
// them: the cost does not grow with the number of instances.
//
// If the query does not select by exactly one of them, or the workflow is known not to have the search field, the error is
// *store.InvalidArgument.
func (a *Admin) Find(ctx context.Context, query FindQuery) (page Page[store.InstanceSummary], err error) {
	after, err := decodeCursor[store.InstanceKey](query.Cursor)
	if err != nil {
		return page, err
	}
	given := 0
	for _, text := range []string{query.Field, query.UniqueKey, query.IDPrefix} {
		if text != "" {
			given++
		}
	}
	if err := store.CheckArgument("FindQuery", query); err != nil {
		return page, err
	}
	switch {
	case given != 1:
		return page, &store.InvalidArgument{Argument: "FindQuery", Problem: "must have exactly one of Field, UniqueKey and IDPrefix"}
	case query.UniqueKey != "" && query.Workflow == "":
		return page, &store.InvalidArgument{Argument: "FindQuery.Workflow", Problem: "is empty; a unique key belongs to a workflow"}
	case query.Field != "" && query.Value == "":
		return page, &store.InvalidArgument{Argument: "FindQuery.Value", Problem: "is empty; an instance without a value cannot be found by the field"}
	case query.Field != "":
		if query.Workflow, err = a.searchedWorkflow(ctx, query.Workflow, query.Field); err != nil {
			return page, err
		}
	}
	size := pageSize(query.Limit)
	find := store.FindQuery{
		Workflow: query.Workflow, Field: query.Field, Value: query.Value, UniqueKey: query.UniqueKey, IDPrefix: query.IDPrefix, Limit: size + 1,
	}
	if after != nil {
		find.After = *after
	}
	found, err := bound.UntilAvailable(ctx, a.config.UnavailableTimeout, func() ([]store.InstanceSummary, error) { return a.store.FindInstances(store.AllowLag(ctx), find) })
	var lacks lacking
	if err := lacks.fails(err); err != nil {
		return page, err
	}
	return pageOf(found, size), lacks.err
}

func pageOf(found []store.InstanceSummary, size int) Page[store.InstanceSummary] {
	return page(found, size, func(s store.InstanceSummary) store.InstanceKey { return s.Key })
}

// searchedWorkflow returns the workflow that has a search field. If no program has described it, the name is taken as it is.
func (a *Admin) searchedWorkflow(ctx context.Context, name, field string) (string, error) {
	if name != "" {
		w, err := a.Workflow(ctx, name)
		if err == nil && w != nil && !slices.Contains(w.Search, field) {
			err = &store.InvalidArgument{Argument: "FindQuery.Field", Problem: fmt.Sprintf("is %q; the search fields of workflow %s are %q", field, name, w.Search)}
		}
		return name, err
	}
	var names []string
	add := func(name string, fields []string) {
		if slices.Contains(fields, field) && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, w := range a.config.Workflows {
		add(w.Name(), w.SearchFields())
	}
	programs, err := a.known(ctx)
	if err != nil {
		return "", err
	}
	for _, p := range programs {
		for _, w := range p.Manifest.Workflows {
			add(w.Name, w.Search)
		}
	}
	if len(names) != 1 {
		slices.Sort(names)
		return "", &store.InvalidArgument{Argument: "FindQuery.Workflow", Problem: fmt.Sprintf("is empty, and the workflows with the search field %q are %q; name one", field, names)}
	}
	return names[0], nil
}
