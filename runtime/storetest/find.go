package storetest

import (
	"fmt"
	"slices"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// findRules say what Begin and Read load.
var findRules = []rule{
	{name: "an unknown instance is active at version 0 and nothing is written", check: unknownInstance},
	{name: "an active instance comes with all its events in order", check: activeInstance},
	{name: "a completed instance comes without events", check: completedInstance},
	{name: "instances come in the order they were asked for", check: orderOfInstances},
	{name: "the set may be empty", check: emptySet},
	{name: "one id in two workflows is two instances", check: oneIDTwoWorkflows, needs: []string{"Snapshots"}},
	{name: "only the events after the version asked for come", check: eventsAfter},
	{name: "a snapshot with the schema asked for comes with the events after it", check: snapshotAndTail, needs: []string{"Snapshots"}},
	{name: "a snapshot with another schema stays away", check: snapshotOfOtherSchema, needs: []string{"Snapshots"}},
	{name: "a snapshot comes only when it is newer than the version asked for", check: snapshotNewerThanAfter, needs: []string{"Snapshots"}},
	{name: "each request of a set has its own version and schema", check: requestsOfSet},
	{name: "the time of the last event is known without the event", check: lastEventAt},
	{name: "the commit that created the instance is known, with its events and without", check: creation},
}

// find loads instances in the way of the rule.
func (k *kit) find(requests ...store.ReadRequest) []store.Instance {
	k.Helper()
	if k.way == appending {
		return k.read(requests...)
	}
	u, err := k.Store.Begin(k.ctx, requests)
	if err != nil {
		k.Fatalf("Begin %v: %v", requests, err)
	}
	defer k.rollback(u)
	if n := len(u.Instances()); n != len(requests) {
		k.Fatalf("Begin of %d instances: got %d", len(requests), n)
	}
	return u.Instances()
}

// wantTail says that an instance came with the events of versions after+1 to version, and with a snapshot or without.
func (k *kit) wantTail(i store.Instance, after, version int64, snapshot bool) {
	k.Helper()
	var got, want []int64
	for _, e := range i.Events {
		got = append(got, e.Version)
	}
	for v := after + 1; v <= version; v++ {
		want = append(want, v)
	}
	if i.Version != version || i.Completed || !slices.Equal(got, want) {
		k.Errorf("%s: at version %d, completed %v, with events %v, want %d, active, with %v",
			i.Key, i.Version, i.Completed, got, version, want)
	}
	if (i.Snapshot != nil) != snapshot || snapshot && i.Snapshot.Version != after {
		k.Errorf("%s: got snapshot %+v, want one of version %d: %v", i.Key, i.Snapshot, after, snapshot)
	}
}

func unknownInstance(k *kit) {
	i := k.find(store.ReadRequest{Instance: order("1"), Schema: "a", After: 7})[0]
	if i.Key != order("1") || !i.LastEventAt.IsZero() {
		k.Errorf("got %+v", i)
	}
	k.wantTail(i, 0, 0, false)
	k.wantRows(nil)
}

func activeInstance(k *kit) {
	k.commit(change(order("1"), 0, 2))
	later := change(order("1"), 2, 3)
	later.Now = at(60)
	later.Events[1] = store.NewEvent{Type: "Paid", SchemaVersion: 7, Payload: []byte(`{ "amount": 12 }`)}
	k.commit(change(order("2"), 0, 4), later)

	i := k.find(ask(order("1"))...)[0]
	if i.Key != order("1") || i.LastEventAt != at(60) {
		k.Errorf("got %+v", i)
	}
	k.wantTail(i, 0, 5, false)
	k.wantSerial(i.Events, 5)
	e := i.Events[3]
	if e.Instance != order("1") || e.Type != "Paid" || e.SchemaVersion != 7 || string(e.Payload) != `{ "amount": 12 }` ||
		e.RecordedAt != at(60) {
		k.Errorf("got %+v", e)
	}
}

func completedInstance(k *kit) {
	k.commit(complete(change(order("1"), 0, 3)))
	k.save(snapshot(order("1"), 2, "a"))
	i := k.find(store.ReadRequest{Instance: order("1"), Schema: "a", After: 1})[0]
	if !i.Completed || len(i.Events) != 0 || i.Snapshot != nil || i.Version != 3 || i.LastEventAt != epoch {
		k.Errorf("got %+v", i)
	}
}

func orderOfInstances(k *kit) {
	k.commit(complete(change(order("b"), 0, 1)), change(order("c"), 0, 2), change(order("d"), 0, 1))
	asked := []store.InstanceKey{order("d"), order("a"), order("c"), order("b")}
	var got []store.InstanceKey
	var versions []int64
	for _, i := range k.find(ask(asked...)...) {
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
	k.find()
	if err := k.try(); err != nil {
		k.Errorf("%v of nothing: %v", k.way, err)
	}
	k.wantRows(nil)
}

func oneIDTwoWorkflows(k *kit) {
	other := store.InstanceKey{Workflow: "invoice", ID: "1"}
	k.commit(change(order("1"), 0, 2), change(other, 0, 1))
	k.commit(change(other, 1, 3))
	k.save(snapshot(other, 3, "a"))
	found := k.find(
		store.ReadRequest{Instance: other, Schema: "a"},
		store.ReadRequest{Instance: order("1"), Schema: "a"})
	k.wantTail(found[0], 3, 4, true)
	k.wantTail(found[1], 0, 2, false)
}

func eventsAfter(k *kit) {
	k.commit(change(order("1"), 0, 5), change(order("2"), 0, 9))
	for after := range int64(6) {
		k.wantTail(k.find(store.ReadRequest{Instance: order("1"), After: after})[0], after, 5, false)
	}
	// A caller that knows more than the store, as after a restore of the database, finds out by the version.
	k.wantTail(k.find(store.ReadRequest{Instance: order("1"), After: 8})[0], 5, 5, false)
}

func snapshotAndTail(k *kit) {
	k.commit(change(order("1"), 0, 5), change(order("2"), 0, 9))
	for version := int64(1); version <= 5; version++ {
		saved := snapshot(order("1"), version, "a")
		k.save(saved)
		i := k.find(store.ReadRequest{Instance: order("1"), Schema: "a"})[0]
		k.wantTail(i, version, 5, true)
		if s := i.Snapshot; s.Instance != saved.Instance || s.Schema != "a" || string(s.State) != string(saved.State) {
			k.Errorf("got snapshot %+v, want %+v", s, saved)
		}
	}
	k.commit(change(order("1"), 5, 2))
	k.wantTail(k.find(store.ReadRequest{Instance: order("1"), Schema: "a"})[0], 5, 7, true)
}

func snapshotOfOtherSchema(k *kit) {
	k.commit(change(order("1"), 0, 5))
	k.save(snapshot(order("1"), 3, "a"))
	for _, schema := range []string{"", "A", "a ", "b", "aa"} {
		k.wantTail(k.find(store.ReadRequest{Instance: order("1"), Schema: schema})[0], 0, 5, false)
		k.wantTail(k.find(store.ReadRequest{Instance: order("1"), Schema: schema, After: 2})[0], 2, 5, false)
	}
	k.save(snapshot(order("1"), 3, "")) // which nobody can ask for
	k.wantTail(k.find(ask(order("1"))...)[0], 0, 5, false)
}

func snapshotNewerThanAfter(k *kit) {
	k.commit(change(order("1"), 0, 5))
	k.save(snapshot(order("1"), 3, "a"))
	for after := range int64(6) {
		i := k.find(store.ReadRequest{Instance: order("1"), Schema: "a", After: after})[0]
		k.wantTail(i, max(after, 3), 5, after < 3)
	}
}

func requestsOfSet(k *kit) {
	const n = 64
	var changes []store.Change
	var requests []store.ReadRequest
	for i := range int64(n) {
		instance := order(fmt.Sprint(i))
		requests = append(requests, store.ReadRequest{
			Instance: instance, After: i % 4, Schema: []string{"", "a", "b"}[i%3],
		})
		if i%5 != 0 {
			changes = append(changes, change(instance, 0, 6))
		}
	}
	k.commit(changes...)
	for i, c := range changes {
		k.save(snapshot(c.Instance, 2, []string{"a", "b"}[i%2]))
	}
	for i, found := range k.find(requests...) {
		alone := k.find(requests[i])[0]
		if fmt.Sprint(found.Key, found.Version, found.Snapshot, found.Events) !=
			fmt.Sprint(alone.Key, alone.Version, alone.Snapshot, alone.Events) {
			k.Errorf("in a set: %+v\nalone: %+v", found, alone)
		}
	}
}

func lastEventAt(k *kit) {
	c := change(order("1"), 0, 2)
	c.Now = at(5)
	k.commit(c)
	k.save(snapshot(order("1"), 2, "a"))
	for _, request := range []store.ReadRequest{
		{Instance: order("1"), After: 2}, {Instance: order("1"), Schema: "a"}, {Instance: order("1"), After: 1},
	} {
		if i := k.find(request)[0]; i.LastEventAt != at(5) {
			k.Errorf("%+v: got %v, want %v", request, i.LastEventAt, at(5))
		}
	}
}

func creation(k *kit) {
	want := func(id store.CommitID, requests ...store.ReadRequest) {
		k.Helper()
		for i, found := range k.find(requests...) {
			if found.Created != id {
				k.Errorf("%+v: created by %d, want %d", requests[i], found.Created, id)
			}
		}
	}
	create := func(id store.CommitID, versions ...int) {
		k.Helper()
		version := int64(0)
		for _, n := range versions {
			if err := k.tryAs(id, change(order("1"), version, n)); err != nil {
				k.Fatal(err)
			}
			version, id = version+int64(n), id+1
		}
	}
	want(0, ask(order("1"))...)
	create(1<<62, 2, 3)
	of := func(after int64, schema string) store.ReadRequest {
		return store.ReadRequest{Instance: order("1"), After: after, Schema: schema}
	}
	all := []store.ReadRequest{of(0, ""), of(0, "a"), of(1, ""), of(2, ""), of(3, "a"), of(5, "")}
	for _, request := range all {
		want(1<<62, request)
	}
	for _, version := range []int64{2, 5} {
		k.save(snapshot(order("1"), version, "a"))
		for _, request := range all {
			want(1<<62, request)
		}
	}
	k.commit(complete(change(order("1"), 5, 1)))
	want(0, all[:1]...)
	if i := k.load(order("1")); i.Created != 1<<62 {
		k.Errorf("completed: created by %d", i.Created)
	}
	if k.forgetting == nil {
		return
	}
	k.delete(versionOf(order("1"), 6))
	create(77, 1)
	for _, request := range all[:4] {
		want(77, request)
	}
}
