package runtime_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ledger"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
)

// auditing asks for an audit with each entry, and for a beat that is due at once.
var auditing = ledger.Decider{
	OnAdd: func(_ time.Time, _ ledger.State, in ledger.Add) ledger.AddDecision {
		return ledger.AcceptAdd(ledger.Added{Amount: in.Amount}).Effect(ledger.Audit{Entry: in.Amount}).StartTimer(ledger.TimerBeat{}.In(0))
	},
}

func isPaused(err error) bool {
	var paused *runtime.WorkflowPaused
	return errors.As(err, &paused)
}

// A pause holds in every process, and what another workflow does goes on.
func TestPause(t *testing.T) {
	onStores(t, func(b *bed) {
		ctx := b.Context()
		audits := make(chan struct{}, 10)
		handler := ledger.Handler{OnAudit: func(_ context.Context, e ledger.Audit, _ runtime.EffectCall) (ledger.AuditResult, error) {
			audits <- struct{}{}
			return ledger.Audited{Entry: e.Entry}, nil
		}}
		var engines []*runtime.Engine
		for range 2 {
			engine := b.engine(b.realConfig(), ledgers(auditing, handler), tickets(ticket.Decider{OnOpen: opened(ticket.FindAgent{})}, ticket.Handler{}))
			b.run(engine)
			engines = append(engines, engine)
		}
		pause := runtime.Pause{Workflow: "ledger", By: "ann", Reason: "the auditor is away"}
		if err := engines[0].PauseWorkflow(ctx, pause); err != nil {
			b.Fatal(err)
		}
		for _, engine := range engines {
			out, err := ledger.NewClient(engine).Add(ctx, ledger.Add{Account: "a", Amount: 1})
			must(b, out, err)
		}
		opened, err := ticket.NewClient(engines[1]).Open(ctx, ticket.Open{ID: "t", Subject: "s"})
		must(b, opened, err)
		b.eventuallyTable("type", "events", "WHERE workflow = 'ticket' AND version = 2", "AgentAssigned")
		time.Sleep(100 * time.Millisecond) // ten polls
		if len(audits) > 0 {
			b.Error("an effect of the paused workflow was handled")
		}
		b.wantTable("attempts", "effects", "", "0", "0")
		b.wantTable("attempts", "timers", "WHERE workflow = 'ledger'", "0")
		pauses, err := engines[1].PausedWorkflows(ctx)
		if err != nil || len(pauses) != 1 || pauses[0].At.IsZero() {
			b.Fatalf("got %+v, %v", pauses, err)
		}
		pauses[0].At = time.Time{}
		if pauses[0] != pause {
			b.Errorf("got %+v", pauses[0])
		}

		if err := engines[1].ResumeWorkflow(ctx, "ledger"); err != nil {
			b.Fatal(err)
		}
		wait(b, "the effects are handled after the pause", audits)
		wait(b, "the effects are handled after the pause", audits)
		b.eventuallyTable("count(*)", "events", "WHERE type = 'AuditPassed'", "2")
		b.eventuallyTable("count(*)", "events", "WHERE type = 'Ticked'", "1")
		b.wantLog("workflow paused", "workflow=ledger", "by=ann", "the auditor is away")
		b.wantLog("workflow resumed", "workflow=ledger")
		for _, err := range []error{
			engines[0].PauseWorkflow(ctx, runtime.Pause{Workflow: "ledgr"}), engines[0].ResumeWorkflow(ctx, "ledgr"),
		} {
			if _, unknown := errors.AsType[*runtime.UnknownWorkflow](err); !unknown {
				b.Errorf("got error %v", err)
			}
		}
	})
}

