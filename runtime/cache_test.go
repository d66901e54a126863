package runtime_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ledger"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
)

// limited rejects what would take the total above ten.
var limited = ledger.Decider{OnAdd: func(_ time.Time, s ledger.State, in ledger.Add) ledger.AddDecision {
	if s.Total+in.Amount > 10 {
		return ledger.RejectAdd(ledger.Negative{Amount: s.Total})
	}
	return ledger.AcceptAdd(ledger.Added{Amount: in.Amount})
}}

func (b *bed) ledgerClient(config runtime.Config, d ledger.Decider) *ledger.Client {
	return ledger.NewClient(b.engine(config, ledgers(d, ledger.Handler{})))
}

// Two engines that take turns on an instance each know what the other did, whatever they remember.
func TestEnginesTakeTurns(t *testing.T) {
	onStores(t, func(b *bed) {
		one, two := b.ledgerClient(b.realConfig(), limited), b.ledgerClient(b.realConfig(), limited)
		for n := range 10 {
			client := one
			if n%2 == 1 {
				client = two
			}
			out, err := client.Add(b.Context(), ledger.Add{Account: "a", Amount: 1})
			if got := must(b, out, err).Version; got != int64(n+1) {
				b.Fatalf("version %d, want %d", got, n+1)
			}
		}
		for _, client := range []*ledger.Client{one, two} {
			if out, err := client.Add(b.Context(), ledger.Add{Account: "a", Amount: 1}); err != nil || !out.Rejected() {
				b.Errorf("got %v, error %v, want a rejection", out, err)
			}
		}
	})
}

// A rejection that rests on what an engine remembers is checked against the store before it is told.
func TestRejectionFromAStaleCache(t *testing.T) {
	onStores(t, func(b *bed) {
		corrected := ledger.Decider{OnAdd: func(_ time.Time, _ ledger.State, in ledger.Add) ledger.AddDecision {
			return ledger.AcceptAdd(ledger.Added{Amount: in.Amount})
		}}
		one, two := b.ledgerClient(b.realConfig(), limited), b.ledgerClient(b.realConfig(), corrected)
		add := func(client *ledger.Client, amount int64) ledger.AddOutcome {
			out, err := client.Add(b.Context(), ledger.Add{Account: "a", Amount: amount})
			if err != nil {
				b.Fatal(err)
			}
			return out
		}
		add(one, 10)
		if out := add(one, 1); !out.Rejected() {
			b.Fatalf("got %v, want a rejection", out)
		}
		add(two, -5) // behind the back of one
		if out := add(one, 1); !out.Accepted() || out.Version != 3 {
			b.Errorf("got %v, want version 3: one decided on what it remembered", out)
		}
	})
}

// Many callers of several engines on a few instances: nothing is lost and nothing done twice.
func TestEnginesContend(t *testing.T) {
	onStores(t, func(b *bed) {
		const engines, callers, each = 3, 4, 15
		var all sync.WaitGroup
		for range engines {
			client := b.ledgerClient(b.realConfig(), ledger.Decider{})
			for c := range callers {
				all.Go(func() {
					for n := range each {
						out, err := client.Add(b.Context(), ledger.Add{Account: fmt.Sprint((c + n) % 3), Amount: 1})
						if err != nil || !out.Accepted() {
							b.Errorf("got %v, error %v", out, err)
						}
					}
				})
			}
		}
		all.Wait()
		b.wantSerial()
		if n := len(b.table("*", "events", "")); n != engines*callers*each {
			b.Errorf("%d events, want %d", n, engines*callers*each)
		}
	})
}

// The memory for states is bounded; what was dropped is read again.
func TestCacheIsBounded(t *testing.T) {
	onStores(t, func(b *bed) {
		config := b.realConfig()
		config.CacheBytes = 1 // not one state
		client := b.ledgerClient(config, limited)
		for range 3 {
			for id := range 5 {
				out, err := client.Add(b.Context(), ledger.Add{Account: fmt.Sprint(id), Amount: 1})
				must(b, out, err)
			}
		}
		b.wantSerial()
		if n := len(b.table("*", "instances", "WHERE version = 3")); n != 5 {
			b.Errorf("%d instances are at version 3, want 5", n)
		}
	})
}

