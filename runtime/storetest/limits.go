package storetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

var limitRules = []rule{
	{name: "kinds of higher priority are claimed first", check: priorities},
	{name: "a limited claim returns what is due and all that is known of it", check: limitedReturns},
	{name: "no more are leased than the global limit", check: globalLimit},
	{name: "a lease that ran out, or was settled, does not count", check: limitedRunsOut},
	{name: "no more are leased of one key than its limit, and all keys have their turn", check: keyLimit},
	{name: "effects of one instance are claimed in the order in which they were decided", check: effectsInOrder},
	{name: "a free key does not wait for keys at their limit, however much they have", check: keysAtTheirLimit},
	{name: "however an effect ends, the next of its key is due", check: nextOfKey},
	{name: "a key with much to do does not starve another", check: keysTakeTurns},
	{name: "what is parked becomes due by itself", check: parkedComesBack},
	{name: "what is parked after its lease ran out does not count as leased", check: parkedIsNotLeased},
	{name: "a lease that ran out is over as soon as a claim does not count it", check: notCountedIsOver},
	{name: "a late heartbeat beside a claim does not exceed the limit", check: extendBesideClaim},
	{name: "what is parked counts as due, and can be made due", check: unpark, needs: []string{"Inspection"}},
	{name: "a limited claim says how far it has come", check: limitedReached},
	{name: "effects from before a key was declared are claimed too", check: withoutKey},
	{name: "no more begin in a second than the rate", check: rateLimit},
	{name: "as many begin at once as the burst, whatever the rate", check: burstIsExact},
	{name: "a rate outlives a clock that jumped ahead", check: rateAfterAJump},
	{name: "the limits hold over concurrent claims", check: limitsConcurrently},
	{name: "what was claimed under a limit is fenced like all else", check: limitedFencing},
}

// putEffects creates an instance with effects of the kind Send, one for each key.
func (k *kit) putEffects(id string, keys ...string) {
	k.Helper()
	c := change(order(id), 0, 1)
	for _, key := range keys {
		c.Effects = append(c.Effects, store.NewEffect{Kind: "Send", Payload: []byte(`{}`), LimitKey: key, Trace: "00"})
	}
	k.commit(c)
}

func limitedSend(now, limit int) store.LimitedClaim {
	return store.LimitedClaim{
		Kind: store.Kind{Workflow: "order", Name: "Send"}, Now: at(now), Until: at(now + 100), Limit: limit, Burst: 1,
	}
}

func (k *kit) claimLimited(claim store.LimitedClaim) ([]store.Delivery, time.Time) {
	k.Helper()
	got, err := k.limits.ClaimLimited(k.ctx, claim)
	if err != nil {
		k.Fatalf("ClaimLimited: %v", err)
	}
	return got.Deliveries, got.Again
}

func priorities(k *kit) {
	for _, kind := range []string{"Low", "Send", "High"} {
		k.effects().putKind(kind, store.Kind{Workflow: "order", Name: kind}, epoch)
	}
	kind := func(name string) store.Kind { return store.Kind{Workflow: "order", Name: name} }
	for _, want := range []string{"High", "Send", "Low"} {
		got, err := k.Store.Effects().Claim(k.ctx, store.Claim{
			Kinds:    []store.Kind{kind("Low"), kind("Send"), kind("High")},
			Priority: map[store.Kind]int{kind("Low"): -5, kind("High"): 5},
			Now:      at(1), Until: at(99), Limit: 1,
		})
		if err != nil || len(got) != 1 || got[0].Kind.Name != want {
			k.Fatalf("got %+v, error %v, want %s", got, err, want)
		}
	}
}

func limitedReturns(k *kit) {
	k.putEffects("1", "a")
	k.effects().putKind("other", store.Kind{Workflow: "order", Name: "Other"}, epoch)
	claim := limitedSend(10, 9)
	if got, _ := k.claimLimited(limitedSend(10, 0)); len(got) != 0 {
		k.Errorf("a claim of nothing: got %+v", got)
	}
	if got, _ := k.claimLimited(limitedSend(-1, 9)); len(got) != 0 {
		k.Errorf("claimed early: %+v", got)
	}
	got, again := k.claimLimited(claim)
	if len(got) != 1 || !again.IsZero() {
		k.Fatalf("got %+v, %v", got, again)
	}
	d := got[0]
	want := store.Lease{Queue: store.EffectQueue, Instance: order("1"), Version: 1, Position: 0, Token: d.Lease.Token, Commit: k.load(order("1")).LastCommit}
	if d.Lease != want || d.Kind != claim.Kind || d.Attempt != 1 || !d.Due.Equal(epoch) || string(d.Payload) != `{}` || d.Trace != "00" {
		k.Errorf("got %+v", d)
	}
	k.wantTable("effects", "kind, attempts, run_at", "Other|0|"+micros(epoch), "Send|1|"+micros(at(110)))
}

