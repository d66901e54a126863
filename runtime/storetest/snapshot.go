package storetest

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

var snapshotRules = []rule{
	{name: "a newer snapshot replaces the older, whatever their schemas", check: newerSnapshot},
	{name: "an older snapshot is ignored, whatever its schema", check: olderSnapshot},
	{name: "of two at one version the later stays, so that a new schema gets its turn", check: snapshotAgain},
	{name: "a snapshot of an unknown instance is ignored, and the others are kept", check: snapshotOfUnknown},
	{name: "a completed instance may have a snapshot", check: snapshotOfCompleted},
	{name: "the state comes back byte for byte", check: states},
	{name: "many snapshots are saved together", check: manySnapshots},
	{name: "of snapshots saved at once the newest stays", check: snapshotsAtOnce},
	{name: "snapshots change nothing else", check: snapshotsChangeNothingElse},
}

func snapshot(instance store.InstanceKey, version int64, schema string) store.Snapshot {
	state := fmt.Appendf(nil, `{"of":%q,"version":%d}`, instance.ID, version)
	return store.Snapshot{Instance: instance, Version: version, Schema: schema, State: state}
}

func (k *kit) save(snapshots ...store.Snapshot) {
	k.Helper()
	if err := k.trySave(snapshots...); err != nil {
		k.Fatalf("SaveSnapshots: %v", err)
	}
}

// trySave saves snapshots with the commits of their events. It may be called by any goroutine.
func (k *kit) trySave(snapshots ...store.Snapshot) error {
	requests := make([]store.ReadRequest, len(snapshots))
	for i, s := range snapshots {
		requests[i] = store.ReadRequest{Instance: s.Instance, Completed: true}
	}
	found, err := k.Store.Read(k.ctx, requests)
	if err != nil {
		return err
	}
	for i := range snapshots {
		for _, e := range found[i].Events {
			if e.Version == snapshots[i].Version {
				snapshots[i].Commit = e.Commit
			}
		}
	}
	if k.snapshots == nil {
		return nil // snapshots are for speed: a store that keeps none answers as if there were none
	}
	return k.snapshots.SaveSnapshots(k.ctx, snapshots)
}

// wantSnapshots says which snapshots there are, each as workflow|id|version|schema|state.
func (k *kit) wantSnapshots(want ...string) {
	k.Helper()
	k.wantTable("snapshots", "workflow, instance, version, schema, state", want...)
}

func newerSnapshot(k *kit) {
	k.commit(change(order("1"), 0, 9))
	for i, schema := range []string{"a", "a", "b", "a"} {
		version := int64(2*i + 1)
		k.save(snapshot(order("1"), version, schema))
		k.wantSnapshots(fmt.Sprintf(`order|1|%d|%s|{"of":"1","version":%[1]d}`, version, schema))
	}
}

func olderSnapshot(k *kit) {
	k.commit(change(order("1"), 0, 9))
	k.save(snapshot(order("1"), 5, "a"))
	before := k.dump()
	k.save(snapshot(order("1"), 4, "a"))
	k.save(snapshot(order("1"), 1, "b"))
	k.unchanged(before)
}

func snapshotAgain(k *kit) {
	k.commit(change(order("1"), 0, 9))
	k.save(snapshot(order("1"), 5, "a"))
	k.save(snapshot(order("1"), 5, "b"))
	k.wantSnapshots(`order|1|5|b|{"of":"1","version":5}`)
}

func snapshotOfUnknown(k *kit) {
	k.commit(change(order("1"), 0, 2), change(order("3"), 0, 2))
	k.save(snapshot(order("2"), 1, "a"))
	k.save(snapshot(order("1"), 1, "a"), snapshot(order("2"), 1, "a"),
		snapshot(store.InstanceKey{Workflow: "invoice", ID: "1"}, 1, "a"), snapshot(order("3"), 2, "b"))
	k.wantSnapshots(`order|1|1|a|{"of":"1","version":1}`, `order|3|2|b|{"of":"3","version":2}`)
}

func snapshotOfCompleted(k *kit) {
	k.commit(complete(change(order("1"), 0, 4)))
	k.save(snapshot(order("1"), 4, "a"))
	k.wantSnapshots(`order|1|4|a|{"of":"1","version":4}`)
}

func states(k *kit) {
	instance := order("1")
	k.commit(change(instance, 0, 100))
	texts := append(jsonTexts(), `[1,2]`, `"text"`, `null`, `12.50`, `{"large":"`+strings.Repeat("x", 1<<20)+`"}`)
	for i, state := range texts {
		version := int64(i + 1)
		k.save(store.Snapshot{Instance: instance, Version: version, Schema: "a", State: []byte(state)})
		got := k.read(store.ReadRequest{Instance: instance, Schema: "a"})[0]
		k.wantTail(got, version, 100, true)
		if got.Snapshot != nil && string(got.Snapshot.State) != state {
			k.Errorf("got %s, want %s", short(string(got.Snapshot.State)), short(state))
		}
	}
	for _, schema := range oddTexts {
		k.save(snapshot(instance, 99, schema))
		got := k.read(store.ReadRequest{Instance: instance, Schema: schema})[0]
		if k.wantTail(got, 99, 100, true); got.Snapshot != nil && got.Snapshot.Schema != schema {
			k.Errorf("got schema %q, want %q", got.Snapshot.Schema, schema)
		}
	}
}

func manySnapshots(k *kit) {
	const n = 200
	var changes []store.Change
	var first, second []store.Snapshot
	var want []string
	for i := range n {
		instance := order(fmt.Sprint(i))
		changes = append(changes, change(instance, 0, 4))
		first = append(first, snapshot(instance, 2, "a"))
		second = append(second, snapshot(instance, int64(1+i%4), "b"))
		kept := second[i]
		if i%4 == 0 {
			kept = first[i]
		}
		want = append(want, fmt.Sprintf("order|%d|%d|%s|%s", i, kept.Version, kept.Schema, kept.State))
	}
	k.commit(changes...)
	k.save()
	k.save(first...)
	k.save(second...)
	k.wantSnapshots(want...)
}

func snapshotsAtOnce(k *kit) {
	const n = 24
	k.commit(change(order("1"), 0, n), change(order("2"), 0, n))
	versions := rand.Perm(n)
	k.together(n, func(i int) error {
		version := int64(versions[i] + 1)
		both := []store.Snapshot{snapshot(order("1"), version, "a"), snapshot(order("2"), version, "a")}
		if i%2 == 0 {
			both[0], both[1] = both[1], both[0] // which must not lead to a deadlock
		}
		return k.trySave(both...)
	})
	k.wantSnapshots(`order|1|24|a|{"of":"1","version":24}`, `order|2|24|a|{"of":"2","version":24}`)
}

func snapshotsChangeNothingElse(k *kit) {
	k.commit(full(order("1"), 0, "ann"), full(order("2"), 0, "bob"))
	before := k.dump()
	k.save(snapshot(order("1"), 1, "a"), snapshot(order("2"), 2, "a"))
	before["snapshots"] = k.dump()["snapshots"]
	k.unchanged(before)
	k.commit(full(order("1"), 2, "ann"), complete(full(order("2"), 2, "bob")))
	k.wantSnapshots(`order|1|1|a|{"of":"1","version":1}`, `order|2|2|a|{"of":"2","version":2}`)
}
