package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// A reader of the feed keeps a position and nothing else. What comes behind it must be all there is.
var feedRules = []rule{
	{name: "an empty feed ends where it begins", check: feedOfNothing},
	{name: "the feed has every event as it was stored", check: feedAsStored},
	{name: "a page has no more events than wanted and says where to go on", check: feedPages},
	{name: "filters let events through by workflow and type, and the position passes the others", check: feedFilters},
	{name: "a filter that nothing passes reaches the end", check: feedFilterOfNothing},
	{name: "an event of a change that is refused never appears", check: feedRefused},
	{name: "no reader misses an event or gets two of an instance in the wrong order", check: feedConcurrent},
	{name: "a position beyond what was numbered is an error that says how far", check: feedSetBack, needs: []string{"Forgetting"}},
	{name: "a position to keep is never beyond the last event", check: feedNext},
	{name: "it is known when the first event after a position was recorded", check: firstEventAfter},
	{name: "a limit that is not positive is an error", check: feedLimit},
	{name: "the horizon is the last event when nobody writes, and nothing blocks it", check: feedHorizon},
	{name: "reading the feed with an ended context fails", check: feedEnded},
}

// drain reads the feed page by page until it has n events. Transactions of others on the same server may hold it up for a
// moment.
func (k *kit) drain(after store.FeedPosition, n, limit int, filters ...store.EventFilter) []store.StoredEvent {
	k.Helper()
	var events []store.StoredEvent
	for len(events) < n {
		page := k.page(after, limit, filters...)
		events = append(events, page.Events...)
		after = page.Next
	}
	if len(events) > n {
		k.Errorf("the feed has %d events, want %d", len(events), n)
	}
	return events
}

// page reads one page and looks at what must hold for each.
func (k *kit) page(after store.FeedPosition, limit int, filters ...store.EventFilter) store.FeedPage {
	k.Helper()
	page, err := k.feed.EventsSince(k.ctx, after, limit, filters...)
	if err != nil {
		k.Fatalf("EventsSince(%d): %v", after, err)
	}
	last := after
	for i := range page.Events {
		if page.Events[i].Position() <= last {
			k.Errorf("event %d comes after position %d", page.Events[i].GlobalSequence, last)
		}
		last = page.Events[i].Position()
	}
	if len(page.Events) > limit || page.Next < last || page.Next > max(page.Settled, after) {
		k.Errorf("EventsSince(%d, %d): got %d events up to %d, Next %d, Settled %d",
			after, limit, len(page.Events), last, page.Next, page.Settled)
	}
	return page
}

// settle waits until all that was committed is settled.
func (k *kit) settle() store.FeedHorizon {
	k.Helper()
	for {
		horizon, err := k.feed.FeedHorizon(k.ctx)
		if err != nil {
			k.Fatalf("FeedHorizon: %v", err)
		}
		if horizon.Settled > horizon.Issued {
			k.Errorf("settled up to %d, issued up to %d", horizon.Settled, horizon.Issued)
		}
		if horizon.Settled == horizon.Issued {
			return horizon
		}
		time.Sleep(time.Millisecond)
	}
}

func feedOfNothing(k *kit) {
	if h := k.settle(); h != (store.FeedHorizon{}) {
		k.Errorf("got horizon %+v", h)
	}
	if page := k.page(0, 10); len(page.Events) != 0 || page.Next != 0 {
		k.Errorf("got %+v", page)
	}
}

