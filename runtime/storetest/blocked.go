package storetest

import (
	"fmt"
	"slices"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// blockedRules hold for effects and for timers.
var blockedRules = []queueRule{
	{name: "what a process cannot take waits with the reason, and its attempt was none", check: settleWait},
	{name: "blocked deliveries are made due, those first that have been blocked for longest", check: retryBlocked},
	{name: "the backlog has what is blocked of each kind, since when and why", check: backlogBlocked},
	{name: "a lease names its holder until it is settled", check: holder},
	{name: "the backlog counts the dead letters of each kind by itself", check: backlogDeadOfEachKind},
	{name: "a dead letter that its instance was told of is listed, counted and revived only when asked for", check: toldDead},
	{name: "what recurs may keep its attempts and the reason for a firing that was skipped", check: settleAgainWithAttempts},
}

func (l line) wait(lease *store.Lease, since, until time.Time, reason string, attempts int) {
	l.Helper()
	s := store.Settlement{
		Lease: *lease, Verdict: store.Wait, At: until, Error: reason, BlockedSince: since, Attempts: attempts,
	}
	if lost, err := l.queue.Settle(l.ctx, []store.Settlement{s}); err != nil || len(lost) > 0 {
		l.Fatalf("Settle: lost %v, error %v", lost, err)
	}
}

func settleWait(l line) {
	l.put("1", at(0))
	first := l.claim(at(0), at(60), 1)[0]
	if !first.BlockedSince.IsZero() {
		l.Errorf("blocked since %v before anybody could not take it", first.BlockedSince)
	}
	l.wait(&first.Lease, at(5), at(100), "unknown event", 0)
	l.wantOver(&first.Lease)
	if got := l.claim(at(99), at(9000), 1); len(got) != 0 {
		l.Fatalf("claimed early: %+v", got)
	}
	again := l.claim(at(100), at(200), 1)[0]
	if again.Attempt != 1 || again.LastError != "unknown event" || !again.BlockedSince.Equal(at(5)) {
		l.Errorf("got %+v, want attempt 1, blocked since %v", again, at(5))
	}
	// Attempts may be raised, as for RetryLater.
	l.wait(&again.Lease, at(5), at(100), "not told", 7)
	if again = l.claim(at(100), at(200), 1)[0]; again.Attempt != 8 {
		l.Errorf("got attempt %d, want 8", again.Attempt)
	}
	// Whoever can take it ends the time for which it was blocked.
	for _, verdict := range []store.Verdict{store.RetryLater, store.Release, store.Again} {
		l.wait(&again.Lease, at(5), at(300), "unknown event", 0)
		again = l.claim(at(300), at(400), 1)[0]
		l.settle(&again.Lease, verdict, at(300), "no")
		if again = l.claim(at(300), at(400), 1)[0]; !again.BlockedSince.IsZero() {
			l.Errorf("still blocked after the verdict %d: %+v", verdict, again)
		}
	}
}

func backlogBlocked(l line) {
	for n := range 3 {
		l.put(fmt.Sprint(n), at(n))
	}
	for n := range 2 {
		d := l.claim(at(10), at(60), 1)[0]
		l.wait(&d.Lease, at(20-n), at(100), fmt.Sprint("reason ", n), 0)
		waiting, err := l.inspection.Waiting(l.ctx, l.name, d.Lease.Instance, 9)
		if err != nil || len(waiting) != 1 || !waiting[0].BlockedSince.Equal(at(20-n)) ||
			waiting[0].StateAt(at(50)) != store.DeliveryBlocked || waiting[0].StateAt(at(200)) != store.DeliveryBlocked {
			l.Errorf("got %+v, error %v", waiting, err)
		}
	}
	want := store.Backlog{
		Kind: l.kind, Due: 1, OldestDue: at(2), Delayed: 2, Blocked: 2, OldestBlocked: at(19), BlockedError: "reason 1",
	}
	l.wantBacklog(at(50), 9, want)
	want.Blocked, want.Delayed = 1, 1
	l.wantBacklog(at(50), 1, want)
	// A timer that replaces a blocked one, as an instance that goes on may do, is not blocked.
	if l.name == store.TimerQueue {
		for n := range 3 {
			l.commit(l.with(change(order(fmt.Sprint(n)), 1, 1), l.kind, at(n)))
		}
		l.wantBacklog(at(50), 9, store.Backlog{Kind: l.kind, Due: 3, OldestDue: at(0)})
		for _, d := range l.claim(at(50), at(60), 9) {
			if !d.BlockedSince.IsZero() {
				l.Errorf("got %+v", d)
			}
		}
	}
}

func holder(l line) {
	l.put("1", at(0))
	claim := store.Claim{Kinds: []store.Kind{l.kind}, Now: at(10), Until: at(60), Limit: 1, Holder: "web-1/4711"}
	want := func(holder string) {
		l.Helper()
		waiting, err := l.inspection.Waiting(l.ctx, l.name, order("1"), 9)
		if err != nil || len(waiting) != 1 || waiting[0].Holder != holder {
			l.Errorf("got %+v, error %v, want the holder %q", waiting, err, holder)
		}
	}
	want("")
	got, err := l.queue.Claim(l.ctx, claim)
	if err != nil || len(got) != 1 {
		l.Fatalf("got %v, error %v", got, err)
	}
	want("web-1/4711")
	l.settle(&got[0].Lease, store.RetryLater, at(20), "no")
	want("")
}

// backlogDeadOfEachKind has many dead letters of one kind that are newer than the few of another.
func backlogDeadOfEachKind(l line) {
	other := store.Kind{Workflow: "cart", Name: l.kind.Name}
	for n := range 2 {
		l.putKind(fmt.Sprint(n), other, at(0))
		l.kill(other, "no", at(5000+n))
	}
	for n := range 6 {
		l.put(fmt.Sprint(n), at(0))
		l.kill(l.kind, "no", at(6000+n))
	}
	l.wantBacklog(at(9000), 4, store.Backlog{Kind: other, Dead: 2}, store.Backlog{Kind: l.kind, Dead: 4})
	l.wantBacklog(at(9000), 7, store.Backlog{Kind: other, Dead: 2}, store.Backlog{Kind: l.kind, Dead: 6})
}

func toldDead(l line) {
	letter := l.putDead("plain")
	l.put("told", at(0))
	d := l.claim(at(3600), at(7200), 1)[0]
	c := change(order("told"), 1, 1)
	c.Settle = []store.Settlement{{Lease: d.Lease, Verdict: store.Dead, At: at(6000), Error: "no", Told: true}}
	l.commit(c)
	told := store.DeadLetter{
		Lease: d.Lease, Kind: d.Kind, Payload: d.Payload, Attempts: 1, Error: "no", Due: d.Due, DiedAt: at(6000), ToldAt: at(6000),
	}
	told.Lease.Token++

	l.wantBacklog(at(9000), 9, store.Backlog{Kind: l.kind, Dead: 1})
	for filter, want := range map[store.ToldFilter][]store.DeadLetter{
		store.NotTold: {letter}, store.OnlyTold: {told}, store.ToldOrNot: {told, letter},
	} {
		f := store.DeadLetterFilter{Queue: l.name, Told: filter}
		got, err := l.deadLetters.ListDead(l.ctx, store.DeadLetterList{DeadLetterFilter: f, Limit: 9})
		if err != nil {
			l.Fatal(err)
		}
		l.wantLetters(got, want)
		l.wantCounts(f, want)
	}
	waiting, err := l.inspection.Waiting(l.ctx, l.name, order("told"), 9)
	if err != nil || len(waiting) != 1 || !waiting[0].ToldAt.Equal(at(6000)) {
		l.Errorf("got %+v, error %v", waiting, err)
	}
	// Whoever revives it by its name gets one as new.
	if gone, err := l.deadLetters.Revive(l.ctx, l.name, []store.Lease{told.Lease}, at(7000)); err != nil || len(gone) > 0 {
		l.Errorf("gone %v, error %v", gone, err)
	}
	again := l.claim(at(7000), at(8000), 1)
	if len(again) != 1 || again[0].Attempt != 1 {
		l.Fatalf("got %+v", again)
	}
	l.settle(&again[0].Lease, store.Dead, at(7100), "no")
	l.wantBacklog(at(9000), 9, store.Backlog{Kind: l.kind, Dead: 2})
}

func settleAgainWithAttempts(l line) {
	l.put("1", at(0))
	s := store.Settlement{Lease: *l.lease(), Verdict: store.Again, At: at(5000), Error: "it did not report back", Attempts: 4}
	if lost, err := l.queue.Settle(l.ctx, []store.Settlement{s}); err != nil || len(lost) > 0 {
		l.Fatalf("lost %v, error %v", lost, err)
	}
	got := l.claim(at(5000), at(9000), 9)
	if len(got) != 1 || got[0].Attempt != 5 || got[0].LastError != s.Error || !got[0].Due.Equal(at(5000)) {
		l.Errorf("got %+v, want attempt 5 with the reason", got)
	}
}

func retryBlocked(l line) {
	for n := range 5 {
		l.put(fmt.Sprint(n), at(n))
	}
	retry := func(limit, want int, kinds ...store.Kind) {
		l.Helper()
		if n, err := l.queue.RetryBlocked(l.ctx, kinds, at(30), limit); err != nil || n != want {
			l.Errorf("RetryBlocked of %v: got %d, error %v, want %d", kinds, n, err, want)
		}
	}
	claimed := l.claim(at(10), at(40), 4) // 0 to 3; 4 is due
	l.wait(&claimed[0].Lease, at(9), at(1000), "unknown", 0)
	l.wait(&claimed[1].Lease, at(8), at(1000), "unknown", 0)
	l.wait(&claimed[2].Lease, at(7), at(20), "unknown", 0) // it is due
	l.settle(&claimed[3].Lease, store.RetryLater, at(1000), "no")
	other := store.Kind{Workflow: "cart", Name: l.kind.Name}
	retry(9, 0)
	retry(9, 0, other)
	retry(0, 0, l.kind)
	retry(1, 1, other, l.kind)
	again := l.claim(at(30), at(60), 9)
	if got := ids(again); !slices.Equal(got, []string{"4", "2", "1"}) {
		l.Fatalf("claimed %v, want what was due, and what was blocked for longest", got)
	}
	if d := again[2]; !d.BlockedSince.Equal(at(8)) || d.Attempt != 1 || d.LastError != "unknown" {
		l.Errorf("got %+v, want it as it was blocked", d)
	}
	retry(9, 1, l.kind, other) // 1 and 2 are leased
	if got := ids(l.claim(at(30), at(60), 9)); !slices.Equal(got, []string{"0"}) {
		l.Errorf("claimed %v", got)
	}
	dead := l.claim(at(2000), at(3000), 9)
	for i := range dead {
		l.settle(&dead[i].Lease, store.Dead, at(2000), "no")
	}
	retry(9, 0, l.kind)
}
