package storetest

import (
	"fmt"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// line is one of the two queues, so that what holds for both is said once. Its deliveries are of one kind.
type line struct {
	*kit
	name  store.QueueName
	queue store.Queue
	kind  store.Kind
}

func (k *kit) effects() line {
	return line{k, store.EffectQueue, k.Store.Effects(), store.Kind{Workflow: "order", Name: "Send"}}
}

func (k *kit) timers() line {
	return line{k, store.TimerQueue, k.Store.Timers(), store.Kind{Workflow: "order", Name: "Remind"}}
}

func (k *kit) line(name store.QueueName) line {
	if name == store.TimerQueue {
		return k.timers()
	}
	return k.effects()
}

// queueRule is what holds for both queues.
type queueRule struct {
	name  string
	check func(line)
	needs []string // see rule
}

// linesOf are rules of queues, said of one queue.
func linesOf(name store.QueueName, queueRules []queueRule) []rule {
	var rules []rule
	for _, r := range queueRules {
		rules = append(rules, rule{name: r.name, check: func(k *kit) { r.check(k.line(name)) }, needs: r.needs})
	}
	return rules
}

// with adds to a change one delivery of the line that is due at the given time.
func (l line) with(c store.Change, kind store.Kind, due time.Time) store.Change {
	payload := fmt.Appendf(nil, `{"of":%q}`, c.Instance.ID)
	if l.name == store.TimerQueue {
		c.Timers = append(c.Timers, store.NewTimer{Key: "key", Input: kind.Name, Payload: payload, FireAt: due})
		return c
	}
	c.Now, c.Due = due, due
	c.Effects = append(c.Effects, store.NewEffect{Kind: kind.Name, Payload: payload})
	return c
}

// put creates an instance with one delivery that is due at the given time.
func (l line) put(id string, due time.Time) {
	l.Helper()
	l.putKind(id, l.kind, due)
}

func (l line) putKind(id string, kind store.Kind, due time.Time) {
	l.Helper()
	instance := store.InstanceKey{Workflow: kind.Workflow, ID: id}
	l.commit(l.with(change(instance, 0, 1), kind, due))
}

func (l line) claim(now, until time.Time, limit int) []store.Delivery {
	l.Helper()
	return l.claimKinds([]store.Kind{l.kind}, now, until, limit)
}

func (l line) claimKinds(kinds []store.Kind, now, until time.Time, limit int) []store.Delivery {
	l.Helper()
	got, err := l.queue.Claim(l.ctx, store.Claim{Kinds: kinds, Now: now, Until: until, Limit: limit})
	if err != nil {
		l.Fatalf("Claim: %v", err)
	}
	return got
}

// lease claims one delivery at one hour after epoch, for an hour.
func (l line) lease() *store.Lease {
	l.Helper()
	got := l.claim(at(3600), at(7200), 1)
	if len(got) != 1 {
		l.Fatalf("got %d deliveries, want 1", len(got))
	}
	return &got[0].Lease
}

// ids are the instances of deliveries, in order.
func ids(deliveries []store.Delivery) []string {
	var got []string
	for _, d := range deliveries {
		got = append(got, d.Lease.Instance.ID)
	}
	return got
}

func (l line) settle(lease *store.Lease, verdict store.Verdict, when time.Time, message string) {
	l.Helper()
	s := store.Settlement{Lease: *lease, Verdict: verdict, At: when, Error: message}
	lost, err := l.queue.Settle(l.ctx, []store.Settlement{s})
	if err != nil || len(lost) != 0 {
		l.Fatalf("Settle: error %v, lost %v", err, lost)
	}
}

// wantOver says that nothing can be done with a lease any more, and that trying changes nothing.
func (l line) wantOver(lease *store.Lease) {
	l.Helper()
	before := l.dump()
	lost, err := l.queue.Extend(l.ctx, []store.Lease{*lease}, at(9000))
	if err != nil || len(lost) != 1 || lost[0] != *lease {
		l.Errorf("Extend: error %v, lost %v", err, lost)
	}
	for _, verdict := range []store.Verdict{store.Done, store.RetryLater, store.Dead, store.Release, store.Again} {
		s := store.Settlement{Lease: *lease, Verdict: verdict, At: at(1), Error: "late"}
		lost, err := l.queue.Settle(l.ctx, []store.Settlement{s})
		if err != nil || len(lost) != 1 || lost[0] != *lease {
			l.Errorf("Settle %d: error %v, lost %v", verdict, err, lost)
		}
	}
	l.unchanged(before)
	consumes := full(order("a zombie's"), 0, "zombie")
	consumes.Consume = []store.Lease{*lease}
	l.refuse(isLeaseLost, consumes)
}
