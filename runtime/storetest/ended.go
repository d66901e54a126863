package storetest

import (
	"slices"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// endedRules are about records of deliveries that are over.
var endedRules = []rule{
	{name: "what a change says to have ended is recorded with it", check: recordEnded},
	{name: "the reason of a refused input is recorded when its delivery ends, once", check: recordRefused},
	{name: "what is done without a reason, and what belongs to no instance, is not recorded", check: recordNothing, needs: []string{"Schedules"}},
	{name: "records are read in the order of versions, from one on, up to a limit", check: endedInOrder},
	{name: "records go with their instance and no other", check: endedGoWithInstance, needs: []string{"Forgetting"}},
}

func (k *kit) wantEnded(instance store.InstanceKey, from int64, want ...store.EndedDelivery) {
	k.Helper()
	if k.causes == nil {
		return
	}
	got, err := k.causes.EndedDeliveries(k.ctx, instance, from, 100)
	if err != nil || !slices.Equal(got, want) {
		k.Errorf("ended deliveries of %s from %d on: got %+v, error %v, want %+v", instance, from, got, err, want)
	}
}

// sent is the record of an effect that led to a decision of another instance.
func sent(lease store.Lease) store.EndedDelivery {
	lease.Token, lease.Commit = 0, 0
	return store.EndedDelivery{
		Lease: lease, Kind: "Send", Ending: store.EndedDelivered, At: at(5), Attempts: 3,
		By: store.DecisionRef{Instance: store.InstanceKey{Workflow: "cart", ID: "c"}, Version: 7},
	}
}

func recordEnded(k *kit) {
	k.effects().put("1", epoch)
	lease := k.effects().lease()
	stale := *lease
	stale.Token--
	c := change(order("other"), 0, 1)
	c.Consume, c.Ended = []store.Lease{stale}, []store.EndedDelivery{sent(*lease)}
	k.refuse(isLeaseLost, c)
	c.Consume = []store.Lease{*lease}
	k.commit(c)
	k.wantEnded(order("1"), 1, sent(*lease))
	k.wantRows(map[string]int{"instances": 2, "events": 2, "ended_deliveries": 1})
}

func recordRefused(k *kit) {
	for _, l := range []line{k.effects(), k.timers()} {
		instance := order(string(l.name))
		l.put(instance.ID, epoch)
		lease := l.lease()
		settlement := store.Settlement{Lease: *lease, Verdict: store.Done, At: at(9), Error: "not in this state"}
		for range 2 {
			if _, err := l.queue.Settle(k.ctx, []store.Settlement{settlement}); err != nil {
				k.Fatal(err)
			}
		}
		want := store.EndedDelivery{Lease: *lease, Kind: l.kind.Name, Ending: store.EndedRefused, At: at(9), Attempts: 1, Reason: "not in this state"}
		want.Lease.Token, want.Lease.Commit = 0, 0
		k.wantEnded(instance, 1, want)
		l.wantOver(lease)
	}
	k.wantRows(map[string]int{"instances": 2, "events": 2, "ended_deliveries": 2})
}

func recordNothing(k *kit) {
	k.effects().put("1", epoch)
	k.effects().settle(k.effects().lease(), store.Done, at(1), "")
	if err := k.schedules.PutSchedules(k.ctx, []store.StoredSchedule{schedule("weekly", `{}`, 1)}); err != nil {
		k.Fatal(err)
	}
	claimed, err := k.Store.Timers().Claim(k.ctx, store.Claim{
		Kinds: []store.Kind{store.ScheduleKind("order", "weekly")}, Now: at(2), Until: at(3), Limit: 1,
	})
	if err != nil || len(claimed) != 1 {
		k.Fatalf("got %v, error %v", claimed, err)
	}
	_, err = k.Store.Timers().Settle(k.ctx, []store.Settlement{{Lease: claimed[0].Lease, Verdict: store.Done, At: at(3), Error: "refused"}})
	if err != nil {
		k.Fatal(err)
	}
	k.wantRows(map[string]int{"instances": 1, "events": 1})
}

func endedInOrder(k *kit) {
	var all []store.EndedDelivery
	for _, version := range []int64{1, 2, 10} {
		for position := range 2 {
			all = append(all, sent(store.Lease{Queue: store.EffectQueue, Instance: order("1"), Version: version, Position: position}))
		}
		all = append(all, sent(store.Lease{Queue: store.TimerQueue, Instance: order("1"), Version: version, Key: "a"}))
	}
	c := change(order("2"), 0, 1)
	c.Ended = slices.Clone(all)
	slices.Reverse(c.Ended)
	k.commit(c)
	k.wantEnded(order("1"), 1, all...)
	k.wantEnded(order("1"), 2, all[3:]...)
	k.wantEnded(order("1"), 11)
	k.wantEnded(order("2"), 1)
	if got, err := k.causes.EndedDeliveries(k.ctx, order("1"), 1, 4); err != nil || !slices.Equal(got, all[:4]) {
		k.Errorf("got %+v, error %v", got, err)
	}
}

func endedGoWithInstance(k *kit) {
	for _, id := range []string{"gone", "stays"} {
		c := change(order(id), 0, 1)
		c.Ended = []store.EndedDelivery{sent(store.Lease{Queue: store.EffectQueue, Instance: order(id), Version: 1})}
		k.commit(c)
	}
	k.commit(complete(change(order("gone"), 1, 1)))
	k.delete(versionOf(order("gone"), 2))
	k.wantEnded(order("gone"), 1)
	k.wantTable("ended_deliveries", "instance", "stays")
}
