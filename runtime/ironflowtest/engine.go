package ironflowtest

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// This file has what tests of a whole engine ask, on any store.

// awaitLimit is how long AwaitState waits. In a bubble of testing/synctest that is virtual time.
const awaitLimit = 10 * time.Second

// RequireEffect returns the newest effect of an instance and a kind. The effect waits to be delivered, or is a dead letter. If there is
// no such effect, RequireEffect fails the test. After its handler has succeeded, an effect does not wait any more. So call RequireEffect
// while the engine does not run, or after a handler has failed.
func (k *Kit[S, I, E, F, R]) RequireEffect(t TB, engine *runtime.Engine, id string, kind workflow.EffectKind) store.WaitingDelivery {
	t.Helper()
	return k.require(t, engine, id, "effect", string(kind), func(r *runtime.InstanceReport) []store.WaitingDelivery { return r.Effects },
		func(d store.WaitingDelivery) string { return d.Kind.Name })
}

// RequireTimer returns the timer of an instance with a key. Its RunAt is the time when it fires. If the timer was not started or has
// fired, RequireTimer fails the test. The key is the declared name, or name/key for a timer that was started with Key.
func (k *Kit[S, I, E, F, R]) RequireTimer(t TB, engine *runtime.Engine, id, key string) store.WaitingDelivery {
	t.Helper()
	return k.require(t, engine, id, "timer", key, func(r *runtime.InstanceReport) []store.WaitingDelivery { return r.Timers },
		func(d store.WaitingDelivery) string { return d.Lease.Key })
}

func (k *Kit[S, I, E, F, R]) require(
	t TB, engine *runtime.Engine, id, what, name string, of func(*runtime.InstanceReport) []store.WaitingDelivery,
	nameOf func(store.WaitingDelivery) string,
) store.WaitingDelivery {
	t.Helper()
	report, err := engine.Inspect(context.Background(), store.InstanceKey{Workflow: k.workflow.Name(), ID: id})
	if err != nil {
		t.Fatalf("%v", err)
	}
	var names []string
	var found []store.WaitingDelivery
	for _, d := range of(report) {
		names = append(names, nameOf(d))
		if nameOf(d) == name {
			found = append(found, d)
		}
	}
	if len(found) == 0 {
		waiting := "none waits"
		if len(names) > 0 {
			slices.Sort(names)
			waiting = "these wait: " + strings.Join(names, ", ")
		}
		t.Fatalf("%s: no %s %s waits; %s", report.Key, what, name, waiting)
	}
	return slices.MaxFunc(found, func(a, b store.WaitingDelivery) int { return a.Due.Compare(b.Due) })
}

// AwaitState waits until wanted returns true for the state of an instance, and returns that state. If the instance does not exist yet, it
// waits for it. After ten seconds it fails the test and describes the instance.
func (k *Kit[S, I, E, F, R]) AwaitState(t TB, engine *runtime.Engine, id string, wanted func(S) bool) runtime.View[S] {
	t.Helper()
	ctx := context.Background()
	var (
		view runtime.View[S]
		err  error
	)
	for deadline := time.Now().Add(awaitLimit); ; time.Sleep(2 * time.Millisecond) {
		if view, err = runtime.LoadState[S](ctx, engine, k.workflow.Name(), id); err == nil && wanted(view.State) {
			return view
		}
		if time.Now().After(deadline) {
			break
		}
	}
	if err != nil {
		t.Fatalf("after %v: %v", awaitLimit, err)
	}
	report, err := engine.Inspect(ctx, store.InstanceKey{Workflow: k.workflow.Name(), ID: id})
	if err != nil {
		t.Fatalf("%v", err)
	}
	var waits []string
	for _, d := range slices.Concat(report.Effects, report.Timers) {
		line := d.Kind.Name + " is due at " + d.RunAt.Format(time.RFC3339)
		if d.LastError != "" {
			line += "; last error: " + d.LastError
		}
		waits = append(waits, line)
	}
	t.Fatalf("%s is not as wanted after %v; version %d, status %q, state %+v. What it waits for:%s", report.Key, awaitLimit, view.Version,
		report.Status, view.State, indented(waits))
	return view
}
