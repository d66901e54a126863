package storetest

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

var forgettingRules = []rule{
	{name: "finished instances are found oldest first, in pages", check: findFinished},
	{name: "instances with effects, dead ones too, or events that are not read by all are not finished", check: findUnfinished},
	{name: "a deleted instance leaves nothing, and its id is free", check: deleteInstances},
	{name: "what cannot be deleted is returned and not touched", check: keepInstances},
	{name: "of many that delete an instance one does", check: deleteOnce},
	{name: "records are deleted oldest first, up to a limit", check: deleteRecords, needs: []string{"DeadLetters", "InputLog"}},
	{name: "a chore belongs to one process until it is due again", check: chores},
	{name: "of many that want a chore one gets it", check: choreOnce},
}

// allRead is a position that all events are up to.
const allRead = store.FeedPosition(math.MaxInt64)

// finishTold makes an instance that has completed with a dead letter that it was told of.
func (k *kit) finishTold(instance store.InstanceKey) {
	k.Helper()
	effects := k.effects()
	effects.put(instance.ID, at(0))
	claimed := effects.claim(at(3600), at(7200), 9) // others may wait
	own := slices.IndexFunc(claimed, func(d store.Delivery) bool { return d.Lease.Instance == instance })
	if own < 0 {
		k.Fatalf("the effect of %s was not claimed", instance)
	}
	c := complete(change(instance, 1, 2))
	c.Now, c.Status = at(10), "done"
	c.Settle = []store.Settlement{{Lease: claimed[own].Lease, Verdict: store.Dead, At: at(10), Error: "no", Told: true}}
	k.commit(c)
}

// finish makes an instance that is completed at a time.
func (k *kit) finish(instance store.InstanceKey, created, completed int) {
	k.Helper()
	c := change(instance, 0, 1)
	c.Now = at(created)
	k.commit(c)
	c = complete(change(instance, 1, 2))
	c.Now, c.Status = at(completed), "done"
	k.commit(c)
}

func (k *kit) wantFinished(list store.FinishedList, want ...string) {
	k.Helper()
	for limit := 1; limit <= len(want)+1; limit++ {
		var got []string
		for _, i := range pages(k, limit, func(after *store.InstanceSummary) ([]store.InstanceSummary, error) {
			list.Limit, list.After = limit, placeOf(after)
			return k.forgetting.FinishedInstances(k.ctx, list)
		}) {
			if i.Key.Workflow != list.Workflow || i.Version != 3 || i.Status != "done" || !i.Completed() {
				k.Errorf("got %+v", i)
			}
			got = append(got, i.Key.ID)
		}
		if !slices.Equal(got, want) {
			k.Errorf("%d at once: got %v, want %v", limit, got, want)
		}
	}
}

func findFinished(k *kit) {
	k.finish(order("late"), 1, 60)
	k.finish(order("c"), 2, 20)
	k.finish(order("b"), 2, 30)
	k.finish(order("a"), 5, 49)
	k.finish(order("edge"), 3, 50)
	k.finish(store.InstanceKey{Workflow: "cart", ID: "a"}, 4, 40)
	active := change(order("active"), 0, 1)
	active.Now = at(0)
	k.commit(active)
	k.wantFinished(store.FinishedList{Workflow: "order", CompletedBefore: at(50), Read: allRead}, "b", "c", "a")
	k.wantFinished(store.FinishedList{Workflow: "cart", CompletedBefore: at(50), Read: allRead}, "a")
	k.wantFinished(store.FinishedList{Workflow: "order", CompletedBefore: at(20), Read: allRead})
	k.wantFinished(store.FinishedList{Workflow: "none", CompletedBefore: at(99), Read: allRead})
}

// unfinished makes three instances that have completed and cannot be deleted yet, and one that can, and returns the position
// of the last event of the latter.
func unfinished(k *kit) store.FeedPosition {
	k.Helper()
	effects := k.effects()
	for _, id := range []string{"dead", "waits"} {
		effects.put(id, at(0))
		if id == "dead" {
			effects.settle(effects.lease(), store.Dead, at(1), "no")
		}
		c := complete(change(order(id), 1, 2))
		c.Now, c.Status = at(10), "done"
		k.commit(c)
	}
	k.finish(order("free"), 1, 10)
	events := k.load(order("free")).Events
	k.finish(order("unread"), 1, 10)
	return store.FeedPosition(events[len(events)-1].GlobalSequence)
}

