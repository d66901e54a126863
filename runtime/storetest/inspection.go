package storetest

import (
	"fmt"
	"slices"

	"github.com/ironflow-gen/ironflow/runtime"
)

var inspectionRules = []rule{
	{name: "a history is read in pages, from one moment", check: historyPages},
	{name: "nothing of an open unit of work is in a history", check: historyBesideUnitOfWork},
	{name: "instances are listed and counted as the filter says", check: listInstances},
	{name: "a part of the list is from one moment", check: listOneMoment},
	{name: "a list that changes while it is read loses nothing and repeats nothing", check: listWhileItChanges},
}

func historyPages(k *kit) {
	k.commit(change(order("1"), 0, 4), change(order("2"), 0, 2))
	k.commit(complete(change(order("1"), 4, 1)))
	want := k.load(order("1")).Events
	for _, test := range []struct {
		after int64
		limit int
		want  []runtime.StoredEvent
	}{
		{0, 100, want}, {0, 5, want}, {0, 2, want[:2]}, {2, 2, want[2:4]}, {4, 2, want[4:]}, {5, 2, nil}, {0, 0, nil}, {9, 1, nil},
	} {
		got, err := k.Store.History(k.ctx, order("1"), test.after, test.limit)
		if err != nil || !slices.EqualFunc(got, test.want, sameEvent) {
			k.Errorf("after %d, up to %d: got %+v, error %v", test.after, test.limit, got, err)
		}
	}
	for _, other := range []runtime.InstanceKey{order("3"), {Workflow: "cart", ID: "1"}} {
		if got, err := k.Store.History(k.ctx, other, 0, 10); err != nil || len(got) > 0 {
			k.Errorf("%s: got %+v, error %v", other, got, err)
		}
	}
}

func sameEvent(a, b runtime.StoredEvent) bool { return fmt.Sprintf("%+v", a) == fmt.Sprintf("%+v", b) }

func historyBesideUnitOfWork(k *kit) {
	k.commit(change(order("1"), 0, 1))
	u := k.begin(order("1"))
	k.soon("History of an instance that a unit of work holds", func() {
		if got, err := k.Store.History(k.ctx, order("1"), 0, 10); err != nil || len(got) != 1 {
			k.Errorf("got %+v, error %v", got, err)
		}
	})
	k.rollback(u)
}
