package storetest

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

var appendRules = []rule{
	{name: "what is unchanged at its version lets the batch pass", check: unchangedPasses},
	{name: "what is not unchanged is a conflict and nothing of the batch is stored", check: unchangedStale},
	{name: "a batch may only say what is unchanged", check: onlyUnchanged},
	{name: "an instance that a unit of work holds is a conflict at once", check: appendToHeld, concurrent: true},
	{name: "an append beside a unit of work over its instance never joins it", check: appendBesideUnitOfWork},
	{name: "an ended context stores nothing", check: appendEnded},
	{name: "an append whose context ends while it waits stores nothing", check: appendGivesUp},
}

// unchanged says that instances are at versions.
func (k *kit) appendUnchanged(unchanged []store.InstanceVersion, changes ...store.Change) error {
	return k.Store.Append(k.ctx, store.Batch{Commit: newID(), Changes: changes, Unchanged: unchanged})
}

// someInstances are an active one at version 2 and a completed one at version 3.
func (k *kit) someInstances() {
	k.commit(full(order("1"), 0, ""), complete(change(order("done"), 0, 3)))
}

func unchangedPasses(k *kit) {
	k.someInstances()
	err := k.appendUnchanged([]store.InstanceVersion{
		{Instance: order("done"), Version: 3}, {Instance: order("missing")}, {Instance: order("1"), Version: 2},
		{Instance: store.InstanceKey{Workflow: "invoice", ID: "1"}},
	}, change(order("2"), 0, 1), change(order("3"), 0, 2))
	if err != nil {
		k.Errorf("Append: %v", err)
	}
	k.wantVersion(order("1"), 2)
	k.wantVersion(order("2"), 1)
	k.wantVersion(order("3"), 2)
	k.wantVersion(order("missing"), 0)
}

// staleVersions are versions that the instances of someInstances are not at.
var staleVersions = []store.InstanceVersion{
	{Instance: order("1"), Version: 0},
	{Instance: order("1"), Version: 1},
	{Instance: order("1"), Version: 3},
	{Instance: order("missing"), Version: 1},
	{Instance: order("done"), Version: 2},
	{Instance: order("done"), Version: 0},
	{Instance: store.InstanceKey{Workflow: "invoice", ID: "1"}, Version: 2},
}

func unchangedStale(k *kit) {
	k.someInstances()
	k.commit(full(order("2"), 0, "bob"))
	before := k.dump()
	for _, stale := range staleVersions {
		set := []store.InstanceVersion{{Instance: order("unknown")}, stale, {Instance: order("done"), Version: 3}}
		rand.Shuffle(len(set), func(i, j int) { set[i], set[j] = set[j], set[i] })
		err := k.appendUnchanged(set, full(order("2"), 2, "bob"), full(order("new"), 0, ""))
		if !isConflict(err) {
			k.Errorf("%v: got error %v, want ErrConflict", stale, err)
		}
		k.unchanged(before)
	}
}

func onlyUnchanged(k *kit) {
	k.someInstances()
	before := k.dump()
	good := []store.InstanceVersion{
		{Instance: order("missing")}, {Instance: order("1"), Version: 2}, {Instance: order("done"), Version: 3},
	}
	if err := k.appendUnchanged(good); err != nil {
		k.Errorf("Append: %v", err)
	}
	for _, stale := range staleVersions {
		for _, set := range [][]store.InstanceVersion{{stale}, {{Instance: order("unknown")}, stale}} {
			if err := k.appendUnchanged(set); !isConflict(err) {
				k.Errorf("%v: got error %v, want ErrConflict", set, err)
			}
		}
	}
	k.unchanged(before)
}

func appendToHeld(k *kit) {
	k.commit(full(order("1"), 0, ""), full(order("2"), 0, ""))
	before := k.dump()
	u := k.begin(order("1"))
	for _, set := range [][]store.Change{
		{change(order("1"), 2, 1)},
		{full(order("0"), 0, "ann"), full(order("1"), 2, ""), full(order("2"), 2, "bob")},
		{full(order("2"), 2, "bob"), complete(full(order("1"), 2, "")), full(order("3"), 0, "ann")},
	} {
		start := time.Now()
		err := k.try(set...)
		if took := time.Since(start); took > 2*time.Second {
			k.Errorf("Append waited %v", took)
		}
		if !isConflict(err) {
			k.Errorf("got error %v, want ErrConflict", err)
		}
		k.unchanged(before)
	}
	if err := k.try(change(order("2"), 2, 1), change(order("3"), 0, 1)); err != nil { // nothing is left locked
		k.Errorf("Append to others: %v", err)
	}
	if err := u.Commit(k.ctx, newID(), []store.Change{change(order("1"), 2, 1)}); err != nil {
		k.Errorf("Commit: %v", err)
	}
	k.commit(change(order("1"), 3, 1))
}

// appendBesideUnitOfWork holds for stores that wait as for those that do not: the version of the append is stale at once
// or by the time the unit of work has ended.
func appendBesideUnitOfWork(k *kit) {
	k.commit(change(order("1"), 0, 1))
	u := k.begin(order("1"))
	ended := make(chan error, 1)
	go func() { ended <- k.try(full(order("1"), 1, "ann"), full(order("2"), 0, "bob")) }()
	time.Sleep(20 * time.Millisecond) // most likely it is under way by now
	if err := u.Commit(k.ctx, newID(), []store.Change{change(order("1"), 1, 1)}); err != nil {
		k.Errorf("Commit: %v", err)
	}
	if err := <-ended; !isConflict(err) {
		k.Errorf("Append: got error %v, want ErrConflict", err)
	}
	k.wantRows(map[string]int{"instances": 1, "events": 2})
}

func appendEnded(k *kit) {
	k.commit(full(order("1"), 0, ""))
	before := k.dump()
	for _, batch := range []store.Batch{
		{Changes: []store.Change{full(order("1"), 2, "ann")}},
		{Changes: []store.Change{full(order("1"), 2, "ann"), full(order("2"), 0, "bob")}},
		{Unchanged: []store.InstanceVersion{{Instance: order("1"), Version: 2}}},
	} {
		batch.Commit = newID()
		if err := k.Store.Append(ended(), batch); !isCanceled(err) {
			k.Errorf("got error %v, want context.Canceled", err)
		}
		k.unchanged(before)
	}
	k.commit(full(order("1"), 2, "ann"), full(order("2"), 0, "bob"))
}

func appendGivesUp(k *kit) {
	k.commit(change(order("1"), 0, 1))
	before := k.dump()
	u := k.begin(order("1"))
	ctx, cancel := context.WithTimeout(k.ctx, 50*time.Millisecond)
	defer cancel()
	k.soon("Append", func() {
		batch := store.Batch{Commit: newID(), Changes: []store.Change{full(order("2"), 0, ""), full(order("1"), 1, "ann")}}
		if err := k.Store.Append(ctx, batch); err == nil {
			k.Error("an instance that a unit of work holds was changed")
		}
	})
	k.rollback(u)
	k.unchanged(before)
	k.wantFree()
}
