package storetest

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// deadLetterRules hold for effects and for timers.
var deadLetterRules = []queueRule{
	{name: "dead letters are listed and counted as the filter says", check: listDead},
	{name: "a revived one is as new, and its old leases are over", check: reviveDead},
	{name: "a discarded one is gone, and a record says all that is known of it", check: discardDead},
	{name: "what is no dead letter is reported and not touched", check: decideOnOthers},
	{name: "of many that decide about one dead letter one does", check: decideOnce},
	{name: "records of discarded ones are listed in pages", check: listDiscarded},
	{name: "an instance is idle when nothing but dead letters waits for it", check: findIdle, needs: []string{"Inspection"}},
}

// kill makes a dead letter of a delivery that is the only one due, and returns it as a list has it.
func (l line) kill(kind store.Kind, message string, when time.Time) store.DeadLetter {
	l.Helper()
	got := l.claimKinds([]store.Kind{kind}, at(3600), at(7200), 1)
	if len(got) != 1 {
		l.Fatalf("claimed %d deliveries, want 1", len(got))
	}
	d := got[0]
	l.settle(&d.Lease, store.Dead, when, message)
	d.Lease.Token++
	return store.DeadLetter{
		Lease: d.Lease, Kind: d.Kind, Payload: d.Payload, Attempts: d.Attempt, Error: message, Due: d.Due, DiedAt: when,
	}
}

func findIdle(l line) {
	l.putDead("dead")
	l.putDead("both")
	l.put("leased", at(0))
	l.lease()
	l.put("due", at(0))
	l.put("later", at(99_999))
	both := l.with(change(order("both"), 1, 1), l.kind, at(50))
	if l.name == store.TimerQueue {
		both.Timers[0].Key = "other"
	}
	l.commit(both)
	none := order("none")
	l.commit(change(none, 0, 1))
	instances := []store.InstanceKey{order("unknown"), none, order("later"), order("leased"), order("dead"), order("due"), order("both")}
	idle, err := l.inspection.IdleInstances(l.ctx, instances)
	if want := []store.InstanceKey{order("unknown"), none, order("dead")}; err != nil || !slices.Equal(idle, want) {
		l.Errorf("idle are %v, error %v, want %v", idle, err, want)
	}
	if idle, err = l.inspection.IdleInstances(l.ctx, nil); err != nil || len(idle) > 0 {
		l.Errorf("of none, %v are idle, error %v", idle, err)
	}
}

// putDead makes an instance with one dead letter.
func (l line) putDead(id string) store.DeadLetter {
	l.Helper()
	l.put(id, at(0))
	return l.kill(l.kind, "no", at(5000))
}

// listed returns all dead letters, the last one first.
func (l line) listed() []store.DeadLetter {
	l.Helper()
	got, err := l.deadLetters.ListDead(l.ctx, store.DeadLetterList{DeadLetterFilter: store.DeadLetterFilter{Queue: l.name}, Limit: 1000})
	if err != nil {
		l.Fatalf("ListDead: %v", err)
	}
	return got
}

func (l line) wantLetters(got, want []store.DeadLetter) {
	l.Helper()
	if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
		l.Errorf("\n got %+v\nwant %+v", got, want)
	}
}

