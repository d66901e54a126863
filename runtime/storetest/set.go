package storetest

import (
	"fmt"
	"math/rand/v2"
	"sync"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

var setRules = []rule{
	{name: "a set of 64 commits together, new and old instances", check: largeSet},
	{name: "overlapping sets in any order neither deadlock nor lose a change", check: overlappingSets},
	{name: "one stale member drops the whole set", check: func(k *kit) {
		badMember(k, isConflict, change(order("bad"), 1, 1))
	}},
	{name: "one member whose key is held drops the whole set", check: func(k *kit) {
		k.commit(withKey(change(order("holder"), 0, 1), "ann"))
		badMember(k, heldBy("holder", "ann", order("bad")), withKey(change(order("bad"), 2, 1), "ann"))
	}},
	{name: "one member whose lease is lost drops the whole set", check: func(k *kit) {
		c := change(order("bad"), 2, 1)
		c.Consume = []store.Lease{{Queue: store.EffectQueue, Instance: order("bad"), Version: 2, Token: 99}}
		badMember(k, isLeaseLost, c)
	}},
	{name: "one member that is completed drops the whole set", check: func(k *kit) {
		badMember(k, isConflict, change(order("done"), 1, 1))
	}},
	{name: "two members that ask for one key drop the whole set", check: func(k *kit) {
		badMember(k, isKeyConflict, withKey(change(order("bad"), 2, 1), "ann"), withKey(change(order("other"), 0, 1), "ann"))
	}},
	{name: "members may use one timer key and one effect kind each", check: sameNamesInSet},
}

func largeSet(k *kit) {
	const n = 64
	var old []store.Change
	for i := 0; i < n; i += 2 {
		old = append(old, full(order(fmt.Sprint(i)), 0, fmt.Sprint("key of ", i)))
	}
	k.commit(old...)
	var set []store.Change
	for _, i := range rand.Perm(n) {
		version := int64(0)
		if i%2 == 0 {
			version = 2
		}
		c := full(order(fmt.Sprint(i)), version, fmt.Sprint("key of ", i))
		if i%8 == 0 {
			c = complete(c)
		}
		set = append(set, c)
	}
	k.commit(set...)
	k.wantRows(map[string]int{
		"instances": n, "events": n + n*2, "effects": n/2 + n, "timers": n - n/8, "unique_keys": n - n/8,
	})
	for _, c := range set {
		k.wantVersion(c.Instance, c.NewVersion())
	}
}

// overlappingSets takes sets of 16 of 24 instances in random order, half of which do not exist when it starts.
func overlappingSets(k *kit) {
	const instances, size, callers, rounds = 24, 16, 8, 6
	for i := range instances / 2 {
		k.commit(change(order(fmt.Sprint(i)), 0, 1))
	}
	var committed tally
	k.together(callers, func(int) error {
		for range rounds {
			var set []store.InstanceKey
			for _, i := range rand.Perm(instances)[:size] {
				set = append(set, order(fmt.Sprint(i)))
			}
			err := k.decide(set, func(found []store.Instance) (changes []store.Change) {
				for _, i := range found {
					changes = append(changes, change(i.Key, i.Version, 1))
				}
				return changes
			})
			if err != nil {
				return err
			}
			committed.add(set...)
		}
		return nil
	})
	for i := range instances {
		want := committed.n[order(fmt.Sprint(i))]
		if i < instances/2 {
			want++
		}
		k.wantVersion(order(fmt.Sprint(i)), want)
	}
}

// badMember commits good members before and after the bad ones.
func badMember(k *kit, want func(error) bool, bad ...store.Change) {
	k.commit(full(order("bad"), 0, ""), full(order("good"), 0, ""), complete(change(order("done"), 0, 1)))
	consumes := full(order("good"), 2, "bob")
	consumes.Consume = []store.Lease{k.effects().claim(at(3600), at(7200), 9)[1].Lease}
	consumes.Cancel = []string{"other"}
	set := append([]store.Change{consumes, full(order("new"), 0, "")}, bad...)
	set = append(set, complete(full(order("at once"), 0, "")))
	k.refuse(want, set...)
	rand.Shuffle(len(set), func(i, j int) { set[i], set[j] = set[j], set[i] })
	k.refuse(want, set...)
}

func sameNamesInSet(k *kit) {
	a, b := full(order("1"), 0, "ann"), full(order("2"), 0, "bob")
	k.commit(a, b)
	c, d := change(order("1"), 2, 1), withTimers(change(order("2"), 2, 1), timer("remind", at(99)))
	c.Cancel = []string{"remind"}
	k.commit(c, d)
	k.wantTable("timers", "instance, key, version", "2|remind|3")
}

// tally counts what several goroutines did.
type tally struct {
	mu sync.Mutex
	n  map[store.InstanceKey]int64
}

func (t *tally) add(instances ...store.InstanceKey) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.n == nil {
		t.n = map[store.InstanceKey]int64{}
	}
	for _, i := range instances {
		t.n[i]++
	}
}
