package runtime_test

import (
	"context"
	"errors"
	"fmt"
	goruntime "runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ledger"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Inputs of an instance keep their order when a failure takes their batch apart while others of them wait.
func TestOrderWhenABatchIsTakenApart(t *testing.T) {
	onStores(t, func(b *bed) {
		store := &faulty{Store: b.store}
		var commits atomic.Int64
		held, open := make(chan bool), make(chan bool)
		store.setCommit(func(ctx context.Context, commit func(context.Context) error) error {
			if n := commits.Add(1); n <= 2 {
				held <- true
				<-open
				if n == 2 {
					return errBroken
				}
			}
			return commit(ctx)
		})
		config := b.realConfig()
		config.Batches, config.BatchSize = 1, 2
		engine := b.engineOn(store, config, ledgers(ledger.Decider{}, ledger.Handler{}))
		client := ledger.NewClient(engine)
		var callers sync.WaitGroup
		add := func(id string, amount int64) {
			callers.Go(func() {
				out, err := client.Add(context.Background(), ledger.Add{Account: id, Amount: amount})
				wantAccepted(b, addResult{out, err})
			})
		}
		queue := func(id string, amount int64) {
			waiting := runtime.Waiting(engine)
			add(id, amount)
			b.eventually("the input waits", func() bool { return runtime.Waiting(engine) > waiting })
		}
		add("gate", 1)
		wait(b, "the first commit", held)
		queue("a", 1)
		queue("b", 1)
		open <- true
		wait(b, "the commit that fails", held)
		for amount := int64(2); amount <= 5; amount++ {
			queue("a", amount)
		}
		open <- true
		callers.Wait()
		b.wantTable("payload", "events", "WHERE instance = 'a' ORDER BY version",
			`{"amount":1}`, `{"amount":2}`, `{"amount":3}`, `{"amount":4}`, `{"amount":5}`)
	})
}

// User code that ends its goroutine, as t.FailNow in a test's decider does, costs its own input and no other.
func TestGoexitInUserCode(t *testing.T) {
	onStores(t, func(b *bed) {
		d := ledger.Decider{OnAdd: func(_ time.Time, _ ledger.State, in ledger.Add) ledger.AddDecision {
			if in.Account == "bad" {
				goruntime.Goexit()
			}
			return ledger.AcceptAdd(ledger.Added{Amount: in.Amount})
		}}
		config := b.realConfig()
		config.Batches = 1
		client := b.ledgerClient(config, d)
		_, err := client.Add(b.Context(), ledger.Add{Account: "bad", Amount: 1})
		wantError(b, err, "ledger/bad", "ended its goroutine")
		out, err := client.Add(b.Context(), ledger.Add{Account: "good", Amount: 1})
		must(b, out, err)
	})
}

// A handler that ends its goroutine has failed, like one that returns an error.
func TestGoexitInAHandler(t *testing.T) {
	onStores(t, func(b *bed) {
		engine := b.engine(b.realConfig(), findAgent(
			func(context.Context, ticket.FindAgent, runtime.EffectCall) (ticket.FindAgentResult, error) {
				goruntime.Goexit()
				return nil, nil
			}))
		b.open(engine, "a")
		b.run(engine)
		b.eventually("the dead letter", func() bool {
			return len(b.table("*", "effects", "WHERE died_at IS NOT NULL AND last_error LIKE '%ended its goroutine%'")) == 1
		})
	})
}

// Asking for a commit that was lost may fail, too. That says nothing about it, and the input is not run again.
func TestLostCommitThatCannotBeAskedFor(t *testing.T) {
	onStores(t, func(b *bed) {
		store := unsure{&faulty{Store: b.store}, new(atomic.Bool)}
		ctx, cancel := context.WithCancel(b.Context())
		defer cancel()
		store.setCommit(func(ctx context.Context, commit func(context.Context) error) error {
			if err := commit(ctx); err != nil {
				return err
			}
			cancel() // the caller has lost patience by now
			return fmt.Errorf("the cable was cut: %w", runtime.ErrOutcomeUnknown)
		})
		client := ledger.NewClient(b.engineOn(store, b.realConfig(), ledgers(ledger.Decider{}, ledger.Handler{})))
		answered := make(chan error, 1)
		go func() {
			_, err := client.Add(ctx, ledger.Add{Account: "a", Amount: 1})
			answered <- err
		}()
		b.eventuallyTable("version, type", "events", "", "1 Added")
		if err := wait(b, "the caller's return", answered); !errors.Is(err, runtime.ErrOutcomeUnknown) || !errors.Is(err, context.Canceled) {
			b.Errorf("error %v, want that it is unknown, because the caller has lost patience", err)
		}
		store.setCommit(nil)
		store.askable.Store(true)
		out, err := client.Add(b.Context(), ledger.Add{Account: "a", Amount: 1}, runtime.WithInputID("another"))
		must(b, out, err)
		if out.Version != 2 {
			b.Errorf("the next input leads to version %d", out.Version)
		}
		b.wantTable("version, type", "events", "", "1 Added", "2 Added")
	})
}

// unsure is a store that cannot be asked for commits until askable says so.
type unsure struct {
	*faulty
	askable *atomic.Bool
}

func (u unsure) Committed(ctx context.Context, i runtime.InstanceKey, version int64, id store.CommitID) (bool, error) {
	if !u.askable.Load() {
		return false, store.ErrConflict
	}
	return u.faulty.Committed(ctx, i, version, id)
}

// Instances that stay locked elsewhere keep neither others from being created, nor callers from giving up.
func TestLockedInstancesLeaveRoom(t *testing.T) {
	t.Parallel()
	b := openPostgres(t)
	var locked []store.ReadRequest
	for n := range 8 {
		id := fmt.Sprint("locked", n)
		must(b.addTo(id))
		locked = append(locked, store.ReadRequest{Instance: runtime.InstanceKey{Workflow: "ledger", ID: id}})
	}
	work, err := b.store.Begin(t.Context(), locked)
	if err != nil {
		t.Fatal(err)
	}
	defer work.Rollback(context.Background())
	alone := map[runtime.InstanceKey]bool{{Workflow: "ticket", ID: "t"}: true}
	engine := b.engineOn(apart{b.store, alone}, b.realConfig(),
		ledgers(ledger.Decider{}, ledger.Handler{}), tickets(ticket.Decider{}, ticket.Handler{}))
	ledgerClient, ticketClient := ledger.NewClient(engine), ticket.NewClient(engine)
	gaveUp, giveUp := context.WithCancel(t.Context())
	var callers sync.WaitGroup
	for _, l := range locked {
		callers.Go(func() {
			if _, err := ledgerClient.Add(gaveUp, ledger.Add{Account: l.Instance.ID, Amount: 1}); !errors.Is(err, context.Canceled) {
				b.Errorf("%s: error %v, want that of the context", l.Instance.ID, err)
			}
		})
	}
	out, err := ticketClient.Open(t.Context(), ticket.Open{ID: "t", Subject: "s"})
	must(b, out, err)
	giveUp()
	callers.Wait()
	b.wantTable("instance", "events", "WHERE version > 1")
}

// What is remembered of an instance is what a replay of its events gives, whatever the decider put into them.
func TestStatesAreThoseOfAReplay(t *testing.T) {
	onStores(t, func(b *bed) {
		at := time.Now().In(time.FixedZone("far away", 9*3600)) // its location and monotonic reading are not stored
		var seen []time.Time
		d := ticket.Decider{
			OnRemind: func(time.Time, ticket.State, ticket.Remind) ticket.RemindDecision {
				return ticket.AcceptRemind(ticket.Reminded{At: at})
			},
			OnNote: func(_ time.Time, s ticket.State, in ticket.Note) ticket.NoteDecision {
				seen = s.Reminders
				return ticket.AcceptNote(ticket.Noted{Text: in.Text})
			},
		}
		client := ticket.NewClient(b.engine(b.realConfig(), tickets(d, ticket.Handler{})))
		imported, err := client.Import(b.Context(), ticket.Import{ID: "a"})
		must(b, imported, err)
		open, err := client.Internal().Remind(b.Context(), ticket.Remind{ID: "a"})
		must(b, open, err)
		noted, err := client.Note(b.Context(), ticket.Note{ID: "a"})
		must(b, noted, err)
		replayed, err := client.State(b.Context(), "a")
		if err != nil {
			b.Fatal(err)
		}
		if len(seen) != 1 || seen[0] != replayed.State.Reminders[0] {
			b.Errorf("the decider saw %#v, a replay gives %#v", seen, replayed.State.Reminders)
		}
	})
}
