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
