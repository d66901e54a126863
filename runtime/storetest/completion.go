package storetest

import (
	"slices"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

var completionRules = []rule{
	{name: "a completed instance refuses every change", check: completedRefuses},
	{name: "completion deletes the timers, dead ones too, and keeps the effects", check: completionClearsTimers},
	{name: "completion frees the unique key", check: completionFreesKey},
	{name: "the first change may complete", check: completionAtOnce},
	{name: "completion may consume a timer", check: completionConsumesTimer},
	{name: "completion leaves other instances alone", check: completionOfOne},
}

func complete(c store.Change) store.Change {
	c.Timers, c.Complete = nil, true
	return c
}

func completedRefuses(k *kit) {
	k.commit(full(order("1"), 0, "ann"))
	k.commit(complete(change(order("1"), 2, 1)))
	for _, version := range []int64{0, 2, 3} {
		k.refuse(isConflict, change(order("1"), version, 1))
		k.refuse(isConflict, complete(full(order("1"), version, "ann")))
	}
}

func completionClearsTimers(k *kit) {
	c := full(order("1"), 0, "")
	c.Timers = append(c.Timers, store.NewTimer{Key: "dead", Input: "Remind", Payload: []byte(`{}`), FireAt: at(1)})
	c.Effects = append(c.Effects, store.NewEffect{Kind: "Send", Payload: []byte(`{}`)})
	k.commit(c)
	timers, effects := k.timers(), k.effects()
	timers.settle(timers.lease(), store.Dead, at(2), "no")
	effects.settle(effects.lease(), store.Dead, at(2), "no")

	last := complete(change(order("1"), 2, 1))
	last.Now = at(9)
	last.Effects = []store.NewEffect{{Kind: "Farewell", Payload: []byte(`{}`)}}
	k.commit(last)
	k.wantRows(map[string]int{"instances": 1, "events": 3, "effects": 3})
	k.wantTable("instances", "created_at, completed_at", micros(epoch)+"|"+micros(at(9)))
	if got := effects.claim(at(9), at(60), 9); len(got) != 1 {
		k.Errorf("got %d effects of a completed instance that wait, want 1", len(got))
	}
}

func completionFreesKey(k *kit) {
	k.commit(full(order("1"), 0, "ann"))
	k.commit(complete(change(order("1"), 2, 1)))
	k.wantTable("unique_keys", "*")
	k.commit(full(order("2"), 0, "ann"))
	k.wantTable("unique_keys", "workflow, key, instance", "order|ann|2")
}

func completionAtOnce(k *kit) {
	k.commit(complete(full(order("1"), 0, "ann")))
	k.wantRows(map[string]int{"instances": 1, "events": 2, "effects": 1})
	if i := k.load(order("1")); !i.Completed || i.Version != 2 {
		k.Errorf("got %+v", i)
	}
	// It holds no key, but may not be there beside one that does.
	k.commit(full(order("2"), 0, "ann"))
	k.refuse(heldBy("2", "ann", order("3")), complete(full(order("3"), 0, "ann")))
}

func completionConsumesTimer(k *kit) {
	k.commit(full(order("1"), 0, ""))
	c := complete(change(order("1"), 2, 1))
	c.Consume = []store.Lease{*k.timers().lease()}
	lost := c
	lost.Consume = slices.Clone(c.Consume)
	lost.Consume[0].Token++
	k.refuse(isLeaseLost, lost)
	k.commit(c)
	k.wantTable("timers", "*")
}

func completionOfOne(k *kit) {
	invoice := store.InstanceKey{Workflow: "invoice", ID: "1"}
	k.commit(full(order("1"), 0, "ann"), full(order("2"), 0, "bob"), full(invoice, 0, "ann"))
	k.commit(complete(change(order("1"), 2, 1)))
	k.wantTable("timers", "workflow, instance, key", "order|2|remind", "invoice|1|remind")
	k.wantTable("unique_keys", "workflow, key, instance", "order|bob|2", "invoice|ann|1")
	k.commit(change(order("2"), 2, 1), change(invoice, 2, 1))
}
