package runtime_test

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/payer"
	"github.com/ironflow-gen/ironflow/runtime/internal/purse"
	"github.com/ironflow-gen/ironflow/runtime/memory"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// onAllStores is onStores with the memory store, whose tables cannot be looked at.
func onAllStores(t *testing.T, scenario func(b *bed)) {
	onStores(t, scenario)
	t.Run("memory", func(t *testing.T) {
		t.Parallel()
		scenario(newBed(t, memory.New(), nil, "", ""))
	})
}

// payments is an engine with payers, and with purses that they take from.
type payments struct {
	*bed
	payers *payer.Client
	purses *purse.Client
}

func paymentsOf(b *bed, engine *runtime.Engine) payments {
	return payments{b, payer.NewClient(engine), purse.NewClient(engine)}
}

func payWorkflows() []*runtime.Workflow {
	return []*runtime.Workflow{
		payer.NewWorkflow(payer.Decider{}, payer.Evolver{}), purse.NewWorkflow(purse.Decider{}, purse.Evolver{}),
	}
}

func (p payments) fill(id string, cents int64) {
	p.Helper()
	out, err := p.purses.Fill(p.Context(), purse.Fill{PurseID: id, Cents: cents})
	must(p.bed, out, err)
}

func (p payments) pay(id, from string, cents int64) {
	p.Helper()
	out, err := p.payers.Pay(p.Context(), payer.Pay{PayerID: id, PurseID: from, Cents: cents})
	must(p.bed, out, err)
}

// wantRefusals waits until a payer knows of these refusals, in any order.
func (p payments) wantRefusals(id string, want ...string) {
	p.Helper()
	slices.Sort(want)
	p.eventually(fmt.Sprintf("the refusals of %s are %q", id, want), func() bool {
		s, err := p.payers.State(p.Context(), id)
		if err != nil {
			p.Fatal(err)
		}
		slices.Sort(s.State.Refusals)
		return slices.Equal(s.State.Refusals, want)
	})
}

// wantQuiet waits until no effect of an instance waits.
func (p payments) wantQuiet(workflow, id string) {
	p.Helper()
	p.eventually("nothing waits", func() bool {
		waiting, err := p.store.Waiting(p.Context(), store.EffectQueue, runtime.InstanceKey{Workflow: workflow, ID: id}, 10)
		return err == nil && len(waiting) == 0
	})
}

// A sender hears why what it sent was not accepted, and hears nothing of what was.
func TestRefused(t *testing.T) {
	onAllStores(t, func(b *bed) {
		engine := b.engine(b.realConfig(), payWorkflows()...)
		b.run(engine)
		p := paymentsOf(b, engine)
		p.fill("rich", 10)
		p.fill("lost", 10)
		out, err := p.purses.Lose(b.Context(), purse.Lose{PurseID: "lost"})
		must(b, out, err)
		p.pay("a", "rich", 3)
		p.wantQuiet("payer", "a")
		p.pay("a", "rich", 30)
		p.pay("a", "nobody's", 5)
		p.pay("a", "lost", 4)
		p.wantQuiet("payer", "a")
		p.wantRefusals("a",
			`30 from rich: rejected with TooLittle{"missing_cents":23}`, "5 from nobody's: missing", "4 from lost: completed")
		if s, err := p.purses.State(b.Context(), "rich"); err != nil || s.State.Cents != 7 {
			t.Errorf("the purse has %+v, %v", s.State, err)
		}
		if _, err := p.purses.State(b.Context(), "nobody's"); err == nil {
			t.Error("a refused input has created an instance")
		}
	})
}

// A sender that has ended does not hear of a refusal. The send is settled, and the log says so.
func TestRefusedToAnEndedSender(t *testing.T) {
	onAllStores(t, func(b *bed) {
		engine := b.engine(b.realConfig(), payWorkflows()...)
		p := paymentsOf(b, engine)
		p.pay("a", "nobody's", 5)
		out, err := p.payers.Stop(b.Context(), payer.Stop{PayerID: "a"})
		must(b, out, err)
		b.run(engine)
		p.wantQuiet("payer", "a")
		p.wantRefusals("a")
		b.wantLog("did not accept", "workflow=payer", "instance=a", "input=Refused", "the instance had completed")
		ended, err := b.store.EndedDeliveries(b.Context(), runtime.InstanceKey{Workflow: "payer", ID: "a"}, 1, 10)
		if err != nil || len(ended) != 1 || ended[0].Ending != store.EndedRefused ||
			ended[0].Reason != "purse/nobody's: missing; the sender did not accept input Refused either: the instance had completed" {
			t.Errorf("ended: %+v, %v", ended, err)
		}
	})
}

// A refusal whose commit fails, or whose answer is lost, is delivered again, and the sender hears of it once.
func TestRefusedOnce(t *testing.T) {
	onStores(t, func(b *bed) {
		st := &faulty{Store: b.store}
		config := b.realConfig()
		config.EffectRetry.MaxAttempts = 1000
		engine := b.engineOn(st, config, payWorkflows()...)
		p := paymentsOf(b, engine)
		const payments = 20
		for range payments {
			p.pay("a", "nobody's", 5)
		}
		var commits atomic.Int64
		st.setCommit(func(ctx context.Context, commit func(context.Context) error) error {
			switch commits.Add(1) % 4 {
			case 1: // nothing is stored
				return errBroken
			case 2: // it is stored, and the answer is lost
				if err := commit(ctx); err != nil {
					return err
				}
				return store.ErrOutcomeUnknown
			}
			return commit(ctx)
		})
		b.run(engine)
		want := slices.Repeat([]string{"5 from nobody's: missing"}, payments)
		p.wantRefusals("a", want...)
		p.wantQuiet("payer", "a")
		st.setCommit(nil)
		p.wantRefusals("a", want...)
	})
}

// Two processes that deliver the same send, the first of which has lost its lease, tell the sender once.
func TestRefusedByTwoProcesses(t *testing.T) {
	onStores(t, func(b *bed) {
		first := b.engine(b.realConfig(), payWorkflows()...)
		p := paymentsOf(b, first)
		for range 40 {
			p.pay("a", "nobody's", 1)
		}
		b.run(first)
		b.run(b.engine(b.realConfig(), payWorkflows()...))
		p.wantQuiet("payer", "a")
		p.wantRefusals("a", slices.Repeat([]string{"1 from nobody's: missing"}, 40)...)
	})
}
