package runtime_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/admin"
	"github.com/ironflow-gen/ironflow/runtime/internal/ledger"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// standstill is what is stuck, by an admin without workflows whose clock is ahead by 30 s, as "a: reason".
func (b *bed) standstill() (instances, others []string) {
	b.Helper()
	a, err := admin.New(b.store, admin.Config{Clock: clockAhead{by: 30 * time.Second}})
	if err != nil {
		b.Fatal(err)
	}
	r, err := a.Stuck(b.Context(), admin.StuckQuery{For: 20 * time.Second})
	if err != nil {
		b.Fatal(err)
	}
	for _, i := range r.Instances {
		instances = append(instances, i.Key.ID+": "+i.Reason)
	}
	for _, k := range r.Kinds {
		others = append(others, k.Kind.String()+": "+k.Reason)
	}
	for _, p := range r.Projections {
		others = append(others, p.Name+": "+p.Reason)
	}
	return instances, others
}

type clockAhead struct {
	store.SystemClock
	by time.Duration
}

func (a clockAhead) Now() time.Time { return time.Now().Add(a.by) }

// hold lets a ticket wait for its customer.
func (b *bed) hold(engine *runtime.Engine, id string) {
	b.Helper()
	out, err := ticket.NewClient(engine).Hold(b.Context(), ticket.Hold{ID: id})
	must(b, out, err)
}

func holds(time.Time, ticket.State, ticket.Hold) ticket.HoldDecision {
	return ticket.AcceptHold(ticket.Held{})
}

// A parent is not stuck while its child is active, whose end it will hear of; afterwards it is.
func TestStandstillOfParents(t *testing.T) {
	onStores(t, func(b *bed) {
		parents := withOptions(tickets(ticket.Decider{OnOpen: opened(ticket.Notify{Text: "n"}), OnHold: holds}, ticket.Handler{}), "Notify",
			func(o *workflow.EffectOptions) {
				o.Starts, o.Ended = &workflow.Target{Workflow: "ledger", Input: "Add"}, "Import"
			})
		effects := parents.DeclaredMachine().Effects
		effects[slices.IndexFunc(effects, func(e workflow.MachineEffect) bool { return e.Name == "Notify" })].Ended = "Import"
		engine := b.engine(b.realConfig(), parents, ledgers(ledger.Decider{}, ledger.Handler{}))
		b.run(engine)
		b.open(engine, "a")
		b.eventuallyTable("count(*)", "instances", "WHERE workflow = 'ledger'", "1")
		b.hold(engine, "a")
		child := b.table("instance", "instances", "WHERE workflow = 'ledger'")[0]
		only := []string{child + ": nothing waits to be delivered; only an input can move it"}
		if got, _ := b.standstill(); !slices.Equal(got, only) {
			b.Errorf("with a child: %q, want %q", got, only)
		}
		out, err := ledger.NewClient(engine).Close(b.Context(), ledger.Close{Account: child})
		must(b, out, err)
		b.eventuallyTable("kind", "effects", "")
		if got, _ := b.standstill(); len(got) != 1 || !strings.HasPrefix(got[0], "a: nothing waits to be delivered in state waiting") {
			b.Errorf("without one: %q", got)
		}
	})
}

// A dead letter that its instance was told of is no reason: the workflow has gone on without the effect.
func TestStandstillWithToldDeadLetters(t *testing.T) {
	onStores(t, func(b *bed) {
		config := b.realConfig()
		told := withOptions(tickets(ticket.Decider{
			OnOpen: opened(ticket.FindAgent{Subject: "s"}), OnHold: holds,
			OnNote: func(time.Time, ticket.State, ticket.Note) ticket.NoteDecision {
				return ticket.AcceptNote(ticket.Noted{})
			},
		}, ticket.Handler{OnFindAgent: func(context.Context, ticket.FindAgent, runtime.EffectCall) (ticket.FindAgentResult, error) {
			return nil, runtime.Permanent(errors.New("nobody"))
		}}), "FindAgent", func(o *workflow.EffectOptions) { o.Dead = &workflow.DeadInput{Input: "Note", Error: "text"} })
		engine := b.engine(config, told)
		b.run(engine)
		b.open(engine, "a")
		b.eventuallyTable("count(*)", "effects", "WHERE told_at IS NOT NULL", "1")
		b.hold(engine, "a")
		got, others := b.standstill()
		if len(got) != 1 || !strings.HasPrefix(got[0], "a: nothing waits to be delivered in state waiting; only an input can move it") {
			b.Errorf("got %q", got)
		}
		if len(others) != 0 {
			b.Errorf("got %q", others)
		}
	})
}

// A paused workflow, and projections that are paused, have stopped, or that no process runs, are found with the reason.
func TestStandstillOfPausesAndProjections(t *testing.T) {
	onStores(t, func(b *bed) {
		b.makeJournal()
		failing := journal{name: "failing", attempts: 1, before: func(context.Context, runtime.StoredEvent) error { return errors.New("no such column") }}
		config := b.projectionConfig()
		config.Projections = []runtime.AnyProjection{failing.on(b), journal{name: "paused"}.on(b)}
		engine := b.engine(config, tickets(ticket.Decider{OnOpen: opened(ticket.Notify{Text: "n"})}, ticket.Handler{}))
		stop := b.run(engine)
		if err := engine.PauseProjection(b.Context(), "paused"); err != nil {
			b.Fatal(err)
		}
		if err := engine.PauseWorkflow(b.Context(), runtime.Pause{Workflow: "ticket", By: "ann", Reason: "fire"}); err != nil {
			b.Fatal(err)
		}
		b.open(engine, "a")
		b.eventually("the projection has stopped", func() bool {
			p, err := engine.Projection(b.Context(), "failing")
			return err == nil && p.Status == store.ProjectionStopped
		})
		if err := stop(); err != nil {
			b.Fatal(err)
		}
		has := func(parts ...string) {
			b.Helper()
			_, others := b.standstill()
			for _, part := range parts {
				if !slices.ContainsFunc(others, func(text string) bool { return strings.Contains(text, part) }) {
					b.Errorf("no %q in %q", part, others)
				}
			}
		}
		has("ticket/Notify: the workflow has been paused since ", " by ann: fire", "failing: it has stopped at event ", ": no such column", "paused: it has been paused since ")
		if err := engine.ResumeProjection(b.Context(), "paused"); err != nil {
			b.Fatal(err)
		}
		has("paused: no process runs it")
	})
}
