package storetest

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

var inspectionRules = []rule{
	{name: "a history is read in pages, from one moment", check: historyPages},
	{name: "nothing of an open unit of work is in a history", check: historyBesideUnitOfWork},
	{name: "instances are listed and counted as the filter says", check: listInstances},
	{name: "a part of the list is from one moment", check: listOneMoment},
	{name: "many instances are read at once", check: readSummaries},
	{name: "effects that are still to be delivered are found", check: findUndelivered},
	{name: "a list that changes while it is read loses nothing and repeats nothing", check: listWhileItChanges},
}

var causeRules = []rule{
	{name: "causes are read in pages, in both directions", check: causePages},
}

func historyPages(k *kit) {
	k.commit(change(order("1"), 0, 4), change(order("2"), 0, 2))
	k.commit(complete(change(order("1"), 4, 1)))
	want := k.load(order("1")).Events
	for _, test := range []struct {
		after int64
		limit int
		want  []store.StoredEvent
	}{
		{0, 100, want}, {0, 5, want}, {0, 2, want[:2]}, {2, 2, want[2:4]}, {4, 2, want[4:]}, {5, 2, nil}, {0, 0, nil}, {9, 1, nil},
	} {
		got, err := k.inspection.History(k.ctx, order("1"), test.after, test.limit)
		if err != nil || !slices.EqualFunc(got, test.want, sameEvent) {
			k.Errorf("after %d, up to %d: got %+v, error %v", test.after, test.limit, got, err)
		}
	}
	for _, other := range []store.InstanceKey{order("3"), {Workflow: "cart", ID: "1"}} {
		if got, err := k.inspection.History(k.ctx, other, 0, 10); err != nil || len(got) > 0 {
			k.Errorf("%s: got %+v, error %v", other, got, err)
		}
	}
}

func causePages(k *kit) {
	first := change(order("1"), 0, 2)
	first.Events[0].Cause = []byte(`{"input":"Place"}`)
	second := change(order("1"), 2, 1)
	second.Now, second.Events[0].Cause = at(1), []byte(`{"input":"Pay"}`)
	ids := []store.CommitID{newID(), newID()}
	for i, c := range []store.Change{first, second} {
		if err := k.tryAs(ids[i], c); err != nil {
			k.Fatal(err)
		}
	}
	k.commit(change(order("2"), 0, 1))
	for _, test := range []struct {
		query store.CauseQuery
		want  []int64
	}{
		{store.CauseQuery{From: 1, Limit: 10}, []int64{1, 2, 3}},
		{store.CauseQuery{From: 0, Limit: 2}, []int64{1, 2}},
		{store.CauseQuery{From: 3, Limit: 10}, []int64{3}},
		{store.CauseQuery{From: 4, Limit: 10}, nil},
		{store.CauseQuery{From: 2, Backward: true, Limit: 10}, []int64{2, 1}},
		{store.CauseQuery{From: 99, Backward: true, Limit: 2}, []int64{3, 2}},
		{store.CauseQuery{From: 0, Backward: true, Limit: 2}, nil},
	} {
		test.query.Instance = order("1")
		got, err := k.causes.EventCauses(k.ctx, test.query)
		var versions []int64
		for _, event := range got {
			versions = append(versions, event.Version)
			stored := k.load(order("1")).Events[event.Version-1]
			commit := event.Version / 3
			if event.Commit != ids[commit] || !event.RecordedAt.Equal(at(int(commit))) || event.Type != "Noted" ||
				event.GlobalSequence != stored.GlobalSequence {
				k.Errorf("got %+v", event)
			}
			if cause := []string{`{"input":"Place"}`, "", `{"input":"Pay"}`}[event.Version-1]; string(event.Cause) != cause ||
				cause == "" && event.Cause != nil {
				k.Errorf("version %d has the cause %q, want %q", event.Version, event.Cause, cause)
			}
		}
		if err != nil || !slices.Equal(versions, test.want) {
			k.Errorf("%+v: got %v, error %v, want %v", test.query, versions, err, test.want)
		}
	}
	if got, err := k.causes.EventCauses(k.ctx, store.CauseQuery{Instance: order("3"), From: 9, Backward: true, Limit: 9}); err != nil || len(got) > 0 {
		k.Errorf("got %+v, error %v", got, err)
	}
}

