package storetest

import (
	"slices"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// settleInChangeRules are about deliveries that cause a change and stay.
var settleInChangeRules = []rule{
	{name: "a dead letter is made in the commit of the input that it leads to", check: dieInChange},
	{name: "a recurring delivery is due again in the commit of the input that it leads to", check: recurInChange},
	{name: "a lease that is lost refuses the change", check: settleLostInChange},
	{name: "the deliveries may belong to other instances", check: settleOfOther},
}

func settlement(lease *store.Lease, verdict store.Verdict, second int) []store.Settlement {
	return []store.Settlement{{Lease: *lease, Verdict: verdict, At: at(second), Error: "gave up"}}
}

func dieInChange(k *kit) {
	for _, l := range []line{k.effects(), k.timers()} {
		instance := order(string(l.name))
		l.put(instance.ID, epoch)
		lease := l.lease()
		c := change(instance, 1, 1)
		c.Settle = settlement(lease, store.Dead, 20)
		k.commit(c)
		k.wantTable(string(l.name), "attempts, last_error, died_at", "1|gave up|"+micros(at(20)))
		l.wantOver(lease)
		if got := l.claim(at(90_000), at(90_001), 9); len(got) != 0 {
			k.Errorf("a dead letter was claimed: %+v", got)
		}
	}
}

func recurInChange(k *kit) {
	for _, l := range []line{k.effects(), k.timers()} {
		instance := order(string(l.name))
		l.put(instance.ID, epoch)
		lease := l.lease()
		c := change(instance, 1, 1)
		c.Settle = settlement(lease, store.Again, 5000)
		c.Settle[0].Error = ""
		k.commit(c)
		l.wantOver(lease)
		if got := l.claim(at(4999), at(9000), 9); len(got) != 0 {
			k.Errorf("claimed before its time: %+v", got)
		}
		got := l.claim(at(5000), at(9000), 9)
		if len(got) != 1 || got[0].Attempt != 1 || !got[0].Due.Equal(at(5000)) || got[0].LastError != "" {
			k.Errorf("got %+v, want one as new", got)
		}
	}
}

func settleLostInChange(k *kit) {
	for _, l := range []line{k.effects(), k.timers()} {
		instance := order(string(l.name))
		l.put(instance.ID, epoch)
		stale := *l.lease()
		stale.Token--
		for _, verdict := range []store.Verdict{store.Dead, store.Again} {
			c := full(instance, 1, "zombie")
			c.Settle = settlement(&stale, verdict, 20)
			k.refuse(isLeaseLost, c)
		}
	}
}

func settleOfOther(k *kit) {
	k.effects().put("parent", epoch)
	k.timers().put("other", epoch)
	c := change(order("child"), 0, 1)
	c.Settle = slices.Concat(settlement(k.effects().lease(), store.Dead, 20), settlement(k.timers().lease(), store.Again, 30))
	k.commit(c)
	k.wantTable("effects", "instance, died_at", "parent|"+micros(at(20)))
	k.wantTable("timers", "instance, run_at, attempts", "other|"+micros(at(30))+"|0")
}

// cancelEffectRules are about effects that a decision gives up.
var cancelEffectRules = []rule{
	{name: "cancelled kinds are deleted, also those that are leased, and their leases are over", check: cancelEffects},
	{name: "dead letters and other instances are not touched", check: cancelLeavesOthers},
	{name: "the change's own effects come after", check: cancelThenAsk},
}

func cancelled(by int64, kinds ...string) (effects []store.CancelledEffects) {
	for _, kind := range kinds {
		effects = append(effects, store.CancelledEffects{Kind: kind, By: by})
	}
	return effects
}

func cancelEffects(k *kit) {
	c := change(order("1"), 0, 1)
	c.Effects = []store.NewEffect{{Kind: "Send", Payload: []byte(`1`)}, {Kind: "Send", Payload: []byte(`2`)},
		{Kind: "Keep", Payload: []byte(`3`)}}
	k.commit(c)
	leased := k.effects().lease()
	c = change(order("1"), 1, 1)
	c.CancelEffects = cancelled(2, "Send", "Unknown")
	k.commit(c)
	k.wantTable("effects", "kind", "Keep")
	k.effects().wantOver(leased)
	record := func(position, attempts int) store.EndedDelivery {
		return store.EndedDelivery{
			Lease: store.Lease{Queue: store.EffectQueue, Instance: order("1"), Version: 1, Position: position}, Kind: "Send",
			Ending: store.EndedCancelled, At: epoch, Attempts: attempts, By: store.DecisionRef{Instance: order("1"), Version: 2},
		}
	}
	attempts := []int{0, 0}
	attempts[leased.Position] = 1
	k.wantEnded(order("1"), 1, record(0, attempts[0]), record(1, attempts[1]))
}

func cancelLeavesOthers(k *kit) {
	k.effects().put("1", epoch)
	k.effects().settle(k.effects().lease(), store.Dead, at(11), "gave up")
	k.effects().put("2", epoch)
	c := change(order("1"), 1, 1)
	c.CancelEffects = cancelled(2, "Send")
	k.commit(c)
	k.wantTable("effects", "instance, died_at", "1|"+micros(at(11)), "2|null")
	k.wantRows(map[string]int{"instances": 2, "events": 3, "effects": 2})
}

func cancelThenAsk(k *kit) {
	k.effects().put("1", epoch)
	c := change(order("1"), 1, 1)
	c.CancelEffects = cancelled(2, "Send")
	c.Effects = []store.NewEffect{{Kind: "Send", Payload: []byte(`{}`)}}
	k.commit(c)
	k.wantTable("effects", "kind, version", "Send|2")
}