func globalLimit(k *kit) {
	k.putEffects("1", "", "", "", "")
	claim := limitedSend(10, 9)
	claim.Global = 3
	if got, again := k.claimLimited(claim); len(got) != 3 || !again.IsZero() {
		k.Errorf("got %d, again %v, want 3", len(got), again)
	}
	if got, _ := k.claimLimited(claim); len(got) != 0 {
		k.Errorf("got %d more", len(got))
	}
}

func limitedRunsOut(k *kit) {
	k.putEffects("1", "", "", "", "", "")
	claim := limitedSend(10, 9)
	claim.Global = 2
	got, _ := k.claimLimited(claim)
	k.effects().settle(&got[0].Lease, store.RetryLater, at(500), "later")
	if more, _ := k.claimLimited(claim); len(more) != 1 {
		k.Errorf("got %d after one was settled, want 1", len(more))
	}
	claim.Now, claim.Until = at(200), at(300) // all leases have run out
	if more, _ := k.claimLimited(claim); len(more) != 2 {
		k.Errorf("got %d after the leases ran out, want 2", len(more))
	}
}

func keyLimit(k *kit) {
	k.putEffects("1", slices.Concat(slices.Repeat([]string{`"a"`}, 50), []string{`"b"`, `"b"`, `"c"`, `"d"`})...)
	claim := limitedSend(10, 3)
	claim.PerKey = 1
	count := func(deliveries []store.Delivery) string {
		keys := map[string]int{}
		for _, row := range k.rows("effects", "position, limit_key") {
			position, key, _ := strings.Cut(row, "|")
			if slices.ContainsFunc(deliveries, func(d store.Delivery) bool { return fmt.Sprint(d.Lease.Position) == position }) {
				keys[key]++
			}
		}
		return strings.ReplaceAll(fmt.Sprint(keys), `"`, "")
	}
	first, _ := k.claimLimited(claim)
	if got := count(first); got != "map[a:1 b:1 c:1]" {
		k.Errorf("first: got %s", got)
	}
	if got, _ := k.claimLimited(claim); count(got) != "map[d:1]" {
		k.Errorf("then: got %s", count(got))
	}
	for i := range first {
		k.effects().settle(&first[i].Lease, store.Done, at(11), "")
	}
	if got, _ := k.claimLimited(claim); count(got) != "map[a:1 b:1]" {
		k.Errorf("at last: got %s", count(got))
	}
}

// effectsInOrder has effects that are due at the same time, on rows in no order.
func effectsInOrder(k *kit) {
	const decisions, each = 6, 4
	for version := range decisions {
		c := change(order("1"), int64(version), 1)
		for range each {
			c.Effects = append(c.Effects, store.NewEffect{Kind: "Send", Payload: []byte(`{}`)})
		}
		k.commit(c)
	}
	// Rows that are released lie elsewhere afterwards.
	for range 3 {
		got := k.effects().claim(at(1), at(60), decisions*each)
		for _, i := range rand.Perm(len(got)) {
			k.effects().settle(&got[i].Lease, store.Release, epoch, "")
		}
	}
	claim := limitedSend(1, 1)
	claim.Global = 1000
	for n := range decisions * each {
		var got []store.Delivery
		if n%2 == 0 {
			got = k.effects().claim(at(1), at(60), 1)
		} else {
			got, _ = k.claimLimited(claim)
		}
		if len(got) != 1 || got[0].Lease.Version != int64(n/each+1) || got[0].Lease.Position != n%each {
			k.Fatalf("number %d: got %+v", n, got)
		}
	}
}