func readSummaries(k *kit) {
	k.commit(change(order("1"), 0, 2), change(order("2"), 0, 1), change(store.InstanceKey{Workflow: "cart", ID: "1"}, 0, 3))
	held := change(order("2"), 1, 1)
	held.Status, held.Now = "held", at(1)
	k.commit(held, complete(change(order("1"), 2, 1)))
	keys := []store.InstanceKey{order("2"), order("none"), {Workflow: "cart", ID: "1"}, order("1")}
	got, err := k.inspection.Summaries(k.ctx, keys)
	if err != nil || len(got) != len(keys) {
		k.Fatalf("got %+v, error %v", got, err)
	}
	for i, key := range keys {
		want, err := k.inspection.Summary(k.ctx, key)
		if err != nil || got[i] != want || want.Key != key {
			k.Errorf("%s: got %+v, want %+v, error %v", key, got[i], want, err)
		}
	}
	if got[0].Version != 2 || got[0].Status != "held" || got[1].Version != 0 || got[2].Version != 3 || !got[3].Completed() {
		k.Errorf("got %+v", got)
	}
	if got, err := k.inspection.Summaries(k.ctx, nil); err != nil || len(got) > 0 {
		k.Errorf("of no instances: got %+v, error %v", got, err)
	}
}

func findUndelivered(k *kit) {
	c := change(order("1"), 0, 1)
	for range 3 {
		c.Effects = append(c.Effects, store.NewEffect{Kind: "Charge", Payload: []byte("{}")})
	}
	k.commit(c)
	name := func(id string, version int64, position int) store.Lease {
		return store.Lease{Queue: store.EffectQueue, Instance: order(id), Version: version, Position: position}
	}
	all := []store.Lease{name("1", 1, 0), name("1", 1, 1), name("1", 1, 2)}
	check := func(want ...store.Lease) {
		k.Helper()
		asked := append(slices.Clone(all), name("1", 2, 0), name("1", 1, 3), name("2", 1, 0))
		asked[0].Token, asked[0].Commit = 99, 99 // which do not matter
		got, err := k.inspection.Undelivered(k.ctx, asked)
		slices.SortFunc(got, func(a, b store.Lease) int { return a.Position - b.Position })
		if err != nil || !slices.Equal(got, want) {
			k.Errorf("got %+v, error %v, want %+v", got, err, want)
		}
	}
	check(all...)
	claimed, err := k.Store.Effects().Claim(k.ctx, store.Claim{
		Kinds: []store.Kind{{Workflow: "order", Name: "Charge"}}, Now: at(1), Until: at(60), Limit: 3, Holder: "test",
	})
	if err != nil || len(claimed) != 3 {
		k.Fatalf("claimed %+v, error %v", claimed, err)
	}
	check(all...)
	for i, verdict := range []store.Verdict{store.Done, store.Dead, store.RetryLater} {
		if _, err := k.Store.Effects().Settle(k.ctx, []store.Settlement{{Lease: claimed[i].Lease, Verdict: verdict, At: at(2), Error: "no"}}); err != nil {
			k.Fatal(err)
		}
	}
	check(claimed[2].Lease.Named())
}

func sameEvent(a, b store.StoredEvent) bool {
	payloads := bytes.Equal(a.Payload, b.Payload)
	a.Payload, b.Payload = nil, nil
	return payloads && fmt.Sprintf("%+v", a) == fmt.Sprintf("%+v", b)
}

func historyBesideUnitOfWork(k *kit) {
	k.commit(change(order("1"), 0, 1))
	u := k.begin(order("1"))
	k.soon("History of an instance that a unit of work holds", func() {
		if got, err := k.inspection.History(k.ctx, order("1"), 0, 10); err != nil || len(got) != 1 {
			k.Errorf("got %+v, error %v", got, err)
		}
	})
	k.rollback(u)
}
