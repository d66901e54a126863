package storetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

var commitRules = []rule{
	{name: "events, effects, timers, unique key and consumption are stored together", check: storedTogether},
	{name: "a stale version is a conflict and stores nothing", check: staleVersion},
	{name: "a lost lease stores nothing", check: lostLeaseStoresNothing},
	{name: "a held unique key stores nothing", check: heldKeyStoresNothing},
	{name: "a conflict comes before every other refusal", check: conflictComesFirst},
	{name: "an effect of another instance may be consumed", check: consumeOfOther},
	{name: "of two changes that consume the same effect, both are refused", check: consumeTwiceInOneCommit},
	{name: "a change may consume several effects and timers", check: consumeSeveral},
	{name: "of several leases one that is lost stores nothing", check: consumeSeveralLost},
	{name: "effects keep their order and positions", check: effectPositions},
}

// full is a change with one of everything.
func full(instance store.InstanceKey, version int64, key string) store.Change {
	c := change(instance, version, 2)
	c.Effects = []store.NewEffect{{Kind: "Send", Payload: []byte(`{"to":"a"}`)}}
	c.Timers = []store.NewTimer{{Key: "remind", Input: "Remind", Payload: []byte(`{"n":1}`), FireAt: at(60)}}
	c.UniqueKey = key
	return c
}

func storedTogether(k *kit) {
	k.commit(full(order("1"), 0, "ann"))
	k.wantTable("instances", "instance, workflow, created_at, completed_at", fmt.Sprintf("1|order|%s|null", micros(epoch)))
	k.wantTable("events", "instance, workflow, version, type, schema_version, payload, recorded_at",
		fmt.Sprintf(`1|order|1|Noted|1|{"version":1}|%s`, micros(epoch)),
		fmt.Sprintf(`1|order|2|Noted|1|{"version":2}|%s`, micros(epoch)))
	k.wantTable("effects",
		"instance, workflow, version, position, kind, payload, attempts, last_error, due_at, died_at",
		fmt.Sprintf(`1|order|2|0|Send|{"to":"a"}|0|null|%s|null`, micros(epoch)))
	k.wantTable("timers",
		"instance, workflow, key, version, kind, payload, due_at, attempts, last_error, died_at",
		fmt.Sprintf(`1|order|remind|2|Remind|{"n":1}|%s|0|null|null`, micros(at(60))))
	k.wantTable("unique_keys", "workflow, key, instance", "order|ann|1")

	next := change(order("1"), 2, 1)
	next.Now = at(5)
	next.Consume = []store.Lease{*k.effects().lease()}
	next.Cancel = []string{"remind"}
	k.commit(next)
	k.wantRows(map[string]int{"instances": 1, "events": 3, "unique_keys": 1})
	k.wantTable("instances", "created_at, completed_at", micros(epoch)+"|null")
	k.wantVersion(order("1"), 3)
	if got := k.load(order("1")).LastEventAt; got != at(5) {
		k.Errorf("the last event was recorded at %v, want %v", got, at(5))
	}
}

func staleVersion(k *kit) {
	k.refuse(isConflict, change(order("unknown"), 2, 1))
	k.commit(change(order("1"), 0, 2))
	for _, version := range []int64{0, 1, 3} {
		k.refuse(isConflict, full(order("1"), version, "ann"))
	}
	k.commit(full(order("1"), 2, "ann"))
}

func lostLeaseStoresNothing(k *kit) {
	k.commit(full(order("1"), 0, ""))
	effect, timer := k.effects().lease(), k.timers().lease()
	for _, stale := range []*store.Lease{effect, timer} {
		lost := full(order("2"), 0, "ann")
		stale := *stale
		stale.Token++
		lost.Consume = []store.Lease{stale}
		k.refuse(func(err error) bool {
			var e *store.LeaseLost
			return errors.As(err, &e) && e.Lease == stale
		}, lost)
	}
	// What was refused took nothing away from the holder.
	next := change(order("1"), 2, 1)
	next.Consume = []store.Lease{*effect}
	k.commit(next)
	next = change(order("1"), 3, 1)
	next.Consume = []store.Lease{*timer}
	k.commit(next)
}