// keysAtTheirLimit has 40 keys with 30 effects each, all at their limit, and one behind them.
func keysAtTheirLimit(k *kit) {
	const keys, each = 40, 30
	var all []string
	for n := range keys * each {
		all = append(all, fmt.Sprintf(`"key %d"`, n%keys))
	}
	k.putEffects("1", all...)
	claim := limitedSend(10, keys)
	claim.PerKey = 1
	if got, _ := k.claimLimited(claim); len(got) != keys {
		k.Fatalf("got %d, want one of each of %d keys", len(got), keys)
	}
	free := change(order("2"), 0, 1)
	free.Due = at(5)
	free.Effects = []store.NewEffect{{Kind: "Send", Payload: []byte(`{}`), LimitKey: `"free"`}}
	k.commit(free)
	claim.Limit = 1
	for n := 1; ; n++ { // a claim looks at a bounded number of effects
		got, again := k.claimLimited(claim)
		if len(got) == 1 && got[0].Lease.Instance == order("2") {
			break
		}
		if len(got) > 0 || again.IsZero() || n == 4 {
			k.Fatalf("claim %d: got %+v, again %v", n, got, again)
		}
	}
	k.wantParked(keys * (each - 1))
	before := k.dump()
	if got, again := k.claimLimited(claim); len(got) > 0 || !again.IsZero() {
		k.Errorf("got %+v, again %v", got, again)
	}
	k.unchanged(before)
}

// wantParked says how many effects are parked.
func (k *kit) wantParked(want int) {
	k.Helper()
	parked := slices.DeleteFunc(k.rows("effects", "parked_from"), func(from string) bool { return from == "null" })
	if len(parked) != want {
		k.Errorf("%d effects are parked, want %d", len(parked), want)
	}
}

func nextOfKey(k *kit) {
	endings := map[string]func(store.Lease){}
	for name, verdict := range map[string]store.Verdict{
		"done": store.Done, "retry": store.RetryLater, "dead": store.Dead, "release": store.Release, "again": store.Again,
	} {
		endings[name] = func(lease store.Lease) { k.effects().settle(&lease, verdict, at(5000), "message") }
	}
	endings["consumed"] = func(lease store.Lease) {
		c := change(order("other"), 0, 1)
		c.Consume = []store.Lease{lease}
		k.commit(c)
	}
	endings["settled by a change"] = func(lease store.Lease) {
		c := change(order("another"), 0, 1)
		c.Settle = []store.Settlement{{Lease: lease, Verdict: store.Dead, At: at(11)}}
		k.commit(c)
	}
	endings["cancelled"] = func(lease store.Lease) {
		c := change(lease.Instance, 1, 1)
		c.CancelEffects = []store.CancelledEffects{{Kind: "Send"}}
		k.commit(c)
	}
	for name, end := range endings {
		key := fmt.Sprintf("%q", name)
		for i := range 4 {
			k.putEffects(fmt.Sprint(name, " ", i), key)
		}
		claim := limitedSend(10, 9)
		claim.PerKey = 2
		first, _ := k.claimLimited(claim)
		if more, _ := k.claimLimited(claim); len(first) != 2 || len(more) != 0 {
			k.Fatalf("%s: got %d, then %d", name, len(first), len(more))
		}
		end(first[0].Lease)
		claim.Now, claim.Until = at(11), at(99)
		next, _ := k.claimLimited(claim)
		if len(next) != 1 || next[0].Lease.Instance != order(name+" 2") {
			k.Fatalf("%s: got %+v, want the third", name, next)
		}
		if more, _ := k.claimLimited(claim); len(more) != 0 {
			k.Fatalf("%s: got %d more", name, len(more))
		}
		for _, d := range append(first[1:], next...) {
			k.effects().settle(&d.Lease, store.Done, at(12), "")
		}
		last, _ := k.claimLimited(claim)
		if len(last) != 1 || last[0].Lease.Instance != order(name+" 3") {
			k.Fatalf("%s: got %+v, want the fourth", name, last)
		}
		k.effects().settle(&last[0].Lease, store.Done, at(13), "")
	}
}

func keysTakeTurns(k *kit) {
	k.putEffects("1", slices.Repeat([]string{`"much"`}, 200)...)
	claim := limitedSend(10, 1)
	claim.PerKey = 5
	var turns []string
	for n := range 40 {
		if n == 10 {
			c := change(order("2"), 0, 1)
			c.Due = at(11)
			c.Effects = []store.NewEffect{{Kind: "Send", Payload: []byte(`{}`), LimitKey: `"little"`}}
			k.commit(c)
		}
		claim.Now, claim.Until = at(12+n), at(200+n)
		got, _ := k.claimLimited(claim)
		if len(got) != 1 {
			k.Fatalf("claim %d: got %+v", n, got)
		}
		turns = append(turns, got[0].Lease.Instance.ID)
		k.effects().settle(&got[0].Lease, store.Done, at(12+n), "")
	}
	if n := slices.Index(turns, "2"); n < 0 || n > 20 {
		k.Errorf("the key with little to do has its turn after %d claims", n)
	}
}