// feedSetBack is about a reader that knows more than the store has numbered.
func feedSetBack(k *kit) {
	beyond := func(after, issued store.FeedPosition) {
		k.Helper()
		for _, filters := range [][]store.EventFilter{nil, {{Workflow: "order"}}} {
			_, err := k.feed.EventsSince(k.ctx, after, 10, filters...)
			var back *store.FeedSetBack
			if !errors.As(err, &back) || back.Position != after || back.Issued != issued {
				k.Errorf("after position %d of %d: got error %v", after, issued, err)
			}
		}
	}
	beyond(7, 0)
	k.commit(change(order("1"), 0, 2))
	k.commit(complete(change(order("2"), 0, 1)))
	last := k.settle().Settled
	if page := k.page(last, 10); len(page.Events) > 0 || page.Next != last {
		k.Errorf("at the end: got %+v", page)
	}
	beyond(last+1, last)
	beyond(last+1000, last)
	// An event that was deleted was numbered, all the same.
	kept, err := k.forgetting.DeleteInstances(k.ctx, []store.InstanceVersion{{Instance: order("2"), Version: 1}}, last)
	if err != nil || len(kept) > 0 {
		k.Fatalf("DeleteInstances: kept %v, error %v", kept, err)
	}
	if page := k.page(last, 10); len(page.Events) > 0 || page.Next != last {
		k.Errorf("behind an event that was deleted: got %+v", page)
	}
	beyond(last+1, last)
	for _, after := range []store.FeedPosition{0, last} {
		page := k.page(after, 10)
		for len(page.Events) > 0 {
			page = k.page(page.Next, 10)
		}
		if h := k.settle(); h.Issued < last || h.Settled > page.Looked {
			k.Errorf("a reader from %d on, at the end: it has looked up to %d, and the horizon is %+v", after, page.Looked, h)
		}
	}
}

// feedNext is about positions that a reader keeps: they are never beyond an event.
func feedNext(k *kit) {
	k.commit(change(order("1"), 0, 1), change(store.InstanceKey{Workflow: "refund", ID: "1"}, 0, 1))
	k.refuse(isConflict, change(order("2"), 0, 1), change(order("1"), 0, 5)) // it may use up numbers
	last := k.load(order("1")).Events[0].Position()
	for _, e := range k.load(store.InstanceKey{Workflow: "refund", ID: "1"}).Events {
		last = max(last, e.Position())
	}
	k.settle()
	for _, filters := range [][]store.EventFilter{nil, {{Workflow: "order"}}, {{Workflow: "refund"}}, {{Workflow: "none"}}} {
		for _, limit := range []int{2, 10} {
			page := k.page(0, limit, filters...)
			if page.Next != last {
				k.Errorf("filters %v, limit %d: got Next %d, want %d, the last event", filters, limit, page.Next, last)
			}
			if page = k.page(page.Next, limit, filters...); page.Next != last || page.Settled != last || page.Looked < last {
				k.Errorf("filters %v, limit %d: got %+v at the end", filters, limit, page)
			}
		}
	}
}

func firstEventAfter(k *kit) {
	for i := range 3 {
		c := change(order(fmt.Sprint(i)), 0, 1)
		c.Now = at(10 * i)
		k.commit(c)
	}
	positions := []store.FeedPosition{0}
	for _, e := range k.drain(0, 3, 10) {
		positions = append(positions, e.Position())
	}
	for i, after := range positions {
		want := at(10 * i)
		if i == 3 {
			want = time.Time{}
		}
		if got, err := k.feed.FirstEventAfter(k.ctx, after); err != nil || !got.Equal(want) {
			k.Errorf("after %d: got %v, error %v, want %v", after, got, err, want)
		}
	}
}

