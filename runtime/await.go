package runtime

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/ironflow-gen/ironflow/runtime/internal/await"
	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/internal/explain"
	"github.com/ironflow-gen/ironflow/runtime/internal/project"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Until is what [Await] waits for. UntilCompleted, UntilStatus, UntilVersion and UntilDelivered return one. The zero value is
// UntilCompleted.
type Until struct {
	Statuses  []string // not together with Version
	Version   int64    // 0 if it is not about a version
	Delivered bool     // also waits for the effects of the decision with this version; needs Version
}

// UntilCompleted waits until the instance has completed: it accepts no input any more.
func UntilCompleted() Until { return Until{} }

// UntilStatus waits until the instance has one of the statuses, as in UntilStatus(order.StatusPaid). A status that lasts shorter than some
// milliseconds may be missed; wait for the version of the event that leads to it instead.
func UntilStatus[S ~string](statuses ...S) Until {
	u := Until{Statuses: make([]string, 0, len(statuses))}
	for _, s := range statuses {
		u.Statuses = append(u.Statuses, string(s))
	}
	return u
}

// UntilVersion waits until the instance has this many events. A version below 1 means 1: until the instance exists.
func UntilVersion(version int64) Until { return Until{Version: max(version, 1)} }

// UntilDelivered waits for everything that an input led to by effects. Pass Outcome.Version of the accepted input. Await returns when
// the effects of that decision, those of the decisions on their results, and so on, have been delivered, in all workflows that they
// lead to. It does not wait for timers that these decisions start.
//
// If one of the effects is a dead letter and its instance was not told of it, the error is *store.DeadEffects.
func UntilDelivered(version int64) Until { return Until{Version: max(version, 1), Delivered: true} }

// String says what is waited for, as in "until it has completed".
func (u Until) String() string {
	switch {
	case len(u.Statuses) > 0:
		return "until it is " + strings.Join(u.Statuses, " or ")
	case u.Delivered:
		return fmt.Sprintf("until the effects of version %d are delivered", u.Version)
	case u.Version > 0:
		return fmt.Sprintf("until version %d", u.Version)
	}
	return "until it has completed"
}

// Await waits until an instance is as until says, and returns its state then, or a later one. Generated clients call it. It returns at once
// if that is so already. An instance that does not exist yet is waited for.
//
// The wait ends with the context: give it a deadline. If the store is unavailable meanwhile, the wait goes on when it is back. If the
// instance completes without reaching what is waited for, the error is *store.NeverReached; if it is deleted, *UnknownInstance.
//
// Commits of this process wake the caller directly. Those of other processes are noticed within some milliseconds on a store that is a
// store.Notifier, otherwise within Config.PollInterval. It works without Run. Any number of callers may wait: together they cost one
// subscription to the feed.
func Await[S any](ctx context.Context, engines Engines, workflow, id string, until Until) (View[S], error) {
	engine, err := engines.EngineOf(ctx, InstanceKey{Workflow: workflow, ID: id})
	if err != nil {
		return View[S]{}, err
	}
	if err := engine.await(ctx, workflow, id, until); err != nil {
		return View[S]{}, err
	}
	return LoadState[S](ctx, engine, workflow, id)
}

// AwaitDynamic is Await for callers without the workflow's types: the state is JSON.
func (e *Engine) AwaitDynamic(ctx context.Context, workflow, id string, until Until) (View[json.RawMessage], error) {
	if err := e.await(ctx, workflow, id, until); err != nil {
		return View[json.RawMessage]{}, err
	}
	return e.StateDynamic(ctx, workflow, id)
}

func (e *Engine) await(ctx context.Context, workflow, id string, until Until) error {
	w, key, err := e.known(workflow, id)
	if err != nil {
		return err
	}
	if err := e.checkUntil(w, until); err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	if err := e.waitFor(ctx, key, until); err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("%s: waiting %s: %w", key, until, err)
		}
		return err
	}
	return nil
}