func parkedComesBack(k *kit) {
	k.putEffects("1", `"a"`, `"a"`)
	claim := limitedSend(0, 2)
	claim.PerKey = 1
	claim.Until = at(9000)
	first, _ := k.claimLimited(claim)
	k.wantParked(1)
	// By hand, so that nothing tells of it.
	claim.Now, claim.Until, claim.PerKey = at(61), at(9000), 2
	second, _ := k.claimLimited(claim)
	if len(first) != 1 || len(second) != 1 || second[0].Lease.Position != 1 {
		k.Errorf("got %+v, then %+v", first, second)
	}
}

func parkedIsNotLeased(k *kit) {
	k.putEffects("1", "a", "a", "a")
	claim := limitedSend(10, 9)
	claim.PerKey = 2
	if got, _ := k.claimLimited(claim); len(got) != 2 {
		k.Fatalf("got %+v", got)
	}
	claim.Now, claim.Until = at(120), at(220)
	if got, _ := k.claimLimited(claim); len(got) != 2 {
		k.Fatalf("after the leases ran out: got %+v", got)
	}
	k.wantParked(1)
	k.putEffects("2", "b")
	claim.Global = 3
	if got, _ := k.claimLimited(claim); len(got) != 1 || got[0].Lease.Instance != order("2") {
		k.Errorf("with two leases and a limit of 3: got %+v", got)
	}
}

// leasedAt returns how many effects are leased at a time.
func (k *kit) leasedAt(now int) (n int) {
	for _, row := range k.rows("effects", "claimed_at, run_at") {
		claimed, until, _ := strings.Cut(row, "|")
		if claimed != "null" && until > micros(at(now)) {
			n++
		}
	}
	return n
}

// A process is suspended in the middle of a heartbeat, which reaches the store after another process has claimed.
func notCountedIsOver(k *kit) {
	for i, claim := range []store.LimitedClaim{{Global: 2}, {PerKey: 2}, {Global: 2, PerKey: 2}} {
		kind := fmt.Sprint("Send", i)
		c := change(order(kind), 0, 1)
		for range 5 {
			c.Effects = append(c.Effects, store.NewEffect{Kind: kind, Payload: []byte(`{}`), LimitKey: "a"})
		}
		k.commit(c)
		claim.Kind, claim.Limit, claim.Now, claim.Until = store.Kind{Workflow: "order", Name: kind}, 9, at(10), at(20)
		first, _ := k.claimLimited(claim)
		if len(first) != 2 {
			k.Fatalf("got %+v", first)
		}
		leases := []store.Lease{first[0].Lease, first[1].Lease}
		if lost, err := k.Store.Effects().Extend(k.ctx, leases, at(30)); err != nil || len(lost) > 0 {
			k.Errorf("before another claim: lost %v, error %v", lost, err)
		}
		claim.Now, claim.Until = at(29), at(40)
		if got, _ := k.claimLimited(claim); len(got) != 0 {
			k.Errorf("got %+v while the leases last", got)
		}
		claim.Now, claim.Until = at(30), at(60)
		second, _ := k.claimLimited(claim)
		if len(second) != 2 {
			k.Fatalf("got %+v", second)
		}
		if lost, err := k.Store.Effects().Extend(k.ctx, leases, at(90)); err != nil || len(lost) != 2 {
			k.Errorf("%+v: lost %v, error %v, want both", claim, lost, err)
		}
		if n := k.leasedAt(31); n != 2*(i+1) {
			k.Errorf("%+v: %d are leased, want 2 of each kind", claim, n)
		}
		for i := range second {
			if second[i].Lease.Instance != leases[0].Instance || second[i].Lease.Position != leases[i].Position {
				k.effects().wantOver(&leases[i])
			}
		}
	}
}