func TestPauseThatRefusesInputs(t *testing.T) {
	onStores(t, func(b *bed) {
		ctx := b.Context()
		begun, goOn := make(chan struct{}), make(chan struct{})
		handler := ledger.Handler{OnAudit: func(_ context.Context, e ledger.Audit, _ runtime.EffectCall) (ledger.AuditResult, error) {
			close(begun)
			<-goOn
			return ledger.Audited{Entry: e.Entry}, nil
		}}
		c := newClock()
		config := b.config(c)
		auditing := ledger.Decider{OnAdd: func(time.Time, ledger.State, ledger.Add) ledger.AddDecision {
			return ledger.AcceptAdd(ledger.Added{}).Effect(ledger.Audit{})
		}}
		engine := b.engine(config, ledgers(auditing, handler), tickets(ticket.Decider{}, ticket.Handler{}))
		other := b.engine(config, ledgers(auditing, handler))
		client, elsewhere := ledger.NewClient(engine), ledger.NewClient(other)
		out, err := client.Add(ctx, ledger.Add{Account: "a"})
		must(b, out, err)
		out, err = elsewhere.Add(ctx, ledger.Add{Account: "b"}) // it knows now that nothing is paused
		must(b, out, err)
		b.exec("DELETE FROM {p}effects WHERE instance = 'b'")
		b.run(engine)
		wait(b, "the effect is handled", begun)

		if err := engine.PauseWorkflow(ctx, runtime.Pause{Workflow: "ledger", Reason: "moving house", RefuseInputs: true}); err != nil {
			b.Fatal(err)
		}
		b.unchanged(func() {
			_, err := client.Add(ctx, ledger.Add{Account: "c"})
			if !isPaused(err) {
				b.Errorf("got error %v", err)
			}
			wantError(b, err, "ledger/c", "Add", "moving house", "2031-03-04T05:06:07Z")
			_, err = engine.ExecuteDynamic(ctx, "ledger", []byte(`{"type":"Add","account":"c","amount":1}`))
			if !isPaused(err) {
				b.Errorf("got error %v", err)
			}
		})
		opened, err := ticket.NewClient(engine).Open(ctx, ticket.Open{ID: "t", Subject: "s"})
		must(b, opened, err)

		// What was under way ends as if nothing were.
		close(goOn)
		b.eventuallyTable("type", "events", "WHERE instance = 'a' AND type = 'AuditPassed'", "AuditPassed")

		// Another process finds out when it polls.
		c.advance(200 * time.Millisecond)
		b.unchanged(func() {
			if _, err := elsewhere.Add(ctx, ledger.Add{Account: "b"}); !isPaused(err) {
				b.Errorf("got error %v", err)
			}
		})
		if err := engine.ResumeWorkflow(ctx, "ledger"); err != nil {
			b.Fatal(err)
		}
		out, err = client.Add(ctx, ledger.Add{Account: "c"})
		must(b, out, err)
		c.advance(200 * time.Millisecond)
		out, err = elsewhere.Add(ctx, ledger.Add{Account: "b"})
		must(b, out, err)
	})
}

// forgetful is a store that loses the list of pauses.
type forgetful struct {
	Store
	lost  atomic.Bool
	looks atomic.Int32
}

func (s *forgetful) PausedWorkflows(ctx context.Context) ([]runtime.Pause, error) {
	s.looks.Add(1)
	if s.lost.Load() {
		return nil, errors.New("lost")
	}
	return s.Store.PausedWorkflows(ctx)
}

// Inputs look at most once in each poll interval, and a look that fails changes nothing.
func TestLooksForPauses(t *testing.T) {
	onStores(t, func(b *bed) {
		ctx := b.Context()
		store := &forgetful{Store: b.store}
		store.lost.Store(true)
		c := newClock()
		engine := b.engineOn(store, b.config(c), ledgers(ledger.Decider{}, ledger.Handler{}))
		client := ledger.NewClient(engine)
		add := func() error {
			_, err := client.Add(ctx, ledger.Add{Account: "a"})
			return err
		}
		for range 5 {
			if err := add(); err != nil {
				b.Error(err)
			}
		}
		if n := store.looks.Load(); n != 1 {
			b.Errorf("%d looks for five inputs at one time, want 1", n)
		}
		store.lost.Store(false)
		if err := engine.PauseWorkflow(ctx, runtime.Pause{Workflow: "ledger", RefuseInputs: true}); err != nil {
			b.Fatal(err)
		}
		for _, lost := range []bool{false, true, true} {
			store.lost.Store(lost)
			if err := add(); !isPaused(err) {
				b.Errorf("lost=%v: got error %v", lost, err)
			}
			c.advance(time.Second)
		}
		if n := store.looks.Load(); n != 4 {
			b.Errorf("%d looks, want 4", n)
		}
	})
}
