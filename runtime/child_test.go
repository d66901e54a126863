package runtime_test

import (
	"testing"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ledger"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
)

// withOptions changes the options of a workflow's effect to what no declaration of the tests has.
func withOptions(workflow *runtime.Workflow, effect string, change func(*runtime.EffectOptions)) *runtime.Workflow {
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
		func(o *runtime.EffectOptions) {
			o.Starts, o.Ended = &runtime.Target{Workflow: "ledger", Input: "Add"}, "Import"
		})
}

// A parent that was deleted while its child went on does not begin anew by the child's end.
func TestEndOfAnOrphan(t *testing.T) {
	onStores(t, func(b *bed) {
		engine := b.engine(b.realConfig(), startLedgers(), ledgers(ledger.Decider{}, ledger.Handler{}))
		b.run(engine)
		b.open(engine, "a")
		b.eventuallyTable("count(*)", "instances", "WHERE workflow_type = 'ledger'", "1")
		child := b.table("workflow_id", "instances", "WHERE workflow_type = 'ledger'")[0]
		for _, table := range tables {
			b.exec("DELETE FROM {p}%s WHERE workflow_type = 'ticket'", table)
		}
		out, err := ledger.NewClient(engine).Close(b.Context(), ledger.Close{Account: child})
		must(b, out, err)
		b.eventuallyTable("kind", "effects", "")
		b.wantTable("workflow_id", "instances", "WHERE workflow_type = 'ticket'")
		b.wantLog("did not accept", "workflow=ticket", "instance=a", "there is no such instance")
	})
}
