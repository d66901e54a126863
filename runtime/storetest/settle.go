package storetest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

func extend(l line) {
	l.put("1", at(0))
	l.put("2", at(1))
	l.put("3", at(2))
	var leases []store.Lease
	for _, d := range l.claim(at(5), at(60), 3) {
		leases = append(leases, d.Lease)
	}
	l.settle(&leases[1], store.Done, at(6), "")
	lost, err := l.queue.Extend(l.ctx, leases, at(100))
	if err != nil || !slices.Equal(lost, leases[1:2]) {
		l.Errorf("Extend: lost %v, error %v", lost, err)
	}
	if got := l.claim(at(99), at(200), 3); len(got) != 0 {
		l.Errorf("claimed what was extended: %v", ids(got))
	}
	if got := l.claim(at(100), at(200), 3); !slices.Equal(ids(got), []string{"1", "3"}) && !slices.Equal(ids(got), []string{"3", "1"}) {
		l.Errorf("got %v at the end of the extended leases, want 1 and 3", ids(got))
	}
}

func settleDone(l line) {
	l.put("1", at(0))
	l.settle(l.lease(), store.Done, at(1), "")
	l.wantRows(map[string]int{"instances": 1, "events": 1})
}

func settleRetry(l line) {
	l.put("1", at(0))
	lease := l.lease()
	l.settle(lease, store.RetryLater, at(4000), "card declined")
	if got := l.claim(at(3999), at(9000), 1); len(got) != 0 {
		l.Fatalf("claimed early: %+v", got)
	}
	got := l.claim(at(4000), at(9000), 1)
	if len(got) != 1 || got[0].Attempt != 2 || got[0].LastError != "card declined" || got[0].Lease.Token <= lease.Token ||
		!got[0].Due.Equal(at(0)) {
		l.Errorf("got %+v", got)
	}

	// The number of attempts is raised, and never lowered.
	for i, attempts := range []int{7, 3} {
		s := store.Settlement{Lease: got[0].Lease, Verdict: store.RetryLater, At: at(4000), Error: "no more", Attempts: attempts}
		if lost, err := l.queue.Settle(l.ctx, []store.Settlement{s}); err != nil || len(lost) != 0 {
			l.Fatalf("Settle: error %v, lost %v", err, lost)
		}
		if got = l.claim(at(4000), at(9000), 1); len(got) != 1 || got[0].Attempt != 8+i || got[0].LastError != "no more" {
			l.Fatalf("got %+v, want attempt %d", got, 8+i)
		}
	}
}

func settleDead(l line) {
	l.put("1", at(0))
	l.put("2", at(0))
	lease := l.lease()
	l.settle(lease, store.Dead, at(50), "gave up")
	if got := l.claim(at(100_000), at(200_000), 9); len(got) != 1 || got[0].Lease.Instance == lease.Instance {
		l.Errorf("got %+v beside a dead letter", got)
	}
	l.wantTable(string(l.name), "instance, attempts, last_error, died_at",
		lease.Instance.ID+"|1|gave up|"+micros(at(50)),
		map[string]string{"1": "2", "2": "1"}[lease.Instance.ID]+"|1|null|null")
}

func settleRelease(l line) {
	l.put("1", at(0))
	lease := l.lease()
	l.settle(lease, store.RetryLater, at(10), "first")
	lease = l.lease()
	l.settle(lease, store.Release, at(20), "")
	if got := l.claim(at(19), at(9000), 1); len(got) != 0 {
		l.Fatalf("claimed early: %+v", got)
	}
	got := l.claim(at(20), at(9000), 1)
	if len(got) != 1 || got[0].Attempt != 2 || got[0].LastError != "first" || got[0].Lease.Token <= lease.Token {
		l.Errorf("got %+v, want attempt 2 with the error before", got)
	}
}

