package storetest

import (
	"fmt"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
)

// line is one of the two queues, so that what holds for both is said once. Its deliveries are of one kind.
type line struct {
	*kit
	name  runtime.QueueName
	queue runtime.Queue
	kind  runtime.Kind
}

func (k *kit) effects() line {
	return line{k, runtime.EffectQueue, k.Store.Effects(), runtime.Kind{Workflow: "order", Name: "Send"}}
}

func (k *kit) timers() line {
	return line{k, runtime.TimerQueue, k.Store.Timers(), runtime.Kind{Workflow: "order", Name: "Remind"}}
}

func (k *kit) line(name runtime.QueueName) line {
	if name == runtime.TimerQueue {
		return k.timers()
	}
	return k.effects()
}

// queueRule is what holds for both queues.
type queueRule struct {
	name  string
	check func(line)
}

// linesOf are rules of queues, said of one queue.
func linesOf(name runtime.QueueName, queueRules []queueRule) []rule {
	var rules []rule
	for _, r := range queueRules {
		rules = append(rules, rule{name: r.name, check: func(k *kit) { r.check(k.line(name)) }})
	}
	return rules
}

// with adds to a change one delivery of the line that is due at the given time.
func (l line) with(c runtime.Change, kind runtime.Kind, due time.Time) runtime.Change {
	payload := fmt.Appendf(nil, `{"of":%q}`, c.Instance.ID)
	if l.name == runtime.TimerQueue {
		c.Timers = append(c.Timers, runtime.NewTimer{Key: "key", Input: kind.Name, Payload: payload, FireAt: due})
		return c
	}
	c.Now, c.Due = due, due
	c.Effects = append(c.Effects, runtime.NewEffect{Kind: kind.Name, Payload: payload})
	return c
}

// put creates an instance with one delivery that is due at the given time.
func (l line) put(id string, due time.Time) {
	l.Helper()
	l.putKind(id, l.kind, due)
}

func (l line) putKind(id string, kind runtime.Kind, due time.Time) {
	l.Helper()
	instance := runtime.InstanceKey{Workflow: kind.Workflow, ID: id}
	l.commit(l.with(change(instance, 0, 1), kind, due))
}

func (l line) claim(now, until time.Time, limit int) []runtime.Delivery {
	l.Helper()
	return l.claimKinds([]runtime.Kind{l.kind}, now, until, limit)
}

func (l line) claimKinds(kinds []runtime.Kind, now, until time.Time, limit int) []runtime.Delivery {
	l.Helper()
	got, err := l.queue.Claim(l.ctx, runtime.Claim{Kinds: kinds, Now: now, Until: until, Limit: limit})
	if err != nil {
		l.Fatalf("Claim: %v", err)
	}
	return got
}

// lease claims one delivery at one hour after epoch, for an hour.
func (l line) lease() *runtime.Lease {
	l.Helper()
	got := l.claim(at(3600), at(7200), 1)
	if len(got) != 1 {
		l.Fatalf("got %d deliveries, want 1", len(got))
	}
	return &got[0].Lease
}

// ids are the instances of deliveries, in order.
func ids(deliveries []runtime.Delivery) []string {
	var got []string
	for _, d := range deliveries {
		got = append(got, d.Lease.Instance.ID)
	}
	return got
}

func (l line) settle(lease *runtime.Lease, verdict runtime.Verdict, when time.Time, message string) {
	l.Helper()
	s := runtime.Settlement{Lease: *lease, Verdict: verdict, At: when, Error: message}
	lost, err := l.queue.Settle(l.ctx, []runtime.Settlement{s})
	if err != nil || len(lost) != 0 {
		l.Fatalf("Settle: error %v, lost %v", err, lost)
	}
}

// wantOver says that nothing can be done with a lease any more, and that trying changes nothing.
func (l line) wantOver(lease *runtime.Lease) {
	l.Helper()
	before := l.dump()
	lost, err := l.queue.Extend(l.ctx, []runtime.Lease{*lease}, at(9000))
	if err != nil || len(lost) != 1 || lost[0] != *lease {
		l.Errorf("Extend: error %v, lost %v", err, lost)
	}
	for _, verdict := range []runtime.Verdict{runtime.Done, runtime.RetryLater, runtime.Dead, runtime.Release, runtime.Again} {
		s := runtime.Settlement{Lease: *lease, Verdict: verdict, At: at(1), Error: "late"}
		lost, err := l.queue.Settle(l.ctx, []runtime.Settlement{s})
		if err != nil || len(lost) != 1 || lost[0] != *lease {
			l.Errorf("Settle %d: error %v, lost %v", verdict, err, lost)
		}
	}
	l.unchanged(before)
	consumes := full(order("a zombie's"), 0, "zombie")
	consumes.Consume = []runtime.Lease{*lease}
	l.refuse(isLeaseLost, consumes)
}
