package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ledger"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// graveyard is an engine whose effects and timers die at once while broken is true.
type graveyard struct {
	*bed
	engine *runtime.Engine
	broken atomic.Bool
	calls  atomic.Int32
}

func newGraveyard(b *bed) *graveyard {
	g := &graveyard{bed: b}
	g.broken.Store(true)
	config := b.realConfig()
	config.EffectRetry = runtime.RetryPolicy{MaxAttempts: 1, Base: time.Millisecond, Max: time.Millisecond}
	config.TimerRetry = config.EffectRetry
	g.engine = b.engine(config,
		ledgers(ledger.Decider{
			OnAdd: func(_ time.Time, _ ledger.State, in ledger.Add) ledger.AddDecision {
				return ledger.AcceptAdd(ledger.Added{Amount: in.Amount}).Effect(ledger.Audit{Entry: in.Amount}).
					StartTimer(ledger.TimerBeat{}.In(0))
			},
			OnTick: func(time.Time, ledger.State, ledger.Tick) ledger.TickDecision {
				if g.broken.Load() {
					panic("the tick is broken")
				}
				return ledger.AcceptTick(ledger.Ticked{})
			},
		}, ledger.Handler{
			OnAudit: func(_ context.Context, e ledger.Audit, call runtime.EffectCall) (ledger.AuditResult, error) {
				g.calls.Add(1)
				if g.broken.Load() {
					return nil, errors.New("the audit is broken")
				}
				return ledger.Audited{Entry: e.Entry}, nil
			},
		}),
		tickets(ticket.Decider{OnOpen: opened(ticket.FindAgent{})}, ticket.Handler{
			OnFindAgent: func(context.Context, ticket.FindAgent, runtime.EffectCall) (ticket.FindAgentResult, error) {
				if g.broken.Load() {
					return nil, runtime.Permanent(errors.New("nobody there"))
				}
				return ticket.Assigned{Agent: "ann"}, nil
			},
		}))
	return g
}

// bury makes n ledgers with a dead effect and a dead timer each, and n tickets with a dead effect.
func (g *graveyard) bury(n int) {
	g.Helper()
	for i := range n {
		added, err := ledger.NewClient(g.engine).Add(g.Context(), ledger.Add{Account: fmt.Sprint(i), Amount: 1})
		must(g.bed, added, err)
		opened, err := ticket.NewClient(g.engine).Open(g.Context(), ticket.Open{ID: fmt.Sprint(i), Subject: fmt.Sprint(i)})
		must(g.bed, opened, err)
	}
	g.eventually("all are dead", func() bool { return len(g.dead(runtime.DeadLetterFilter{})) == 3*n })
}

// dead lists dead letters, two at once.
func (g *graveyard) dead(filter runtime.DeadLetterFilter) (all []store.DeadLetter) {
	g.Helper()
	query := runtime.DeadLetterQuery{DeadLetterFilter: filter, Limit: 2}
	for {
		page, err := g.engine.DeadLetters(g.Context(), query)
		if err != nil {
			g.Fatal(err)
		}
		all = append(all, page.Items...)
		if page.Next == "" {
			return all
		}
		query.Cursor = page.Next
	}
}

func TestListDeadLetters(t *testing.T) {
	onStores(t, func(b *bed) {
		g := newGraveyard(b)
		b.run(g.engine)
		const n = 5
		g.bury(n)

		all := g.dead(runtime.DeadLetterFilter{})
		seen := map[runtime.Lease]bool{}
		for i, d := range all {
			if seen[d.Lease] {
				b.Errorf("%+v is listed twice", d)
			}
			seen[d.Lease] = true
			if i > 0 && d.DiedAt.After(all[i-1].DiedAt) {
				b.Errorf("%+v is not in order", d)
			}
		}
		for want, filter := range map[int]runtime.DeadLetterFilter{
			2 * n: {Queue: store.EffectQueue}, n: {Queue: store.TimerQueue}, 0: {Workflow: "ledger", Kind: "FindAgent"}, 3: {Instance: "2"},
			1: {Workflow: "ledger", Instance: "2", ErrorContains: "tick is broken"},
		} {
			if got := g.dead(filter); len(got) != want {
				b.Errorf("%+v: got %d, want %d: %+v", filter, len(got), want, got)
			}
		}
		counts, err := g.engine.CountDeadLetters(b.Context(), runtime.DeadLetterFilter{})
		var got []string
		for _, c := range counts {
			got = append(got, fmt.Sprint(c.Queue, " ", c.Kind, " ", c.Count))
		}
		want := []string{"effects ledger/Audit 5", "effects ticket/FindAgent 5", "timers ledger/Tick 5"}
		if err != nil || !slices.Equal(got, want) {
			b.Errorf("got %v, %v, want %v", got, err, want)
		}
		_, err = g.engine.DeadLetters(b.Context(), runtime.DeadLetterQuery{Cursor: "nonsense"})
		wantError(b, err, "cursor")
	})
}

