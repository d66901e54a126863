package storetest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

var valueRules = []rule{
	{name: "payloads come back byte for byte", check: payloads},
	{name: "ids, keys and names may hold any text", check: texts},
	{name: "ids are compared byte for byte", check: idBytes},
	{name: "times are UTC and kept to the microsecond", check: times},
	{name: "an event is recorded at the now of its change", check: recordedAt},
	{name: "an effect is due by the clock and requested at the now of its change", check: dueByTheClock},
	{name: "a change may hold many events", check: manyEvents},
}

// jsonTexts are valid, and differ from what a database would write itself.
func jsonTexts() []string {
	return []string{
		`{}`,
		`{"nul":"\u0000","escape":"\u00e9\ud83d\ude00","raw":"é😀 日本"}`,
		`{"big":9007199254740993,"exact":1.10,"tiny":1e-400,"neg":-0}`,
		" {\"around\":1}\n",
		"{ \"spaces\" :\t1 ,\r\n \"b\":[ ] }",
		`{"twice":1,"twice":2,"order":{"b":1,"a":2}}`,
		`{"quotes":"' \" \\ $1 ? :a %s"}`,
		`{"large":"` + strings.Repeat("é", 1<<19) + `"}`,
	}
}

func payloads(k *kit) {
	want := jsonTexts()
	c := store.Change{Instance: order("1"), Now: epoch}
	for i, p := range want {
		c.Events = append(c.Events, store.NewEvent{Type: "Noted", SchemaVersion: 1, Payload: []byte(p)})
		c.Effects = append(c.Effects, store.NewEffect{Kind: "Send", Payload: []byte(p)})
		c.Timers = append(c.Timers, store.NewTimer{Key: fmt.Sprint(i), Input: "Remind", Payload: []byte(p), FireAt: at(i)})
	}
	k.commit(c)

	for i, e := range k.load(order("1")).Events {
		if string(e.Payload) != want[i] {
			k.Errorf("event: got %s, want %s", short(string(e.Payload)), short(want[i]))
		}
	}
	for _, d := range k.effects().claim(at(60), at(90), 9) {
		if string(d.Payload) != want[d.Lease.Position] {
			k.Errorf("effect: got %s, want %s", short(string(d.Payload)), short(want[d.Lease.Position]))
		}
	}
	for i, d := range k.timers().claim(at(60), at(90), 9) {
		if string(d.Payload) != want[i] {
			k.Errorf("timer: got %s, want %s", short(string(d.Payload)), short(want[i]))
		}
	}
}

// oddTexts are valid as ids: UTF-8 without NUL, of 1 to store.MaxIDLength bytes.
var oddTexts = []string{
	"'; DROP TABLE events; --", `"quoted" \ back`, "100% {a,b} _ $1 ? :x", " leading and trailing ", "tab\tnewline\n\r",
	"é", "e\u0301", "日本語", "😀", "\u202eright to left", "\ufeffbom", "null", "NULL", "0x10",
	strings.Repeat("x", store.MaxIDLength), strings.Repeat("é", store.MaxIDLength/2),
}

func texts(k *kit) {
	for _, text := range oddTexts {
		instance := store.InstanceKey{Workflow: text, ID: text}
		c := withKey(change(instance, 0, 1), text)
		c.Events[0].Type = text
		c.Effects = []store.NewEffect{{Kind: text, Payload: []byte(`{}`)}}
		c.Timers = []store.NewTimer{{Key: text, Input: text, Payload: []byte(`{}`), FireAt: epoch}}
		k.commit(c)
		if i := k.load(instance); i.Version != 1 || len(i.Events) != 1 || i.Events[0].Type != text {
			k.Errorf("%q: loaded %+v", text, i)
		}
		k.refuse(heldBy(text, text, store.InstanceKey{Workflow: text, ID: "other"}),
			withKey(change(store.InstanceKey{Workflow: text, ID: "other"}, 0, 1), text))

		kinds := []store.Kind{{Workflow: text, Name: text}}
		effects := k.effects().claimKinds(kinds, at(1), at(60), 9)
		timers := k.timers().claimKinds(kinds, at(1), at(60), 9)
		if len(effects) != 1 || len(timers) != 1 || effects[0].Lease.Instance != instance || timers[0].Lease.Key != text {
			k.Fatalf("%q: claimed %+v and %+v", text, effects, timers)
		}
		k.effects().settle(&effects[0].Lease, store.Done, at(1), "")
		last := change(instance, 1, 1)
		last.Consume = []store.Lease{timers[0].Lease}
		k.commit(last)
	}
	k.wantTable("effects", "*")
	k.wantTable("timers", "*")
}