// After a number of events the state is kept, and is what decisions begin at in another process.
func TestSnapshots(t *testing.T) {
	onStores(t, func(b *bed) {
		config := b.realConfig()
		config.SnapshotEvery = 4
		client := b.ledgerClient(config, limited)
		for range 9 {
			out, err := client.Add(b.Context(), ledger.Add{Account: "a", Amount: 1})
			must(b, out, err)
		}
		b.eventuallyTable("version", "snapshots", "WHERE instance = 'a'", "8")
		if state := b.table("state", "snapshots", ""); !strings.Contains(state[0], `"total":8`) {
			b.Errorf("the snapshot is %s", state)
		}

		// Whoever read the first events would fail on them.
		b.exec("UPDATE {p}events SET type = 'Forgotten' WHERE version <= 8")
		other := b.ledgerClient(config, limited)
		out, err := other.Add(b.Context(), ledger.Add{Account: "a", Amount: 1})
		if got := must(b, out, err).Version; got != 10 {
			b.Errorf("version %d, want 10", got)
		}
		view, err := other.State(b.Context(), "a")
		if err != nil || view.State.Total != 10 || view.Version != 10 {
			b.Errorf("the state is %+v, error %v", view, err)
		}

		// A snapshot of another shape is no use: the events are replayed.
		b.exec("UPDATE {p}snapshots SET schema = 'older'")
		_, err = b.ledgerClient(config, limited).State(b.Context(), "a")
		wantError(b, err, "Forgotten of version 1")
	})
}

// A state that another evolver has made of the events, which generated code knows by the schema, is used by nobody.
func TestSnapshotOfAnotherEvolver(t *testing.T) {
	onStores(t, func(b *bed) {
		config := b.realConfig()
		config.SnapshotEvery = 4
		add := func(client *ledger.Client) ledger.AddOutcome {
			out, err := client.Add(b.Context(), ledger.Add{Account: "a", Amount: 1})
			if err != nil {
				b.Fatal(err)
			}
			return out
		}
		client := b.ledgerClient(config, limited)
		for range 4 {
			add(client)
		}
		b.eventuallyTable("version", "snapshots", "WHERE instance = 'a'", "4")
		b.exec(`UPDATE {p}snapshots SET schema = 'another evolver', state = '{"total":10,"audits":0,"ticks":0,"closed":false}'`)

		client = b.ledgerClient(config, limited)
		view, err := client.State(b.Context(), "a")
		at, errAt := client.StateAt(b.Context(), "a", 4)
		if err != nil || errAt != nil || view.State.Total != 4 || at.State != view.State {
			b.Errorf("State is %+v, error %v; StateAt is %+v, error %v; want a total of 4", view.State, err, at.State, errAt)
		}
		if out := add(b.ledgerClient(config, limited)); !out.Accepted() {
			b.Errorf("got %v: the decision was made on the other evolver's state", out)
		}
		b.eventuallyTable("version", "snapshots", "WHERE instance = 'a' AND schema <> 'another evolver'", "5")
	})
}

