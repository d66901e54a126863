package storetest

import (
	"slices"

	"github.com/ironflow-gen/ironflow/runtime"
)

var beginRules = []rule{
	{name: "an unknown instance is active at version 0 and nothing is written", check: unknownInstance},
	{name: "an active instance comes with all its events in order", check: activeInstance},
	{name: "a completed instance comes without events", check: completedInstance},
	{name: "instances come in the order they were asked for", check: orderOfInstances},
	{name: "the set may be empty", check: emptySet},
	{name: "one id in two workflows is two instances", check: oneIDTwoWorkflows},
	{name: "rollback leaves nothing and may be repeated", check: rollbackLeavesNothing},
	{name: "rollback after commit does nothing", check: rollbackAfterCommit},
	{name: "a unit of work that ended commits no more", check: endedUnitOfWork},
	{name: "a commit without changes writes nothing and frees the instances", check: commitWithoutChanges},
}

func unknownInstance(k *kit) {
	u := k.begin(order("1"))
	i := first(u)
	if i.Key != order("1") || i.Version != 0 || i.Completed || len(i.Events) != 0 {
		k.Errorf("got %+v", i)
	}
	k.wantRows(nil)
	k.rollback(u)
	k.wantRows(nil)
}

func activeInstance(k *kit) {
	k.commit(change(order("1"), 0, 2))
	later := change(order("1"), 2, 3)
	later.Now = at(60)
	later.Events[1] = runtime.NewEvent{Type: "Paid", SchemaVersion: 7, Payload: []byte(`{ "amount": 12 }`)}
	k.commit(change(order("2"), 0, 4), later)

	u := k.begin(order("1"))
	defer k.rollback(u)
	i := first(u)
	if i.Key != order("1") || i.Version != 5 || i.Completed {
		k.Errorf("got %+v", i)
	}
	k.wantSerial(i.Events, 5)
	e := i.Events[3]
	if e.Instance != order("1") || e.Type != "Paid" || e.SchemaVersion != 7 || string(e.Payload) != `{ "amount": 12 }` ||
		!e.RecordedAt.Equal(at(60)) {
		k.Errorf("got %+v", e)
	}
}

func completedInstance(k *kit) {
	c := change(order("1"), 0, 3)
	c.Complete = true
	k.commit(c)
	u := k.begin(order("1"))
	defer k.rollback(u)
	if i := first(u); !i.Completed || len(i.Events) != 0 || i.Version != 3 {
		k.Errorf("got %+v", i)
	}
}

func orderOfInstances(k *kit) {
	completed := change(order("b"), 0, 1)
	completed.Complete = true
	k.commit(completed, change(order("c"), 0, 2), change(order("d"), 0, 1))

	asked := []runtime.InstanceKey{order("d"), order("a"), order("c"), order("b")}
	u := k.begin(asked...)
	defer k.rollback(u)
	var got []runtime.InstanceKey
	var versions []int64
	for _, i := range u.Instances() {
		got = append(got, i.Key)
		versions = append(versions, i.Version)
		if !i.Completed {
			k.wantSerial(i.Events, i.Version)
		}
	}
	if !slices.Equal(got, asked) || !slices.Equal(versions, []int64{1, 0, 2, 1}) {
		k.Errorf("got %v at versions %v, want %v at 1 0 2 1", got, versions, asked)
	}
}

func emptySet(k *kit) {
	u := k.begin()
	if len(u.Instances()) != 0 {
		k.Errorf("got instances %v", u.Instances())
	}
	k.rollback(u)
	if err := k.begin().Commit(k.ctx, nil); err != nil {
		k.Errorf("Commit: %v", err)
	}
	k.wantRows(nil)
}

func oneIDTwoWorkflows(k *kit) {
	other := runtime.InstanceKey{Workflow: "invoice", ID: "1"}
	k.commit(change(order("1"), 0, 2), change(other, 0, 1))
	k.commit(change(other, 1, 3))
	k.wantVersion(order("1"), 2)
	k.wantVersion(other, 4)
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
	if err := u.Commit(k.ctx, []runtime.Change{change(order("1"), 0, 1)}); err != nil {
		k.Fatalf("Commit: %v", err)
	}
	before := k.dump()
	other := k.begin(order("2")) // which the late rollback must not end
	k.rollback(u)
	k.unchanged(before)
	if err := other.Commit(k.ctx, []runtime.Change{change(order("2"), 0, 1)}); err != nil {
		k.Errorf("Commit of another unit of work: %v", err)
	}
	k.wantVersion(order("1"), 1)
}

func endedUnitOfWork(k *kit) {
	u := k.begin(order("1"))
	k.rollback(u)
	if err := u.Commit(k.ctx, []runtime.Change{change(order("1"), 0, 1)}); err == nil {
		k.Error("Commit after Rollback returns no error")
	}
	k.wantRows(nil)

	u = k.begin(order("1"))
	if err := u.Commit(k.ctx, []runtime.Change{change(order("1"), 0, 1)}); err != nil {
		k.Fatalf("Commit: %v", err)
	}
	before := k.dump()
	if err := u.Commit(k.ctx, []runtime.Change{change(order("1"), 1, 1)}); err == nil {
		k.Error("a second Commit returns no error")
	}
	k.unchanged(before)
}

func commitWithoutChanges(k *kit) {
	k.commit(change(order("1"), 0, 1))
	before := k.dump()
	if err := k.begin(order("1"), order("2")).Commit(k.ctx, nil); err != nil {
		k.Errorf("Commit: %v", err)
	}
	k.unchanged(before)
	k.commit(change(order("1"), 1, 1), change(order("2"), 0, 1))
}
