package storetest

import "github.com/ironflow-gen/ironflow/runtime"

var loadRules = []rule{
	{name: "an unknown instance is at version 0", check: loadUnknown},
	{name: "a completed instance has all its events", check: loadCompleted},
	{name: "nothing of an open unit of work is seen, and it is not waited for", check: loadBesideUnitOfWork},
}

func loadUnknown(k *kit) {
	k.commit(change(order("1"), 0, 1))
	if i := k.load(order("2")); i.Key != order("2") || i.Version != 0 || i.Completed || len(i.Events) != 0 {
		k.Errorf("got %+v", i)
	}
}

func loadCompleted(k *kit) {
	k.commit(change(order("1"), 0, 2))
	last := change(order("1"), 2, 2)
	last.Complete = true
	k.commit(last)
	if i := k.load(order("1")); !i.Completed {
		k.Errorf("got %+v", i)
	}
	k.wantVersion(order("1"), 4)
}

func loadBesideUnitOfWork(k *kit) {
	k.commit(change(order("1"), 0, 1))
	u := k.begin(order("1"), order("2"))
	k.soon("Load of an instance that a unit of work holds", func() {
		if i, err := k.Store.Load(k.ctx, order("1")); err != nil || i.Version != 1 {
			k.Errorf("got version %d, error %v", i.Version, err)
		}
	})
	if err := u.Commit(k.ctx, []runtime.Change{change(order("1"), 1, 2), change(order("2"), 0, 1)}); err != nil {
		k.Fatalf("Commit: %v", err)
	}
	k.wantVersion(order("1"), 3)
}