func extendBesideClaim(k *kit) {
	claim := limitedSend(0, 9)
	claim.Global, claim.PerKey = 1, 1
	for round := range 40 {
		k.putEffects(fmt.Sprint(round), "a", "a")
		now := 1000 * round
		claim.Now, claim.Until = at(now), at(now+10)
		got, _ := k.claimLimited(claim)
		if len(got) != 1 {
			k.Fatalf("round %d: got %+v", round, got)
		}
		claim.Now, claim.Until = at(now+20), at(now+30)
		k.together(2, func(i int) (err error) {
			if i == 0 {
				_, err = k.limits.ClaimLimited(k.ctx, claim)
			} else {
				_, err = k.Store.Effects().Extend(k.ctx, []store.Lease{got[0].Lease}, at(now+40))
			}
			return err
		})
		if n := k.leasedAt(now + 20); n > 1 {
			k.Fatalf("round %d: %d are leased, want at most 1", round, n)
		}
	}
}

func unpark(k *kit) {
	k.putEffects("1", `"a"`, `"a"`, `"a"`)
	claim := limitedSend(10, 9)
	claim.PerKey = 1
	if got, _ := k.claimLimited(claim); len(got) != 1 {
		k.Fatalf("got %+v", got)
	}
	backlog, err := k.inspection.Backlog(k.ctx, store.EffectQueue, at(11), 100)
	if err != nil || len(backlog) != 1 || backlog[0].Due != 2 || backlog[0].Leased != 1 || backlog[0].Delayed != 0 || !backlog[0].OldestDue.Equal(epoch) {
		k.Errorf("got %+v, error %v", backlog, err)
	}
	waiting, err := k.inspection.Waiting(k.ctx, store.EffectQueue, order("1"), 9)
	if err != nil || len(waiting) != 3 || !waiting[0].RunAt.Equal(epoch) || waiting[0].StateAt(at(11)) != store.DeliveryDue {
		k.Errorf("got %+v, error %v", waiting, err)
	}
	for _, kinds := range [][]store.Kind{nil, {{Workflow: "order", Name: "Other"}}} {
		if err := k.limits.Unpark(k.ctx, kinds); err != nil {
			k.Fatal(err)
		}
	}
	if got := k.effects().claim(at(11), at(60), 9); len(got) != 0 {
		k.Errorf("got %+v", got)
	}
	if err := k.limits.Unpark(k.ctx, []store.Kind{claim.Kind}); err != nil {
		k.Fatal(err)
	}
	if got := k.effects().claim(at(11), at(60), 9); len(got) != 2 || !got[0].RunAt.Equal(epoch) {
		k.Errorf("got %+v", got)
	}
}

func limitedReached(k *kit) {
	for i := range 6 {
		c := change(order(fmt.Sprint(i)), 0, 1)
		c.Due = at(i)
		c.Effects = []store.NewEffect{{Kind: "Send", Payload: []byte(`{}`), LimitKey: fmt.Sprint(i)}}
		k.commit(c)
	}
	for _, step := range []struct {
		from, limit, global int
		ids                 []string
		reached             int
	}{
		{2, 1, 0, []string{"2"}, 3},
		{0, 1, 0, []string{"0"}, 1},
		{0, 9, 3, []string{"1"}, 3}, // no more than the limit allows
		{0, 9, 0, []string{"3", "4", "5"}, 10},
		{0, 9, 0, nil, 10},
	} {
		claim := limitedSend(10, step.limit)
		claim.From, claim.Global, claim.PerKey = at(step.from), step.global, 1
		got, err := k.limits.ClaimLimited(k.ctx, claim)
		if err != nil || !slices.Equal(ids(got.Deliveries), step.ids) || !got.Reached.Equal(at(step.reached)) {
			k.Errorf("%+v: got %v up to %v, error %v", step, ids(got.Deliveries), got.Reached, err)
		}
	}
}

func withoutKey(k *kit) {
	k.putEffects("1", "", "", `"a"`)
	claim := limitedSend(10, 9)
	claim.PerKey = 1
	if got, _ := k.claimLimited(claim); len(got) != 3 {
		k.Errorf("got %d, want all 3", len(got))
	}
}

