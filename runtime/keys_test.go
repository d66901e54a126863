package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// watched is a store that gets one batch at a time. It holds the first batch, and shows each later one to a test.
type watched struct {
	Store
	once       sync.Once
	held, open chan bool

	mu      sync.Mutex
	batches []store.Batch
	before  func(n int) // the n-th after the first
	begun   atomic.Int64
}

func (w *watched) Append(ctx context.Context, batch store.Batch) error {
	first := false
	w.once.Do(func() { first = true })
	if first {
		w.held <- true
		<-w.open
		return w.Store.Append(ctx, batch)
	}
	w.mu.Lock()
	w.batches = append(w.batches, batch)
	n, before := len(w.batches), w.before
	w.mu.Unlock()
	if before != nil {
		before(n)
	}
	return w.Store.Append(ctx, batch)
}

func (w *watched) Begin(ctx context.Context, requests []store.ReadRequest) (store.UnitOfWork, error) {
	w.begun.Add(1)
	return w.Store.Begin(ctx, requests)
}

// asked returns how many batches had a change of an instance.
func (w *watched) asked(id string) (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, b := range w.batches {
		if slices.ContainsFunc(b.Changes, func(c store.Change) bool { return c.Instance.ID == id }) {
			n++
		}
	}
	return n
}

// sizes is how many changes the batches after the first had.
func (w *watched) sizes() (sizes []int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, b := range w.batches {
		sizes = append(sizes, len(b.Changes))
	}
	return sizes
}

// keyed is an engine of tickets whose inputs meet in one batch.
type keyed struct {
	*bed
	*ticket.Client
	st     *watched
	engine *runtime.Engine
}

func newKeyed(b *bed, d ticket.Decider) *keyed {
	k := &keyed{bed: b, st: &watched{Store: b.store, held: make(chan bool), open: make(chan bool)}}
	config := b.config(newClock())
	config.Batches = 1
	k.engine = b.engineOn(k.st, config, tickets(d, ticket.Handler{}))
	k.Client = ticket.NewClient(k.engine)
	return k
}

// keyCall is an input to open a ticket, or one to solve it.
type keyCall struct {
	id, subject string // an empty subject solves
	err         error
	accepted    bool
}

func (k *keyed) send(ctx context.Context, c *keyCall) {
	if c.subject == "" {
		var out ticket.SolveOutcome
		out, c.err = k.Solve(ctx, ticket.Solve{ID: c.id})
		c.accepted = out.Accepted()
		return
	}
	var out ticket.OpenOutcome
	out, c.err = k.Open(ctx, ticket.Open{ID: c.id, Subject: c.subject})
	c.accepted = out.Accepted()
}

// meet sends inputs that meet in one batch, in their order, and waits for what becomes of them.
func (k *keyed) meet(calls ...*keyCall) {
	k.Helper()
	k.start(calls...)()
}

// start is meet without the wait.
func (k *keyed) start(calls ...*keyCall) (wait func()) {
	k.Helper()
	var callers sync.WaitGroup
	callers.Go(func() { k.send(k.Context(), &keyCall{id: "gate", subject: "gate"}) })
	k.await("the first commit", k.st.held)
	for _, c := range calls {
		waiting := runtime.Waiting(k.engine)
		callers.Go(func() { k.send(k.Context(), c) })
		k.eventually("the input waits", func() bool { return runtime.Waiting(k.engine) > waiting })
	}
	k.st.open <- true
	return callers.Wait
}

// apart is how many instances are served apart from the batches.
func (k *keyed) apart() int {
	health, err := k.engine.Health(k.Context())
	if err != nil {
		k.Fatal(err)
	}
	return health.Inputs.Apart
}

func (k *keyed) await(what string, c <-chan bool) {
	k.Helper()
	wait(k.bed, what, c)
}

func (k *keyed) wantAccepted(calls ...*keyCall) {
	k.Helper()
	for _, c := range calls {
		if c.err != nil || !c.accepted {
			k.Errorf("%+v is not accepted", c)
		}
	}
}

// wantHeld says that these were refused because an instance holds their key.
func (k *keyed) wantHeld(holder string, calls ...*keyCall) {
	k.Helper()
	for _, c := range calls {
		var conflict *runtime.UniqueKeyConflict
		if !errors.As(c.err, &conflict) || conflict.Holder != holder || conflict.Key != c.subject || conflict.Instance.ID != c.id {
			k.Errorf("%+v: want its key to be held by %s", c, holder)
		}
	}
}

func (k *keyed) wantKeys(want ...string) {
	k.Helper()
	k.wantTable("key, instance", "unique_keys", "WHERE key <> 'gate' ORDER BY key", want...)
}

