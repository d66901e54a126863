package storetest

import (
	"context"
	"errors"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// A caller that went away must not leave a lock behind, and must know whether its change was stored: a context that has
// ended before Commit means it was not.
var contextRules = []rule{
	{name: "begin with an ended context fails and holds nothing", check: beginEnded},
	{name: "begin gives up when its context ends while it waits", check: beginGivesUp},
	{name: "commit with an ended context stores nothing and frees the instances", check: commitEnded},
	{name: "rollback with an ended context frees the instances", check: rollbackEnded},
	{name: "the context of begin does not bind the commit", check: beginContextEnds},
	{name: "everything else with an ended context fails and changes nothing", check: othersEnded},
}

func ended() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

func isCanceled(err error) bool { return errors.Is(err, context.Canceled) }

// wantFree says that nothing holds the instances 1, which is at version 1, and 2, which is missing.
func (k *kit) wantFree() {
	k.Helper()
	k.soon("a unit of work over instances that should be free", func() {
		if err := k.try(change(order("2"), 0, 1), change(order("1"), 1, 1)); err != nil {
			k.Errorf("Commit: %v", err)
		}
	})
}

func beginEnded(k *kit) {
	k.commit(change(order("1"), 0, 1))
	if _, err := k.Store.Begin(ended(), ask(order("1"), order("2"))); !isCanceled(err) {
		k.Errorf("got error %v, want context.Canceled", err)
	}
	k.wantFree()
}

func beginGivesUp(k *kit) {
	k.commit(change(order("1"), 0, 1))
	holder := k.begin(order("1"))
	ctx, cancel := context.WithTimeout(k.ctx, 50*time.Millisecond)
	defer cancel()
	k.soon("Begin", func() {
		if _, err := k.Store.Begin(ctx, ask(order("2"), order("1"))); !errors.Is(err, context.DeadlineExceeded) {
			k.Errorf("got error %v, want context.DeadlineExceeded", err)
		}
	})
	k.rollback(holder)
	k.wantFree()
}

func commitEnded(k *kit) {
	k.commit(change(order("1"), 0, 1))
	before := k.dump()
	u := k.begin(order("1"), order("2"))
	k.soon("Commit", func() {
		err := u.Commit(ended(), newID(), []store.Change{full(order("1"), 1, "ann"), full(order("2"), 0, "bob")})
		if !isCanceled(err) {
			k.Errorf("got error %v, want context.Canceled", err)
		}
	})
	k.unchanged(before)
	k.wantFree()
}

func rollbackEnded(k *kit) {
	k.commit(change(order("1"), 0, 1))
	u := k.begin(order("1"), order("2"))
	k.soon("Rollback", func() {
		if err := u.Rollback(ended()); err != nil {
			k.Errorf("Rollback: %v", err)
		}
	})
	k.wantFree()
}

func beginContextEnds(k *kit) {
	k.commit(change(order("1"), 0, 1))
	ctx, cancel := context.WithCancel(k.ctx)
	defer cancel()
	u, err := k.Store.Begin(ctx, ask(order("1"), order("2")))
	if err != nil {
		k.Fatalf("Begin: %v", err)
	}
	cancel()
	if err := u.Commit(k.ctx, newID(), []store.Change{change(order("1"), 1, 1), change(order("2"), 0, 1)}); err != nil {
		k.Errorf("Commit: %v", err)
	}
	k.wantVersion(order("1"), 2)
	k.wantVersion(order("2"), 1)
}

func othersEnded(k *kit) {
	k.commit(full(order("1"), 0, ""))
	before := k.dump()
	if _, err := k.Store.Read(ended(), ask(order("1"))); !isCanceled(err) {
		k.Errorf("Read: got error %v, want context.Canceled", err)
	}
	if _, err := k.Store.Committed(ended(), order("1"), 1, 1); !isCanceled(err) {
		k.Errorf("Committed: got error %v, want context.Canceled", err)
	}
	if k.snapshots != nil {
		if err := k.snapshots.SaveSnapshots(ended(), []store.Snapshot{snapshot(order("1"), 1, "a")}); !isCanceled(err) {
			k.Errorf("SaveSnapshots: got error %v, want context.Canceled", err)
		}
	}
	for _, l := range []line{k.effects(), k.timers()} {
		c := store.Claim{Kinds: []store.Kind{l.kind}, Now: at(3600), Until: at(7200), Limit: 1}
		if got, err := l.queue.Claim(ended(), c); !isCanceled(err) || len(got) != 0 {
			k.Errorf("Claim: got %v, error %v, want context.Canceled", got, err)
		}
	}
	k.unchanged(before)
	for _, l := range []line{k.effects(), k.timers()} {
		lease := l.lease()
		before := k.dump()
		if _, err := l.queue.Extend(ended(), []store.Lease{*lease}, at(9000)); !isCanceled(err) {
			k.Errorf("Extend: got error %v, want context.Canceled", err)
		}
		done := store.Settlement{Lease: *lease, Verdict: store.Done}
		if _, err := l.queue.Settle(ended(), []store.Settlement{done}); !isCanceled(err) {
			k.Errorf("Settle: got error %v, want context.Canceled", err)
		}
		k.unchanged(before)
		l.settle(lease, store.Done, at(1), "")
	}
}
