package runtime

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/ironflow-gen/ironflow/runtime/admin"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Find returns instances by the value of a search field, by a unique key, or by the beginning of their ids, sorted by id. An index finds
// them: the cost does not grow with the number of instances.
func (e *Engine) Find(ctx context.Context, query admin.FindQuery) (Page[store.InstanceSummary], error) {
	return e.admin.Find(ctx, query)
}

// backfillPage is how many instances a step of BackfillSearch reads.
const backfillPage = 100

// BackfillSearch stores the values of the search fields of instances that are older than the declaration of these fields. It replays
// each instance of the workflow, the newest first, and stores the values of the fields of its state. Values of inputs are not known any
// more. It does not overwrite what an input stores meanwhile, and changes nothing when it is repeated.
//
// The loop has a step for every 100 instances, with a cursor. To continue an interrupted backfill, pass the cursor of the last step; ""
// begins with the newest instance. The cursor of the last step is "". An error ends the loop. If it names instances that cannot be replayed, the
// values of the others are stored, and the cursor continues after them. Begin when all processes have the new declaration: an older
// process does not store values.
func (e *Engine) BackfillSearch(ctx context.Context, workflow, cursor string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for {
			next, err := e.backfillStep(ctx, workflow, cursor)
			if err != nil {
				yield(next, fmt.Errorf("ironflow: backfill of the search fields of workflow %s: %w", workflow, err))
				return
			}
			if cursor = next; !yield(cursor, nil) || cursor == "" {
				return
			}
		}
	}
}

// backfillStep returns the cursor to continue with; after an error that another attempt may not have, that is the given one.
func (e *Engine) backfillStep(ctx context.Context, workflow, cursor string) (next string, err error) {
	w, err := e.workflow(workflow)
	if err != nil {
		return cursor, err
	}
	if len(w.SearchFields()) == 0 {
		return cursor, &InvalidArgument{Argument: "the workflow", Problem: "declares no search fields"}
	}
	query := InstanceQuery{InstanceFilter: InstanceFilter{Workflow: workflow}, Limit: backfillPage, Cursor: cursor}
	page, err := e.admin.Instances(ctx, query)
	if err != nil {
		return cursor, err
	}
	var found []store.InstanceSearch
	var broken []error
	for _, i := range page.Items {
		_, instance, err := e.load(ctx, workflow, i.Key.ID, true)
		if unknown := (*UnknownInstance)(nil); errors.As(err, &unknown) {
			continue // it was deleted
		}
		if err != nil {
			return cursor, fmt.Errorf("%s: %w", i.Key, err)
		}
		state, err := e.executor.Replay(ctx, w, nil, instance)
		switch {
		case ctx.Err() != nil:
			return cursor, ctx.Err()
		case err != nil:
			broken = append(broken, fmt.Errorf("%s: %w", i.Key, err))
		default:
			found = append(found, store.InstanceSearch{Instance: i.Key, Version: instance.Version, Values: w.SearchState(state)})
		}
	}
	if err := e.store.PutSearchValues(ctx, found); err != nil {
		return cursor, err
	}
	return page.Next, errors.Join(broken...)
}