func findUnfinished(k *kit) {
	read := unfinished(k)
	k.wantFinished(store.FinishedList{Workflow: "order", CompletedBefore: at(50), Read: read}, "free")
	k.wantFinished(store.FinishedList{Workflow: "order", CompletedBefore: at(50), Read: allRead}, "free", "unread")
	k.wantFinished(store.FinishedList{Workflow: "order", CompletedBefore: at(50), Read: read - 1})
	k.finishTold(order("told"))
	k.wantFinished(store.FinishedList{Workflow: "order", CompletedBefore: at(50), Read: allRead}, "told", "free", "unread")
}

func versionOf(instance store.InstanceKey, version int64) store.InstanceVersion {
	return store.InstanceVersion{Instance: instance, Version: version}
}

func (k *kit) delete(instances ...store.InstanceVersion) (kept []store.InstanceKey) {
	k.Helper()
	kept, err := k.forgetting.DeleteInstances(k.ctx, instances, allRead)
	if err != nil {
		k.Fatalf("DeleteInstances: %v", err)
	}
	return kept
}

func deleteInstances(k *kit) {
	observe := func(c store.Change) store.Change {
		c.Inputs.Observations = []store.Observation{{
			Instance: c.Instance, ObservedAt: at(1), Input: "Pay", Payload: []byte(`{}`), Outcome: "accepted", Version: 1,
		}}
		return c
	}
	for _, id := range []string{"1", "2"} {
		k.commit(observe(withKey(change(order(id), 0, 3), "key "+id)))
		k.save(snapshot(order(id), 2, "a"))
	}
	before := k.dump()
	k.commit(observe(withKey(change(order("gone"), 0, 3), "key")))
	k.save(snapshot(order("gone"), 2, "a"))
	k.commit(observe(complete(change(order("gone"), 3, 1))))
	if kept := k.delete(versionOf(order("gone"), 4)); len(kept) > 0 {
		k.Errorf("kept %v", kept)
	}
	k.unchanged(before)
	k.finishTold(order("told"))
	if kept := k.delete(versionOf(order("told"), 3)); len(kept) > 0 {
		k.Errorf("kept %v, whose dead letter is one that it was told of", kept)
	}
	k.unchanged(before)
	if i := k.load(order("gone")); i.Version != 0 || len(i.Events) > 0 {
		k.Errorf("got %+v", i)
	}
	k.commit(change(order("gone"), 0, 1))
	k.wantVersion(order("gone"), 1)
	if kept := k.delete(); len(kept) > 0 {
		k.Errorf("kept %v of none", kept)
	}
}

func keepInstances(k *kit) {
	read := unfinished(k)
	k.commit(change(order("active"), 0, 3))
	stays := []store.InstanceVersion{
		versionOf(order("dead"), 3), versionOf(order("waits"), 3), versionOf(order("unread"), 3), versionOf(order("active"), 3),
		versionOf(order("free"), 2), versionOf(order("missing"), 1),
	}
	before := k.dump()
	kept, err := k.forgetting.DeleteInstances(k.ctx, stays, read)
	if err != nil || len(kept) != len(stays) {
		k.Errorf("kept %v, error %v", kept, err)
	}
	for i := range kept {
		if kept[i] != stays[i].Instance {
			k.Errorf("kept %v, want them in the order given", kept)
			break
		}
	}
	k.unchanged(before)
	kept, err = k.forgetting.DeleteInstances(k.ctx, append(stays[:4:4], versionOf(order("free"), 3)), read)
	if err != nil || len(kept) != 4 {
		k.Errorf("kept %v, error %v", kept, err)
	}
	if i := k.load(order("free")); i.Version != 0 {
		k.Errorf("got %+v", i)
	}
}

