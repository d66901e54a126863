package store

import (
	"strings"
	"testing"
	"time"
)

// validChange has one of everything that ValidateChanges looks at.
func validChange(id string) Change {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	instance := InstanceKey{Workflow: "order", ID: id}
	return Change{
		Instance: instance, Now: now, Due: now, Events: []NewEvent{{Type: "Noted"}},
		Effects: []NewEffect{{Kind: "Send", Leased: true}},
		Timers:  []NewTimer{{Key: "a", FireAt: now, Leased: true}, {Key: "b", FireAt: now.Add(1)}},
		Cancel:  []string{"c"}, Lease: NewLease{Holder: "web-1", Until: now.Add(1)},
		Consume: []Lease{{Queue: EffectQueue, Instance: instance}, {Queue: TimerQueue, Instance: instance}},
		Settle:  []Settlement{{Lease: Lease{Queue: TimerQueue}, Verdict: Again}, {Lease: Lease{Queue: EffectQueue}, Verdict: Dead}},
	}
}

func TestValidateChanges(t *testing.T) {
	t.Parallel()
	valid := func() []Change { return []Change{validChange("1"), validChange("2")} }
	if err := ValidateChanges(valid()); err != nil {
		t.Errorf("valid changes: %v", err)
	}
	if err := ValidateChanges(nil); err != nil {
		t.Errorf("no changes: %v", err)
	}
	for want, mistake := range map[string]func(c *Change){
		"at least one event":                    func(c *Change) { c.Events = nil },
		"completes an instance":                 func(c *Change) { c.Complete = true },
		"needs a holder":                        func(c *Change) { c.Lease.Holder = "" },
		`timer "b" twice`:                       func(c *Change) { c.Timers[0].Key = "b" },
		`start and cancel the timer "c"`:        func(c *Change) { c.Timers[1].Key = "c" },
		`timer "b" cannot be leased before`:     func(c *Change) { c.Timers[1].Leased = true },
		`unknown queue "outbox"`:                func(c *Change) { c.Consume[1].Queue = "outbox" },
		`unknown queue ""`:                      func(c *Change) { c.Settle[0].Lease.Queue = "" },
		"with the verdict 1, only with Dead":    func(c *Change) { c.Settle[1].Verdict = Done },
		"there are two changes to the instance": func(c *Change) { c.Instance.ID = "1" },
	} {
		changes := valid()
		mistake(&changes[1])
		err := ValidateChanges(changes)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), changes[1].Instance.String()) {
			t.Errorf("got error %v, want one with %q of %s", err, want, changes[1].Instance)
		}
	}
}

func TestValidateSettlements(t *testing.T) {
	t.Parallel()
	all := []Verdict{Done, RetryLater, Dead, Release, Again, Wait}
	for _, queue := range []QueueName{EffectQueue, TimerQueue} {
		for _, verdict := range all {
			if err := ValidateSettlements(queue, []Settlement{{Lease: Lease{Queue: queue}, Verdict: verdict}}); err != nil {
				t.Errorf("verdict %d: %v", verdict, err)
			}
		}
		for _, s := range []Settlement{
			{Lease: Lease{Queue: queue}}, {Lease: Lease{Queue: queue}, Verdict: Wait + 1},
			{Lease: Lease{Queue: "outbox"}, Verdict: Done}, {Verdict: Done},
		} {
			if err := ValidateSettlements(queue, []Settlement{{Lease: Lease{Queue: queue}, Verdict: Done}, s}); err == nil {
				t.Errorf("%+v is valid", s)
			}
		}
	}
	timer := []Lease{{Queue: TimerQueue}}
	if err := ValidateLeases(EffectQueue, timer); err == nil {
		t.Error("a lease of a timer is valid for effects")
	}
	if err := ValidateLeases(TimerQueue, timer); err != nil {
		t.Error(err)
	}
}

func TestValidateRequests(t *testing.T) {
	t.Parallel()
	a, b := ReadRequest{Instance: InstanceKey{"order", "1"}}, ReadRequest{Instance: InstanceKey{"cart", "1"}}
	if err := ValidateRequests([]ReadRequest{a, b}); err != nil {
		t.Error(err)
	}
	if err := ValidateRequests([]ReadRequest{a, b, a}); err == nil || !strings.Contains(err.Error(), "order/1") {
		t.Errorf("got error %v, want one that names order/1", err)
	}
}