func settleAgain(l line) {
	l.put("1", at(0))
	lease := l.lease()
	l.settle(lease, store.RetryLater, at(10), "first")
	lease = l.lease()
	l.settle(lease, store.Again, at(20), "")
	l.wantOver(lease)
	if got := l.claim(at(19), at(9000), 1); len(got) != 0 {
		l.Fatalf("claimed early: %+v", got)
	}
	got := l.claim(at(20), at(9000), 1)
	if len(got) != 1 || got[0].Attempt != 1 || got[0].LastError != "" || !got[0].Due.Equal(at(20)) {
		l.Errorf("got %+v, want one as new that was due at %v", got, at(20))
	}
}

func settledIsOver(l line) {
	for _, verdict := range []store.Verdict{store.Done, store.RetryLater, store.Dead, store.Release, store.Again} {
		l.put(fmt.Sprint(verdict), at(0))
		lease := l.lease()
		l.settle(lease, verdict, at(5000), "settled")
		l.wantOver(lease)
	}
}

func settleSome(l line) {
	for i := range 8 {
		l.put(fmt.Sprint(i), at(i))
	}
	claimed := l.claim(at(10), at(60), 8)
	var settlements []store.Settlement
	var stale []store.Lease
	for i, d := range claimed {
		lease := d.Lease
		if i%2 == 1 {
			lease.Token += 5
			stale = append(stale, lease)
		}
		settlements = append(settlements, store.Settlement{
			Lease: lease, Verdict: store.Verdict(1 + i/2), At: at(1000), Error: "settled",
		})
	}
	lost, err := l.queue.Settle(l.ctx, settlements)
	if err != nil || !sameLeases(lost, stale) {
		l.Errorf("Settle: error %v, lost %v, want %v", err, lost, stale)
	}
	dead := micros(at(1000))
	l.wantTable(string(l.name), "instance, attempts, last_error, died_at",
		"1|1|null|null", "2|1|settled|null", "3|1|null|null", "4|1|settled|"+dead, "5|1|null|null", "6|0|null|null",
		"7|1|null|null")
}

// sameLeases compares leases without regard to their order, which the contract leaves open.
func sameLeases(a, b []store.Lease) bool {
	compare := func(a, b store.Lease) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) }
	a, b = slices.Clone(a), slices.Clone(b)
	slices.SortFunc(a, compare)
	slices.SortFunc(b, compare)
	return slices.Equal(a, b)
}

func largeBatches(l line) {
	const n = 500
	var changes []store.Change
	for i := range n {
		changes = append(changes, l.with(change(order(fmt.Sprint(i)), 0, 1), l.kind, at(0)))
	}
	l.commit(changes...)
	var leases []store.Lease
	var settlements []store.Settlement
	for _, d := range l.claim(at(1), at(60), n) {
		leases = append(leases, d.Lease)
		settlements = append(settlements, store.Settlement{Lease: d.Lease, Verdict: store.Done})
	}
	if len(leases) != n {
		l.Fatalf("claimed %d, want %d", len(leases), n)
	}
	if lost, err := l.queue.Extend(l.ctx, leases, at(90)); err != nil || len(lost) != 0 {
		l.Errorf("Extend: lost %d, error %v", len(lost), err)
	}
	if lost, err := l.queue.Settle(l.ctx, settlements); err != nil || len(lost) != 0 {
		l.Errorf("Settle: lost %d, error %v", len(lost), err)
	}
	l.wantRows(map[string]int{"instances": n, "events": n})
}