func listDead(l line) {
	r := rand.New(rand.NewPCG(3, 4))
	var all []store.DeadLetter
	for n := range 40 {
		// Several of one instance, and many that died at one time.
		kind := store.Kind{Workflow: []string{"order", "cart"}[n%2], Name: []string{"Send", "Charge", "Remind"}[n%3]}
		c := change(store.InstanceKey{Workflow: kind.Workflow, ID: fmt.Sprint(n * 3 % 20)}, int64(n/20), 1)
		c = l.with(c, kind, at(n))
		if l.name == store.TimerQueue {
			c.Timers[0].Key = fmt.Sprint("key", n%7)
		}
		l.commit(c)
		if n%8 == 7 {
			continue // it stays alive, and is not in the way of the next one
		}
		all = append(all, l.kill(kind, fmt.Sprintf("no %d' %%", n%3), at(5000+n%4)))
	}
	slices.SortFunc(all, func(a, b store.DeadLetter) int {
		return -cmp.Or(a.DiedAt.Compare(b.DiedAt), cmp.Compare(a.Lease.Instance.ID, b.Lease.Instance.ID),
			cmp.Compare(a.Lease.Instance.Workflow, b.Lease.Instance.Workflow), cmp.Compare(a.Lease.Version, b.Lease.Version),
			cmp.Compare(a.Lease.Position, b.Lease.Position), cmp.Compare(a.Lease.Key, b.Lease.Key))
	})
	for n := range 200 {
		f := store.DeadLetterFilter{Queue: l.name}
		maybe := func(set func()) {
			if n > 0 && r.IntN(3) == 0 {
				set()
			}
		}
		maybe(func() { f.Workflow = []string{"order", "cart", "unknown"}[r.IntN(3)] })
		maybe(func() { f.Kind = []string{"Send", "Charge", "Remind"}[r.IntN(3)] })
		maybe(func() { f.Instance = fmt.Sprint(r.IntN(20)) })
		maybe(func() { f.ErrorContains = []string{"1'", "2", "%", "N"}[r.IntN(4)] })
		maybe(func() { f.DiedSince = at(5000 + r.IntN(5)) })
		maybe(func() { f.DiedUntil = at(5000 + r.IntN(5)) })
		var want []store.DeadLetter
		for _, d := range all {
			if (f.Workflow == "" || f.Workflow == d.Kind.Workflow) && (f.Kind == "" || f.Kind == d.Kind.Name) &&
				(f.Instance == "" || f.Instance == d.Lease.Instance.ID) && strings.Contains(d.Error, f.ErrorContains) &&
				!d.DiedAt.Before(f.DiedSince) && (f.DiedUntil.IsZero() || d.DiedAt.Before(f.DiedUntil)) {
				want = append(want, d)
			}
		}
		list := store.DeadLetterList{DeadLetterFilter: f, Limit: 1 + r.IntN(12)}
		got := pages(l.kit, list.Limit, func(after *store.DeadLetter) ([]store.DeadLetter, error) {
			if after != nil {
				list.After = &store.DeadLetterPlace{DiedAt: after.DiedAt, Lease: after.Lease}
			}
			return l.deadLetters.ListDead(l.ctx, list)
		})
		l.wantLetters(got, want)
		l.wantCounts(f, want)
		if l.Failed() {
			l.Fatalf("filter: %+v", f)
		}
	}
}

func (l line) wantCounts(f store.DeadLetterFilter, letters []store.DeadLetter) {
	l.Helper()
	byKind := map[store.Kind]store.DeadLetterCount{}
	for _, d := range letters { // the last one first
		c, ok := byKind[d.Kind]
		if !ok {
			c = store.DeadLetterCount{Queue: l.name, Kind: d.Kind, Newest: d.DiedAt}
		}
		c.Count, c.Oldest = c.Count+1, d.DiedAt
		byKind[d.Kind] = c
	}
	var want []store.DeadLetterCount
	for _, c := range byKind {
		want = append(want, c)
	}
	slices.SortFunc(want, func(a, b store.DeadLetterCount) int {
		return cmp.Or(cmp.Compare(a.Kind.Workflow, b.Kind.Workflow), cmp.Compare(a.Kind.Name, b.Kind.Name))
	})
	got, err := l.deadLetters.CountDead(l.ctx, f)
	if err != nil || !slices.Equal(got, want) {
		l.Errorf("counts:\n got %+v, error %v\nwant %+v", got, err, want)
	}
}

