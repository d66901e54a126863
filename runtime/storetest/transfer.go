package storetest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

var transferRules = []rule{
	{name: "an instance is read with all that is stored of it", check: readStored},
	{name: "the payloads of instances are read with their kinds", check: readPayloads},
	{name: "what was read is written as it was", check: writeStored},
	{name: "a completed instance is written as completed", check: writeCompleted},
	{name: "payloads and texts are read and written byte for byte", check: transferTexts},
	{name: "a written instance goes on: it is decided on, and its effects and timers are claimed", check: writtenGoesOn},
	{name: "written events have new numbers in the feed, in the order of their versions", check: writtenInFeed, needs: []string{"Feed"}},
	{name: "of instances of which one exists, or of which one wants a unique key that is held, none is written", check: writeRefused},
	{name: "an outcome or an ended delivery that is stored stays as it is", check: writtenBeside, needs: []string{"InputLog", "Causes"}},
	{name: "of many that write an instance one does", check: writeOnce},
}

func (k *kit) stored(instances ...store.InstanceKey) []store.StoredInstance {
	k.Helper()
	found, err := k.transfer.ReadStored(k.ctx, instances)
	if err != nil || len(found) != len(instances) {
		k.Fatalf("ReadStored: got %d instances, error %v", len(found), err)
	}
	return found
}

func (k *kit) write(instances ...store.StoredInstance) {
	k.Helper()
	if err := k.transfer.WriteStored(k.ctx, instances); err != nil {
		k.Fatalf("WriteStored: %v", err)
	}
}

// wantStored says what is stored of an instance. The numbers of its events in the feed do not matter.
func (k *kit) wantStored(want store.StoredInstance) {
	k.Helper()
	got := k.stored(want.Key)[0]
	for _, r := range []*store.StoredInstance{&got, &want} {
		r.Events = slices.Clone(r.Events)
		for i := range r.Events {
			r.Events[i].GlobalSequence = 0
		}
	}
	if !reflect.DeepEqual(got, want) {
		g, _ := json.Marshal(got)
		w, _ := json.Marshal(want)
		k.Errorf("stored:\n got %s\nwant %s", short(string(g)), short(string(w)))
	}
}

// renamed is a stored instance as another one of the same workflow.
func renamed(r store.StoredInstance, id string) store.StoredInstance {
	key := store.InstanceKey{Workflow: r.Key.Workflow, ID: id}
	r.Key = key
	r.UniqueKeys = slices.Clone(r.UniqueKeys)
	for i := range r.UniqueKeys {
		r.UniqueKeys[i] += " of " + id
	}
	r.Events, r.Effects, r.Timers = slices.Clone(r.Events), slices.Clone(r.Effects), slices.Clone(r.Timers)
	r.Outcomes, r.Ended = slices.Clone(r.Outcomes), slices.Clone(r.Ended)
	for i := range r.Events {
		r.Events[i].Instance = key
	}
	for i := range r.Effects {
		r.Effects[i].Lease.Instance = key
	}
	for i := range r.Timers {
		r.Timers[i].Lease.Instance = key
	}
	for i := range r.Outcomes {
		r.Outcomes[i].Input.Instance = key
	}
	for i := range r.Ended {
		r.Ended[i].Lease.Instance = key
	}
	return r
}

