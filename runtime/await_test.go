package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// awaiting starts a wait and says when it has begun to wait for news.
func awaiting(b *bed, ctx context.Context, client *ticket.Client, id string, until runtime.Until) <-chan result {
	done := make(chan result, 1)
	go func() {
		view, err := client.Await(ctx, id, until)
		done <- result{view, err}
	}()
	select {
	case r := <-done:
		b.Fatalf("%s: it does not wait: %+v", until, r)
	case <-time.After(50 * time.Millisecond):
	}
	return done
}

type result struct {
	view runtime.View[ticket.State]
	err  error
}

// A wait ends when the instance is as it says, whichever engine decides.
func TestAwait(t *testing.T) {
	onStores(t, func(b *bed) {
		ctx, cancel := context.WithTimeout(b.Context(), 30*time.Second)
		defer cancel()
		here := ticket.NewClient(b.engine(b.realConfig(), tickets(ticket.Decider{}, ticket.Handler{})))
		for _, there := range []*ticket.Client{here, ticket.NewClient(b.engine(b.realConfig(), tickets(ticket.Decider{}, ticket.Handler{})))} {
			id := "here"
			if there != here {
				id = "there"
			}
			created := awaiting(b, ctx, here, id, runtime.UntilVersion(0))
			opened, err := there.Open(ctx, ticket.Open{ID: id, Subject: id})
			must(b, opened, err)
			if r := wait(b, "it is created", created); r.err != nil || r.view.Version != 1 || r.view.State.Subject != id {
				b.Errorf("created: got %+v", r)
			}
			held := awaiting(b, ctx, here, id, runtime.UntilStatus(ticket.StatusWaiting, ticket.StatusUrgent))
			second := awaiting(b, ctx, here, id, runtime.UntilVersion(2))
			completed := awaiting(b, ctx, here, id, runtime.UntilCompleted())
			never := awaiting(b, ctx, here, id, runtime.UntilStatus(ticket.StatusClosed))
			hold, err := there.Hold(ctx, ticket.Hold{ID: id})
			must(b, hold, err)
			if r := wait(b, "it is held", held); r.err != nil || r.view.State.Status != ticket.StatusWaiting || r.view.Version != 2 {
				b.Errorf("held: got %+v", r)
			}
			if r := wait(b, "version 2", second); r.err != nil || r.view.Version != 2 {
				b.Errorf("version 2: got %+v", r)
			}
			resumed, err := there.Resume(ctx, ticket.Resume{ID: id})
			must(b, resumed, err)
			solved, err := there.Solve(ctx, ticket.Solve{ID: id})
			must(b, solved, err)
			if r := wait(b, "it is completed", completed); r.err != nil || !r.view.Completed || r.view.Version != 4 {
				b.Errorf("completed: got %+v", r)
			}
			r := wait(b, "it cannot be closed any more", never)
			if ended, is := errors.AsType[*store.NeverReached](r.err); !is || ended.Status != "solved" || ended.Version != 4 || ended.Instance.ID != id {
				b.Errorf("closed: got %+v", r)
			}
			for _, until := range []runtime.Until{runtime.UntilCompleted(), runtime.UntilVersion(3), runtime.UntilStatus("solved"), runtime.UntilDelivered(1), {}} {
				if view, err := here.Await(ctx, id, until); err != nil || view.Version != 4 {
					b.Errorf("%s, which is so: got %+v, %v", until, view, err)
				}
			}
		}
	})
}

func TestAwaitRefuses(t *testing.T) {
	onStores(t, func(b *bed) {
		client := ticket.NewClient(b.engine(b.realConfig(), tickets(ticket.Decider{}, ticket.Handler{})))
		for _, test := range []struct {
			id    string
			until runtime.Until
			says  string
		}{
			{"", runtime.UntilCompleted(), "empty"},
			{"a", runtime.UntilStatus("shut"), `"shut"`},
			{"a", runtime.UntilStatus[ticket.Status](), "no status"},
			{"a", runtime.Until{Version: -1}, "fit together"},
			{"a", runtime.Until{Version: 1, Statuses: []string{"open"}}, "fit together"},
			{"a", runtime.Until{Delivered: true}, "fit together"},
		} {
			_, err := client.Await(b.Context(), test.id, test.until)
			wantError(b, err, test.says)
		}
		ctx, cancel := context.WithTimeout(b.Context(), 30*time.Millisecond)
		defer cancel()
		_, err := client.Await(ctx, "nobody", runtime.UntilCompleted())
		wantError(b, err, "ticket/nobody", "until it has completed")
		if !errors.Is(err, context.DeadlineExceeded) {
			b.Errorf("got %v", err)
		}
	})
}