// errorTexts says that no text that an error may have can keep a delivery from being settled. A store may replace what
// its database does not hold and cut what is too long, but what it keeps is readable.
func errorTexts(l line) {
	texts := []string{"plain", "nul \x00 inside", "invalid \xff\xfe utf-8", "cut \xe2\x82", "quotes ' \" % \\ {}", "long " + strings.Repeat("é", 1<<20)}
	for i, text := range texts {
		l.put(fmt.Sprint(i), at(0))
		verdict := []store.Verdict{store.RetryLater, store.Dead}[i%2]
		l.settle(l.lease(), verdict, at(10), text)
		if verdict == store.RetryLater {
			lease := l.claim(at(10), at(9000), 1)
			if len(lease) != 1 {
				l.Fatalf("got %d deliveries, want 1", len(lease))
			}
			if i == 0 && lease[0].LastError != text {
				l.Errorf("got %q", lease[0].LastError)
			}
			l.settle(&lease[0].Lease, store.Dead, at(20), text)
		}
	}
	got := l.rows(string(l.name), "last_error")
	if len(got) != len(texts) {
		l.Fatalf("got %d dead letters, want %d", len(got), len(texts))
	}
	slices.Sort(texts)
	for i, text := range texts {
		word, _, _ := strings.Cut(text, " ")
		if !strings.HasPrefix(got[i], word) || !utf8.ValidString(got[i]) || strings.ContainsRune(got[i], 0) {
			l.Errorf("%q was stored as %q", short(text), short(got[i]))
		}
	}
}

func consumeOnce(l line) {
	l.put("1", at(0))
	lease := l.lease()
	var won sync.Map
	l.together(16, func(i int) error {
		err := l.decideOne(order("1"), func(instance store.Instance) store.Change {
			c := change(order("1"), instance.Version, 1)
			c.Consume = []store.Lease{*lease}
			return c
		})
		if err == nil {
			won.Store(i, true)
		}
		if err != nil && !isLeaseLost(err) {
			return err
		}
		return nil
	})
	n := 0
	won.Range(func(any, any) bool { n++; return true })
	if n != 1 {
		l.Errorf("%d consumed the same delivery, want 1", n)
	}
	l.wantVersion(order("1"), 2)
}

func consumedIsOver(l line) {
	l.put("1", at(0))
	lease := l.lease()
	c := change(order("1"), 1, 1)
	c.Consume = []store.Lease{*lease}
	l.commit(c)
	l.wantOver(lease)
	if got := l.claim(at(9000), at(9999), 1); len(got) != 0 {
		l.Errorf("claimed what was consumed: %+v", got)
	}
}

func realign(l line) {
	set := func(now time.Time, want int64) {
		l.Helper()
		if n, err := l.queue.Realign(l.ctx, now, now.Add(time.Minute)); err != nil || n != want {
			l.Errorf("Realign at %v: got %d, error %v, want %d", now, n, err, want)
		}
	}
	for _, id := range []string{"1", "2", "3", "4"} {
		l.put(id, epoch)
	}
	now := l.claim(at(10), at(40), 1)
	future := l.claim(at(86_400), at(86_430), 2) // of which one is extended
	if _, err := l.queue.Extend(l.ctx, []store.Lease{future[1].Lease}, at(86_440)); err != nil {
		l.Fatal(err)
	}
	set(at(86_400), 0)
	before := l.dump()
	set(at(86_340), 0) // nearly now
	set(at(86_500), 0)
	l.unchanged(before)
	set(at(20), 2)
	set(at(20), 0)
	held := ids(append(slices.Clone(now), future...))
	if got := l.claim(at(39), at(100), 9); len(got) != 1 || slices.Contains(held, got[0].Lease.Instance.ID) {
		l.Errorf("claimed %v while %v are leased", ids(got), held)
	}
	if lost, err := l.queue.Extend(l.ctx, []store.Lease{future[1].Lease, now[0].Lease}, at(45)); err != nil || len(lost) > 0 {
		l.Errorf("lost %v, error %v", lost, err)
	}
	if got := l.claim(at(50), at(100), 9); len(got) != 3 {
		l.Errorf("claimed %v when the leases have run out", ids(got))
	}
	if l.name != store.TimerQueue {
		return
	}
	// A timer that is started anew while it is leased waits for its own time.
	instance := order("5")
	l.put("5", at(150))
	leased := l.claim(at(86_400), at(86_430), 9)
	if len(leased) != 5 {
		l.Fatalf("claimed %v", ids(leased))
	}
	l.commit(l.with(change(instance, 1, 1), l.kind, at(300)))
	set(at(160), 4)
	l.wantTable("timers", "run_at", micros(at(300)), micros(at(190)), micros(at(190)), micros(at(190)), micros(at(190)))
}