// Inputs that want distinct keys share a commit.
func TestUniqueKeysShareACommit(t *testing.T) {
	onStores(t, func(b *bed) {
		k := newKeyed(b, ticket.Decider{})
		calls := []*keyCall{{id: "a", subject: "z"}, {id: "b", subject: "y"}, {id: "c", subject: "x"}}
		k.meet(calls...)
		k.wantAccepted(calls...)
		if got := k.st.sizes(); !slices.Equal(got, []int{3}) || k.st.begun.Load() != 0 {
			b.Errorf("commits with %v changes, and %d units of work", got, k.st.begun.Load())
		}
		k.wantKeys("x c", "y b", "z a")
	})
}

// Of inputs that want the same key, the first takes it. The others are told who holds it, their decider is not asked, and nobody else waits.
func TestOneKeyInOneBatch(t *testing.T) {
	onStores(t, func(b *bed) {
		var asked sync.Map
		k := newKeyed(b, ticket.Decider{OnOpen: func(now time.Time, s ticket.State, in ticket.Open) ticket.OpenDecision {
			asked.Store(in.ID, true)
			return opened()(now, s, in)
		}})
		first, other := &keyCall{id: "a", subject: "printer"}, &keyCall{id: "d", subject: "screen"}
		second, third := &keyCall{id: "b", subject: "printer"}, &keyCall{id: "c", subject: "printer"}
		k.meet(first, second, third, other)
		k.wantAccepted(first, other)
		k.wantHeld("a", second, third)
		for _, id := range []string{"b", "c"} {
			if _, was := asked.Load(id); was {
				b.Errorf("the decider was asked for %s", id)
			}
		}
		if got := k.st.sizes(); !slices.Equal(got, []int{2}) || k.st.begun.Load() != 0 {
			b.Errorf("commits with %v changes, and %d units of work", got, k.st.begun.Load())
		}
		k.wantKeys("printer a", "screen d")
		b.wantTable("instance, type", "events", "WHERE instance <> 'gate'", "a Opened", "d Opened")
	})
}

// Two inputs that would create the same instance with the same key are no conflict of keys: the instance has it.
func TestOneInstanceAndKeyInOneBatch(t *testing.T) {
	onStores(t, func(b *bed) {
		k := newKeyed(b, ticket.Decider{})
		first, second := &keyCall{id: "a", subject: "printer"}, &keyCall{id: "a", subject: "printer"}
		k.meet(first, second)
		k.wantAccepted(first)
		if second.err != nil || second.accepted {
			b.Errorf("the second: %+v, want it to be rejected", second)
		}
		k.wantKeys("printer a")
		b.wantTable("instance, type", "events", "WHERE instance <> 'gate'", "a Opened")
	})
}

// A key that is freed by a batch is free for the next one, and held for those that came with it.
func TestKeyFreedInTheBatch(t *testing.T) {
	for name, order := range map[string]func(solve, open *keyCall) []*keyCall{
		"before": func(solve, open *keyCall) []*keyCall { return []*keyCall{solve, open} },
		"after":  func(solve, open *keyCall) []*keyCall { return []*keyCall{open, solve} },
	} {
		t.Run(name, func(t *testing.T) {
			onStores(t, func(b *bed) {
				// Another engine, so that the one under test has to read.
				other := ticket.NewClient(b.engine(b.config(newClock()), tickets(ticket.Decider{}, ticket.Handler{})))
				out, err := other.Open(b.Context(), ticket.Open{ID: "a", Subject: "printer"})
				must(b, out, err)
				k := newKeyed(b, ticket.Decider{})
				solve, open := &keyCall{id: "a"}, &keyCall{id: "b", subject: "printer"}
				k.meet(order(solve, open)...)
				k.wantAccepted(solve)
				k.wantHeld("a", open)
				k.wantKeys()
				again := &keyCall{id: "b", subject: "printer"}
				k.send(b.Context(), again)
				k.wantAccepted(again)
				k.wantKeys("printer b")
			})
		})
	}
}

// An instance that takes a key and completes within one batch leaves the key to the next.
func TestKeyTakenAndFreedInTheBatch(t *testing.T) {
	onStores(t, func(b *bed) {
		k := newKeyed(b, ticket.Decider{})
		calls := []*keyCall{{id: "a", subject: "printer"}, {id: "a"}, {id: "b", subject: "printer"}}
		k.meet(calls...)
		k.wantAccepted(calls...)
		k.wantKeys("printer b")
		b.wantTable("instance, type", "events", "WHERE instance <> 'gate'", "a Opened", "a Solved", "b Opened")
	})
}

