package storetest

import (
	"fmt"
	"slices"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// backlogRules hold for effects and for timers.
var backlogRules = []queueRule{
	{name: "the backlog has what is due, leased, delayed and dead of each kind", check: backlog},
	{name: "the backlog counts no further than its limit", check: backlogLimit},
	{name: "the holders of leases are found by kind, no further than the limit", check: leaseHolders},
	{name: "an instance's deliveries are returned with all that is known of them", check: waitingOfInstance},
}

func (l line) wantBacklog(now time.Time, limit int, want ...store.Backlog) {
	l.Helper()
	got, err := l.inspection.Backlog(l.ctx, l.name, now, limit)
	if err != nil || !slices.Equal(got, want) {
		l.Errorf("\n got %+v, error %v\nwant %+v", got, err, want)
	}
}

func backlog(l line) {
	l.wantBacklog(at(0), 10)
	other := store.Kind{Workflow: "cart", Name: l.kind.Name}
	unknown := store.Kind{Workflow: "cart", Name: "Unknown"}
	for n := range 4 {
		l.put(fmt.Sprint(n), at(n))
	}
	l.putKind("a", other, at(1))
	l.putKind("b", unknown, at(7000))
	l.wantBacklog(at(3), 10,
		store.Backlog{Kind: other, Due: 1, OldestDue: at(1)}, store.Backlog{Kind: unknown, Delayed: 1},
		store.Backlog{Kind: l.kind, Due: 4, OldestDue: at(0)})

	// Leases of 0 and 1, of which 1 dies, and 2 is to be tried again.
	leases := l.claim(at(10), at(60), 3)
	l.settle(&leases[1].Lease, store.Dead, at(11), "no")
	l.settle(&leases[2].Lease, store.RetryLater, at(50), "later")
	l.kill(other, "no", at(5000))
	l.wantBacklog(at(12), 10,
		store.Backlog{Kind: other, Dead: 1}, store.Backlog{Kind: unknown, Delayed: 1},
		store.Backlog{Kind: l.kind, Due: 1, OldestDue: at(3), Leased: 1, Delayed: 1, Dead: 1})

	// A lease that has run out is due, since then; one that was given back is not leased.
	released := l.claim(at(20), at(90), 1)
	l.settle(&released[0].Lease, store.Release, at(70), "")
	l.wantBacklog(at(65), 10,
		store.Backlog{Kind: other, Dead: 1}, store.Backlog{Kind: unknown, Delayed: 1},
		store.Backlog{Kind: l.kind, Due: 2, OldestDue: at(50), Delayed: 1, Dead: 1})
}

func backlogLimit(l line) {
	for n := range 6 {
		l.put(fmt.Sprint(n), at(0))
	}
	for range 5 {
		l.kill(l.kind, "no", at(5000))
	}
	for n := range 5 {
		l.put(fmt.Sprint("later", n), at(7000+n))
		l.put(fmt.Sprint("due", n), at(n))
	}
	l.claim(at(0), at(6900), 2) // leased: they come before those that wait
	l.wantBacklog(at(6000), 4, store.Backlog{Kind: l.kind, Due: 4, OldestDue: at(1), Leased: 2, Delayed: 2, Dead: 4})
}

func leaseHolders(l line) {
	want := func(now time.Time, limit int, want ...store.LeaseHolder) {
		l.Helper()
		got, err := l.inspection.LeaseHolders(l.ctx, l.name, now, limit)
		if err != nil || !slices.Equal(got, want) {
			l.Errorf("\n got %+v, error %v\nwant %+v", got, err, want)
		}
	}
	claim := func(kind store.Kind, holder string, now, until time.Time, limit int) []store.Delivery {
		l.Helper()
		claim := store.Claim{Kinds: []store.Kind{kind}, Now: now, Until: until, Limit: limit, Holder: holder}
		got, err := l.queue.Claim(l.ctx, claim)
		if err != nil || len(got) != limit {
			l.Fatalf("Claim: got %d, error %v", len(got), err)
		}
		return got
	}
	want(at(0), 10)
	other := store.Kind{Workflow: "cart", Name: l.kind.Name}
	for n := range 6 {
		l.put(fmt.Sprint(n), at(n))
	}
	l.putKind("a", other, at(1))
	l.putKind("b", other, at(9000))
	claim(l.kind, "one", at(10), at(60), 2)
	claim(l.kind, "two", at(11), at(50), 1)
	claim(l.kind, "one", at(12), at(80), 1)
	claim(other, "two", at(13), at(70), 1)
	dead := claim(l.kind, "one", at(14), at(90), 1)
	l.settle(&dead[0].Lease, store.Dead, at(15), "no")
	want(at(20), 10,
		store.LeaseHolder{Kind: other, Holder: "two", Leases: 1, ClaimedAt: at(13), Until: at(70)},
		store.LeaseHolder{Kind: l.kind, Holder: "one", Leases: 3, ClaimedAt: at(10), Until: at(80)},
		store.LeaseHolder{Kind: l.kind, Holder: "two", Leases: 1, ClaimedAt: at(11), Until: at(50)})
	want(at(20), 2, // those that end first
		store.LeaseHolder{Kind: other, Holder: "two", Leases: 1, ClaimedAt: at(13), Until: at(70)},
		store.LeaseHolder{Kind: l.kind, Holder: "one", Leases: 1, ClaimedAt: at(10), Until: at(60)},
		store.LeaseHolder{Kind: l.kind, Holder: "two", Leases: 1, ClaimedAt: at(11), Until: at(50)})
	want(at(70), 10, store.LeaseHolder{Kind: l.kind, Holder: "one", Leases: 1, ClaimedAt: at(12), Until: at(80)})
}

func waitingOfInstance(l line) {
	l.putDead("other")
	c := l.with(change(order("1"), 0, 1), l.kind, at(3))
	l.commit(c)
	leased := l.claim(at(10), at(60), 1)[0]
	want := store.WaitingDelivery{
		Lease: leased.Lease, Kind: l.kind, Due: at(3), RunAt: at(60), Attempts: 1, ClaimedAt: at(10),
	}
	l.wantWaiting(order("1"), 10, want)
	l.settle(&leased.Lease, store.RetryLater, at(90), "later")
	want.Lease.Token++
	want.RunAt, want.LastError, want.ClaimedAt = at(90), "later", time.Time{}
	l.wantWaiting(order("1"), 10, want)

	dead := l.kill(l.kind, "no", at(5000))
	want.Lease = dead.Lease
	want.RunAt, want.Attempts, want.LastError, want.DiedAt = at(7200), 2, "no", at(5000)
	l.wantWaiting(order("1"), 10, want)
	l.wantWaiting(order("2"), 10)
	l.wantWaiting(store.InstanceKey{Workflow: "cart", ID: "1"}, 10)

	// Several, the next one first.
	for n := range 3 {
		c := l.with(change(order("2"), int64(n), 1), l.kind, at(10-n))
		if l.name == store.TimerQueue {
			c.Timers[0].Key = fmt.Sprint(n)
		}
		l.commit(c)
	}
	for limit := 1; limit <= 4; limit++ {
		got, err := l.inspection.Waiting(l.ctx, l.name, order("2"), limit)
		if err != nil || len(got) != min(limit, 3) || !got[0].RunAt.Equal(at(8)) {
			l.Errorf("up to %d: got %+v, error %v", limit, got, err)
		}
	}
}

func (l line) wantWaiting(instance store.InstanceKey, limit int, want ...store.WaitingDelivery) {
	l.Helper()
	got, err := l.inspection.Waiting(l.ctx, l.name, instance, limit)
	if err != nil || !slices.Equal(got, want) {
		l.Errorf("%s:\n got %+v, error %v\nwant %+v", instance, got, err, want)
	}
}