func (e *Engine) checkUntil(w *Workflow, until Until) error {
	if err := e.canWait(); err != nil {
		return err
	}
	if until.Version < 0 || until.Version > 0 && until.Statuses != nil || until.Delivered && until.Version == 0 {
		return &InvalidArgument{Argument: "Until", Problem: "does not fit together; use UntilCompleted, UntilStatus, UntilVersion or UntilDelivered"}
	}
	if until.Delivered {
		if err := bound.Need[store.Causes](e.store, "UntilDelivered"); err != nil {
			return err
		}
	}
	if until.Statuses == nil {
		return nil
	}
	machine := w.DeclaredMachine()
	if machine == nil {
		return &InvalidArgument{Argument: "UntilStatus", Problem: "needs a workflow with states"}
	}
	var names []string
	for _, s := range machine.States {
		names = append(names, s.Name)
	}
	if len(until.Statuses) == 0 {
		return &InvalidArgument{Argument: "UntilStatus", Problem: fmt.Sprintf("has no status; the statuses are %q", names)}
	}
	for _, s := range until.Statuses {
		if !slices.Contains(names, s) {
			return &InvalidArgument{Argument: "UntilStatus", Problem: fmt.Sprintf("has the status %q; the statuses are %q", s, names)}
		}
	}
	return nil
}

// canWait fails unless the store has what waiting needs.
func (e *Engine) canWait() error {
	if err := bound.Need[store.Feed](e.store, "Await"); err != nil {
		return err
	}
	return bound.Need[store.Inspection](e.store, "Await")
}

func (e *Engine) waitFor(ctx context.Context, key InstanceKey, until Until) error {
	never := func(s store.InstanceSummary) error {
		return &store.NeverReached{Instance: key, Status: s.Status, Version: s.Version, Until: until.String()}
	}
	if _, err := e.waits.Until(ctx, key, func(s store.InstanceSummary) (bool, error) {
		switch {
		case len(until.Statuses) > 0 && slices.Contains(until.Statuses, s.Status) && s.Version > 0:
			return true, nil
		case len(until.Statuses) == 0 && until.Version == 0:
			return s.Completed(), nil
		case until.Version > 0 && s.Version >= until.Version:
			return true, nil
		case s.Completed():
			return false, never(s)
		}
		return false, nil
	}); err != nil || !until.Delivered {
		return err
	}
	explainer := explain.Explainer{Store: e.store, Clock: e.config.Clock}
	return e.waits.Deliveries(ctx, func(ctx context.Context) ([]Lease, error) {
		found, err := explainer.Consequences(ctx, key, until.Version)
		if err == nil && len(found.Pending) == 0 && len(found.Dead) > 0 {
			err = &store.DeadEffects{Instance: key, Version: until.Version, Letters: found.Dead}
		}
		return found.Pending, err
	})
}

// FollowDynamic returns the events of an instance after a version, and then new events as they are stored, in the form of today's
// declaration. The loop ends after the last event of a completed instance, or with an error: that of ctx, *UnknownInstance if the instance
// was deleted meanwhile, or that of an event which cannot be decoded. An instance that does not exist yet is waited for.
func (e *Engine) FollowDynamic(ctx context.Context, instance InstanceKey, after int64) iter.Seq2[Recorded[Encoded], error] {
	return func(yield func(Recorded[Encoded], error) bool) {
		_, _, err := e.known(instance.Workflow, instance.ID)
		if err == nil {
			err = e.canWait()
		}
		if err == nil {
			err = store.CheckArgument("the version", after)
		}
		if err != nil {
			yield(Recorded[Encoded]{}, err)
			return
		}
		for stored, err := range e.waits.Events(ctx, instance, after, func(ctx context.Context, after int64) ([]StoredEvent, error) {
			return e.historyOf(ctx, instance, after, historyPage)
		}) {
			var event Recorded[Encoded]
			if err == nil {
				var decoded []Recorded[Encoded]
				if decoded, err = e.encodedHistory(instance.Workflow, []StoredEvent{stored}); err == nil {
					event = decoded[0]
				}
			}
			if !yield(event, err) || err != nil {
				return
			}
		}
	}
}

// newHub returns the hub of the engine's callers that wait.
func (e *Engine) newHub() *await.Hub {
	return await.NewHub(e.store, await.Config{
		Logger: e.config.Logger, PollInterval: e.config.PollInterval, Follow: e.feed.Subscribe,
		Listen: func(ctx context.Context) {
			if e.running.Load() { // Run listens
				return
			}
			project.Listen(ctx, e.store.Notifier(), e.config.Logger, func(what store.News) {
				if what&store.NewEvents != 0 {
					e.feed.LookAgain()
				}
			})
		},
	})
}