// storeAll makes an instance with rows in every table, and returns what is to be read of it.
func (k *kit) storeAll(id string) store.StoredInstance {
	k.Helper()
	parent := &store.Parent{Instance: store.InstanceKey{Workflow: "cart", ID: "c"}, Input: "Ended", Created: 7}
	first, second := newID(), newID()
	c := change(order(id), 0, 2)
	c.Now, c.Due = at(1), at(2)
	c.Status, c.Parent, c.UniqueKey = "open", parent, "key "+id
	c.Events[0].Cause = []byte(`{"input":"Open"}`)
	c.Effects = []store.NewEffect{
		{Kind: "Send", Payload: []byte(`{"to":"dead"}`), Trace: "trace"},
		{Kind: "Send", Payload: []byte(`{"to":"leased"}`), LimitKey: "limit"},
		{Kind: "Drop", Payload: []byte(`{}`)},
		{Kind: "Wait", Payload: []byte(`{"to":"later"}`)},
	}
	c.Timers = []store.NewTimer{
		{Key: "b", Input: "Remind", Payload: []byte(`{"n":1}`), FireAt: at(60), Trace: "trace"},
		{Key: "a", Input: "Remind", Payload: []byte(`{"n":2}`), FireAt: at(70)},
	}
	if k.inputLog != nil {
		c.Inputs.Outcomes = []store.InputOutcome{{Input: store.InputKey{Instance: order(id), ID: "i"}, Outcome: []byte(`{"a":1}`), RecordedAt: at(1)}}
	}
	if err := k.tryAs(first, c); err != nil {
		k.Fatal(err)
	}
	claimed := k.effects().claimKinds([]store.Kind{{Workflow: "order", Name: "Send"}}, at(10), at(20), 2)
	if len(claimed) != 2 {
		k.Fatalf("claimed %d effects, want 2", len(claimed))
	}
	k.effects().settle(&claimed[0].Lease, store.Dead, at(11), "no")
	c = change(order(id), 2, 1)
	c.Now, c.Status = at(12), "waits"
	c.CancelEffects = []store.CancelledEffects{{Kind: "Drop", By: 3}}
	if err := k.tryAs(second, c); err != nil {
		k.Fatal(err)
	}

	event := func(version int64, commit store.CommitID, now time.Time) store.EventRecord {
		return store.EventRecord{StoredEvent: store.StoredEvent{
			Instance: order(id), Version: version, Type: "Noted", SchemaVersion: 1, Payload: fmt.Appendf(nil, `{"version":%d}`, version),
			RecordedAt: now, Commit: commit,
		}}
	}
	delivery := func(queue store.QueueName, position int, key, kind, payload string, due, runAt time.Time) store.DeliveryRecord {
		return store.DeliveryRecord{
			Lease: store.Lease{Queue: queue, Instance: order(id), Version: 2, Position: position, Key: key, Commit: first},
			Kind:  store.Kind{Workflow: "order", Name: kind}, Payload: []byte(payload), Due: due, RunAt: runAt,
		}
	}
	want := store.StoredInstance{
		Key: order(id), Parent: parent, UniqueKeys: []string{"key " + id},
		Events: []store.EventRecord{event(1, first, at(1)), event(2, first, at(1)), event(3, second, at(12))},
		Effects: []store.DeliveryRecord{
			delivery(store.EffectQueue, 0, "", "Send", `{"to":"dead"}`, at(1), at(2)),
			delivery(store.EffectQueue, 1, "", "Send", `{"to":"leased"}`, at(1), at(10)),
			delivery(store.EffectQueue, 3, "", "Wait", `{"to":"later"}`, at(1), at(2)),
		},
		Timers: []store.DeliveryRecord{
			delivery(store.TimerQueue, 0, "a", "Remind", `{"n":2}`, at(70), at(70)),
			delivery(store.TimerQueue, 0, "b", "Remind", `{"n":1}`, at(60), at(60)),
		},
		Outcomes: c.Inputs.Outcomes,
	}
	want.Events[0].Cause, want.Events[1].Status, want.Events[2].Status = []byte(`{"input":"Open"}`), "open", "waits"
	for i := range 2 {
		want.Effects[i].Attempts, want.Effects[i].Lease.Token = 1, claimed[i].Lease.Token
	}
	dead, timer := &want.Effects[0], &want.Timers[1]
	dead.LastError, dead.DiedAt, dead.Trace, dead.Lease.Token = "no", at(11), "trace", k.stored(order(id))[0].Effects[0].Lease.Token
	dead.RunAt = k.stored(order(id))[0].Effects[0].RunAt // of a dead letter it means nothing
	want.Effects[1].LimitKey, timer.Trace = "limit", "trace"
	if k.inputLog != nil {
		want.Outcomes = []store.InputOutcome{{Input: store.InputKey{Instance: order(id), ID: "i"}, Outcome: []byte(`{"a":1}`), RecordedAt: at(1)}}
	}
	if k.causes != nil {
		want.Ended = []store.EndedDelivery{{
			Lease: store.Lease{Queue: store.EffectQueue, Instance: order(id), Version: 2, Position: 2}, Kind: "Drop", Ending: store.EndedCancelled,
			At: at(12), By: store.DecisionRef{Instance: order(id), Version: 3},
		}}
	} else {
		want.Events[0].Cause = nil
	}
	return want
}

