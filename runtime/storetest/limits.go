package storetest

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
)

var limitRules = []rule{
	{name: "kinds of higher priority are claimed first", check: priorities},
	{name: "a limited claim returns what is due and all that is known of it", check: limitedReturns},
	{name: "no more are leased than the global limit", check: globalLimit},
	{name: "a lease that ran out, or was settled, does not count", check: limitedRunsOut},
	{name: "no more are leased of one key than its limit, and all keys have their turn", check: keyLimit},
	{name: "effects from before a key was declared are claimed too", check: withoutKey},
	{name: "no more begin in a second than the rate", check: rateLimit},
	{name: "a rate outlives a clock that jumped ahead", check: rateAfterAJump},
	{name: "the limits hold over concurrent claims", check: limitsConcurrently},
	{name: "what was claimed under a limit is fenced like all else", check: limitedFencing},
}

// putEffects creates an instance with effects of the kind Send, one for each key.
func (k *kit) putEffects(id string, keys ...string) {
	k.Helper()
	c := change(order(id), 0, 1)
	for _, key := range keys {
		c.Effects = append(c.Effects, runtime.NewEffect{Kind: "Send", Payload: []byte(`{}`), LimitKey: key, Trace: "00"})
	}
	k.commit(c)
}

func limitedSend(now, limit int) runtime.LimitedClaim {
	return runtime.LimitedClaim{
		Kind: runtime.Kind{Workflow: "order", Name: "Send"}, Now: at(now), Until: at(now + 100), Limit: limit, Burst: 1,
	}
}

func (k *kit) claimLimited(claim runtime.LimitedClaim) ([]runtime.Delivery, time.Time) {
	k.Helper()
	got, again, err := k.Store.ClaimLimited(k.ctx, claim)
	if err != nil {
		k.Fatalf("ClaimLimited: %v", err)
	}
	return got, again
}

func priorities(k *kit) {
	for _, kind := range []string{"Low", "Send", "High"} {
		k.effects().putKind(kind, runtime.Kind{Workflow: "order", Name: kind}, epoch)
	}
	kind := func(name string) runtime.Kind { return runtime.Kind{Workflow: "order", Name: name} }
	for _, want := range []string{"High", "Send", "Low"} {
		got, err := k.Store.Effects().Claim(k.ctx, runtime.Claim{
			Kinds:    []runtime.Kind{kind("Low"), kind("Send"), kind("High")},
			Priority: map[runtime.Kind]int{kind("Low"): -5, kind("High"): 5},
			Now:      at(1), Until: at(99), Limit: 1,
		})
		if err != nil || len(got) != 1 || got[0].Kind.Name != want {
			k.Fatalf("got %+v, error %v, want %s", got, err, want)
		}
	}
}

func limitedReturns(k *kit) {
	k.putEffects("1", "a")
	k.effects().putKind("other", runtime.Kind{Workflow: "order", Name: "Other"}, epoch)
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
	want := runtime.Lease{Queue: runtime.EffectQueue, Instance: order("1"), Version: 1, Position: 0, Token: d.Lease.Token, Commit: k.load(order("1")).LastCommit}
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
	k.effects().settle(&got[0].Lease, runtime.RetryLater, at(500), "later")
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
	count := func(deliveries []runtime.Delivery) string {
		keys := map[string]int{}
		for _, d := range deliveries {
			keys[k.query(fmt.Sprintf("SELECT limit_key FROM %seffects WHERE position = %d", k.Prefix, d.Lease.Position))[0]]++
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
		k.effects().settle(&first[i].Lease, runtime.Done, at(11), "")
	}
	if got, _ := k.claimLimited(claim); count(got) != "map[a:1 b:1]" {
		k.Errorf("at last: got %s", count(got))
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
		{2*time.Second + runtime.MaxLimitSkew, 3}, {2500 * time.Millisecond, 0}, // within the limits it goes by the clock that is ahead
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
			got, _, err := k.Store.ClaimLimited(k.ctx, claim)
			if err != nil {
				return err
			}
			if n := held.Add(int32(len(got))); n > 7 {
				return fmt.Errorf("%d are leased at the same time", n)
			}
			total.Add(int32(len(got)))
			var settlements []runtime.Settlement
			for _, d := range got {
				settlements = append(settlements, runtime.Settlement{Lease: d.Lease, Verdict: runtime.Done})
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
			k.effects().settle(&got[i].Lease, runtime.Done, at(11), "")
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
	c.Consume = []runtime.Lease{second[0].Lease}
	k.commit(c)
	k.wantTable("effects", "*")
}