func heldKeyStoresNothing(k *kit) {
	k.commit(full(order("1"), 0, "ann"))
	asks := full(order("2"), 0, "ann")
	asks.Consume = []store.Lease{*k.effects().lease()}
	k.refuse(heldBy("1", "ann", order("2")), asks)

	asks.UniqueKey = "bob"
	k.commit(asks)
}

// conflictComesFirst keeps an input that only has to run again from being refused for good: the instance that was
// overtaken may be the very one that holds the key, and has consumed the effect.
func conflictComesFirst(k *kit) {
	k.commit(full(order("holder"), 0, "ann"), full(order("1"), 0, ""))
	stale := full(order("1"), 1, "ann")
	stale.Consume = []store.Lease{{
		Queue: store.EffectQueue, Instance: order("1"), Version: 2, Position: 0, Token: 77,
	}}
	k.refuse(isConflict, stale)
	stale.Version = 0
	k.refuse(isConflict, stale)
}

func consumeOfOther(k *kit) {
	k.commit(full(order("parent"), 0, ""))
	child := change(order("child"), 0, 1)
	child.Consume = []store.Lease{*k.effects().lease()}
	k.commit(child)
	k.wantTable("effects", "*")
	k.wantVersion(order("parent"), 2)
	k.wantVersion(order("child"), 1)
}

func consumeTwiceInOneCommit(k *kit) {
	k.commit(full(order("1"), 0, ""))
	lease := k.effects().lease()
	a, b := change(order("2"), 0, 1), change(order("3"), 0, 1)
	a.Consume, b.Consume = []store.Lease{*lease}, []store.Lease{*lease}
	k.refuse(isLeaseLost, a, b)
	k.commit(a)
}

// several is a change to an instance, and leases of its three effects and three timers.
func several(k *kit) (c store.Change, leases []store.Lease) {
	c = change(order("1"), 0, 1)
	for i := range 3 {
		c.Effects = append(c.Effects, store.NewEffect{Kind: "Send", Payload: []byte(`{}`)})
		c.Timers = append(c.Timers, timer(fmt.Sprint(i), at(i)))
	}
	k.commit(c, full(order("2"), 0, ""))
	for _, l := range []line{k.timers(), k.effects()} {
		for _, d := range l.claim(at(3600), at(7200), 9) {
			if d.Lease.Instance == order("1") {
				leases = append(leases, d.Lease)
			}
		}
	}
	return change(order("1"), 1, 3), leases
}

func consumeSeveral(k *kit) {
	c, leases := several(k)
	rand.Shuffle(len(leases), func(i, j int) { leases[i], leases[j] = leases[j], leases[i] })
	c.Consume, c.Timers = leases, []store.NewTimer{timer("1", at(99))}
	k.commit(c)
	k.wantTable("effects", "instance, version", "2|2")
	k.wantTable("timers", "instance, key, version", "1|1|4", "2|remind|2")
	for _, lease := range leases {
		k.line(lease.Queue).wantOver(&lease)
	}
}

func consumeSeveralLost(k *kit) {
	c, leases := several(k)
	for i := range leases {
		c.Consume = slices.Clone(leases)
		c.Consume[i].Token++
		k.refuse(func(err error) bool {
			var lost *store.LeaseLost
			return errors.As(err, &lost) && lost.Lease == c.Consume[i]
		}, c)
		k.refuse(isLeaseLost, full(order("3"), 0, "ann"), c)
	}
	c.Consume = leases
	k.commit(c)
}

func effectPositions(k *kit) {
	c := change(order("1"), 0, 1)
	var want []string
	for i := range 12 {
		c.Effects = append(c.Effects, store.NewEffect{Kind: "Send", Payload: fmt.Appendf(nil, `{"n":%d}`, i)})
		want = append(want, fmt.Sprintf(`1|%d|{"n":%[1]d}`, i))
	}
	k.commit(c)
	k.wantTable("effects", "version, position, payload", want...)
	for _, d := range k.effects().claim(at(0), at(60), 20) {
		if want := fmt.Sprintf(`{"n":%d}`, d.Lease.Position); string(d.Payload) != want || d.Lease.Version != 1 {
			k.Errorf("got payload %s for %+v", d.Payload, d.Lease)
		}
	}
}