func readStored(k *kit) {
	want := k.storeAll("1")
	k.wantStored(want)
	k.commit(change(order("2"), 0, 1))
	got := k.stored(order("none"), order("2"), order("1"))
	if got[0].Key != order("none") || len(got[0].Events) != 0 || got[1].Version() != 1 || got[2].Version() != 3 {
		k.Errorf("got %d, %d and %d events", len(got[0].Events), len(got[1].Events), len(got[2].Events))
	}
}

func readPayloads(k *kit) {
	first, second := k.storeAll("1"), k.storeAll("2")
	got, err := k.transfer.ReadPayloads(k.ctx, []store.InstanceKey{order("2"), order("none"), order("1")})
	if err != nil || len(got) != 3 {
		k.Fatalf("ReadPayloads: got %d instances, error %v", len(got), err)
	}
	deliveries := func(of []store.DeliveryRecord) (payloads []store.DeliveryPayload) {
		for _, d := range of {
			payloads = append(payloads, store.DeliveryPayload{Kind: d.Kind, Payload: d.Payload})
		}
		return payloads
	}
	for i, r := range []store.StoredInstance{second, {Key: order("none")}, first} {
		want := store.InstancePayloads{Key: r.Key, Effects: deliveries(r.Effects), Timers: deliveries(r.Timers), Outcomes: slices.Clone(r.Outcomes)}
		for _, e := range r.Events {
			want.Events = append(want.Events, store.StoredEvent{
				Instance: e.Instance, Version: e.Version, Type: e.Type, SchemaVersion: e.SchemaVersion, Payload: e.Payload,
			})
		}
		for i := range want.Outcomes {
			want.Outcomes[i].RecordedAt = time.Time{}
		}
		for _, of := range []*store.InstancePayloads{&got[i], &want} {
			for _, queue := range [][]store.DeliveryPayload{of.Effects, of.Timers} {
				slices.SortFunc(queue, func(a, b store.DeliveryPayload) int { return strings.Compare(string(a.Payload), string(b.Payload)) })
			}
		}
		if !reflect.DeepEqual(got[i], want) {
			g, _ := json.Marshal(got[i])
			w, _ := json.Marshal(want)
			k.Errorf("payloads:\n got %s\nwant %s", short(string(g)), short(string(w)))
		}
	}
}

func writeStored(k *kit) {
	want := k.storeAll("1")
	tables := []string{"instances", "events", "unique_keys", "effects", "timers", "input_outcomes", "ended_deliveries"}
	before := k.dump()
	a, b := renamed(want, "2"), renamed(want, "0")
	k.write(a, b)
	k.wantStored(a)
	k.wantStored(b)
	k.wantStored(want)
	after := k.dump()
	for _, table := range tables {
		if len(after[table]) != 3*len(before[table]) {
			k.Errorf("table %s has %d rows, want %d", table, len(after[table]), 3*len(before[table]))
		}
	}
}

func writeCompleted(k *kit) {
	c := complete(change(order("1"), 0, 2))
	c.Now, c.Status = at(5), "done"
	k.commit(c)
	k.write(renamed(k.stored(order("1"))[0], "2"))
	k.wantTable("instances", "instance, created_at, completed_at, status",
		fmt.Sprintf("1|%s|%[1]s|done", micros(at(5))), fmt.Sprintf("2|%s|%[1]s|done", micros(at(5))))
	k.refuse(isConflict, change(order("2"), 2, 1))
}

