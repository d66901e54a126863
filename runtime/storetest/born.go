package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// bornRules hold for effects and for timers.
var bornRules = []queueRule{
	{name: "a delivery born leased is as if it had been claimed when it was due", check: bornAsClaimed},
	{name: "a change may lease some of its deliveries, and the others are due", check: bornBeside},
	{name: "it is due again when its lease ends, with another token and attempt", check: bornRunsOut},
	{name: "its lease is extended, settled and consumed as others are", check: bornSettled},
	{name: "its lease is set back when it is from the future", check: bornRealigned},
	{name: "a commit that is refused leases nothing", check: bornRefused},
	{name: "nothing is leased of a paused workflow, and the commit is refused", check: bornPaused, needs: []string{"Pauses"}},
	{name: "no commit after a pause leases anything", check: bornWhilePausing, needs: []string{"Pauses"}},
}

const bornHolder = "web-1/7"

// born is a change that creates an instance with one delivery that is due at a time, and leased for a minute.
func (l line) born(id string, due time.Time) store.Change {
	c := l.with(change(order(id), 0, 1), l.kind, due)
	c.Due, c.Lease = due, store.NewLease{Holder: bornHolder, Until: due.Add(time.Minute)}
	for i := range c.Effects {
		c.Effects[i].Leased = true
	}
	for i := range c.Timers {
		c.Timers[i].Leased = true
	}
	return c
}

// putBorn stores a change, and returns its leases.
func (l line) putBorn(c store.Change) (leases []store.Lease) {
	l.Helper()
	id := newID()
	if err := l.tryAs(id, c); err != nil {
		l.Fatalf("%v: %v", l.way, err)
	}
	for _, d := range c.LeasedDeliveries(id) {
		leases = append(leases, d.Lease)
	}
	return leases
}

func bornAsClaimed(l line) {
	trace := "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	c := l.born("twin", at(1))
	c.Now = at(2) // which may be ahead of the clock
	for i := range c.Effects {
		c.Effects[i].Trace, c.Effects[i].LimitKey = trace, "ann"
	}
	for i := range c.Timers {
		c.Timers[i].Trace = trace
	}
	plain := c
	plain.Effects, plain.Timers = slices.Clone(c.Effects), slices.Clone(c.Timers)
	for i := range plain.Effects {
		plain.Effects[i].Leased = false
	}
	for i := range plain.Timers {
		plain.Timers[i].Leased = false
	}
	plain.Instance.ID, plain.Lease = "plain", store.NewLease{}
	l.commit(plain)
	claimed, err := l.queue.Claim(l.ctx, store.Claim{
		Kinds: []store.Kind{l.kind}, Now: at(1), Until: c.Lease.Until, Limit: 1, Holder: bornHolder,
	})
	if err != nil || len(claimed) != 1 {
		l.Fatalf("claimed %+v, error %v", claimed, err)
	}

	for _, others := range [][]store.Change{nil, {l.born("other", at(1))}} { // alone, and in a batch
		id := newID()
		if err := l.tryAs(id, append(others, c)...); err != nil {
			l.Fatal(err)
		}
		got := c.LeasedDeliveries(id)
		if len(got) != 1 {
			l.Fatalf("got deliveries %+v, want one", got)
		}
		want := claimed[0]
		want.Lease.Instance, want.Lease.Commit = c.Instance, id
		if d, w := fmt.Sprintf("%+v", got[0]), fmt.Sprintf("%+v", want); d != w {
			l.Errorf("the delivery is\n%s, and a claim returns\n%s", d, w)
		}
		columns := "version, kind, payload, run_at, attempts, token, last_error, due_at, died_at, trace, claimed_at, blocked_since, told_at, holder"
		if l.name == store.EffectQueue {
			columns += ", position, limit_key, slot, parked_from"
		} else {
			columns += ", key"
		}
		row := func(instance store.InstanceKey) []string {
			var found []string
			for _, row := range l.rows(string(l.name), "instance, "+columns) {
				if rest, of := strings.CutPrefix(row, instance.ID+"|"); of {
					found = append(found, rest)
				}
			}
			return found
		}
		if got, want := row(c.Instance), row(plain.Instance); !slices.Equal(got, want) {
			l.Errorf("stored\n%q, and a claim leaves\n%q", got, want)
		}
		if lost, err := l.queue.Extend(l.ctx, []store.Lease{got[0].Lease}, c.Lease.Until); err != nil || len(lost) > 0 {
			l.Errorf("Extend: lost %v, error %v", lost, err)
		}
		c.Instance.ID += " in a batch"
	}
}

