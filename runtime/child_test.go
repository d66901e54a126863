package runtime_test

import (
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ledger"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// withOptions changes the options of a workflow's effect to what no declaration of the tests has.
func withOptions(workflow *runtime.Workflow, effect string, change func(*workflow.EffectOptions)) *runtime.Workflow {
	options := runtime.EffectOptionsOf(workflow)
	changed := options[effect]
	change(&changed)
	options[effect] = changed
	return workflow
}

// startLedgers are tickets whose opening starts a ledger as a child, the end of which is told to the ticket by an input with
// which a ticket may begin.
func startLedgers() *runtime.Workflow {
	return withOptions(tickets(ticket.Decider{OnOpen: opened(ticket.Notify{Text: "n"})}, ticket.Handler{}), "Notify",
		func(o *workflow.EffectOptions) {
			o.Starts, o.Ended = &workflow.Target{Workflow: "ledger", Input: "Add"}, "Import"
		})
}

// A parent that was deleted while its child went on does not begin anew by the child's end.
func TestEndOfAnOrphan(t *testing.T) {
	onStores(t, func(b *bed) {
		engine := b.engine(b.realConfig(), startLedgers(), ledgers(ledger.Decider{}, ledger.Handler{}))
		b.run(engine)
		b.open(engine, "a")
		b.eventuallyTable("count(*)", "instances", "WHERE workflow = 'ledger'", "1")
		child := b.table("instance", "instances", "WHERE workflow = 'ledger'")[0]
		for _, table := range tables {
			b.exec("DELETE FROM {p}%s WHERE workflow = 'ticket'", table)
		}
		out, err := ledger.NewClient(engine).Close(b.Context(), ledger.Close{Account: child})
		must(b, out, err)
		b.eventuallyTable("kind", "effects", "")
		b.wantTable("instance", "instances", "WHERE workflow = 'ticket'")
		b.wantLog("did not accept", "workflow=ticket", "instance=a", "there is no such instance")
	})
}

// A parent that completed and was deleted, and one that began anew under its id while the child of the first went on: the later
// one does not hear of that child, and does hear of its own.
func TestEndOfAChildOfAnEarlierParent(t *testing.T) {
	onStores(t, func(b *bed) {
		c := newClock()
		config := b.config(c)
		config.Retention = runtime.Retention{CompletedOf: map[string]time.Duration{"ticket": 2 * time.Hour}}
		var heard atomic.Int32
		parents := withOptions(tickets(ticket.Decider{
			OnOpen: func(_ time.Time, _ ticket.State, in ticket.Open) ticket.OpenDecision {
				if in.Subject == "later" { // its child is of a later version, and so has another id
					return ticket.AcceptOpen(ticket.Opened{Subject: in.Subject})
				}
				return ticket.AcceptOpen(ticket.Opened{Subject: in.Subject}).Effect(ticket.Notify{})
			},
			OnNote: func(_ time.Time, _ ticket.State, in ticket.Note) ticket.NoteDecision {
				if in.Text == "" { // the end of a child
					heard.Add(1)
					return ticket.AcceptNote(ticket.Noted{Text: "ended"})
				}
				return ticket.AcceptNote(ticket.Noted{Text: in.Text}).Effect(ticket.Notify{})
			},
		}, ticket.Handler{}), "Notify", func(o *workflow.EffectOptions) {
			o.Starts, o.Ended = &workflow.Target{Workflow: "ledger", Input: "Add"}, "Note"
		})
		engine := b.engine(config, parents, ledgers(ledger.Decider{}, ledger.Handler{}))
		b.run(engine)
		ctx, client := b.Context(), ticket.NewClient(engine)
		end := func(child string) {
			b.Helper()
			b.eventuallyTable("kind", "effects", "")
			out, err := ledger.NewClient(engine).Close(ctx, ledger.Close{Account: child})
			must(b, out, err)
			b.eventuallyTable("kind", "effects", "")
		}
		b.open(engine, "a")
		b.eventuallyTable("instance", "instances", "WHERE workflow = 'ledger'", "ticket/a/1/0")
		solved, err := client.Solve(ctx, ticket.Solve{ID: "a"})
		must(b, solved, err)
		c.advance(2*time.Hour + time.Second)
		_, err = engine.ApplyRetention(ctx) // unless Run was faster
		if err != nil {
			b.Fatal(err)
		}
		b.eventuallyTable("instance", "instances", "WHERE workflow = 'ticket'")

		out, err := client.Open(ctx, ticket.Open{ID: "a", Subject: "later"})
		must(b, out, err)
		end("ticket/a/1/0")
		b.wantLog("did not accept", "workflow=ticket", "instance=a", "input=Note", "deleted, and there is another one of its id")
		b.wantTable("version", "instances", "WHERE workflow = 'ticket'", "1")
		noted, err := client.Note(ctx, ticket.Note{ID: "a", Text: "go on"})
		must(b, noted, err)
		b.eventuallyTable("version", "instances", "WHERE instance = 'ticket/a/2/0'", "1")
		end("ticket/a/2/0")
		b.wantTable("version", "instances", "WHERE workflow = 'ticket'", "3")
		if n := heard.Load(); n != 1 {
			b.Errorf("the later parent heard of %d ends, want that of its own child", n)
		}
	})
}

// Children get ids of their own, whichever workflow starts them, and however long their parents' ids are.
func TestIDsOfChildren(t *testing.T) {
	onStores(t, func(b *bed) {
		audited := withOptions(ledgers(ledger.Decider{
			OnAdd: func(_ time.Time, _ ledger.State, in ledger.Add) ledger.AddDecision {
				if in.Amount == 0 { // of a child
					return ledger.AcceptAdd(ledger.Added{})
				}
				return ledger.AcceptAdd(ledger.Added{Amount: in.Amount}).Effect(ledger.Audit{})
			},
		}, ledger.Handler{}), "Audit", func(o *workflow.EffectOptions) {
			o.Starts = &workflow.Target{Workflow: "ledger", Input: "Add"}
		})
		engine := b.engine(b.realConfig(), startLedgers(), audited)
		b.run(engine)
		b.open(engine, "a")
		b.open(engine, strings.Repeat("x", store.MaxIDLength))
		out, err := ledger.NewClient(engine).Add(b.Context(), ledger.Add{Account: "a", Amount: 1})
		must(b, out, err)
		b.eventuallyTable("kind", "effects", "")
		children := b.table("instance", "instances", "WHERE workflow = 'ledger'")
		ofLong := slices.IndexFunc(children, func(id string) bool { return len(id) == len("ticket/")+64 && strings.HasPrefix(id, "ticket/") })
		if ofLong < 0 || !slices.Equal(slices.Delete(slices.Clone(children), ofLong, ofLong+1), []string{"a", "ledger/a/1/0", "ticket/a/1/0"}) {
			b.Errorf("the ledgers are %q", children)
		}
	})
}
