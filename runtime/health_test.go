package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ledger"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
)

func (b *bed) health(engine *runtime.Engine) runtime.Health {
	b.Helper()
	h, err := engine.Health(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	return h
}

func TestHealthOfQueues(t *testing.T) {
	onStores(t, func(b *bed) {
		ctx := b.Context()
		c := newClock()
		begun, goOn := make(chan struct{}), make(chan struct{})
		config := b.config(c)
		config.EffectHandlers, config.MaxWaiting = 3, 50
		engine := b.engine(config, ledgers(auditing, ledger.Handler{
			OnAudit: func(_ context.Context, e ledger.Audit, _ runtime.EffectCall) (ledger.AuditResult, error) {
				switch e.Entry {
				case 1:
					return nil, runtime.Permanent(errors.New("no"))
				case 2:
					close(begun)
					<-goOn
				}
				return ledger.Audited{Entry: e.Entry}, nil
			},
		}))
		client := ledger.NewClient(engine)

		h := b.health(engine)
		if h.Running || h.Effects.Handlers != 0 || len(h.Effects.Kinds)+len(h.Timers.Kinds) > 0 || len(h.Paused) > 0 ||
			h.Inputs != (telemetry.InputHealth{Limit: 50}) || h.At != epoch.Truncate(time.Microsecond) {
			b.Errorf("at rest: got %+v", h)
		}
		out, err := client.Add(ctx, ledger.Add{Account: "a", Amount: 1})
		must(b, out, err)
		c.advance(time.Second)
		out, err = client.Add(ctx, ledger.Add{Account: "b", Amount: 2})
		must(b, out, err)
		c.advance(time.Second)
		b.exec("INSERT INTO {p}effects (instance, workflow, version, position, kind, payload, run_at, due_at) " +
			"SELECT instance, 'gone', version, position, 'Old', payload, run_at, due_at FROM {p}effects WHERE instance = 'a'")

		audit := telemetry.KindHealth{Known: true, Backlog: store.Backlog{
			Kind: store.Kind{Workflow: "ledger", Name: "Audit"}, Due: 2, OldestDue: epoch.Truncate(time.Microsecond),
		}}
		old := audit
		old.Known, old.Kind, old.Due = false, store.Kind{Workflow: "gone", Name: "Old"}, 1
		h = b.health(engine)
		if want := []telemetry.KindHealth{old, audit}; !slices.Equal(h.Effects.Kinds, want) {
			b.Errorf("got %+v, want %+v", h.Effects.Kinds, want)
		}
		if total := h.Effects.Total(); total.Due != 3 || total.OldestDue != audit.OldestDue {
			b.Errorf("got %+v in total", total)
		}

		b.run(engine)
		wait(b, "the second is handled", begun)
		b.eventually("the first is dead and the timers have fired", func() bool {
			h = b.health(engine)
			return h.Effects.Total().Dead == 1 && len(h.Timers.Kinds) == 0 && h.Effects.Busy == 1 && h.Timers.Busy == 0
		})
		audit.Due, audit.OldestDue, audit.Leased, audit.Dead = 0, time.Time{}, 1, 1
		if h.Effects.Kinds[1] != audit || !h.Running || h.Effects.Handlers != 3 {
			b.Errorf("got %+v", h)
		}
		if err := engine.PauseWorkflow(ctx, runtime.Pause{Workflow: "ledger", Reason: "r"}); err != nil {
			b.Fatal(err)
		}
		h = b.health(engine)
		if !h.Effects.Kinds[1].Paused || h.Effects.Kinds[0].Paused || len(h.Paused) != 1 || h.Paused[0].Reason != "r" {
			b.Errorf("got %+v", h)
		}
		close(goOn)
	})
}

func TestHealthOfTheCache(t *testing.T) {
	onStores(t, func(b *bed) {
		engine := b.engine(b.config(newClock()), ledgers(ledger.Decider{}, ledger.Handler{}))
		client := ledger.NewClient(engine)
		if h := b.health(engine); h.Cache.HitRatio() != 0 || h.Cache.Limit != 64<<20 {
			b.Errorf("at first: got %+v", h)
		}
		for range 4 {
			for _, account := range []string{"a", "b"} {
				out, err := client.Add(b.Context(), ledger.Add{Account: account})
				must(b, out, err)
			}
		}
		cache := b.health(engine).Cache
		if cache.Hits != 6 || cache.Misses != 2 || cache.HitRatio() != 0.75 || cache.Entries != 2 || cache.Bytes < 800 {
			b.Errorf("got %+v", cache)
		}
	})
}

// Inputs that wait show where they wait.
func TestHealthOfInputs(t *testing.T) {
	onStores(t, func(b *bed) {
		config := b.config(newClock())
		config.Batches = 1
		begun, goOn := make(chan struct{}), make(chan struct{})
		engine := b.engine(config, ledgers(ledger.Decider{
			OnAdd: func(_ time.Time, _ ledger.State, in ledger.Add) ledger.AddDecision {
				if in.Account == "slow" {
					close(begun)
					<-goOn
				}
				return ledger.AcceptAdd(ledger.Added{})
			},
		}, ledger.Handler{}))
		done := make(chan error)
		add := func(account string) {
			_, err := ledger.NewClient(engine).Add(context.Background(), ledger.Add{Account: account})
			done <- err
		}
		go add("slow")
		wait(b, "the first is decided on", begun)
		for n := range 3 {
			go add(fmt.Sprint(n))
		}
		b.eventually("the others wait", func() bool {
			h := b.health(engine)
			return h.Inputs == telemetry.InputHealth{Waiting: 4, Limit: 4096, Queued: 3, Batches: 1}
		})
		close(goOn)
		for range 4 {
			if err := wait(b, "an answer", done); err != nil {
				b.Error(err)
			}
		}
		if h := b.health(engine); h.Inputs.Waiting != 0 || h.Inputs.Queued != 0 {
			b.Errorf("got %+v", h)
		}
	})
}

// What cannot be found out leaves the rest.
func TestHealthInPart(t *testing.T) {
	onStores(t, func(b *bed) {
		store := &forgetful{Store: b.store}
		engine := b.engineOn(store, b.config(newClock()), ledgers(auditing, ledger.Handler{}))
		out, err := ledger.NewClient(engine).Add(b.Context(), ledger.Add{Account: "a"})
		must(b, out, err)
		store.lost.Store(true)
		h, err := engine.Health(b.Context())
		wantError(b, err, "lost")
		if h.Effects.Total().Due != 1 || h.Cache.Misses != 1 {
			b.Errorf("got %+v", h)
		}
	})
}

func TestInspect(t *testing.T) {
	onStores(t, func(b *bed) {
		ctx := b.Context()
		c := newClock()
		config := b.config(c)
		engine := b.engine(config, tickets(ticket.Decider{OnOpen: opened(ticket.FindAgent{})}, ticket.Handler{
			OnFindAgent: func(context.Context, ticket.FindAgent, runtime.EffectCall) (ticket.FindAgentResult, error) {
				return nil, errors.New("nobody there")
			},
		}), ledgers(ledger.Decider{}, ledger.Handler{}))
		client := ticket.NewClient(engine)
		key := runtime.InstanceKey{Workflow: "ticket", ID: "a"}
		out, err := client.Open(ctx, ticket.Open{ID: "a", Subject: "s"})
		must(b, out, err)
		stop := b.run(engine)
		b.eventuallyTable("last_error, attempts", "effects", "", "effect FindAgent: nobody there 1")
		if err := stop(); err != nil {
			b.Fatal(err)
		}

		r, err := engine.Inspect(ctx, key)
		if err != nil {
			b.Fatal(err)
		}
		if r.Key != key || r.Version != 1 || r.Status != "open" || r.Completed() || r.CreatedAt != epoch.Truncate(time.Microsecond) || r.Paused != nil {
			b.Errorf("got %+v", r.InstanceSummary)
		}
		var accepts []string
		for _, t := range r.Accepts {
			accepts = append(accepts, t.Input)
		}
		// Open is refused by declaration.
		if want := []string{"Note", "Assigned", "NobodyFree", "Remind", "Expire", "Hold", "Solve"}; !slices.Equal(accepts, want) {
			b.Errorf("it accepts %v, want %v", accepts, want)
		}
		if len(r.Effects) != 1 || r.Effects[0].Kind.Name != "FindAgent" || r.Effects[0].StateAt(r.At) != store.DeliveryDelayed ||
			!strings.Contains(r.Effects[0].LastError, "nobody there") || r.Effects[0].Attempts != 1 {
			b.Errorf("got %+v", r.Effects)
		}
		if len(r.Timers) != 1 || r.Timers[0].Lease.Key != "stale" || r.Timers[0].StateAt(r.At) != store.DeliveryDelayed ||
			r.Timers[0].StateAt(r.At.Add(time.Hour)) != store.DeliveryDue {
			b.Errorf("got %+v", r.Timers)
		}
		if !regexp.MustCompile(`(?s)state "open.*" as (s\d+)\n.*class s\d+ current\n$`).MatchString(r.Mermaid()) || !strings.Contains(r.DOT(), `, style="rounded,filled"`) {
			b.Errorf("got\n%s\n%s", r.Mermaid(), r.DOT())
		}

		solved, err := client.Solve(ctx, ticket.Solve{ID: "a"})
		must(b, solved, err)
		if err := engine.PauseWorkflow(ctx, runtime.Pause{Workflow: "ticket", By: "ann"}); err != nil {
			b.Fatal(err)
		}
		r, err = engine.Inspect(ctx, key)
		if err != nil || r.Status != "solved" || !r.Completed() || r.Accepts != nil || len(r.Timers) > 0 || len(r.Effects) != 1 ||
			r.Paused == nil || r.Paused.By != "ann" {
			b.Errorf("got %+v, %v", r, err)
		}

		added, err := ledger.NewClient(engine).Add(ctx, ledger.Add{Account: "x"})
		must(b, added, err)
		r, err = engine.Inspect(ctx, runtime.InstanceKey{Workflow: "ledger", ID: "x"})
		if err != nil || r.Status != "" || r.Accepts != nil || r.Mermaid()+r.DOT() != "" || r.Paused != nil {
			b.Errorf("without states: got %+v, %v", r, err)
		}
		_, err = engine.Inspect(ctx, runtime.InstanceKey{Workflow: "ticket", ID: "b"})
		if unknown, ok := errors.AsType[*runtime.UnknownInstance](err); !ok || unknown.Instance.ID != "b" {
			b.Errorf("got error %v", err)
		}
	})
}
