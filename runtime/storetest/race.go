package storetest

import (
	"fmt"
	"slices"

	"github.com/ironflow-gen/ironflow/runtime"
)

var raceRules = []rule{
	{name: "callers of one instance are serial and each commits once", check: func(k *kit) {
		k.commit(change(order("1"), 0, 1))
		serial(k, 1)
	}},
	{name: "callers that create one instance are serial and each commits once", check: func(k *kit) { serial(k, 0) }},
	{name: "while a unit of work is open no other commits to its instance", check: heldInstance},
	{name: "of two that found an instance missing, the second to commit conflicts", check: bothFoundMissing, concurrent: true},
	{name: "an open unit of work does not hold up other instances", check: otherInstances, concurrent: true},
	{name: "the global sequence is unique and grows with the version under concurrent writers", check: globalSequence},
	{name: "a queue works beside an open unit of work", check: queueBesideUnitOfWork, concurrent: true},
}

// serial lets 32 callers append to one instance at once. Each marks its event, so that none can be lost or be there twice.
func serial(k *kit, version int64) {
	const callers = 32
	k.together(callers, func(n int) error {
		return k.decide(order("1"), func(i runtime.Instance) runtime.Change {
			if int64(len(i.Events)) != i.Version {
				k.Errorf("Begin returned %d events at version %d", len(i.Events), i.Version)
			}
			c := change(order("1"), i.Version, 1)
			c.Events[0].Payload = fmt.Appendf(nil, `{"caller":"%02d"}`, n)
			c.Effects = []runtime.NewEffect{{Kind: "Send", Payload: c.Events[0].Payload}}
			return c
		})
	})
	k.wantVersion(order("1"), version+callers)
	var got, want []string
	for _, e := range k.load(order("1")).Events[version:] {
		got = append(got, string(e.Payload))
	}
	for n := range callers {
		want = append(want, fmt.Sprintf(`{"caller":"%02d"}`, n))
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		k.Errorf("got events %v, want one of each caller", got)
	}
	k.wantTable("effects", "payload", want...)
}

func heldInstance(k *kit) {
	k.commit(change(order("1"), 0, 1))
	u := k.begin(order("1"))
	started, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		close(started)
		ended <- k.decide(order("1"), func(i runtime.Instance) runtime.Change { return change(order("1"), i.Version, 1) })
	}()
	<-started
	if err := u.Commit(k.ctx, []runtime.Change{change(order("1"), 1, 1)}); err != nil {
		k.Errorf("Commit of the one that began first: %v", err)
	}
	if err := <-ended; err != nil {
		k.Errorf("the other: %v", err)
	}
	k.wantVersion(order("1"), 3)
}

func bothFoundMissing(k *kit) {
	a, b := k.begin(order("1")), k.begin(order("1"), order("2"))
	if first(a).Version != 0 || first(b).Version != 0 {
		k.Fatalf("got %+v and %+v", first(a), first(b))
	}
	if err := b.Commit(k.ctx, []runtime.Change{full(order("1"), 0, "ann"), change(order("2"), 0, 1)}); err != nil {
		k.Fatalf("Commit: %v", err)
	}
	before := k.dump()
	if err := a.Commit(k.ctx, []runtime.Change{full(order("1"), 0, "ann")}); !isConflict(err) {
		k.Errorf("got error %v, want ErrConflict", err)
	}
	k.unchanged(before)
}

func otherInstances(k *kit) {
	k.commit(change(order("1"), 0, 1), change(order("2"), 0, 1))
	u := k.begin(order("1"), order("missing"))
	k.soon("a unit of work over other instances", func() {
		for version := range int64(3) {
			if err := k.try(change(order("2"), version+1, 1), change(order("new"), version, 1)); err != nil {
				k.Errorf("Commit: %v", err)
			}
		}
	})
	if err := u.Commit(k.ctx, []runtime.Change{change(order("1"), 1, 1), change(order("missing"), 0, 1)}); err != nil {
		k.Errorf("Commit: %v", err)
	}
}

func globalSequence(k *kit) {
	const writers, changes, events = 8, 10, 3
	k.together(writers, func(n int) error {
		for v := range int64(changes) {
			if err := k.try(change(order(fmt.Sprint(n)), v*events, events)); err != nil {
				return err
			}
		}
		return nil
	})
	seen := map[int64]bool{}
	for n := range writers {
		k.wantVersion(order(fmt.Sprint(n)), changes*events)
		for _, e := range k.load(order(fmt.Sprint(n))).Events {
			if e.GlobalSequence <= 0 || seen[e.GlobalSequence] {
				k.Errorf("global sequence %d is not positive or not unique", e.GlobalSequence)
			}
			seen[e.GlobalSequence] = true
		}
	}
}

func queueBesideUnitOfWork(k *kit) {
	for _, l := range []line{k.effects(), k.timers()} {
		l.put(string(l.name), at(0))
		u := k.begin(order("effects"), order("missing"))
		k.soon("a queue beside a unit of work", func() {
			claimed, err := l.queue.Claim(k.ctx, runtime.Claim{
				Kinds: []runtime.Kind{l.kind}, Now: at(1), Until: at(60), Limit: 1,
			})
			if err != nil || len(claimed) != 1 {
				k.Errorf("Claim: got %v, error %v", claimed, err)
				return
			}
			lost, err := l.queue.Settle(k.ctx, []runtime.Settlement{{Lease: claimed[0].Lease, Verdict: runtime.Done}})
			if err != nil || len(lost) != 0 {
				k.Errorf("Settle: lost %v, error %v", lost, err)
			}
		})
		k.rollback(u)
	}
}
