package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ledger"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// gatedBatch makes one batch of many inputs: with one batch at a time, it holds the commit of a first input until all the
// others wait, and then lets the fault have its way with the one commit that carries them.
type gatedBatch struct {
	*bed
	client *ledger.Client
	engine *runtime.Engine
	first  sync.Once
	held   chan bool // says that the first commit is held
	open   chan bool // lets it go
	calls  atomic.Int64
	sizes  chan int
}

// sizing is a faulty store that knows how many changes go into a commit.
type sizing struct {
	*faulty
	sizes chan int
}

func (s sizing) Append(ctx context.Context, batch store.Batch) error {
	select {
	case s.sizes <- len(batch.Changes):
	default:
	}
	return s.faulty.Append(ctx, batch)
}

// newGatedBatch makes an engine whose commits go through fault, the first one excepted. fault gets the commit's number,
// from 1 on.
func newGatedBatch(
	b *bed, d ledger.Decider, fault func(n int64, commit func() error) error, change ...func(*runtime.Config),
) *gatedBatch {
	g := &gatedBatch{bed: b, held: make(chan bool), open: make(chan bool), sizes: make(chan int, 1000)}
	store := sizing{&faulty{Store: b.store}, g.sizes}
	store.setCommit(func(ctx context.Context, commit func(context.Context) error) error {
		first := false
		g.first.Do(func() { first = true })
		if first {
			g.held <- true
			<-g.open
			return commit(ctx)
		}
		return fault(g.calls.Add(1), func() error { return commit(ctx) })
	})
	config := b.realConfig()
	config.Batches = 1
	for _, change := range change {
		change(&config)
	}
	g.engine = b.engineOn(store, config, ledgers(d, ledger.Handler{}))
	g.client = ledger.NewClient(g.engine)
	return g
}

type addResult struct {
	out ledger.AddOutcome
	err error
}

// add sends the inputs so that they meet in one batch, and returns what became of them.
func (g *gatedBatch) add(inputs ...ledger.Add) []addResult {
	g.Helper()
	g.begin()
	results := make([]addResult, len(inputs))
	var callers sync.WaitGroup
	for i, in := range inputs {
		waiting := runtime.Waiting(g.engine)
		callers.Go(func() { results[i].out, results[i].err = g.client.Add(g.Context(), in) })
		g.eventually("the input waits", func() bool { return runtime.Waiting(g.engine) > waiting })
	}
	g.open <- true
	callers.Wait()
	return results
}

// begin holds the commit of an input of another instance.
func (g *gatedBatch) begin() {
	g.Helper()
	go g.client.Add(context.Background(), ledger.Add{Account: "gate", Amount: 3})
	wait(g.bed, "the first commit", g.held)
}

func adds(ids ...string) []ledger.Add {
	var inputs []ledger.Add
	for _, id := range ids {
		inputs = append(inputs, ledger.Add{Account: id, Amount: 1})
	}
	return inputs
}

func through(_ int64, commit func() error) error { return commit() }

// wantOneEventEach says that each of these instances has exactly one event.
func (b *bed) wantOneEventEach(ids ...string) {
	b.Helper()
	for _, id := range ids {
		b.wantTable("version, type", "events", "WHERE instance = '"+id+"'", "1 Added")
	}
}

func wantAccepted(b *bed, results ...addResult) {
	b.Helper()
	for _, r := range results {
		if r.err != nil || !r.out.Accepted() {
			b.Errorf("got %v, error %v", r.out, r.err)
		}
	}
}

func TestInputsThatWaitGoIntoOneCommit(t *testing.T) {
	onStores(t, func(b *bed) {
		g := newGatedBatch(b, ledger.Decider{}, through)
		wantAccepted(b, g.add(adds("a", "b", "c", "d", "e")...)...)
		b.wantOneEventEach("a", "b", "c", "d", "e")
		if first, second := <-g.sizes, <-g.sizes; first != 1 || second != 5 {
			b.Errorf("the commits had %d and %d instances, want 1 and 5", first, second)
		}
	})
}

