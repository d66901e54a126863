package storetest

import (
	"fmt"
	"sync/atomic"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

var readRules = []rule{
	{name: "a completed instance has its events when they are asked for", check: readCompleted, needs: []string{"Snapshots"}},
	{name: "nothing of an open unit of work is seen, and it is not waited for", check: readBesideUnitOfWork},
	{name: "an instance is read as it is at one moment", check: readOneMoment},
}

func readCompleted(k *kit) {
	k.commit(change(order("1"), 0, 2))
	k.commit(complete(change(order("1"), 2, 2)))
	k.save(snapshot(order("1"), 3, "a"))
	if i := k.load(order("1")); !i.Completed || i.Snapshot != nil {
		k.Errorf("got %+v", i)
	}
	k.wantVersion(order("1"), 4)
	for _, want := range []struct {
		request  store.ReadRequest
		after    int64
		snapshot bool
	}{
		{store.ReadRequest{Schema: "a"}, 3, true},
		{store.ReadRequest{Schema: "b"}, 0, false},
		{store.ReadRequest{Schema: "a", After: 2}, 3, true},
		{store.ReadRequest{After: 3}, 3, false},
		{store.ReadRequest{After: 4}, 4, false},
	} {
		want.request.Instance, want.request.Completed = order("1"), true
		i := k.read(want.request)[0]
		if !i.Completed {
			k.Errorf("got %+v", i)
		}
		i.Completed = false
		k.wantTail(i, want.after, 4, want.snapshot)
	}
}

func readBesideUnitOfWork(k *kit) {
	k.commit(change(order("1"), 0, 1))
	u := k.begin(order("1"), order("2"))
	k.soon("Read of instances that a unit of work holds", func() {
		found, err := k.Store.Read(k.ctx, ask(order("1"), order("2")))
		if err != nil || found[0].Version != 1 || found[1].Version != 0 {
			k.Errorf("got %+v, error %v", found, err)
		}
	})
	if err := u.Commit(k.ctx, newID(), []store.Change{change(order("1"), 1, 2), change(order("2"), 0, 1)}); err != nil {
		k.Fatalf("Commit: %v", err)
	}
	k.wantVersion(order("1"), 3)
	k.wantVersion(order("2"), 1)
}

// readOneMoment reads instances that grow by blocks of three events, and whose snapshots move.
func readOneMoment(k *kit) {
	const instances, writers, blocks = 4, 4, 40
	var requests []store.ReadRequest
	for i := range instances {
		requests = append(requests, store.ReadRequest{Instance: order(fmt.Sprint(i)), Schema: "a"})
	}
	var writing atomic.Int32
	writing.Store(writers)
	k.together(writers+2, func(n int) error {
		if n < writers {
			defer writing.Add(-1)
			for version := int64(0); version < 3*blocks; version += 3 {
				if err := k.try(change(order(fmt.Sprint(n)), version, 3)); err != nil {
					return err
				}
				saved := snapshot(order(fmt.Sprint(n)), version+1, "a")
				if err := k.trySave(saved); err != nil {
					return err
				}
			}
			return nil
		}
		for writing.Load() > 0 {
			found, err := k.Store.Read(k.ctx, requests)
			if err != nil {
				return err
			}
			for _, i := range found {
				last := int64(0)
				if i.Snapshot != nil {
					last = i.Snapshot.Version
				}
				for _, e := range i.Events {
					if last++; e.Version != last {
						return fmt.Errorf("%s: event %d where %d belongs", i.Key, e.Version, last)
					}
				}
				if last != i.Version || i.Version%3 != 0 {
					return fmt.Errorf("%s: at version %d with events up to %d", i.Key, i.Version, last)
				}
			}
		}
		return nil
	})
}