func bornBeside(l line) {
	c := l.born("1", at(1))
	second, third := l.born("1", at(1)), l.born("1", at(1))
	for i, other := range []store.Change{second, third} {
		for n := range other.Effects {
			other.Effects[n].Leased = i == 1
		}
		for n := range other.Timers {
			other.Timers[n].Leased, other.Timers[n].Key = i == 1, fmt.Sprint(i)
		}
		c.Effects, c.Timers = append(c.Effects, other.Effects...), append(c.Timers, other.Timers...)
	}
	other := l.with(change(order("2"), 0, 1), l.kind, at(1))
	alone := c
	alone.Instance.ID = "3"
	l.commit(other, c)
	l.commit(alone)
	leased, due := "|1|1|"+micros(at(1))+"|"+bornHolder, "|0|0|null|null"
	l.wantTable(string(l.name), "instance, attempts, token, claimed_at, holder",
		"1"+leased, "1"+due, "1"+leased, "2"+due, "3"+leased, "3"+due, "3"+leased)
	got := l.claim(at(1), at(60), 9)
	if len(got) != 3 {
		l.Errorf("claimed %v, want the one of 2 and one of 1 and 3", ids(got))
	}
}

func bornRunsOut(l line) {
	lease := l.putBorn(l.born("1", at(0)))[0]
	if got := l.claim(at(59), at(200), 9); len(got) != 0 {
		l.Errorf("claimed %+v before the end of the lease", got)
	}
	got := l.claim(at(60), at(200), 9)
	if len(got) != 1 || got[0].Attempt != 2 || got[0].Lease.Token <= lease.Token {
		l.Fatalf("got %+v", got)
	}
	l.wantOver(&lease)
}

func bornSettled(l line) {
	leases := make(map[string]store.Lease)
	for _, id := range []string{"done", "released", "dead", "extended", "consumed"} {
		leases[id] = l.putBorn(l.born(id, at(0)))[0]
	}
	settle := func(id string, verdict store.Verdict) {
		lease := leases[id]
		l.settle(&lease, verdict, at(5), "reason")
		l.wantOver(&lease)
	}
	settle("done", store.Done)
	settle("released", store.Release)
	settle("dead", store.Dead)
	if lost, err := l.queue.Extend(l.ctx, []store.Lease{leases["extended"]}, at(100)); err != nil || len(lost) > 0 {
		l.Errorf("Extend: lost %v, error %v", lost, err)
	}
	c := change(order("consumed"), 1, 1)
	c.Consume = []store.Lease{leases["consumed"]}
	l.commit(c)
	l.wantTable(string(l.name), "instance, attempts, run_at", "released|0|"+micros(at(5)), "dead|1|"+micros(at(60)), "extended|1|"+micros(at(100)))
}

func bornRealigned(l line) {
	lease := l.putBorn(l.born("1", at(500)))[0]
	if n, err := l.queue.Realign(l.ctx, at(10), at(20)); err != nil || n != 1 {
		l.Errorf("realigned %d, error %v", n, err)
	}
	l.wantTable(string(l.name), "run_at, claimed_at", micros(at(70))+"|"+micros(at(10)))
	if lost, err := l.queue.Extend(l.ctx, []store.Lease{lease}, at(100)); err != nil || len(lost) > 0 {
		l.Errorf("Extend: lost %v, error %v", lost, err)
	}
}

func bornRefused(l line) {
	l.commit(change(order("1"), 0, 1))
	l.refuse(isConflict, l.born("1", at(0)))
	l.refuse(isConflict, l.born("1", at(0)), l.born("2", at(0)))
}

// isPausedLease says that a commit is refused for its leases of the workflow order, and is decided again.
func isPausedLease(err error) bool {
	var paused *store.PausedLease
	return errors.As(err, &paused) && paused.Workflow == "order" && isConflict(err)
}

func bornPaused(l line) {
	other := l.born("1", at(0))
	other.Instance.Workflow = "cart"
	l.pause(store.Pause{Workflow: "order", At: at(1)})
	l.refuse(isPausedLease, l.born("1", at(0)))
	l.refuse(isPausedLease, l.born("1", at(0)), other)

	// Of two workflows, the one that leases counts.
	l.commit(other, l.with(change(order("1"), 0, 1), l.kind, at(0)))
	l.wantTable(string(l.name), "workflow, attempts", "cart|1", "order|0")
	l.resume("order")
	l.commit(l.born("2", at(0)))
	l.wantTable(string(l.name), "workflow, attempts", "cart|1", "order|0", "order|1")
}

func bornWhilePausing(l line) {
	const writers, each = 4, 60
	var paused atomic.Bool
	var leased, refused atomic.Int64
	l.together(writers+1, func(writer int) error {
		if writer == writers {
			for leased.Load() < each {
				time.Sleep(time.Millisecond)
			}
			err := l.pauses.PauseWorkflow(l.ctx, store.Pause{Workflow: "order", At: at(1)})
			paused.Store(true)
			return err
		}
		for n := 0; refused.Load() < each; n++ {
			after := paused.Load()
			err := l.try(l.born(fmt.Sprint(writer, " ", n), at(0)))
			switch {
			case err == nil && after:
				return fmt.Errorf("commit %d was leased after the pause", n)
			case err == nil:
				leased.Add(1)
			case isPausedLease(err):
				refused.Add(1)
			case !isConflict(err):
				return err
			}
		}
		return nil
	})
	l.wantTable(string(l.name), "attempts", slices.Repeat([]string{"1"}, int(leased.Load()))...)
}