func feedAsStored(k *kit) {
	k.commit(full(order("1"), 0, "ann"))
	k.commit(change(order("2"), 0, 2), full(store.InstanceKey{Workflow: "refund", ID: "ä\"'\\"}, 0, ""))
	completing := change(order("1"), int64(len(full(order("1"), 0, "").Events)), 1)
	completing.Now, completing.Complete = at(60), true
	k.commit(completing)

	var want []store.StoredEvent
	for _, instance := range []store.InstanceKey{order("1"), order("2"), {Workflow: "refund", ID: "ä\"'\\"}} {
		want = append(want, k.load(instance).Events...)
	}
	slices.SortFunc(want, func(a, b store.StoredEvent) int { return int(a.GlobalSequence - b.GlobalSequence) })
	got := k.drain(0, len(want), 100)
	if !reflect.DeepEqual(got, want) {
		k.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func feedPages(k *kit) {
	for v := range int64(10) {
		k.commit(change(order("1"), v, 1))
	}
	k.settle()
	var all []store.StoredEvent
	var after store.FeedPosition
	for _, want := range []int{4, 4, 2, 0} {
		page := k.page(after, 4)
		if len(page.Events) != want {
			k.Fatalf("after %d: got %d events, want %d", after, len(page.Events), want)
		}
		if want > 0 && page.Next != page.Events[want-1].Position() && page.Next != page.Settled {
			k.Errorf("after %d: got Next %d", after, page.Next)
		}
		all, after = append(all, page.Events...), page.Next
	}
	k.wantSerial(all, 10)
	// Any position will do, and as often as one likes.
	for _, e := range all[:9] {
		for range 2 {
			if page := k.page(e.Position(), 1); len(page.Events) != 1 || page.Events[0].Version != e.Version+1 {
				k.Errorf("after version %d: got %+v", e.Version, page.Events)
			}
		}
	}
}

func feedFilters(k *kit) {
	refund := store.InstanceKey{Workflow: "refund", ID: "1"}
	event := func(name string) []store.NewEvent {
		return []store.NewEvent{{Type: name, SchemaVersion: 1, Payload: []byte(`{}`)}}
	}
	for v, name := range []string{"A", "B", "C", "A"} {
		for _, instance := range []store.InstanceKey{order("1"), refund} {
			c := change(instance, int64(v), 1)
			c.Events = event(name)
			k.commit(c)
		}
	}
	k.settle()
	for _, test := range []struct {
		filters []store.EventFilter
		want    string
	}{
		{nil, "order A, refund A, order B, refund B, order C, refund C, order A, refund A"},
		{[]store.EventFilter{{Workflow: "refund"}}, "refund A, refund B, refund C, refund A"},
		{[]store.EventFilter{{Workflow: "order", Types: []string{"C", "A"}}}, "order A, order C, order A"},
		{[]store.EventFilter{{Workflow: "order", Types: []string{"B"}}, {Workflow: "refund", Types: []string{"C", "D"}}}, "order B, refund C"},
		{[]store.EventFilter{{Workflow: "order", Types: []string{"B"}}, {Workflow: "order"}}, "order A, order B, order C, order A"},
	} {
		for _, limit := range []int{1, 2, 100} {
			var got string
			var after store.FeedPosition
			for page := (store.FeedPage{Settled: 1}); after < page.Settled; after = page.Next {
				page = k.page(after, limit, test.filters...)
				for _, e := range page.Events {
					if got != "" {
						got += ", "
					}
					got += e.Instance.Workflow + " " + e.Type
				}
			}
			if got != test.want {
				k.Errorf("%+v, %d at a time:\n got %s\nwant %s", test.filters, limit, got, test.want)
			}
		}
	}
}

func feedFilterOfNothing(k *kit) {
	k.commit(change(order("1"), 0, 25_000))
	settled := k.settle().Settled
	var after store.FeedPosition
	for range 10 {
		page := k.page(after, 1, store.EventFilter{Workflow: "none"})
		if after = page.Next; after == settled {
			return
		}
	}
	k.Errorf("after ten pages of nothing the position is %d, the last event %d", after, settled)
}

func feedRefused(k *kit) {
	k.commit(full(order("1"), 0, "ann"))
	n := len(full(order("1"), 0, "").Events)
	k.refuse(func(err error) bool { return err != nil }, full(order("2"), 0, "ann")) // a unique key that is taken
	k.refuse(isConflict, change(order("1"), 0, 3))
	k.commit(change(order("3"), 0, 1))
	events := k.drain(0, n+1, 10)
	if last := events[n]; last.Instance != order("3") {
		k.Errorf("got %+v", last)
	}
}

// feedConcurrent lets readers follow writers that commit to shared instances, one or several at once, and are refused
// now and then.
func feedConcurrent(k *kit) {
	const writers, readers, instances, commits = 8, 3, 5, 40
	stored := make([]int, writers)
	var reading sync.WaitGroup
	written := make(chan struct{})
	follow := func(r int) error {
		var after store.FeedPosition
		versions, rest := map[store.InstanceKey]int64{}, false
		for {
			select {
			case <-written:
				rest = true
			default:
			}
			page, err := k.feed.EventsSince(k.ctx, after, 1+r*50)
			if err != nil {
				return err
			}
			for _, e := range page.Events {
				if e.Version != versions[e.Instance]+1 {
					return fmt.Errorf("version %d of %s comes after version %d", e.Version, e.Instance, versions[e.Instance])
				}
				versions[e.Instance] = e.Version
			}
			idle := page.Next == after
			after = page.Next
			if !rest || after < page.Settled {
				if idle {
					time.Sleep(time.Millisecond) // and leave the machine to the writers
				}
				continue
			}
			if total := sum(stored); total == int(sumOf(versions)) {
				return nil
			} else if k.ctx.Err() != nil {
				return fmt.Errorf("read %d events, %d are stored", sumOf(versions), total)
			}
		}
	}
	errs := make([]error, readers)
	for r := range readers {
		reading.Go(func() { errs[r] = follow(r) })
	}
	k.together(writers, func(w int) error {
		random := rand.New(rand.NewPCG(uint64(w), 1))
		for range commits {
			keys := []store.InstanceKey{order(fmt.Sprint(random.IntN(instances)))}
			if other := order(fmt.Sprint(random.IntN(instances))); other != keys[0] {
				keys = append(keys, other)
			}
			n := 1 + random.IntN(4)
			err := k.decide(keys, func(found []store.Instance) []store.Change {
				var changes []store.Change
				for _, i := range found {
					changes = append(changes, change(i.Key, i.Version, n))
				}
				return changes
			})
			if err != nil {
				return err
			}
			stored[w] += n * len(keys)
		}
		return nil
	})
	close(written)
	reading.Wait()
	for r, err := range errs {
		if err != nil {
			k.Errorf("reader %d: %v", r, err)
		}
	}
}

func sum(list []int) (total int) {
	for _, n := range list {
		total += n
	}
	return total
}

func sumOf(versions map[store.InstanceKey]int64) (total int64) {
	for _, v := range versions {
		total += v
	}
	return total
}

func feedLimit(k *kit) {
	for _, limit := range []int{0, -1} {
		if _, err := k.feed.EventsSince(k.ctx, 0, limit); err == nil {
			k.Errorf("the limit %d is accepted", limit)
		}
	}
}

func feedHorizon(k *kit) {
	k.commit(change(order("1"), 0, 3))
	events := k.load(order("1")).Events
	if h := k.settle(); h.Settled != events[2].Position() {
		k.Errorf("got horizon %+v, the last event is %d", h, events[2].GlobalSequence)
	}
	if blockers, err := k.feed.FeedBlockers(k.ctx); err != nil || len(blockers) != 0 {
		k.Errorf("got blockers %v, error %v", blockers, err)
	}
}

func feedEnded(k *kit) {
	k.commit(change(order("1"), 0, 1))
	k.settle()
	for what, read := range map[string]func(ctx context.Context) error{
		"EventsSince": func(ctx context.Context) error {
			_, err := k.feed.EventsSince(ctx, 0, 10)
			return err
		},
		"FeedHorizon": func(ctx context.Context) error {
			_, err := k.feed.FeedHorizon(ctx)
			return err
		},
	} {
		if err := read(ended()); !isCanceled(err) {
			k.Errorf("%s: got error %v, want context.Canceled", what, err)
		}
	}
}
