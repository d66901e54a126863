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
// begins with the newest instance. The cursor of the last step is "". An error ends the loop. Begin when all processes have the new
// declaration: an older process does not store values.
func (e *Engine) BackfillSearch(ctx context.Context, workflow, cursor string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for {
			next, err := e.backfillStep(ctx, workflow, cursor)
			if err != nil {
				yield(cursor, fmt.Errorf("ironflow: backfill of the search fields of workflow %s: %w", workflow, err))
				return
			}
			if cursor = next; !yield(cursor, nil) || cursor == "" {
				return
			}
		}
	}
}

func (e *Engine) backfillStep(ctx context.Context, workflow, cursor string) (next string, err error) {
	w, err := e.workflow(workflow)
	if err != nil {
		return "", err
	}
	if len(w.SearchFields()) == 0 {
		return "", &InvalidArgument{Argument: "the workflow", Problem: "declares no search fields"}
	}
	query := InstanceQuery{InstanceFilter: InstanceFilter{Workflow: workflow}, Limit: backfillPage, Cursor: cursor}
	page, err := e.admin.Instances(ctx, query)
	if err != nil {
		return "", err
	}
	var found []store.InstanceSearch
	for _, i := range page.Items {
		_, view, err := e.view(ctx, workflow, i.Key.ID)
		if unknown := (*UnknownInstance)(nil); errors.As(err, &unknown) {
			continue // it was deleted
		}
		if err != nil {
			return "", fmt.Errorf("%s: %w", i.Key, err)
		}
		found = append(found, store.InstanceSearch{Instance: i.Key, Version: view.Version, Values: w.SearchState(view.State)})
	}
	return page.Next, e.store.PutSearchValues(ctx, found)
}