func deleteOnce(k *kit) {
	const n = 30
	var all []store.InstanceVersion
	for i := range n {
		k.finish(order(fmt.Sprint(i)), 1, 2)
		all = append(all, versionOf(order(fmt.Sprint(i)), 3))
	}
	var deleted atomic.Int32
	k.together(6, func(i int) error {
		some := slices.Concat(all[i*5:], all[:i*5])
		kept, err := k.forgetting.DeleteInstances(k.ctx, some, allRead)
		if isConflict(err) {
			return nil
		}
		deleted.Add(int32(n - len(kept)))
		return err
	})
	if deleted.Load() != n {
		k.Errorf("%d were deleted, want %d", deleted.Load(), n)
	}
	k.wantRows(map[string]int{})
}

func deleteRecords(k *kit) {
	for n := range 6 {
		id := fmt.Sprint(n)
		c := change(order(id), 0, 1)
		c.Inputs = store.InputRecords{
			Outcomes: []store.InputOutcome{{
				Input: store.InputKey{Instance: order(id), ID: id}, Outcome: []byte(`{}`), RecordedAt: at(n),
			}},
			Observations: []store.Observation{{
				Instance: order(id), ObservedAt: at(n), Input: id, Payload: []byte(`{}`), Outcome: "accepted", Version: 1,
			}},
		}
		c.Inputs.Audit = []store.AuditRecord{{ID: id, At: at(n), Operation: store.OpSend}}
		k.commit(c)
		dead := k.effects().putDead("dead" + id)
		if gone, err := k.deadLetters.Discard(k.ctx, store.EffectQueue, []store.Lease{dead.Lease}, store.Discard{Reason: id, At: at(n)}); err != nil || len(gone) > 0 {
			k.Fatalf("Discard: gone %v, error %v", gone, err)
		}
	}
	for kind, column := range map[store.RecordKind]string{
		store.ObservationRecords: "input", store.InputOutcomeRecords: "input_id", store.DiscardedRecords: "reason", store.AuditRecords: "id",
	} {
		step := func(want int64, left string) {
			k.Helper()
			n, err := k.forgetting.DeleteRecords(k.ctx, kind, at(5), 3)
			if err != nil || n != want {
				k.Errorf("%s: deleted %d, error %v, want %d", kind, n, err, want)
			}
			k.wantTable(string(kind), column, strings.Fields(left)...)
		}
		step(3, "3 4 5")
		step(2, "5")
		step(0, "5")
	}
	if _, err := k.forgetting.DeleteRecords(k.ctx, "events", at(5), 3); err == nil {
		k.Error("events were deleted as records")
	}
	k.wantRows(map[string]int{
		"instances": 12, "events": 12, "observations": 1, "input_outcomes": 1, "discarded_letters": 1, "audit_log": 1,
	})
}

func chores(k *kit) {
	take := func(name string, now, until int, want bool) int64 {
		k.Helper()
		token, taken, err := k.forgetting.TakeChore(k.ctx, name, at(now), at(until))
		if err != nil || taken != want {
			k.Errorf("TakeChore %s at %d: taken %v, error %v", name, now, taken, err)
		}
		return token
	}
	move := func(name string, token int64, due int, lost bool) {
		k.Helper()
		if got, err := k.forgetting.MoveChore(k.ctx, name, token, at(due)); err != nil || got != lost {
			k.Errorf("MoveChore %s to %d: lost %v, error %v", name, due, got, err)
		}
	}
	first := take("sweep", 0, 10, true)
	take("sweep", 9, 19, false)
	take("dust", 9, 19, true)
	move("sweep", first, 20, false)
	take("sweep", 10, 20, false)
	second := take("sweep", 20, 30, true)
	if second == first {
		k.Errorf("the token is %d again", second)
	}
	move("sweep", first, 99, true)
	move("nothing", 1, 99, true)
	take("sweep", 29, 39, false)
	take("sweep", 30, 40, true)
}

func choreOnce(k *kit) {
	for round := range 5 {
		var taken atomic.Int32
		k.together(8, func(int) error {
			_, ok, err := k.forgetting.TakeChore(k.ctx, "sweep", at(10*round), at(10*round+10))
			if ok {
				taken.Add(1)
			}
			return err
		})
		if taken.Load() != 1 {
			k.Errorf("round %d: %d took it", round, taken.Load())
		}
	}
}