func reviveDead(l line) {
	l.put("1", at(0))
	first := l.lease()
	l.settle(first, store.RetryLater, at(10), "first")
	dead := l.kill(l.kind, "second", at(5000))
	if dead.Attempts != 2 {
		l.Fatalf("it died after %d attempts, want 2", dead.Attempts)
	}
	gone, err := l.deadLetters.Revive(l.ctx, l.name, []store.Lease{dead.Lease}, at(6000))
	if err != nil || len(gone) > 0 {
		l.Fatalf("Revive: gone %v, error %v", gone, err)
	}
	l.wantLetters(l.listed(), nil)
	l.wantOver(first)
	l.wantOver(&dead.Lease)
	if got := l.claim(at(5999), at(9000), 1); len(got) > 0 {
		l.Errorf("claimed before its time: %+v", got)
	}
	got := l.claim(at(6000), at(9000), 1)
	if len(got) != 1 || got[0].Attempt != 1 || got[0].LastError != "second" || !got[0].Due.Equal(dead.Due) ||
		got[0].Lease.Token <= dead.Lease.Token {
		l.Fatalf("got %+v", got)
	}
	// It can die again.
	l.settle(&got[0].Lease, store.Dead, at(7000), "third")
	if again := l.listed(); len(again) != 1 || again[0].Attempts != 1 || again[0].Error != "third" {
		l.Errorf("got %+v", again)
	}
}

func discardDead(l line) {
	dead, other := l.putDead("1"), l.putDead("2")
	discard := store.Discard{By: "ann", Reason: "the customer\x00is gone", At: at(6000)}
	gone, err := l.deadLetters.Discard(l.ctx, l.name, []store.Lease{dead.Lease}, discard)
	if err != nil || len(gone) > 0 {
		l.Fatalf("Discard: gone %v, error %v", gone, err)
	}
	l.wantLetters(l.listed(), []store.DeadLetter{other})
	l.wantOver(&dead.Lease)
	if got := l.claim(at(9000), at(9999), 9); len(got) > 0 {
		l.Errorf("claimed what was discarded: %+v", got)
	}
	got, err := l.deadLetters.ListDiscarded(l.ctx, store.DiscardedList{Limit: 9})
	if err != nil || len(got) != 1 {
		l.Fatalf("ListDiscarded: got %+v, error %v", got, err)
	}
	dead.Lease.Token, dead.Lease.Commit = 0, 0
	l.wantLetters([]store.DeadLetter{got[0].DeadLetter}, []store.DeadLetter{dead})
	discard.Reason = "the customer\uFFFDis gone"
	if got[0].Discard != discard {
		l.Errorf("got %+v, want %+v", got[0].Discard, discard)
	}
	l.wantRows(map[string]int{"instances": 2, "events": 2, string(l.name): 1, "discarded_letters": 1})
}

// decideOnOthers gives a live delivery, one that was revived, one under an old lease, one that never was, and a dead one among
// them.
func decideOnOthers(l line) {
	revived, dead := l.putDead("1"), l.putDead("2")
	if gone, err := l.deadLetters.Revive(l.ctx, l.name, []store.Lease{revived.Lease}, at(8000)); err != nil || len(gone) > 0 {
		l.Fatalf("Revive: gone %v, error %v", gone, err)
	}
	l.put("3", at(0))
	live := l.lease()
	old := dead.Lease
	old.Token--
	never := dead.Lease
	never.Instance.ID = "4"
	others := []store.Lease{revived.Lease, *live, old, never}
	discard := store.Discard{Reason: "why not", At: at(6000)}
	for _, decide := range []func(...store.Lease) ([]store.Lease, error){
		func(letters ...store.Lease) ([]store.Lease, error) {
			return l.deadLetters.Revive(l.ctx, l.name, letters, at(8000))
		},
		func(letters ...store.Lease) ([]store.Lease, error) {
			return l.deadLetters.Discard(l.ctx, l.name, letters, discard)
		},
	} {
		before := l.dump()
		if gone, err := decide(others...); err != nil || !sameLeases(gone, others) {
			l.Errorf("gone %v, error %v", gone, err)
		}
		if gone, err := decide(); err != nil || len(gone) > 0 {
			l.Errorf("of none: gone %v, error %v", gone, err)
		}
		l.unchanged(before)
	}
	mixed := append(slices.Clone(others), dead.Lease)
	if gone, err := l.deadLetters.Discard(l.ctx, l.name, mixed, discard); err != nil || !sameLeases(gone, others) {
		l.Errorf("gone %v, error %v", gone, err)
	}
	l.wantLetters(l.listed(), nil)
}

