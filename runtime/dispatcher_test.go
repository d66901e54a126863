package runtime_test

import (
	"context"
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

// holding is a store that holds the commits of batches whose first change is of an instance "held…".
type holding struct {
	Store
	held  chan string // the instances
	gates sync.Map    // of chan bool, by instance
}

func newHolding(s Store) *holding { return &holding{Store: s, held: make(chan string)} }

func (h *holding) Append(ctx context.Context, batch store.Batch) error {
	if id := batch.Changes[0].Instance.ID; strings.HasPrefix(id, "held") {
		gate := make(chan bool)
		h.gates.Store(id, gate)
		h.held <- id
		<-gate
	}
	return h.Store.Append(ctx, batch)
}

// await waits until the commit of an instance is held.
func (h *holding) await(b *bed, id string) {
	b.Helper()
	if got := wait(b, "the commit of "+id, h.held); got != id {
		b.Fatalf("the commit of %s is held, want %s", got, id)
	}
}

func (h *holding) open(id string) {
	gate, _ := h.gates.Load(id)
	gate.(chan bool) <- true
}

// adding sends inputs to accounts.
type adding struct {
	*bed
	*ledger.Client
	engine  *runtime.Engine
	callers sync.WaitGroup
}

func newAdding(b *bed, s Store, batches int) *adding {
	config := b.realConfig()
	config.Batches = batches
	engine := b.engineOn(s, config, ledgers(ledger.Decider{}, ledger.Handler{}))
	return &adding{bed: b, Client: ledger.NewClient(engine), engine: engine}
}

func (a *adding) send(account string, amount int64) {
	a.callers.Go(func() {
		out, err := a.Add(context.Background(), ledger.Add{Account: account, Amount: amount})
		wantAccepted(a.bed, addResult{out, err})
	})
}

// queue sends an input that has to wait for a batch.
func (a *adding) queue(account string, amount int64) {
	a.Helper()
	waiting := runtime.Waiting(a.engine)
	a.send(account, amount)
	a.eventually("the input waits", func() bool { return runtime.Waiting(a.engine) > waiting })
}

// An instance in service lets its own inputs wait, and no other instance.
func TestAnInstanceInServiceHoldsUpNoOther(t *testing.T) {
	onStores(t, func(b *bed) {
		h := newHolding(b.store)
		a := newAdding(b, h, 2)
		a.send("held", 1)
		h.await(b, "held")
		a.queue("held", 2)
		a.queue("held", 3)
		for _, id := range []string{"x", "y", "x"} {
			out, err := a.Add(b.Context(), ledger.Add{Account: id, Amount: 1})
			must(b, out, err)
		}
		b.wantTable("instance", "events", "WHERE instance = 'held'")
		h.open("held")
		h.await(b, "held") // both that waited, in one commit
		h.open("held")
		a.callers.Wait()
		b.wantTable("version, payload", "events", "WHERE instance = 'held' ORDER BY version", `1 {"amount":1}`, `2 {"amount":2}`, `3 {"amount":3}`)
	})
}

// What is ready does not wait for long to become as much as the batches under way have.
func TestASmallBatchBeginsBesideALargeOne(t *testing.T) {
	onStores(t, func(b *bed) {
		h := newHolding(b.store)
		a := newAdding(b, h, 2)
		a.send("held0", 1)
		h.await(b, "held0")
		a.send("held1", 1)
		h.await(b, "held1")
		for n := 2; n < 6; n++ {
			a.queue(fmt.Sprint("held", n), 1)
		}
		h.open("held0")
		h.await(b, "held2") // with the three after it
		h.open("held1")
		b.eventually("one batch is left", func() bool {
			health, err := a.engine.Health(b.Context())
			return err == nil && health.Inputs.Batches == 1
		})
		out, err := a.Add(b.Context(), ledger.Add{Account: "x", Amount: 1})
		must(b, out, err)
		b.wantTable("instance", "events", "WHERE instance = 'held2'")
		h.open("held2")
		a.callers.Wait()
		b.wantTable("count(*)", "events", "", "7")
	})
}

// More batches at a time than the store has writers would only wait for each other.
func TestBatchesSuitTheStore(t *testing.T) {
	onStores(t, func(b *bed) {
		byItself := 3
		if _, one := b.store.(store.SerialWriter); one {
			byItself = 1
		}
		for given, want := range map[int]int{0: byItself, 5: 5} {
			config := b.realConfig()
			config.Batches = given
			var deciding, most atomic.Int64
			end := make(chan bool)
			a := &adding{bed: b, engine: b.engine(config, ledgers(ledger.Decider{
				OnAdd: func(_ time.Time, _ ledger.State, in ledger.Add) ledger.AddDecision {
					n := deciding.Add(1)
					defer deciding.Add(-1)
					for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
					}
					<-end
					return ledger.AcceptAdd(ledger.Added{Amount: in.Amount})
				},
			}, ledger.Handler{}))}
			a.Client = ledger.NewClient(a.engine)
			for n := range want + 2 {
				a.send(fmt.Sprint(given, "-", n), 1)
				b.eventually("the input is decided on, or waits", func() bool {
					health, err := a.engine.Health(b.Context())
					return err == nil && health.Inputs.Batches == min(n+1, want) && health.Inputs.Queued == max(0, n+1-want)
				})
			}
			close(end)
			a.callers.Wait()
			if most.Load() != int64(want) {
				b.Errorf("Batches %d: %d at a time, want %d", given, most.Load(), want)
			}
		}
	})
}
