package storetest

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

func claimReturns(l line) {
	l.put("1", at(10))
	got := l.claim(at(20), at(60), 10)
	if len(got) != 1 {
		l.Fatalf("got %d deliveries, want 1", len(got))
	}
	d := got[0]
	lease := store.Lease{Queue: l.name, Instance: order("1"), Version: 1, Token: d.Lease.Token, Commit: l.load(order("1")).LastCommit}
	if l.name == store.TimerQueue {
		lease.Key = "key"
	}
	if d.Lease != lease || d.Kind != l.kind || string(d.Payload) != `{"of":"1"}` || d.Attempt != 1 || d.LastError != "" {
		l.Errorf("got %+v", d)
	}
	if !d.Due.Equal(at(10)) || d.Due.Location().String() != "UTC" {
		l.Errorf("due at %v, want %v", d.Due, at(10))
	}
	if got := l.claim(at(20), at(60), 10); len(got) != 0 {
		l.Errorf("claimed again: %v", got)
	}
}

func claimWaits(l line) {
	l.put("1", at(10))
	before := l.dump()
	if got := l.claim(at(10).Add(-1000), at(60), 1); len(got) != 0 {
		l.Errorf("claimed early: %v", got)
	}
	l.unchanged(before)
	if got := l.claim(at(10), at(60), 1); len(got) != 1 {
		l.Error("not claimed at the time it is due")
	}
}

func nextDue(l line) {
	want := func(want time.Time, kinds ...store.Kind) {
		l.Helper()
		got, err := l.abilities.dueTimes.NextDue(l.ctx, l.name, kinds)
		if err != nil || !got.Equal(want) {
			l.Errorf("next due at %v, error %v, want %v", got, err, want)
		}
	}
	other := store.Kind{Workflow: "order", Name: "Other"}
	want(time.Time{}, l.kind)
	l.put("1", at(10))
	l.putKind("2", other, at(5))
	want(at(10), l.kind)
	want(at(5), l.kind, other)
	want(time.Time{})
	lease := l.claim(at(10), at(60), 1)[0].Lease
	want(at(60), l.kind)
	l.settle(&lease, store.Dead, at(20), "gave up")
	want(time.Time{}, l.kind)
}

func claimKinds(l line) {
	other := store.Kind{Workflow: "order", Name: "Other"}
	elsewhere := store.Kind{Workflow: "invoice", Name: l.kind.Name}
	l.put("1", at(3))
	l.putKind("2", other, at(1))
	l.putKind("3", elsewhere, at(2))
	if got := ids(l.claim(at(9), at(60), 10)); !slices.Equal(got, []string{"1"}) {
		l.Errorf("got %v, want 1", got)
	}
	unknown := store.Kind{Workflow: "order", Name: "Unknown"}
	got := l.claimKinds([]store.Kind{unknown, other, elsewhere, other}, at(9), at(60), 10)
	for _, d := range got {
		if want := map[string]store.Kind{"2": other, "3": elsewhere}[d.Lease.Instance.ID]; d.Kind != want {
			l.Errorf("instance %s is of kind %v, want %v", d.Lease.Instance, d.Kind, want)
		}
	}
	if len(got) != 2 {
		l.Errorf("got %v, want 2 and 3", ids(got))
	}
}

func claimOldest(l line) {
	const n = 20
	other := store.Kind{Workflow: "order", Name: "Other"}
	for seconds, id := range rand.Perm(n) {
		l.put(fmt.Sprint(id), at(seconds))
		l.putKind(fmt.Sprint("other ", id), other, at(seconds))
	}
	due := map[store.Kind][]time.Time{}
	collect := func(kinds []store.Kind, limit, want int) {
		got := l.claimKinds(kinds, at(n), at(1000), limit)
		if len(got) != want {
			l.Errorf("got %d deliveries of %v at limit %d, want %d", len(got), kinds, limit, want)
		}
		for _, d := range got {
			due[d.Kind] = append(due[d.Kind], d.Due)
		}
	}
	collect([]store.Kind{l.kind}, 1, 1)
	collect([]store.Kind{l.kind}, 5, 5)
	collect([]store.Kind{l.kind, other}, 7, 7)
	collect([]store.Kind{other}, 1, 1)
	collect([]store.Kind{other, l.kind}, 100, 2*n-14)
	for kind, times := range due {
		if len(times) != n || !slices.IsSortedFunc(times, time.Time.Compare) {
			l.Errorf("deliveries of %v came as those due at %v", kind, times)
		}
	}
}