func decideOnce(l line) {
	var letters []store.Lease
	for n := range 20 {
		letters = append(letters, l.putDead(fmt.Sprint(n)).Lease)
	}
	var revived, discarded atomic.Int32
	l.together(8, func(n int) error {
		some := slices.Clone(letters)
		rand.Shuffle(len(some), func(i, j int) { some[i], some[j] = some[j], some[i] })
		if n%2 == 0 {
			gone, err := l.deadLetters.Revive(l.ctx, l.name, some, at(8000))
			revived.Add(int32(len(some) - len(gone)))
			return err
		}
		gone, err := l.deadLetters.Discard(l.ctx, l.name, some, store.Discard{Reason: "race", At: at(6000)})
		discarded.Add(int32(len(some) - len(gone)))
		return err
	})
	if revived.Load()+discarded.Load() != int32(len(letters)) {
		l.Errorf("%d were revived and %d discarded, of %d", revived.Load(), discarded.Load(), len(letters))
	}
	if got := l.claim(at(9000), at(9999), 99); len(got) != int(revived.Load()) {
		l.Errorf("%d are due, %d were revived", len(got), revived.Load())
	}
	rows := l.rows("discarded_letters", "reason")
	if len(rows) != int(discarded.Load()) {
		l.Errorf("%d are recorded, %d were discarded", len(rows), discarded.Load())
	}
}

func listDiscarded(l line) {
	var want []string
	for n := range 12 {
		dead := l.putDead(fmt.Sprint(n % 12))
		if gone, err := l.deadLetters.Discard(l.ctx, l.name, []store.Lease{dead.Lease}, store.Discard{Reason: "r", At: at(6000 + n/4)}); err != nil || len(gone) > 0 {
			l.Fatalf("Discard: gone %v, error %v", gone, err)
		}
		want = append(want, fmt.Sprintf("%d %s", n/4, dead.Lease.Instance.ID))
	}
	slices.Sort(want)
	slices.Reverse(want)
	for limit := 1; limit <= 13; limit += 3 {
		var got []string
		list := store.DiscardedList{Workflow: "order", Limit: limit}
		for _, d := range pages(l.kit, limit, func(after *store.DiscardedLetter) ([]store.DiscardedLetter, error) {
			if after != nil {
				list.After = &store.DeadLetterPlace{DiedAt: after.Discard.At, Lease: after.Lease}
			}
			return l.deadLetters.ListDiscarded(l.ctx, list)
		}) {
			got = append(got, fmt.Sprintf("%d %s", int(d.Discard.At.Sub(at(6000)).Seconds()), d.Lease.Instance.ID))
		}
		if !slices.Equal(got, want) {
			l.Errorf("%d at once: got %q, want %q", limit, got, want)
		}
	}
	for list, n := range map[store.DiscardedList]int{
		{Workflow: "cart", Limit: 9}: 0, {Instance: "3", Limit: 9}: 1, {Workflow: "order", Instance: "3", Limit: 9}: 1, {Instance: "x", Limit: 9}: 0,
	} {
		if got, err := l.deadLetters.ListDiscarded(l.ctx, list); err != nil || len(got) != n {
			l.Errorf("%+v: got %d, error %v", list, len(got), err)
		}
	}
}