// Inputs of one instance are decided in order, each on what the ones before it led to, and stored as one block.
func TestInputsOfOneInstanceChain(t *testing.T) {
	onStores(t, func(b *bed) {
		var seen []int64 // totals that the decider saw
		d := ledger.Decider{OnAdd: func(_ time.Time, s ledger.State, in ledger.Add) ledger.AddDecision {
			if in.Account == "a" {
				seen = append(seen, s.Total)
			}
			switch {
			case in.Amount < 0:
				return ledger.RejectAdd(ledger.Negative{Amount: in.Amount})
			case in.Amount == 99:
				return ledger.AcceptAdd(ledger.Added{Amount: 99}, ledger.LedgerClosed{})
			}
			return ledger.AcceptAdd(ledger.Added{Amount: in.Amount}).Effect(ledger.Audit{Entry: in.Amount})
		}}
		g := newGatedBatch(b, d, through)
		var inputs []ledger.Add
		for _, amount := range []int64{1, 2, -5, 3, 99, 7} {
			inputs = append(inputs, ledger.Add{Account: "a", Amount: amount})
		}
		results := g.add(inputs...)
		for i, want := range []string{
			"accepted as version 1", "accepted as version 2", "rejected: ledger.Negative", "accepted as version 3",
			"accepted as version 5", "already completed",
		} {
			if got := results[i].out.String(); results[i].err != nil || !strings.HasPrefix(got, want) {
				b.Errorf("input %d: %s, error %v, want %s", i, got, results[i].err, want)
			}
		}
		if got := fmt.Sprint(seen); got != "[0 1 3 3 6]" {
			b.Errorf("the decider saw the totals %s", got)
		}
		b.wantTable("version, type", "events", "WHERE instance = 'a' ORDER BY version",
			"1 Added", "2 Added", "3 Added", "4 Added", "5 LedgerClosed")
		b.wantTable("version, position", "effects", "WHERE instance = 'a' ORDER BY position", "5 0", "5 1", "5 2")
		if n := len(g.sizes); n != 2 {
			b.Errorf("%d commits, want 2", n)
		}
	})
}

// One input's failure in the middle of a batch is never another's.
func TestFailureInTheMiddleOfABatch(t *testing.T) {
	for name, answer := range map[string]struct {
		decide func(ledger.Add) ledger.AddDecision
		says   string
	}{
		"error": {func(ledger.Add) ledger.AddDecision { return ledger.AddDecision{} }, "the decision is empty"},
		"panic": {func(ledger.Add) ledger.AddDecision { panic("no such account") }, "panicked: no such account"},
	} {
		t.Run(name, func(t *testing.T) {
			onStores(t, func(b *bed) {
				d := ledger.Decider{OnAdd: func(_ time.Time, _ ledger.State, in ledger.Add) ledger.AddDecision {
					if in.Account == "bad" {
						return answer.decide(in)
					}
					return ledger.AcceptAdd(ledger.Added{Amount: in.Amount})
				}}
				g := newGatedBatch(b, d, through)
				results := g.add(adds("a", "b", "bad", "c", "d")...)
				wantError(b, results[2].err, "ledger/bad", "input Add", answer.says)
				wantAccepted(b, append(results[:2:2], results[3:]...)...)
				b.wantOneEventEach("a", "b", "c", "d")
				b.wantTable("*", "instances", "WHERE instance = 'bad'")
				if n := len(g.sizes); n != 2 {
					b.Errorf("%d commits, want 2", n)
				}
			})
		})
	}
}

// A store that fails takes the batch apart; its members are stored one by one.
func TestStoreFailsOnABatch(t *testing.T) {
	onStores(t, func(b *bed) {
		g := newGatedBatch(b, ledger.Decider{}, func(n int64, commit func() error) error {
			if n == 1 {
				return errBroken
			}
			return commit()
		})
		wantAccepted(b, g.add(adds("a", "b", "c", "d")...)...)
		b.wantOneEventEach("a", "b", "c", "d")
	})
}

