package storetest

import (
	"errors"
	"slices"
	"sync"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

var cellRules = []rule{
	{name: "the record of a cell is replaced by who knows its revision", check: cellRecord},
	{name: "a mark keeps an id free, and is no event", check: markKeepsFree},
	{name: "an instance that exists is not marked", check: markOfExisting},
	{name: "a mark of a newer generation stays", check: markOfNewer},
	{name: "of who marks an id and who creates it, one is faster", check: markRace},
	{name: "marks are deleted up to a generation", check: unmarkAll},
	{name: "a list that is older than the store takes creates nothing", check: oldList},
	{name: "keys are kept for instances of other stores", check: keptKeys},
}

func isElsewhere(generation int64) func(error) bool {
	return func(err error) bool {
		var elsewhere *store.Elsewhere
		return errors.As(err, &elsewhere) && elsewhere.Generation == generation
	}
}

func cellRecord(k *kit) {
	if r, err := k.cells.CellRecord(k.ctx); err != nil || r.Revision != 0 {
		k.Fatalf("CellRecord of a new store: %+v, %v", r, err)
	}
	put := store.CellRecord{Store: "s-1", Name: "a", List: []byte(`{"a": [1]}`)}
	if err := k.cells.PutCellRecord(k.ctx, put); err != nil {
		k.Fatal(err)
	}
	got, err := k.cells.CellRecord(k.ctx)
	if err != nil || got.Store != "s-1" || got.Name != "a" || string(got.List) != `{"a": [1]}` || got.Revision != 1 {
		k.Fatalf("CellRecord: %+v, %v", got, err)
	}
	if err := k.cells.PutCellRecord(k.ctx, put); !isConflict(err) {
		k.Errorf("PutCellRecord over another record: got error %v, want ErrConflict", err)
	}
	got.OldestList = 3
	if err := k.cells.PutCellRecord(k.ctx, got); err != nil {
		k.Fatal(err)
	}
	if again, err := k.cells.CellRecord(k.ctx); err != nil || again.OldestList != 3 || again.Revision != 2 {
		k.Errorf("CellRecord: %+v, %v", again, err)
	}
	got.Revision = 7
	if err := k.cells.PutCellRecord(k.ctx, got); !isConflict(err) {
		k.Errorf("PutCellRecord of an unknown revision: got error %v, want ErrConflict", err)
	}
}

// mark marks instances, and says which of them exist.
func (k *kit) mark(generation int64, instances ...store.InstanceKey) (exist []store.InstanceKey) {
	k.Helper()
	exist, err := k.cells.Mark(k.ctx, generation, instances)
	if err != nil {
		k.Fatalf("Mark %v: %v", instances, err)
	}
	return exist
}

// wantMark says that an id is marked by a generation; 0 for not at all.
func (k *kit) wantMark(instance store.InstanceKey, generation int64) {
	k.Helper()
	for _, after := range []int64{0, 1 << 62} {
		i := k.read(store.ReadRequest{Instance: instance, After: after, Completed: true})[0]
		var got int64
		if i.Elsewhere != nil {
			got = i.Elsewhere.Generation
		}
		if got != generation || generation > 0 && (i.Version != 0 || len(i.Events) != 0) {
			k.Errorf("%s: got %+v, marked by generation %d, want %d", instance, i, got, generation)
		}
	}
}

func markKeepsFree(k *kit) {
	k.commit(change(order("other"), 0, 1))
	if exist := k.mark(2, order("1"), order("2")); len(exist) != 0 {
		k.Errorf("Mark: %v exist", exist)
	}
	k.wantMark(order("1"), 2)
	k.wantMark(order("3"), 0)
	k.refuse(isConflict, change(order("1"), 0, 1))
	if k.way == unitOfWork {
		u := k.begin(order("2"))
		if i := first(u); i.Elsewhere == nil || i.Version != 0 {
			k.Errorf("Begin: got %+v, want it elsewhere", i)
		}
		k.rollback(u)
	}
	if k.feed != nil {
		k.drain(0, 1, 10) // a mark is no event
	}
	if k.inspection != nil {
		history, err := k.inspection.History(k.ctx, order("1"), 0, 10)
		types, typesErr := k.inspection.EventTypes(k.ctx, 10)
		list, listErr := k.inspection.ListInstances(k.ctx, store.InstanceList{Limit: 10})
		if len(history) != 0 || len(types) != 1 || len(list) != 1 || errors.Join(err, typesErr, listErr) != nil {
			k.Errorf("got %d events, %d types, %d instances, %v; want 0, 1, 1", len(history), len(types), len(list), errors.Join(err, typesErr, listErr))
		}
	}
	if err := k.cells.Unmark(k.ctx, 2, []store.InstanceKey{order("1")}); err != nil {
		k.Fatal(err)
	}
	k.wantMark(order("1"), 0)
	k.commit(change(order("1"), 0, 2))
	k.wantVersion(order("1"), 2)
}

func markOfExisting(k *kit) {
	done := change(order("done"), 0, 1)
	done.Complete = true
	k.commit(change(order("1"), 0, 1), done)
	if exist := k.mark(2, order("1"), order("2"), order("done")); !slices.Equal(exist, []store.InstanceKey{order("1"), order("done")}) {
		k.Errorf("Mark: %v exist, want 1 and done", exist)
	}
	k.wantMark(order("1"), 0)
	k.wantMark(order("2"), 2)
	k.commit(change(order("1"), 1, 1))
	if err := k.cells.Unmark(k.ctx, 9, []store.InstanceKey{order("1")}); err != nil {
		k.Fatal(err)
	}
	k.wantVersion(order("1"), 2)
}

func markOfNewer(k *kit) {
	k.mark(2, order("1"))
	k.mark(3, order("1"))
	k.wantMark(order("1"), 3)
	k.mark(2, order("1"))
	k.wantMark(order("1"), 3)
	if err := k.cells.Unmark(k.ctx, 2, []store.InstanceKey{order("1")}); err != nil {
		k.Fatal(err)
	}
	k.wantMark(order("1"), 3)
}

func markRace(k *kit) {
	for n := range 20 {
		instance := order(string(rune('a' + n)))
		var both sync.WaitGroup
		var created error
		var exist []store.InstanceKey
		var marked error
		both.Go(func() { created = k.try(change(instance, 0, 1)) })
		both.Go(func() {
			for {
				if exist, marked = k.cells.Mark(k.ctx, 2, []store.InstanceKey{instance}); !isConflict(marked) {
					return
				}
			}
		})
		both.Wait()
		if marked != nil || created != nil && !isConflict(created) {
			k.Fatalf("create: %v; mark: %v", created, marked)
		}
		if (created == nil) != (len(exist) == 1) {
			k.Errorf("create: %v; Mark says that %v exist", created, exist)
		}
	}
}

func unmarkAll(k *kit) {
	k.mark(2, order("1"), order("2"), order("3"))
	k.mark(3, order("4"))
	k.commit(change(order("5"), 0, 1))
	for _, want := range []int{2, 1, 0} {
		if deleted, err := k.cells.UnmarkAll(k.ctx, 2, 2); err != nil || deleted != want {
			k.Errorf("UnmarkAll: deleted %d, error %v, want %d", deleted, err, want)
		}
	}
	k.wantMark(order("1"), 0)
	k.wantMark(order("4"), 3)
	k.wantVersion(order("5"), 1)
}

func oldList(k *kit) {
	withList := func(c store.Change, list int64) store.Change {
		c.List = list
		return c
	}
	k.commit(withList(change(order("1"), 0, 1), 1))
	k.commit(change(order("0"), 0, 1))
	if err := k.cells.PutCellRecord(k.ctx, store.CellRecord{Store: "s", Name: "a", List: []byte("{}"), OldestList: 2}); err != nil {
		k.Fatal(err)
	}
	k.refuse(isElsewhere(2), withList(change(order("2"), 0, 1), 1))
	k.refuse(isElsewhere(2), change(order("2"), 0, 1)) // by an engine without a list
	k.refuse(isElsewhere(2), change(order("2"), 0, 1), change(order("3"), 0, 1))
	k.commit(withList(change(order("1"), 1, 1), 1))
	k.commit(change(order("1"), 2, 1))
	k.commit(withList(change(order("2"), 0, 1), 2), withList(change(order("3"), 0, 1), 2))
}

func kept(key, instance string) store.KeptKey {
	return store.KeptKey{Workflow: "order", Key: key, Instance: instance}
}

func keptKeys(k *kit) {
	k.commit(withKey(change(order("1"), 0, 1), "ann"))
	holders, err := k.cells.KeepKeys(k.ctx, []store.KeptKey{kept("ann", "9"), kept("bob", "9"), kept("cid", "9")})
	if err != nil || !slices.Equal(holders, []string{"1", "9", "9"}) {
		k.Errorf("KeepKeys: %q, %v", holders, err)
	}
	k.refuse(heldBy("9", "bob", order("2")), withKey(change(order("2"), 0, 1), "bob"))
	if err := k.cells.FreeKeys(k.ctx, []store.KeptKey{kept("", "1"), kept("bob", "9"), kept("cid", "8")}); err != nil {
		k.Fatal(err)
	}
	k.refuse(heldBy("9", "cid", order("2")), withKey(change(order("2"), 0, 1), "cid"))
	k.commit(withKey(change(order("2"), 0, 1), "bob"))
	k.refuse(heldBy("1", "ann", order("3")), withKey(change(order("3"), 0, 1), "ann"))
}
