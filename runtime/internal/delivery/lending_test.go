package delivery

import (
	"context"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

func kind(name string) store.Kind { return store.Kind{Workflow: "order", Name: name} }

// lender is a worker with handlers, in a run that claims nothing.
func lender(t *testing.T, handlers int) (w *worker, stop func()) {
	w = &worker{slots: handlers, floors: newFloors(), alarm: alarm{ring: make(chan struct{}, 1)}, routes: map[store.Kind]route{
		kind("plain"): {}, kind("other"): {}, kind("urgent"): {priority: 1}, kind("limited"): {limit: &workflow.EffectLimit{Global: 1}},
	}}
	ctx, stop := context.WithCancel(t.Context())
	w.lending.begin(&workerRun{worker: w, stop: ctx, handlers: ctx, busy: make(chan struct{}, handlers)})
	return w, stop
}

// wantLent lends handlers until there are no more, and takes them back.
func (w *worker) wantLent(t *testing.T, name string, want int) {
	t.Helper()
	before := len(w.lending.run.busy)
	got := 0
	for w.lend(kind(name), new(int)) {
		got++
	}
	if got != want || w.out != got {
		t.Errorf("lent %d handlers to %s, want %d; %d are out", got, name, want, w.out)
	}
	for range got {
		w.takeBack()
	}
	if n := len(w.lending.run.busy); n != before || w.out != 0 {
		t.Errorf("%d handlers are busy, %d are out, want %d and 0", n, w.out, before)
	}
	w.lending.run.serving.Wait() // as the end of a run does
}

func TestLendsOnlyFreeHandlers(t *testing.T) {
	w, stop := lender(t, 4)
	w.wantLent(t, "plain", 4)
	w.lending.run.busy <- struct{}{} // a claim's
	w.wantLent(t, "plain", 3)
	w.wantLent(t, "limited", 0)
	w.wantLent(t, "unknown", 0)
	w.isPaused("order")
	w.wantLent(t, "plain", 0)
	w.paused["order"] = time.Now()
	w.wantLent(t, "plain", 3)
	stop()
	w.wantLent(t, "plain", 0)
}

func TestSomeAreKeptWhileOthersWait(t *testing.T) {
	w, stop := lender(t, 5)
	defer stop()
	before := w.claimBegins()
	w.waits(kind("other"), time.Now())
	wantWaiting := func(waiting bool) {
		t.Helper()
		if waiting {
			w.wantLent(t, "plain", 3)
		} else {
			w.wantLent(t, "plain", 5)
		}
		if most := w.forClaims(w.slots); waiting && most != 5 || !waiting && most != 3 {
			t.Errorf("a claim may take %d handlers", most)
		}
	}
	wantWaiting(true)
	w.claimEnds(before, []store.Kind{kind("other")}, false) // it may have begun before the delivery was stored
	wantWaiting(true)
	w.claimEnds(w.claimBegins(), []store.Kind{kind("plain")}, false)
	wantWaiting(true)
	w.claimEnds(w.claimBegins(), []store.Kind{kind("other")}, false)
	wantWaiting(false)
	w.claimEnds(w.claimBegins(), []store.Kind{kind("urgent")}, true)
	w.wantLent(t, "plain", 0)
	w.wantLent(t, "urgent", 3)
	w.waits(kind("unknown"), time.Now())
	w.claimEnds(w.claimBegins(), []store.Kind{kind("urgent")}, false)
	wantWaiting(false)

	one, stopOne := lender(t, 1)
	defer stopOne()
	one.waits(kind("plain"), time.Now())
	one.wantLent(t, "plain", 0)
}

// A handler that has returned is lent on while its result is stored. If that fails, nobody has it but the delivery.
func TestLendsHandlersThatHaveReturned(t *testing.T) {
	for name, stored := range map[string]bool{"stored": true, "failed": false} {
		t.Run(name, func(t *testing.T) {
			w, stop := lender(t, 2)
			defer stop()
			busy := w.lending.run.busy
			busy <- struct{}{}
			busy <- struct{}{}
			returned := 1
			if !w.lend(kind("plain"), &returned) || w.lend(kind("plain"), &returned) {
				t.Error("not one handler is lent for one that has returned")
			}
			if stored {
				w.isFree() // which has returned
				if len(busy) != 2 {
					t.Errorf("%d handlers are busy, want 2", len(busy))
				}
			}
			w.takeBack()
			if want := map[bool]int{true: 1, false: 2}[stored]; len(busy) != want || w.owed != 0 || w.out != 0 {
				t.Errorf("%d handlers are busy, %d owed, %d out, want %d, 0 and 0", len(busy), w.owed, w.out, want)
			}
		})
	}
}
