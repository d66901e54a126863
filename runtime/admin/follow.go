package admin

import (
	"context"
	"iter"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/await"
	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/internal/project"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

const (
	// followPage is how many events Follow reads at once.
	followPage = 100

	// pollInterval is how often Follow looks for events on a store that does not notify, and feedStallAfter how long the feed may wait for
	// transactions before a warning.
	pollInterval   = 100 * time.Millisecond
	feedStallAfter = 10 * time.Second
)

// Follow returns the events of an instance after a version, and then new events as they are stored. The loop ends after the last event
// of a completed instance, or with an error: that of ctx, or *UnknownInstance if the instance was deleted meanwhile. An instance that
// does not exist yet is waited for. While the store is unavailable, the loop goes on waiting.
func (a *Admin) Follow(ctx context.Context, instance store.InstanceKey, after int64) iter.Seq2[store.StoredEvent, error] {
	return func(yield func(store.StoredEvent, error) bool) {
		err := checkInstance(instance)
		if err == nil && a.cells != nil {
			var home *Admin
			if home, err = a.awaitHome(ctx, instance); err == nil {
				home.Follow(ctx, instance, after)(yield)
				return
			}
		}
		for _, check := range []func() error{
			func() error { return store.CheckArgument("the version", after) },
			func() error { return bound.Need[store.Feed](a.store, "Follow") },
			func() error { return bound.Need[store.Inspection](a.store, "Follow") },
		} {
			if err == nil {
				err = check()
			}
		}
		if err != nil {
			yield(store.StoredEvent{}, err)
			return
		}
		for event, err := range a.newHub().Events(ctx, instance, after, func(ctx context.Context, after int64) ([]store.StoredEvent, error) {
			return a.history(ctx, instance, after, followPage)
		}) {
			if !yield(event, err) {
				return
			}
		}
	}
}

// newHub returns a hub that has goroutines only during a call of Follow.
func (a *Admin) newHub() *await.Hub {
	config := project.Config{Logger: a.config.Logger, Clock: a.clock, PollInterval: pollInterval, FeedStallAfter: feedStallAfter}
	feed := project.NewFeedWatch(a.store, config)
	return await.NewHub(a.store, await.Config{
		Logger: a.config.Logger, PollInterval: pollInterval, Follow: feed.Subscribe,
		Listen: func(ctx context.Context) {
			project.Listen(ctx, a.store.Notifier(), a.config.Logger, func(what store.News) {
				if what&store.NewEvents != 0 {
					feed.LookAgain()
				}
			})
		},
	})
}
