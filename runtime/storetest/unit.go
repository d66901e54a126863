package storetest

import (
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

var unitRules = []rule{
	{name: "rollback leaves nothing and may be repeated", check: rollbackLeavesNothing},
	{name: "rollback after commit does nothing", check: rollbackAfterCommit},
	{name: "a unit of work that ended commits no more", check: endedUnitOfWork},
	{name: "a commit without changes writes nothing and frees the instances", check: commitWithoutChanges},
	{name: "members without a change stay as they are", check: membersWithoutChange},
	{name: "while a unit of work is open no other commits to its instance", check: heldInstance},
	{name: "begin waits for a held instance, but not for long", check: beginOnHeld, concurrent: true},
	{name: "of two that found an instance missing, the second to commit conflicts", check: bothFoundMissing, concurrent: true},
	{name: "of two that found an instance missing, the one that comes after the completion conflicts",
		check: completedByAnother, concurrent: true},
	{name: "an open unit of work does not hold up other instances", check: otherInstances, concurrent: true},
	{name: "a queue works beside an open unit of work", check: queueBesideUnitOfWork, concurrent: true},
}

func rollbackLeavesNothing(k *kit) {
	k.commit(change(order("1"), 0, 1))
	before := k.dump()
	u := k.begin(order("1"), order("2"))
	k.rollback(u)
	k.rollback(u)
	k.unchanged(before)
	k.commit(change(order("1"), 1, 1))
}

func rollbackAfterCommit(k *kit) {
	u := k.begin(order("1"))
	if err := u.Commit(k.ctx, newID(), []store.Change{change(order("1"), 0, 1)}); err != nil {
		k.Fatalf("Commit: %v", err)
	}
	before := k.dump()
	other := k.begin(order("2")) // which the late rollback must not end
	k.rollback(u)
	k.unchanged(before)
	if err := other.Commit(k.ctx, newID(), []store.Change{change(order("2"), 0, 1)}); err != nil {
		k.Errorf("Commit of another unit of work: %v", err)
	}
	k.wantVersion(order("1"), 1)
}

func endedUnitOfWork(k *kit) {
	u := k.begin(order("1"))
	k.rollback(u)
	if err := u.Commit(k.ctx, newID(), []store.Change{change(order("1"), 0, 1)}); err == nil {
		k.Error("Commit after Rollback returns no error")
	}
	k.wantRows(nil)

	u = k.begin(order("1"))
	if err := u.Commit(k.ctx, newID(), []store.Change{change(order("1"), 0, 1)}); err != nil {
		k.Fatalf("Commit: %v", err)
	}
	before := k.dump()
	if err := u.Commit(k.ctx, newID(), []store.Change{change(order("1"), 1, 1)}); err == nil {
		k.Error("a second Commit returns no error")
	}
	k.unchanged(before)
}

func commitWithoutChanges(k *kit) {
	k.commit(change(order("1"), 0, 1))
	before := k.dump()
	if err := k.begin(order("1"), order("2")).Commit(k.ctx, newID(), nil); err != nil {
		k.Errorf("Commit: %v", err)
	}
	k.unchanged(before)
	k.commit(change(order("1"), 1, 1), change(order("2"), 0, 1))
}

func heldInstance(k *kit) {
	k.commit(change(order("1"), 0, 1))
	u := k.begin(order("1"))
	started, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		close(started)
		ended <- k.decideOne(order("1"), func(i store.Instance) store.Change { return change(order("1"), i.Version, 1) })
	}()
	<-started
	if err := u.Commit(k.ctx, newID(), []store.Change{change(order("1"), 1, 1)}); err != nil {
		k.Errorf("Commit of the one that began first: %v", err)
	}
	if err := <-ended; err != nil {
		k.Errorf("the other: %v", err)
	}
	k.wantVersion(order("1"), 3)
}

func beginOnHeld(k *kit) {
	k.commit(change(order("1"), 0, 1))
	holder := k.begin(order("1"))
	start := time.Now()
	k.soon("Begin", func() {
		if _, err := k.Store.Begin(k.ctx, ask(order("2"), order("1"))); !isConflict(err) {
			k.Errorf("got error %v, want ErrConflict", err)
		}
	})
	k.Logf("Begin waited %v", time.Since(start))
	k.rollback(holder)
	k.wantFree()
}

func bothFoundMissing(k *kit) {
	a, b := k.begin(order("1")), k.begin(order("1"), order("2"))
	if first(a).Version != 0 || first(b).Version != 0 {
		k.Fatalf("got %+v and %+v", first(a), first(b))
	}
	if err := b.Commit(k.ctx, newID(), []store.Change{full(order("1"), 0, "ann"), change(order("2"), 0, 1)}); err != nil {
		k.Fatalf("Commit: %v", err)
	}
	before := k.dump()
	if err := a.Commit(k.ctx, newID(), []store.Change{full(order("1"), 0, "ann")}); !isConflict(err) {
		k.Errorf("got error %v, want ErrConflict", err)
	}
	k.unchanged(before)
}

func otherInstances(k *kit) {
	k.commit(change(order("1"), 0, 1), change(order("2"), 0, 1))
	u := k.begin(order("1"), order("missing"))
	k.soon("a unit of work over other instances", func() {
		for version := range int64(3) {
			if err := k.try(change(order("2"), version+1, 1), change(order("new"), version, 1)); err != nil {
				k.Errorf("Commit: %v", err)
			}
		}
	})
	if err := u.Commit(k.ctx, newID(), []store.Change{change(order("1"), 1, 1), change(order("missing"), 0, 1)}); err != nil {
		k.Errorf("Commit: %v", err)
	}
}

func queueBesideUnitOfWork(k *kit) {
	for _, l := range []line{k.effects(), k.timers()} {
		l.put(string(l.name), at(0))
		u := k.begin(order("effects"), order("missing"))
		k.soon("a queue beside a unit of work", func() {
			claimed, err := l.queue.Claim(k.ctx, store.Claim{
				Kinds: []store.Kind{l.kind}, Now: at(1), Until: at(60), Limit: 1,
			})
			if err != nil || len(claimed) != 1 {
				k.Errorf("Claim: got %v, error %v", claimed, err)
				return
			}
			lost, err := l.queue.Settle(k.ctx, []store.Settlement{{Lease: claimed[0].Lease, Verdict: store.Done}})
			if err != nil || len(lost) != 0 {
				k.Errorf("Settle: lost %v, error %v", lost, err)
			}
		})
		k.rollback(u)
	}
}

func membersWithoutChange(k *kit) {
	k.commit(change(order("1"), 0, 1), change(order("2"), 0, 1))
	u := k.begin(order("1"), order("2"), order("3"), order("4"))
	if err := u.Commit(k.ctx, newID(), []store.Change{change(order("4"), 0, 1), change(order("2"), 1, 1)}); err != nil {
		k.Fatalf("Commit: %v", err)
	}
	for id, version := range map[string]int64{"1": 1, "2": 2, "3": 0, "4": 1} {
		k.wantVersion(order(id), version)
	}
}

func completedByAnother(k *kit) {
	slow := k.begin(order("1"))
	k.commit(complete(full(order("1"), 0, "ann")))
	before := k.dump()
	if err := slow.Commit(k.ctx, newID(), []store.Change{full(order("1"), 0, "ann")}); !isConflict(err) {
		k.Errorf("got error %v, want ErrConflict", err)
	}
	k.unchanged(before)
}