func idBytes(k *kit) {
	same := []string{"a", "A", "a ", " a", "á", "a\u0301", "1", "01", "1.0", "１"}
	for i, id := range same {
		k.commit(change(order(id), 0, i+1))
	}
	for i, id := range same {
		k.wantVersion(order(id), int64(i+1))
	}
}

func times(k *kit) {
	zone := time.FixedZone("east", 5*3600+1800)
	for i, now := range []time.Time{
		time.Date(2031, 1, 2, 3, 4, 5, 123_456_789, zone),
		time.Date(1969, 12, 31, 23, 59, 59, 999_999_000, time.UTC),
		time.Date(2262, 5, 1, 0, 0, 0, 1000, time.UTC), // int64 nanoseconds end before
		time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC),
	} {
		instance, want := order(fmt.Sprint(i)), now.UTC().Truncate(time.Microsecond)
		c := change(instance, 0, 1)
		c.Now, c.Due = now, now
		c.Effects = []store.NewEffect{{Kind: "Send", Payload: []byte(`{}`)}}
		c.Timers = []store.NewTimer{timer("a", now)}
		k.commit(c)
		effects := k.effects().claim(now, at(9_000_000_000), 1)
		timers := k.timers().claim(now, at(9_000_000_000), 1)
		if len(effects) != 1 || len(timers) != 1 {
			k.Fatalf("at %v: claimed %d effects and %d timers, want 1 and 1", now, len(effects), len(timers))
		}
		got := []time.Time{k.load(instance).Events[0].RecordedAt, effects[0].Due, timers[0].Due}
		for _, g := range got {
			if g != want {
				k.Errorf("got %v, want %v", g, want)
			}
		}
	}
}

func dueByTheClock(k *kit) {
	c := change(order("1"), 0, 1)
	c.Now, c.Due = at(60), at(5) // the clock ran back
	c.Effects = []store.NewEffect{{Kind: "Send", Payload: []byte(`{}`)}}
	k.commit(c)
	if got := k.effects().claim(at(4), at(90), 1); len(got) != 0 {
		k.Errorf("claimed %+v before it was due", got)
	}
	if got := k.effects().claim(at(5), at(90), 1); len(got) != 1 || !got[0].Due.Equal(at(60)) {
		k.Errorf("claimed %+v, want one effect that was requested at %v", got, at(60))
	}
}

func recordedAt(k *kit) {
	for i, now := range []time.Time{at(5), at(9), at(7)} { // a store does not judge the clock
		c := change(order("1"), int64(i), 1)
		c.Now = now
		k.commit(c)
	}
	var got []time.Time
	for _, e := range k.load(order("1")).Events {
		got = append(got, e.RecordedAt)
	}
	if !slices.Equal(got, []time.Time{at(5), at(9), at(7)}) {
		k.Errorf("got %v", got)
	}
	k.wantTable("instances", "created_at", micros(at(5)))
}

func manyEvents(k *kit) {
	k.commit(change(order("1"), 0, 3000))
	k.commit(change(order("1"), 3000, 1))
	k.wantVersion(order("1"), 3001)
}
