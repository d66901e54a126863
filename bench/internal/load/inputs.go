package load

import (
	"context"
	"fmt"
	"sync"

	"github.com/ironflow-gen/ironflow/bench/internal/tally"
)

// Note is what is stored with each number.
const Note = "a note of the usual length"

// InstanceID is the name of the n-th instance, from 0 on. The SQL that fills tables counts from 1.
func InstanceID(n int) string { return fmt.Sprintf("tally-%d", n+1) }

// Add sends an input that leads to one event and one effect, and every fifth to a timer.
func Add(ctx context.Context, client *tally.Client, id string, n int) error {
	out, err := client.Add(ctx, tally.Add{TallyID: id, Amount: int64(n), Note: Note, Remind: n%5 == 0})
	if err == nil && !out.Accepted() {
		err = fmt.Errorf("%s: %s", id, out)
	}
	return err
}

// CreateAll leads every instance to its first event.
func CreateAll(ctx context.Context, client *tally.Client, instances int) error {
	return Each(ctx, instances, func(ctx context.Context, id string) error { return Add(ctx, client, id, 1) })
}

// Each calls something for every instance, by 256 callers.
func Each(ctx context.Context, instances int, call func(ctx context.Context, id string) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	const callers = 256
	var group sync.WaitGroup
	for caller := range callers {
		group.Go(func() {
			for i := caller; i < instances; i += callers {
				if err := call(ctx, InstanceID(i)); err != nil {
					cancel(err)
					return
				}
			}
		})
	}
	group.Wait()
	return context.Cause(ctx)
}