// A wait for what an input led to ends when the effects are delivered, and those that their results led to.
func TestAwaitDelivered(t *testing.T) {
	onStores(t, func(b *bed) {
		ctx, cancel := context.WithTimeout(b.Context(), 30*time.Second)
		defer cancel()
		find, notify := make(chan error), make(chan error)
		decider := ticket.Decider{
			OnOpen: opened(ticket.FindAgent{}),
			OnAssigned: func(_ time.Time, _ ticket.State, in ticket.Assigned) ticket.AssignedDecision {
				return ticket.AcceptAssigned(ticket.AgentAssigned{Agent: in.Agent}).Effect(ticket.Notify{Text: "x"})
			},
		}
		handler := ticket.Handler{
			OnFindAgent: func(context.Context, ticket.FindAgent, runtime.EffectCall) (ticket.FindAgentResult, error) {
				return ticket.Assigned{Agent: "Ada"}, <-find
			},
			OnNotify: func(context.Context, ticket.Notify, runtime.EffectCall) error { return <-notify },
		}
		works := b.engine(b.realConfig(), tickets(decider, handler))
		b.run(works)
		elsewhere := ticket.NewClient(b.engine(b.realConfig(), tickets(decider, handler)))
		for name, client := range map[string]*ticket.Client{"here": ticket.NewClient(works), "elsewhere": elsewhere} {
			out, err := client.Open(ctx, ticket.Open{ID: name, Subject: name})
			must(b, out, err)
			delivered := awaiting(b, ctx, client, name, runtime.UntilDelivered(out.Version))
			find <- nil
			select {
			case r := <-delivered:
				b.Fatalf("%s: it does not wait for the second effect: %+v", name, r)
			case <-time.After(50 * time.Millisecond):
			}
			notify <- nil
			if r := wait(b, "both effects are delivered", delivered); r.err != nil || r.view.State.Agent != "Ada" {
				b.Errorf("%s: got %+v", name, r)
			}
			out, err = client.Open(ctx, ticket.Open{ID: name + " dead", Subject: name + " dead"})
			must(b, out, err)
			dead := awaiting(b, ctx, client, name+" dead", runtime.UntilDelivered(out.Version))
			find <- runtime.Permanent(errors.New("nobody there"))
			r := wait(b, "the effect is dead", dead)
			if d, is := errors.AsType[*store.DeadEffects](r.err); !is || len(d.Letters) != 1 || d.Letters[0].Kind.Name != "FindAgent" {
				b.Errorf("%s: got %+v", name, r)
			}
			wantError(b, r.err, "FindAgent", "nobody there")
		}
	})
}

// watchedStore counts the calls of a store.
type watchedStore struct {
	Store
	summaries, horizons, pages atomic.Int64
	fail                       atomic.Bool
}

func (c *watchedStore) Summaries(ctx context.Context, keys []store.InstanceKey) ([]store.InstanceSummary, error) {
	c.summaries.Add(1)
	if c.fail.Load() {
		return nil, errDown
	}
	return c.Store.Summaries(ctx, keys)
}

func (c *watchedStore) FeedHorizon(ctx context.Context) (store.FeedHorizon, error) {
	c.horizons.Add(1)
	if c.fail.Load() {
		return store.FeedHorizon{}, errDown
	}
	return c.Store.FeedHorizon(ctx)
}

func (c *watchedStore) EventsSince(ctx context.Context, after store.FeedPosition, limit int, filters ...store.EventFilter) (store.FeedPage, error) {
	c.pages.Add(1)
	if c.fail.Load() {
		return store.FeedPage{}, errDown
	}
	return c.Store.EventsSince(ctx, after, limit, filters...)
}