// A commit whose answer is lost is resolved, not guessed: what it stored is not stored again, what it did not is.
func TestLostAnswerToABatch(t *testing.T) {
	for name, stored := range map[string]bool{"stored": true, "not stored": false} {
		t.Run(name, func(t *testing.T) {
			onStores(t, func(b *bed) {
				g := newGatedBatch(b, ledger.Decider{}, func(n int64, commit func() error) error {
					if n > 1 {
						return commit()
					}
					if stored {
						if err := commit(); err != nil {
							return err
						}
					}
					return fmt.Errorf("the cable was cut: %w", runtime.ErrOutcomeUnknown)
				})
				wantAccepted(b, g.add(adds("a", "b", "c", "d")...)...)
				b.wantOneEventEach("a", "b", "c", "d")
				b.wantTable("instance, version, position", "effects", "ORDER BY instance")
				// What is remembered is what is stored.
				must(mustAdd(g, "a"))
				b.wantTable("version", "instances", "WHERE instance = 'a'", "2")
			})
		})
	}
}

func mustAdd(g *gatedBatch, id string) (*bed, ledger.AddOutcome, error) {
	out, err := g.client.Add(g.Context(), ledger.Add{Account: id, Amount: 1})
	return g.bed, out, err
}

// An instance that is locked elsewhere holds up nobody but its own input.
func TestLockHeldElsewhere(t *testing.T) {
	t.Parallel()
	b := openPostgres(t) // SQLite has one writer for all instances
	must(b.addTo("locked"))
	work, err := b.store.Begin(t.Context(), []store.ReadRequest{{Instance: runtime.InstanceKey{Workflow: "ledger", ID: "locked"}}})
	if err != nil {
		t.Fatal(err)
	}
	defer work.Rollback(context.Background())

	g := newGatedBatch(b, ledger.Decider{}, through)
	g.begin()
	var others sync.WaitGroup
	locked := make(chan addResult, 1)
	for _, id := range []string{"a", "b", "locked", "c", "d"} {
		waiting := runtime.Waiting(g.engine)
		others.Go(func() {
			out, err := g.client.Add(context.Background(), ledger.Add{Account: id, Amount: 1})
			if id == "locked" {
				locked <- addResult{out, err}
				return
			}
			wantAccepted(b, addResult{out, err})
		})
		b.eventually("the input waits", func() bool { return runtime.Waiting(g.engine) > waiting })
	}
	g.open <- true
	b.eventually("the others are stored", func() bool {
		return len(b.table("*", "events", "WHERE instance IN ('a', 'b', 'c', 'd')")) == 4
	})
	// Later batches are not held up either.
	must(mustAdd(g, "e"))
	select {
	case r := <-locked:
		b.Errorf("the locked instance took its input: %v, error %v", r.out, r.err)
	default:
	}
	if err := work.Rollback(context.Background()); err != nil {
		t.Fatal(err)
	}
	wantAccepted(b, wait(b, "the locked instance's input", locked))
	others.Wait()
	b.wantTable("version", "instances", "WHERE instance = 'locked'", "2")
}

func (b *bed) addTo(id string) (*bed, ledger.AddOutcome, error) {
	out, err := ledger.NewClient(b.engine(b.realConfig(), ledgers(ledger.Decider{}, ledger.Handler{}))).
		Add(b.Context(), ledger.Add{Account: id, Amount: 1})
	return b, out, err
}

// A caller that gives up takes its own input out of the batch, and no other.
func TestCallerGivesUpWhileWaiting(t *testing.T) {
	onStores(t, func(b *bed) {
		g := newGatedBatch(b, ledger.Decider{}, through)
		g.begin()
		ctx, giveUp := context.WithCancel(b.Context())
		gone, stays := make(chan error, 1), make(chan addResult, 1)
		waiting := runtime.Waiting(g.engine)
		go func() {
			_, err := g.client.Add(ctx, ledger.Add{Account: "a", Amount: 1})
			gone <- err
		}()
		go func() {
			out, err := g.client.Add(b.Context(), ledger.Add{Account: "b", Amount: 1})
			stays <- addResult{out, err}
		}()
		b.eventually("both wait", func() bool { return runtime.Waiting(g.engine) == waiting+2 })
		giveUp()
		if err := wait(b, "the caller's return", gone); !errors.Is(err, context.Canceled) {
			b.Errorf("error %v, want that of the context", err)
		}
		g.open <- true
		wantAccepted(b, wait(b, "the other caller's return", stays))
		b.wantTable("*", "instances", "WHERE instance = 'a'")
		b.wantOneEventEach("b")
	})
}