func claimFrom(l line) {
	other := store.Kind{Workflow: "order", Name: "Other"}
	for seconds := range 4 {
		l.put(fmt.Sprint(seconds), at(seconds))
		l.putKind(fmt.Sprint("other ", seconds), other, at(seconds))
	}
	from := map[store.Kind]time.Time{l.kind: at(2)} // the other kind has no bound
	got, err := l.queue.Claim(l.ctx, store.Claim{
		Kinds: []store.Kind{l.kind, other}, From: from, Now: at(2), Until: at(60), Limit: 10,
	})
	if err != nil {
		l.Fatalf("Claim: %v", err)
	}
	slices.SortFunc(got, func(a, b store.Delivery) int { return strings.Compare(a.Lease.Instance.ID, b.Lease.Instance.ID) })
	if want := []string{"2", "other 0", "other 1", "other 2"}; !slices.Equal(ids(got), want) {
		l.Errorf("got %v, want %v", ids(got), want)
	}
	for _, d := range got {
		if id := d.Lease.Instance.ID; !d.RunAt.Equal(at(int(id[len(id)-1] - '0'))) {
			l.Errorf("%s was due at %v", id, d.RunAt)
		}
	}
	l.wantOldest(map[store.Kind]time.Time{l.kind: at(2), other: at(2)}, map[store.Kind]time.Time{l.kind: at(0)})
	l.wantOldest(map[store.Kind]time.Time{l.kind: at(0), other: at(3)}, nil)
	l.wantOldest(map[store.Kind]time.Time{other: at(9)}, map[store.Kind]time.Time{other: at(3)})
}

func (l line) wantOldest(before, want map[store.Kind]time.Time) {
	l.Helper()
	got, err := l.queue.LookBack(l.ctx, before)
	if err != nil || !maps.EqualFunc(got, want, time.Time.Equal) {
		l.Errorf("LookBack %v: got %v, error %v, want %v", before, got, err, want)
	}
}

func lookBack(l line) {
	before := map[store.Kind]time.Time{l.kind: at(50)}
	l.put("1", at(1))
	l.put("2", at(2))
	l.put("3", at(3))
	l.claim(at(1), at(100), 1)
	dead := l.claim(at(2), at(100), 1)
	l.settle(&dead[0].Lease, store.Dead, at(2), "dead")
	l.wantOldest(before, map[store.Kind]time.Time{l.kind: at(3)})
	l.wantOldest(nil, nil)
}

func claimConcurrently(l line) {
	const deliveries, claimers = 160, 16
	var changes []store.Change
	for i := range deliveries {
		changes = append(changes, l.with(change(order(fmt.Sprint(i)), 0, 1), l.kind, at(0)))
	}
	l.commit(changes...)

	var mu sync.Mutex
	seen := map[string]int{}
	l.together(claimers, func(int) error {
		for {
			got, err := l.queue.Claim(l.ctx, store.Claim{
				Kinds: []store.Kind{l.kind}, Now: at(1), Until: at(60), Limit: 7,
			})
			if err != nil || len(got) > 7 {
				return fmt.Errorf("claim of 7 returned %d, error %w", len(got), err)
			}
			mu.Lock()
			for _, d := range got {
				seen[d.Lease.Instance.ID]++
			}
			done := len(seen) == deliveries
			mu.Unlock()
			if len(got) == 0 && !done && l.ctx.Err() == nil {
				continue // others have locked what is left
			}
			if len(got) == 0 {
				return nil
			}
		}
	})
	for id, n := range seen {
		if n != 1 {
			l.Errorf("delivery of %s was claimed %d times", id, n)
		}
	}
	if len(seen) != deliveries {
		l.Errorf("%d of %d deliveries were claimed", len(seen), deliveries)
	}
}

func claimNothing(l line) {
	l.put("1", at(0))
	before := l.dump()
	for _, c := range []store.Claim{
		{Now: at(1), Until: at(60), Limit: 10},
		{Kinds: []store.Kind{l.kind}, Now: at(1), Until: at(60)},
	} {
		if got, err := l.queue.Claim(l.ctx, c); err != nil || len(got) != 0 {
			l.Errorf("Claim %+v: got %v, error %v", c, got, err)
		}
	}
	if lost, err := l.queue.Extend(l.ctx, nil, at(60)); err != nil || len(lost) != 0 {
		l.Errorf("Extend of nothing: lost %v, error %v", lost, err)
	}
	if lost, err := l.queue.Settle(l.ctx, nil); err != nil || len(lost) != 0 {
		l.Errorf("Settle of nothing: lost %v, error %v", lost, err)
	}
	l.unchanged(before)
}

func leaseRunsOut(l line) {
	l.put("1", at(0))
	zombie := l.claim(at(1), at(60), 1)[0].Lease
	if got := l.claim(at(59), at(90), 1); len(got) != 0 {
		l.Fatalf("claimed while leased: %v", got)
	}
	got := l.claim(at(60), at(120), 1)
	if len(got) != 1 || got[0].Lease.Token <= zombie.Token || got[0].Attempt != 2 {
		l.Fatalf("got %+v after a lease with token %d", got, zombie.Token)
	}
	l.wantOver(&zombie)
	l.settle(&got[0].Lease, store.Done, at(61), "")
}

func leaseRunsOutUnclaimed(l line) {
	l.put("1", at(0))
	slow := l.claim(at(1), at(2), 1)[0].Lease
	c := change(order("1"), 1, 1)
	c.Now, c.Consume = at(1000), []store.Lease{slow}
	l.commit(c)
}

func claimCounts(l line) {
	l.put("1", at(0))
	for attempt := 1; attempt <= 5; attempt++ {
		got := l.claim(at(attempt), at(attempt+1), 1)
		if len(got) != 1 || got[0].Attempt != attempt {
			l.Fatalf("got %+v, want attempt %d", got, attempt)
		}
	}
	l.wantTable(string(l.name), "attempts", "5")
}