// Another engine takes the key, or creates the instance with it, after the batch was decided. The batch is decided again: only the input
// that lost is refused.
func TestKeyTakenMeanwhile(t *testing.T) {
	for name, test := range map[string]struct {
		id   string
		want func(k *keyed, lost *keyCall)
	}{
		"by another instance": {"z", func(k *keyed, lost *keyCall) { k.wantHeld("z", lost) }},
		"by the same instance": {"a", func(k *keyed, lost *keyCall) {
			if lost.err != nil || lost.accepted {
				k.Errorf("%+v, want it to be rejected", lost)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			onStores(t, func(b *bed) {
				other := ticket.NewClient(b.engine(b.config(newClock()), tickets(ticket.Decider{}, ticket.Handler{})))
				k := newKeyed(b, ticket.Decider{})
				k.st.before = func(n int) {
					if n == 1 {
						if out, err := other.Open(b.Context(), ticket.Open{ID: test.id, Subject: "printer"}); err != nil || !out.Accepted() {
							b.Errorf("got %v, error %v", out, err)
						}
					}
				}
				lost, first, second := &keyCall{id: "a", subject: "printer"}, &keyCall{id: "b", subject: "screen"}, &keyCall{id: "c", subject: "desk"}
				k.meet(first, lost, second)
				test.want(k, lost)
				k.wantAccepted(first, second)
				if got := k.st.sizes(); !slices.Equal(got, []int{3, 2}) || k.st.begun.Load() != 0 {
					b.Errorf("commits with %v changes, and %d units of work", got, k.st.begun.Load())
				}
				k.wantKeys("desk c", "printer "+test.id, "screen b")
			})
		})
	}
}

// A transaction that holds a key for long holds up those who want it, and nobody else. While one of them waits apart from the batches,
// others that want it do not make their batch wait. SQLite has one writer, for which all wait.
func TestKeyHeldByATransaction(t *testing.T) {
	for name, test := range map[string]struct {
		end  func(callersTx) error
		want func(k *keyed, first, second *keyCall)
	}{
		"rolled back": {func(tx callersTx) error { return tx.rollback() }, func(k *keyed, first, second *keyCall) {
			if second.accepted {
				first, second = second, first
			}
			k.wantAccepted(first)
			k.wantHeld(first.id, second)
		}},
		"committed": {func(tx callersTx) error { return tx.commit() }, func(k *keyed, first, second *keyCall) {
			k.wantHeld("held", first, second)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			onPostgresTransactions(t, func(b *bed, begin func() callersTx) {
				k := newKeyed(b, ticket.Decider{})
				tx := begin()
				out, err := k.Open(b.Context(), ticket.Open{ID: "held", Subject: "printer"}, runtime.Within(tx))
				must(b, out, err)

				first, second := &keyCall{id: "a", subject: "printer"}, &keyCall{id: "b", subject: "printer"}
				ended := k.start(first, &keyCall{id: "c", subject: "screen"})
				b.eventuallyTable("instance", "events", "WHERE instance = 'c'", "c")
				b.eventually("the input waits apart", func() bool { return k.st.begun.Load() > 0 })

				var callers sync.WaitGroup
				callers.Go(func() { k.send(b.Context(), second) })
				b.eventually("the second waits apart, too", func() bool { return k.apart() == 2 })
				other := &keyCall{id: "d", subject: "desk"}
				k.send(b.Context(), other)
				k.wantAccepted(other)
				if n := k.st.asked("b"); n != 0 {
					b.Errorf("%d batches wanted a key that another input waits for", n)
				}
				if err := test.end(tx); err != nil {
					b.Fatal(err)
				}
				ended()
				callers.Wait()
				test.want(k, first, second)
			})
		})
	}
}

// Many callers of two engines take a few keys, in all orders, and free them again. Nobody waits for ever, and no key has two holders.
func TestKeysContend(t *testing.T) {
	onStores(t, func(b *bed) {
		var clients []*ticket.Client
		for range 2 {
			clients = append(clients, ticket.NewClient(b.engine(b.config(newClock()), tickets(ticket.Decider{}, ticket.Handler{}))))
		}
		const callers, rounds, keys = 24, 12, 5
		holders := make([]atomic.Int32, keys)
		var won atomic.Int32
		var all sync.WaitGroup
		for caller := range callers {
			all.Go(func() {
				for round := range rounds {
					client, key := clients[rand.N(2)], rand.N(keys)
					id := fmt.Sprintf("%d-%d", caller, round)
					out, err := client.Open(b.Context(), ticket.Open{ID: id, Subject: fmt.Sprint(key)})
					var conflict *runtime.UniqueKeyConflict
					switch {
					case errors.As(err, &conflict):
						continue
					case err != nil || !out.Accepted():
						b.Errorf("%s: got %v, error %v", id, out, err)
						return
					}
					won.Add(1)
					if n := holders[key].Add(1); n != 1 {
						b.Errorf("the key %d has %d holders", key, n)
					}
					holders[key].Add(-1) // it is freed before anybody knows
					if out, err := client.Solve(b.Context(), ticket.Solve{ID: id}); err != nil || !out.Accepted() {
						b.Errorf("%s: got %v, error %v", id, out, err)
					}
				}
			})
		}
		all.Wait()
		if won.Load() < keys {
			b.Errorf("%d of %d inputs took a key", won.Load(), callers*rounds)
		}
		b.wantTable("key, instance", "unique_keys", "")
		b.wantTable("count(*)", "events", "WHERE type = 'Opened'", fmt.Sprint(won.Load()))
	})
}