// Callers beyond MaxWaiting wait outside, as long as their contexts allow.
func TestBackPressure(t *testing.T) {
	onStores(t, func(b *bed) {
		store := &faulty{Store: b.store}
		held, open := make(chan bool), make(chan bool)
		store.setCommit(func(ctx context.Context, commit func(context.Context) error) error {
			select {
			case held <- true:
			case <-open:
			}
			<-open
			return commit(ctx)
		})
		config := b.realConfig()
		config.Batches, config.MaxWaiting = 1, 2
		client := ledger.NewClient(b.engineOn(store, config, ledgers(ledger.Decider{}, ledger.Handler{})))
		results := make(chan addResult, 2)
		for _, id := range []string{"a", "b"} {
			go func() {
				out, err := client.Add(b.Context(), ledger.Add{Account: id, Amount: 1})
				results <- addResult{out, err}
			}()
		}
		wait(b, "the first commit", held)
		ctx, cancel := context.WithTimeout(b.Context(), 30*time.Millisecond)
		defer cancel()
		b.eventually("there is no room", func() bool {
			_, err := client.Add(ctx, ledger.Add{Account: "c", Amount: 1})
			return errors.Is(err, context.DeadlineExceeded)
		})
		close(open)
		wantAccepted(b, wait(b, "a caller's return", results), wait(b, "a caller's return", results))
		b.wantTable("*", "instances", "WHERE instance = 'c'")
	})
}

// A timer that is cancelled does not fire any more, not even together with the input whose decision cancels it.
func TestTimerCancelledInItsOwnBatch(t *testing.T) {
	onStores(t, func(b *bed) {
		d := ledger.Decider{OnAdd: func(_ time.Time, _ ledger.State, in ledger.Add) ledger.AddDecision {
			accepted := ledger.AcceptAdd(ledger.Added{Amount: in.Amount})
			if in.Amount == 1 {
				return accepted.StartTimer(ledger.TimerBeat{}.In(0))
			}
			return accepted.CancelTimer(ledger.TimerBeat{})
		}}
		must(ledgerWith(b, d))
		g := newGatedBatch(b, d, through)
		g.begin()
		cancelled := make(chan addResult, 1)
		go func() {
			out, err := g.client.Add(b.Context(), ledger.Add{Account: "a", Amount: 2})
			cancelled <- addResult{out, err}
		}()
		b.eventually("the input waits", func() bool { return runtime.Waiting(g.engine) == 1 })
		b.run(g.engine)
		b.eventually("the timer waits", func() bool { return runtime.Waiting(g.engine) == 2 })
		g.open <- true
		wantAccepted(b, wait(b, "the caller's return", cancelled))
		b.eventuallyTable("*", "timers", "WHERE instance = 'a'")
		b.eventually("the worker has heard of it", func() bool {
			health, err := g.engine.Health(b.Context())
			return err == nil && health.Timers.Busy == 0
		})
		b.wantTable("version, type", "events", "WHERE instance = 'a' ORDER BY version", "1 Added", "2 Added")
		if b.log.contains("lease lost") {
			b.Error("a warning although nobody else has the work")
		}
	})
}

// ledgerWith adds 1 to the account a.
func ledgerWith(b *bed, d ledger.Decider) (*bed, ledger.AddOutcome, error) {
	out, err := b.ledgerClient(b.realConfig(), d).Add(b.Context(), ledger.Add{Account: "a", Amount: 1})
	return b, out, err
}