// Many callers cost one subscription: the calls of the store do not grow with them.
func TestAwaitManyCallers(t *testing.T) {
	onStores(t, func(b *bed) {
		ctx, cancel := context.WithTimeout(b.Context(), 60*time.Second)
		defer cancel()
		const callers, instances = 2000, 200
		config := b.realConfig()
		config.PollInterval = 200 * time.Millisecond
		counted := &watchedStore{Store: b.store}
		client := ticket.NewClient(b.engineOn(counted, config, tickets(ticket.Decider{}, ticket.Handler{})))
		other := ticket.NewClient(b.engine(b.realConfig(), tickets(ticket.Decider{}, ticket.Handler{})))
		var all sync.WaitGroup
		errs := make([]error, callers)
		for i := range callers {
			all.Go(func() { _, errs[i] = client.Await(ctx, fmt.Sprint(i%instances), runtime.UntilVersion(1)) })
		}
		b.eventually("they wait", func() bool { return counted.pages.Load() > 0 })
		time.Sleep(100 * time.Millisecond)
		summaries, horizons, pages := counted.summaries.Load(), counted.horizons.Load(), counted.pages.Load()
		time.Sleep(time.Second)
		if s, h, p := counted.summaries.Load()-summaries, counted.horizons.Load()-horizons, counted.pages.Load()-pages; s > 4 || h > 20 || p > 8 {
			b.Errorf("%d callers cost %d reads of instances, %d of the horizon and %d of the feed in a second", callers, s, h, p)
		}
		for i := range instances {
			out, err := other.Open(ctx, ticket.Open{ID: fmt.Sprint(i), Subject: fmt.Sprint(i)})
			must(b, out, err)
		}
		all.Wait()
		if err := errors.Join(errs...); err != nil {
			b.Error(err)
		}
	})
}

// While the store is down the wait goes on; a context that ends meanwhile says why nothing was found.
func TestAwaitWhileTheStoreIsDown(t *testing.T) {
	onStores(t, func(b *bed) {
		ctx, cancel := context.WithTimeout(b.Context(), 30*time.Second)
		defer cancel()
		counted := &watchedStore{Store: b.store}
		client := ticket.NewClient(b.engineOn(counted, b.realConfig(), tickets(ticket.Decider{}, ticket.Handler{})))
		other := ticket.NewClient(b.engine(b.realConfig(), tickets(ticket.Decider{}, ticket.Handler{})))
		waits := awaiting(b, ctx, client, "a", runtime.UntilVersion(1))
		counted.fail.Store(true)
		out, err := other.Open(ctx, ticket.Open{ID: "a", Subject: "a"})
		must(b, out, err)
		short, cancelShort := context.WithTimeout(ctx, 300*time.Millisecond)
		defer cancelShort()
		_, err = client.Await(short, "b", runtime.UntilVersion(1))
		if !errors.Is(err, context.DeadlineExceeded) || !errors.As(err, new(*runtime.Unavailable)) {
			b.Errorf("got %v", err)
		}
		counted.fail.Store(false)
		if r := wait(b, "it goes on", waits); r.err != nil || r.view.Version != 1 {
			b.Errorf("got %+v", r)
		}
	})
}

// The events of an instance come as they are stored, and end with it.
func TestFollow(t *testing.T) {
	onStores(t, func(b *bed) {
		ctx, cancel := context.WithTimeout(b.Context(), 30*time.Second)
		defer cancel()
		engine := b.engine(b.realConfig(), tickets(ticket.Decider{}, ticket.Handler{}))
		client, key := ticket.NewClient(engine), runtime.InstanceKey{Workflow: "ticket", ID: "a"}
		seen := make(chan string)
		go func() {
			defer close(seen)
			for event, err := range engine.FollowDynamic(ctx, key, 1) {
				seen <- fmt.Sprint(event.Version, event.Type, err)
			}
		}()
		out, err := client.Open(ctx, ticket.Open{ID: "a", Subject: "a"})
		must(b, out, err)
		var got []string
		for i := range 3 {
			note, err := client.Note(ctx, ticket.Note{ID: "a", Text: fmt.Sprint(i)})
			must(b, note, err)
			got = append(got, wait(b, "an event", seen))
		}
		solved, err := client.Solve(ctx, ticket.Solve{ID: "a"})
		must(b, solved, err)
		for event := range seen {
			got = append(got, event)
		}
		if want := []string{"2Noted<nil>", "3Noted<nil>", "4Noted<nil>", "5Solved<nil>"}; !slices.Equal(got, want) {
			b.Errorf("got %q, want %q", got, want)
		}
		for _, err := range engine.FollowDynamic(ctx, runtime.InstanceKey{Workflow: "ticket"}, 0) {
			wantError(b, err, "empty")
		}
	})
}