func rateLimit(k *kit) {
	k.putEffects("1", slices.Repeat([]string{""}, 20)...)
	claim := limitedSend(10, 9)
	claim.Rate, claim.Burst = 2, 3
	at := func(milliseconds int) time.Time {
		return epoch.Add(10*time.Second + time.Duration(milliseconds)*time.Millisecond)
	}
	for _, step := range []struct{ at, want, again int }{
		{0, 3, 0}, {0, 0, 500}, {400, 0, 500}, {500, 1, 0}, {600, 0, 1000}, {1000, 1, 0}, {60_000, 3, 0}, {60_000, 0, 60_500},
		{59_000, 0, 0}, // a clock that runs behind gains nothing
	} {
		claim.Now, claim.Until = at(step.at), at(step.at+600_000)
		got, again := k.claimLimited(claim)
		if len(got) != step.want {
			k.Errorf("at %d ms: got %d, want %d", step.at, len(got), step.want)
		}
		if late := again.Sub(at(step.again)).Abs(); step.again > 0 && late > time.Millisecond {
			k.Errorf("at %d ms: the next is said to be allowed at %v, want %v", step.at, again, at(step.again))
		}
	}
}

// burstIsExact has rates whose tokens take no whole number of microseconds.
func burstIsExact(k *kit) {
	k.putEffects("1", slices.Repeat([]string{""}, 60)...)
	claim := limitedSend(10, 99)
	claim.Burst = 7
	for n, rate := range []float64{3, 7, 11.1, 0.3, 30_000} {
		claim.Rate = rate
		claim.Now = at(10 + 100*n)
		claim.Until = claim.Now.Add(10 * time.Minute)
		if got, _ := k.claimLimited(claim); len(got) != 7 {
			k.Errorf("rate %v: got %d, want as many as the burst", rate, len(got))
		}
	}
}

func rateAfterAJump(k *kit) {
	k.putEffects("1", slices.Repeat([]string{""}, 20)...)
	claim := limitedSend(10, 9)
	claim.Rate, claim.Burst = 2, 3
	for _, step := range []struct {
		at   time.Duration
		want int
	}{
		{0, 3}, {time.Hour, 3}, // a process whose clock is an hour ahead
		{time.Second, 0}, {1500 * time.Millisecond, 1}, {2 * time.Second, 1}, {2 * time.Second, 0},
		{2*time.Second + store.MaxLimitSkew, 3}, {2500 * time.Millisecond, 0}, // within the limits it goes by the clock that is ahead
	} {
		claim.Now = at(10).Add(step.at)
		claim.Until = claim.Now.Add(10 * time.Minute)
		if got, _ := k.claimLimited(claim); len(got) != step.want {
			k.Errorf("after %v: got %d, want %d", step.at, len(got), step.want)
		}
	}
}

func limitsConcurrently(k *kit) {
	for i := range 40 {
		k.putEffects(fmt.Sprint(i), fmt.Sprintf("%d", i%4))
	}
	claim := limitedSend(10, 9)
	claim.Global, claim.PerKey = 7, 2
	var held atomic.Int32
	var total atomic.Int32
	k.together(6, func(int) error {
		for range 60 {
			claimed, err := k.limits.ClaimLimited(k.ctx, claim)
			if err != nil {
				return err
			}
			got := claimed.Deliveries
			if n := held.Add(int32(len(got))); n > 7 {
				return fmt.Errorf("%d are leased at the same time", n)
			}
			total.Add(int32(len(got)))
			var settlements []store.Settlement
			for _, d := range got {
				settlements = append(settlements, store.Settlement{Lease: d.Lease, Verdict: store.Done})
			}
			held.Add(-int32(len(got))) // before they come free
			if lost, err := k.Store.Effects().Settle(k.ctx, settlements); err != nil || len(lost) > 0 {
				return fmt.Errorf("settle: lost %v, error %w", lost, err)
			}
		}
		return nil
	})
	for {
		got, _ := k.claimLimited(claim)
		if len(got) == 0 {
			break
		}
		total.Add(int32(len(got)))
		for i := range got {
			k.effects().settle(&got[i].Lease, store.Done, at(11), "")
		}
	}
	if total.Load() != 40 {
		k.Errorf("got %d deliveries, want each of 40 once", total.Load())
	}
}

func limitedFencing(k *kit) {
	k.putEffects("1", `"a"`)
	claim := limitedSend(10, 9)
	claim.PerKey = 1
	first, _ := k.claimLimited(claim)
	claim.Now, claim.Until = at(200), at(300)
	second, _ := k.claimLimited(claim)
	if len(first) != 1 || len(second) != 1 || second[0].Attempt != 2 {
		k.Fatalf("got %+v, then %+v", first, second)
	}
	k.effects().wantOver(&first[0].Lease)
	c := change(order("1"), 1, 1)
	c.Consume = []store.Lease{second[0].Lease}
	k.commit(c)
	k.wantTable("effects", "*")
}
