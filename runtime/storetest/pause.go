package storetest

import (
	"slices"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// pauseRules hold for effects and for timers.
var pauseRules = []queueRule{
	{name: "a paused workflow has no deliveries to claim, and its leases are untouched", check: pauseClaims},
	{name: "looking back finds nothing of a paused workflow", check: pauseLooksBack},
	{name: "pauses are listed, replaced and ended", check: listPauses},
}

func (l line) pause(pause store.Pause) {
	l.Helper()
	if err := l.pauses.PauseWorkflow(l.ctx, pause); err != nil {
		l.Fatalf("PauseWorkflow: %v", err)
	}
}

func (l line) resume(workflow string) {
	l.Helper()
	if err := l.pauses.ResumeWorkflow(l.ctx, workflow); err != nil {
		l.Fatalf("ResumeWorkflow: %v", err)
	}
}

func pauseClaims(l line) {
	other := store.Kind{Workflow: "cart", Name: l.kind.Name}
	both := []store.Kind{l.kind, other}
	l.put("1", at(0))
	leases := []store.Lease{*l.lease()}
	l.put("2", at(0))
	l.putKind("3", other, at(0))

	l.pause(store.Pause{Workflow: "order", At: at(1)})
	// The lease of 1 has run out at 7200, which does not matter now.
	if got := l.claimKinds(both, at(9000), at(9999), 9); !slices.Equal(ids(got), []string{"3"}) {
		l.Errorf("claimed %v, want only what is not paused", ids(got))
	}
	if lost, err := l.queue.Extend(l.ctx, leases, at(9500)); err != nil || len(lost) > 0 {
		l.Errorf("Extend: lost %v, error %v", lost, err)
	}
	l.settle(&leases[0], store.RetryLater, at(8000), "later")

	l.resume("order")
	got := l.claimKinds(both, at(9000), at(9999), 9)
	if len(got) != 2 {
		l.Errorf("claimed %v after the pause, want 1 and 2", ids(got))
	}
	for _, d := range got {
		if want := map[string]int{"1": 2, "2": 1}[d.Lease.Instance.ID]; d.Attempt != want {
			l.Errorf("%s is at attempt %d, want %d", d.Lease.Instance, d.Attempt, want)
		}
	}
}

func pauseLooksBack(l line) {
	before := map[store.Kind]time.Time{l.kind: at(50)}
	l.put("1", at(3))
	l.pause(store.Pause{Workflow: "order", At: at(4)})
	l.wantOldest(before, nil)
	l.resume("order")
	l.wantOldest(before, map[store.Kind]time.Time{l.kind: at(3)})
}

func listPauses(l line) {
	want := func(pauses ...store.Pause) {
		l.Helper()
		if got, err := l.pauses.PausedWorkflows(l.ctx); err != nil || !slices.Equal(got, pauses) {
			l.Errorf("got %+v, error %v, want %+v", got, err, pauses)
		}
	}
	want()
	order := store.Pause{Workflow: "order", By: "ann", Reason: "the bank is down", At: at(1), RefuseInputs: true}
	cart := store.Pause{Workflow: "cart", At: at(2)}
	l.pause(order)
	l.pause(cart)
	want(cart, order)
	order = store.Pause{Workflow: "order", By: "bob", Reason: "it's \"down\"", At: at(3)}
	l.pause(order)
	want(cart, order)
	l.resume("unknown")
	l.resume("cart")
	want(order)
	l.resume("order")
	l.resume("order")
	want()
}
