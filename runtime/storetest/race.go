package storetest

import (
	"fmt"
	"slices"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

var raceRules = []rule{
	{name: "callers of one instance are serial and each commits once", check: func(k *kit) {
		k.commit(change(order("1"), 0, 1))
		serial(k, 1)
	}},
	{name: "callers that create one instance are serial and each commits once", check: func(k *kit) { serial(k, 0) }},
	{name: "the global sequence is unique and grows with the version under concurrent writers", check: globalSequence},
}

// serial lets 32 callers append to one instance at once. Each marks its event, so that none can be lost or be there twice.
func serial(k *kit, version int64) {
	const callers = 32
	k.together(callers, func(n int) error {
		return k.decideOne(order("1"), func(i store.Instance) store.Change {
			if int64(len(i.Events)) != i.Version {
				k.Errorf("read %d events at version %d", len(i.Events), i.Version)
			}
			c := change(order("1"), i.Version, 1)
			c.Events[0].Payload = fmt.Appendf(nil, `{"caller":"%02d"}`, n)
			c.Effects = []store.NewEffect{{Kind: "Send", Payload: c.Events[0].Payload}}
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