func TestRetryDeadLetters(t *testing.T) {
	onStores(t, func(b *bed) {
		g := newGraveyard(b)
		b.run(g.engine)
		g.bury(3)
		ctx := b.Context()

		// One that is still broken dies again, after one attempt.
		one := g.dead(runtime.DeadLetterFilter{Workflow: "ledger", Queue: store.EffectQueue})[0]
		calls := g.calls.Load()
		if gone, err := g.engine.RetryDeadLetters(ctx, one.Lease); err != nil || len(gone) > 0 {
			b.Fatal(gone, err)
		}
		b.eventually("it died again", func() bool {
			again := g.dead(runtime.DeadLetterFilter{Queue: store.EffectQueue, Workflow: "ledger", Instance: one.Lease.Instance.ID})
			return len(again) == 1 && again[0].DiedAt.After(one.DiedAt) && again[0].Attempts == 1
		})
		if made := g.calls.Load() - calls; made != 1 {
			b.Errorf("the handler was called %d times, want once", made)
		}
		// The lease of before is over.
		b.unchanged(func() {
			if gone, err := g.engine.RetryDeadLetters(ctx, one.Lease, runtime.Lease{}); err != nil || len(gone) != 2 {
				b.Errorf("gone %v, error %v", gone, err)
			}
			if gone, err := g.engine.RetryDeadLetters(ctx); err != nil || len(gone) > 0 {
				b.Errorf("gone %v, error %v", gone, err)
			}
		})

		g.broken.Store(false)
		retried, err := g.engine.RetryDeadLettersWhere(ctx, runtime.DeadLetterFilter{Workflow: "ledger"})
		if err != nil || retried != 6 {
			b.Errorf("retried %d, %v", retried, err)
		}
		b.eventuallyTable("count(*)", "events", "WHERE type = 'AuditPassed'", "3")
		b.eventuallyTable("count(*)", "events", "WHERE type = 'Ticked'", "3")
		if left := g.dead(runtime.DeadLetterFilter{}); len(left) != 3 {
			b.Errorf("%d are left, want those of the tickets", len(left))
		}
		b.wantLog("dead letters retried", "deliveries=6")
	})
}

// A retry wakes the workers of this process: nothing is polled for here.
func TestRetryWakes(t *testing.T) {
	onStores(t, func(b *bed) {
		c := newClock()
		config := b.config(c)
		var broken atomic.Bool
		broken.Store(true)
		config.EffectRetry.MaxAttempts = 1
		engine := b.engine(config, ledgers(ledger.Decider{
			OnAdd: func(_ time.Time, _ ledger.State, in ledger.Add) ledger.AddDecision {
				return ledger.AcceptAdd(ledger.Added{}).Effect(ledger.Audit{})
			},
		}, ledger.Handler{
			OnAudit: func(context.Context, ledger.Audit, runtime.EffectCall) (ledger.AuditResult, error) {
				if broken.Load() {
					return nil, errors.New("broken")
				}
				return ledger.Audited{}, nil
			},
		}))
		out, err := ledger.NewClient(engine).Add(b.Context(), ledger.Add{Account: "a"})
		must(b, out, err)
		b.run(engine)
		b.eventuallyTable("count(*)", "effects", "WHERE died_at IS NOT NULL", "1")
		broken.Store(false)
		if n, err := engine.RetryDeadLettersWhere(b.Context(), runtime.DeadLetterFilter{}); n != 1 || err != nil {
			b.Fatal(n, err)
		}
		b.eventuallyTable("type", "events", "WHERE version = 2", "AuditPassed")
	})
}

func TestDiscardDeadLetters(t *testing.T) {
	onStores(t, func(b *bed) {
		g := newGraveyard(b)
		b.run(g.engine)
		g.bury(3)
		ctx := b.Context()
		_, err := g.engine.DiscardDeadLetters(ctx, runtime.Discard{By: "ann", Reason: " "}, g.dead(runtime.DeadLetterFilter{})[0].Lease)
		wantError(b, err, "reason")
		_, err = g.engine.DiscardDeadLettersWhere(ctx, runtime.Discard{Reason: "all"}, runtime.DeadLetterFilter{})
		wantError(b, err, "empty filter")
		if len(g.dead(runtime.DeadLetterFilter{})) != 9 {
			b.Fatal("something was discarded")
		}

		discard := runtime.Discard{By: "ann", Reason: "audits were stopped"}
		one := g.dead(runtime.DeadLetterFilter{Workflow: "ticket"})[0]
		if gone, err := g.engine.DiscardDeadLetters(ctx, discard, one.Lease); err != nil || len(gone) > 0 {
			b.Fatal(gone, err)
		}
		if gone, err := g.engine.DiscardDeadLetters(ctx, discard, one.Lease); err != nil || len(gone) != 1 {
			b.Fatal(gone, err)
		}
		n, err := g.engine.DiscardDeadLettersWhere(ctx, discard, runtime.DeadLetterFilter{Workflow: "ledger", Queue: store.EffectQueue})
		if err != nil || n != 3 {
			b.Errorf("discarded %d, %v", n, err)
		}
		if left := g.dead(runtime.DeadLetterFilter{}); len(left) != 5 {
			b.Errorf("%d are left", len(left))
		}
		b.wantLog("dead letters discarded", "deliveries=3", "by=ann", "audits were stopped")

		var records []store.DiscardedLetter
		query := runtime.DiscardedQuery{Limit: 1}
		for {
			page, err := g.engine.DiscardedLetters(ctx, query)
			if err != nil {
				b.Fatal(err)
			}
			records = append(records, page.Items...)
			if query.Cursor = page.Next; page.Next == "" {
				break
			}
		}
		if len(records) != 4 || records[3].Lease.Instance != one.Lease.Instance || records[3].Discard.By != "ann" ||
			records[3].Discard.At.IsZero() || records[0].Kind != (store.Kind{Workflow: "ledger", Name: "Audit"}) ||
			string(records[0].Payload) != `{"entry":1}` || records[0].Error == "" {
			b.Errorf("got %+v", records)
		}
	})
}