func transferTexts(k *kit) {
	payloads := jsonTexts()
	for _, text := range oddTexts {
		instance := store.InstanceKey{Workflow: text, ID: text}
		c := withKey(change(instance, 0, 1), text)
		c.Events[0].Type, c.Status = text, text
		for i, p := range payloads {
			c.Effects = append(c.Effects, store.NewEffect{Kind: text, Payload: []byte(p), LimitKey: text})
			c.Timers = append(c.Timers, store.NewTimer{Key: fmt.Sprint(text, i), Input: text, Payload: []byte(p), FireAt: epoch})
			c.Events = append(c.Events, store.NewEvent{Type: text, SchemaVersion: 2, Payload: []byte(p)})
		}
		k.commit(c)
		other := renamed(k.stored(instance)[0], "other")
		for i, p := range payloads {
			if e, t := string(other.Effects[i].Payload), string(other.Events[i+1].Payload); e != p || t != p {
				k.Errorf("got %s and %s, want %s", short(e), short(t), short(p))
			}
		}
		k.write(other)
		k.wantStored(other)
		payloads = payloads[:2] // once is enough of what is large
	}
}

func writtenGoesOn(k *kit) {
	want := renamed(k.storeAll("1"), "2")
	k.write(want)
	read := k.load(order("2"))
	if read.Version != 3 || read.LastCommit != want.Events[2].Commit || read.Created != want.Events[0].Commit || read.Parent == nil {
		k.Errorf("read %+v", read)
	}
	for _, claimed := range [][]store.Delivery{k.effects().claim(at(30), at(40), 9), k.timers().claim(at(80), at(90), 9)} {
		n := 0
		for _, d := range claimed {
			if d.Lease.Instance == order("2") {
				n++
				c := change(order("2"), k.load(order("2")).Version, 1)
				c.Consume = []store.Lease{d.Lease}
				k.commit(c)
			}
		}
		if n == 0 {
			k.Errorf("none of %d claimed deliveries is of the instance", len(claimed))
		}
	}
	k.refuse(heldBy("2", "key 1 of 2", order("3")), withKey(change(order("3"), 0, 1), "key 1 of 2"))
}

func writtenInFeed(k *kit) {
	k.commit(change(order("1"), 0, 3))
	k.write(renamed(k.stored(order("1"))[0], "2"))
	var got []string
	for _, e := range k.drain(0, 6, 100) {
		got = append(got, fmt.Sprint(e.Instance.ID, e.Version))
	}
	if want := "11 12 13 21 22 23"; strings.Join(got, " ") != want {
		k.Errorf("the feed has %v, want %s", got, want)
	}
}

func writeRefused(k *kit) {
	k.commit(withKey(change(order("1"), 0, 1), "ann"), change(order("there"), 0, 1))
	before := k.dump()
	one := k.stored(order("1"))[0]
	fine := renamed(one, "fine")
	there := renamed(one, "there")
	holder := renamed(one, "thief")
	holder.UniqueKeys = []string{"ann"}
	for name, second := range map[string]store.StoredInstance{"exists": there, "key is held": holder} {
		if err := k.transfer.WriteStored(k.ctx, []store.StoredInstance{fine, second}); !isConflict(err) {
			k.Errorf("%s: got error %v", name, err)
		}
		k.unchanged(before)
	}
}

func writtenBeside(k *kit) {
	want := k.storeAll("1")
	other := renamed(want, "2")
	outcome := other.Outcomes[0]
	outcome.Outcome = []byte(`{"first":1}`)
	if err := k.inputLog.RecordInputs(k.ctx, store.InputRecords{Outcomes: []store.InputOutcome{outcome}}); err != nil {
		k.Fatal(err)
	}
	k.write(other)
	other.Outcomes = []store.InputOutcome{outcome}
	k.wantStored(other)
}

func writeOnce(k *kit) {
	k.commit(change(order("1"), 0, 3))
	other := renamed(k.stored(order("1"))[0], "2")
	written := make([]int, 8)
	k.together(len(written), func(i int) error {
		err := k.transfer.WriteStored(k.ctx, []store.StoredInstance{other})
		if err == nil {
			written[i] = 1
		}
		if isConflict(err) {
			err = nil
		}
		return err
	})
	if n := len(slices.DeleteFunc(written, func(n int) bool { return n == 0 })); n != 1 {
		k.Errorf("%d have written the instance, want 1", n)
	}
	k.wantVersion(order("2"), 3)
}
