package runtime_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
)

// errDown is what a store says whose server is down.
var errDown = &runtime.Unavailable{Reason: "no connection to the database", Err: errBroken}

// Calls that fail while the store is unavailable are repeated until the deadline, or for as long as the engine or the
// context says, and then fail with the type that says so.
func TestUnavailable(t *testing.T) {
	onStores(t, func(b *bed) {
		store := &faulty{Store: b.store}
		config := b.realConfig()
		config.UnavailableTimeout = 200 * time.Millisecond
		engine := b.engineOn(store, config, tickets(ticket.Decider{}, ticket.Handler{}))
		client := ticket.NewClient(engine)
		must2(b, client, "old")
		calls := map[string]func(ctx context.Context) error{
			"an input": func(ctx context.Context) error {
				_, err := client.Note(ctx, ticket.Note{ID: "old"})
				return err
			},
			"state": func(ctx context.Context) error {
				_, err := client.State(ctx, "old")
				return err
			},
		}
		for name, call := range calls {
			for what, test := range map[string]struct {
				timeout, patience time.Duration // of the context; 0 for none
				downFor           int           // calls of the store; -1 for ever
				least, most       time.Duration
			}{
				"up again before the deadline":            {timeout: 20 * time.Second, downFor: 3, most: 5 * time.Second},
				"up again, no deadline":                   {downFor: 2, most: 5 * time.Second},
				"down until the deadline":                 {timeout: 300 * time.Millisecond, downFor: -1, least: 300 * time.Millisecond, most: 3 * time.Second},
				"down, no deadline":                       {downFor: -1, least: 200 * time.Millisecond, most: 3 * time.Second},
				"down, and no patience":                   {timeout: 20 * time.Second, patience: -1, downFor: -1, most: 3 * time.Second},
				"down for longer than the patience lasts": {timeout: 20 * time.Second, patience: 100 * time.Millisecond, downFor: -1, most: 3 * time.Second},
			} {
				b.Run(name+"/"+what, func(t *testing.T) {
					var failures atomic.Int64
					fault := func() error {
						if n := failures.Add(1); test.downFor < 0 || n <= int64(test.downFor) {
							return errDown
						}
						return nil
					}
					store.setBegin(fault)
					store.setCommit(func(ctx context.Context, commit func(context.Context) error) error {
						if err := fault(); err != nil {
							return err
						}
						return commit(ctx)
					})
					defer store.setBegin(nil)
					defer store.setCommit(nil)
					ctx := b.Context()
					if test.timeout > 0 {
						var cancel context.CancelFunc
						ctx, cancel = context.WithTimeout(ctx, test.timeout)
						defer cancel()
					}
					if test.patience != 0 {
						ctx = runtime.WithUnavailableTimeout(ctx, max(test.patience, 0))
					}
					begin := time.Now()
					err := call(ctx)
					if took := time.Since(begin); took < test.least || took > test.most {
						t.Errorf("it took %v, want %v to %v", took, test.least, test.most)
					}
					var unavailable *runtime.Unavailable
					if is := errors.As(err, &unavailable); is != (test.downFor < 0) || err != nil && !is {
						t.Errorf("got error %v", err)
					}
					if deadline := errors.Is(err, context.DeadlineExceeded); deadline != (ctx.Err() != nil) {
						t.Errorf("that the deadline ended it is %t: %v", deadline, err)
					}
				})
			}
		}
	})
}

func must2(b *bed, client *ticket.Client, id string) {
	out, err := client.Open(b.Context(), ticket.Open{ID: id, Subject: id})
	must(b, out, err)
}

// A store that is unavailable for many costs each of them a call of its own at most once in a while, and none is lost or stored twice.
func TestManyWaitForAStore(t *testing.T) {
	onStores(t, func(b *bed) {
		store := &faulty{Store: b.store}
		client := ticket.NewClient(b.engineOn(store, b.realConfig(), tickets(ticket.Decider{}, ticket.Handler{})))
		must2(b, client, "a")
		var commits atomic.Int64
		store.setCommit(func(ctx context.Context, commit func(context.Context) error) error {
			if commits.Add(1) <= 20 {
				return errDown
			}
			return commit(ctx)
		})
		const callers = 100
		done := make(chan error, callers)
		for range callers {
			go func() {
				out, err := client.Note(b.Context(), ticket.Note{ID: "a"})
				if err == nil && !out.Accepted() {
					err = errors.New("not accepted")
				}
				done <- err
			}()
		}
		for range callers {
			if err := <-done; err != nil {
				b.Error(err)
			}
		}
		view, err := client.State(b.Context(), "a")
		if err != nil || view.Version != callers+1 {
			b.Errorf("version %d, error %v, want %d", view.Version, err, callers+1)
		}
	})
}