// A state that was made by an evolver with other values set in it is not used, although the source and the declaration are the same.
func TestSnapshotOfAnotherFold(t *testing.T) {
	onStores(t, func(b *bed) {
		config := b.realConfig()
		config.SnapshotEvery = 4
		client := func(noted func(ticket.State, ticket.Noted) ticket.State) *ticket.Client {
			e, err := runtime.NewEngine(b.store, config, ticket.NewWorkflow(ticket.Decider{}, ticket.Evolver{OnNoted: noted}, ticket.Handler{}))
			if err != nil {
				b.Fatal(err)
			}
			return ticket.NewClient(e)
		}
		plain := client(nil)
		open, err := plain.Open(b.Context(), ticket.Open{ID: "a", Subject: "ink"})
		must(b, open, err)
		for _, text := range []string{"x", "y", "z", "x"} {
			out, err := plain.Note(b.Context(), ticket.Note{ID: "a", Text: text})
			must(b, out, err)
		}
		b.eventuallyTable("version", "snapshots", "WHERE instance = 'a'", "4")
		capitals := client(func(s ticket.State, e ticket.Noted) ticket.State {
			s.Notes = append(s.Notes, strings.ToUpper(e.Text))
			return s
		})
		for want, c := range map[string]*ticket.Client{"X Y Z X": capitals, "x y z x": client(nil)} {
			view, err := c.State(b.Context(), "a")
			if got := strings.Join(view.State.Notes, " "); err != nil || got != want {
				b.Errorf("the notes are %s, want %s, error %v", got, want, err)
			}
		}
	})
}

// A change that is large does not hold up the batch it came with.
func TestLargeChangeLeavesTheBatch(t *testing.T) {
	onStores(t, func(b *bed) {
		d := ledger.Decider{OnAdd: func(_ time.Time, _ ledger.State, in ledger.Add) ledger.AddDecision {
			if in.Account != "large" {
				return ledger.AcceptAdd(ledger.Added{Amount: in.Amount})
			}
			var more []ledger.AddEvent
			for range 30_000 {
				more = append(more, ledger.Added{Amount: 1})
			}
			return ledger.AcceptAdd(ledger.Added{Amount: 1}, more...)
		}}
		g := newGatedBatch(b, d, through)
		wantAccepted(b, g.add(adds("a", "large", "b")...)...)
		b.wantOneEventEach("a", "b")
		b.wantTable("version", "instances", "WHERE instance = 'large'", "30001")
		if first, second := <-g.sizes, <-g.sizes; first != 1 || second != 2 {
			b.Errorf("the commits had %d and %d instances, want 1 and 2", first, second)
		}
	})
}

// A lost lease in the middle of a batch refuses its own result and no other.
func TestLostLeaseInTheMiddleOfABatch(t *testing.T) {
	onStores(t, func(b *bed) {
		d := ledger.Decider{OnAdd: func(_ time.Time, _ ledger.State, in ledger.Add) ledger.AddDecision {
			return ledger.AcceptAdd(ledger.Added{Amount: in.Amount}).Effect(ledger.Audit{Entry: in.Amount})
		}}
		const zombie, others = "zombie", 4
		config := b.realConfig()
		config.Lease, config.Batches = 24*time.Hour, 1
		var handled sync.WaitGroup
		handled.Add(others + 1)
		finish := make(chan bool)
		engine := b.engine(config, ledgers(d, ledger.Handler{
			OnAudit: func(_ context.Context, e ledger.Audit, call runtime.EffectCall) (ledger.AuditResult, error) {
				if call.Attempt == 1 {
					handled.Done()
				}
				<-finish
				return ledger.Audited{Entry: e.Entry}, nil
			}}))
		client := ledger.NewClient(engine)
		for _, id := range []string{"a", "b", zombie, "c", "d"} {
			out, err := client.Add(b.Context(), ledger.Add{Account: id, Amount: 1})
			must(b, out, err)
		}
		b.run(engine)
		handled.Wait()
		b.exec("UPDATE {p}effects SET token = token + 1 WHERE instance = '" + zombie + "'") // somebody else claimed it
		close(finish)
		for _, id := range []string{"a", "b", "c", "d"} {
			b.eventuallyTable("version, type", "events", "WHERE instance = '"+id+"' ORDER BY version", "1 Added", "2 AuditPassed")
		}
		b.wantLog("lease lost", "instance="+zombie)
		b.wantTable("version, type", "events", "WHERE instance = '"+zombie+"'", "1 Added")
		b.wantTable("instance", "effects", "", zombie)
	})
}
