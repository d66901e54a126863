package storetest

import (
	"fmt"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

var timerRules = []rule{
	{name: "a timer replaces the one with its key", check: replaceTimer},
	{name: "keys are per instance", check: timerKeys},
	{name: "a lease of the replaced timer is over", check: replacedLease},
	{name: "a dead timer may be replaced", check: replaceDeadTimer},
	{name: "cancel deletes, also a leased or dead timer", check: cancelTimer},
	{name: "cancel of an unknown key does nothing", check: cancelUnknown},
	{name: "after cancel the key may be used again, and does not accept the old lease", check: cancelThenStart},
	{name: "a timer that starts itself again survives its own consumption", check: timerStartsItself},
	{name: "a timer that was replaced cannot be consumed by the change that replaces it once more", check: zombieStartsItself},
	{name: "a change that consumes a timer may cancel it too", check: consumeAndCancel},
	{name: "a timer may be set for the past", check: timerInThePast},
}

func timer(key string, fireAt time.Time) store.NewTimer {
	return store.NewTimer{Key: key, Input: "Remind", Payload: fmt.Appendf(nil, `{"key":%q}`, key), FireAt: fireAt}
}

// withTimers adds timers to a change.
func withTimers(c store.Change, timers ...store.NewTimer) store.Change {
	c.Timers = append(c.Timers, timers...)
	return c
}

func replaceTimer(k *kit) {
	k.commit(withTimers(change(order("1"), 0, 1), timer("a", at(10)), timer("b", at(20))))
	later := timer("a", at(30))
	later.Input, later.Payload = "Escalate", []byte(`{"n":2}`)
	k.commit(withTimers(change(order("1"), 1, 2), later))
	k.wantTable("timers", "key, version, kind, payload, due_at, attempts, died_at",
		`a|3|Escalate|{"n":2}|`+micros(at(30))+"|0|null",
		`b|1|Remind|{"key":"b"}|`+micros(at(20))+"|0|null")
	if got := k.timers().claim(at(25), at(60), 9); len(got) != 1 || got[0].Lease.Key != "b" {
		k.Errorf("got %+v, want timer b", got)
	}
	got := k.timers().claimKinds([]store.Kind{{Workflow: "order", Name: "Escalate"}}, at(30), at(60), 9)
	if len(got) != 1 || got[0].Lease.Key != "a" || got[0].Lease.Version != 3 || string(got[0].Payload) != `{"n":2}` ||
		!got[0].Due.Equal(at(30)) {
		k.Errorf("got %+v, want the new timer a", got)
	}
}

func timerKeys(k *kit) {
	invoice := store.InstanceKey{Workflow: "invoice", ID: "1"}
	for _, instance := range []store.InstanceKey{order("1"), order("2"), invoice} {
		k.commit(withTimers(change(instance, 0, 1), timer("a", at(10))))
	}
	c := change(order("1"), 1, 1)
	c.Cancel = []string{"a"}
	k.commit(c)
	k.wantTable("timers", "workflow, instance", "order|2", "invoice|1")
}

func replacedLease(k *kit) {
	k.commit(withTimers(change(order("1"), 0, 1), timer("a", at(10))))
	old := k.timers().lease()
	k.commit(withTimers(change(order("1"), 1, 1), timer("a", at(10))))
	k.wantNewTimer()
	k.timers().wantOver(old)
	replacement := k.timers().lease()
	k.timers().wantOver(old) // though both were claimed once
	c := change(order("1"), 2, 1)
	c.Consume = []store.Lease{*replacement}
	k.commit(c)
	k.wantTable("timers", "*")
}

// wantNewTimer says that the one timer there is has nothing of what happened to the one that it replaced.
func (k *kit) wantNewTimer() {
	k.Helper()
	k.wantTable("timers", "attempts, claimed_at, holder, last_error, blocked_since, died_at, told_at", "0|null|null|null|null|null|null")
}

func replaceDeadTimer(k *kit) {
	k.commit(withTimers(change(order("1"), 0, 1), timer("a", at(10))))
	told := store.Settlement{Lease: *k.timers().lease(), Verdict: store.Dead, At: at(11), Error: "gave up", Told: true, BlockedSince: at(5)}
	if lost, err := k.timers().queue.Settle(k.ctx, []store.Settlement{told}); err != nil || len(lost) > 0 {
		k.Fatalf("Settle: error %v, lost %v", err, lost)
	}
	k.commit(withTimers(change(order("1"), 1, 1), timer("a", at(20))))
	k.wantNewTimer()
	got := k.timers().claim(at(20), at(60), 1)
	if len(got) != 1 || got[0].Attempt != 1 || got[0].LastError != "" {
		k.Errorf("got %+v, want a timer as new", got)
	}
}

func cancelTimer(k *kit) {
	k.commit(withTimers(change(order("1"), 0, 1),
		timer("dead", at(1)), timer("leased", at(2)), timer("waits", at(3)), timer("stays", at(4))))
	k.timers().settle(k.timers().lease(), store.Dead, at(11), "gave up")
	leased := k.timers().lease()
	c := change(order("1"), 1, 1)
	c.Cancel = []string{"waits", "leased", "dead"}
	k.commit(c)
	k.wantTable("timers", "key", "stays")
	k.timers().wantOver(leased)
}

func cancelUnknown(k *kit) {
	k.commit(withTimers(change(order("1"), 0, 1), timer("a", at(10))))
	c := change(order("1"), 1, 1)
	c.Cancel = []string{"b"}
	k.commit(c)
	c = change(order("2"), 0, 1)
	c.Cancel = []string{"a"}
	k.commit(c)
	k.wantTable("timers", "instance, key", "1|a")
}

func cancelThenStart(k *kit) {
	k.commit(withTimers(change(order("1"), 0, 1), timer("a", at(10))))
	old := k.timers().lease()
	c := change(order("1"), 1, 1)
	c.Cancel = []string{"a"}
	k.commit(c)
	k.commit(withTimers(change(order("1"), 2, 1), timer("a", at(10))))
	k.timers().wantOver(old)
	again := k.timers().lease()
	if again.Token == old.Token && again.Version == old.Version {
		k.Errorf("the lease %+v is the same as that of the cancelled timer", *again)
	}
	k.timers().wantOver(old)
	k.timers().settle(again, store.Done, at(20), "")
}

func timerStartsItself(k *kit) {
	k.commit(withTimers(change(order("1"), 0, 1), timer("a", at(10))))
	fired := k.timers().lease()
	c := withTimers(change(order("1"), 1, 1), timer("a", at(20)))
	c.Consume = []store.Lease{*fired}
	k.commit(c)
	k.wantTable("timers", "key, version, due_at, attempts", "a|2|"+micros(at(20))+"|0")
	k.timers().wantOver(fired)
	if got := k.timers().claim(at(20), at(60), 1); len(got) != 1 || got[0].Attempt != 1 {
		k.Errorf("got %+v, want the first attempt of the new timer", got)
	}
}

func zombieStartsItself(k *kit) {
	k.commit(withTimers(change(order("1"), 0, 1), timer("a", at(10))))
	zombie := k.timers().lease()
	k.commit(withTimers(change(order("1"), 1, 1), timer("a", at(30))))
	c := withTimers(change(order("1"), 2, 1), timer("a", at(20)))
	c.Consume = []store.Lease{*zombie}
	k.refuse(isLeaseLost, c)
}

func consumeAndCancel(k *kit) {
	k.commit(withTimers(change(order("1"), 0, 1), timer("a", at(10))))
	c := change(order("1"), 1, 1)
	c.Consume, c.Cancel = []store.Lease{*k.timers().lease()}, []string{"a"}
	k.commit(c)
	k.wantTable("timers", "*")
}

func timerInThePast(k *kit) {
	k.commit(withTimers(change(order("1"), 0, 1), timer("a", at(-1_000_000)), timer("b", time.Date(1969, 1, 2, 3, 4, 5, 0, time.UTC))))
	got := k.timers().claim(at(0), at(60), 9)
	if len(got) != 2 || got[0].Lease.Key != "b" || got[0].Due.Year() != 1969 {
		k.Errorf("got %+v, want b before a", got)
	}
}
