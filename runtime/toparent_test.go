package runtime_test

import (
	"slices"
	"testing"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/payer"
	"github.com/ironflow-gen/ironflow/runtime/internal/purse"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

func (p payments) buy(id, purseID string, cents int64) {
	p.Helper()
	out, err := p.payers.Buy(p.Context(), payer.Buy{PayerID: id, PurseID: purseID, Cents: cents})
	must(p.bed, out, err)
	p.wantQuiet("payer", id)
}

func (p payments) count(id string) {
	p.Helper()
	out, err := p.purses.Count(p.Context(), purse.Count{PurseID: id})
	must(p.bed, out, err)
	p.wantQuiet("purse", id)
}

func (p payments) wantUnheard(id string, want ...string) {
	p.Helper()
	if s, err := p.purses.State(p.Context(), id); err != nil || !slices.Equal(s.State.Unheard, want) {
		p.Errorf("unheard of %s: %q, %v, want %q", id, s.State.Unheard, err, want)
	}
}

// A child tells its parent something before its own end, also a parent that does not want to hear of the end.
func TestToParent(t *testing.T) {
	onAllStores(t, func(b *bed) {
		engine := b.engine(b.realConfig(), payWorkflows()...)
		b.run(engine)
		p := paymentsOf(b, engine)
		p.buy("a", "first", 10)
		p.buy("a", "second", 20)
		p.count("first")
		p.count("second")
		p.count("first")
		s, err := p.payers.State(b.Context(), "a")
		if err != nil || !slices.Equal(s.State.Reports, []int64{10, 20, 10}) {
			b.Errorf("the payer heard %v, %v", s.State.Reports, err)
		}
		p.wantUnheard("first")

		out, err := p.purses.Lose(b.Context(), purse.Lose{PurseID: "second"})
		must(b, out, err)
		p.wantQuiet("purse", "second") // its end is told to nobody
		if s, err := p.payers.State(b.Context(), "a"); err != nil || s.Version != 5 {
			b.Errorf("the payer has %+v, %v", s, err)
		}
		stop, err := p.payers.Stop(b.Context(), payer.Stop{PayerID: "a"})
		must(b, stop, err)
		p.count("first")
		p.wantUnheard("first", "10 to a: completed")
	})
}

// An instance without a parent hears that nobody listens, or its effect becomes a dead letter that says so.
func TestNoParent(t *testing.T) {
	onAllStores(t, func(b *bed) {
		engine := b.engine(b.realConfig(), payWorkflows()...)
		stop := b.run(engine)
		p := paymentsOf(b, engine)
		p.fill("found", 3)
		p.count("found")
		p.wantUnheard("found", "3 to : missing")
		if err := stop(); err != nil {
			b.Fatal(err)
		}

		deaf := withOptions(payWorkflows()[1], "Report", func(o *workflow.EffectOptions) { o.Refused = nil })
		engine = b.engine(b.realConfig(), payWorkflows()[0], deaf)
		b.run(engine)
		p = paymentsOf(b, engine)
		out, err := p.purses.Count(b.Context(), purse.Count{PurseID: "found"})
		must(b, out, err)
		b.eventually("a dead letter says that there is no parent", func() bool {
			waiting, err := b.store.Waiting(b.Context(), store.EffectQueue, runtime.InstanceKey{Workflow: "purse", ID: "found"}, 10)
			return err == nil && len(waiting) == 1 && !waiting[0].DiedAt.IsZero() &&
				waiting[0].LastError == "effect Report: the instance has no parent: no other instance has started it"
		})
	})
}

// A parent whose workflow this program does not have may be of another program. The effect waits for it.
func TestParentElsewhere(t *testing.T) {
	onStores(t, func(b *bed) {
		both := b.engine(b.realConfig(), payWorkflows()...)
		stop := b.run(both)
		p := paymentsOf(b, both)
		p.buy("a", "first", 10)
		if err := stop(); err != nil {
			b.Fatal(err)
		}
		alone := b.engine(b.realConfig(), payWorkflows()[1])
		stop = b.run(alone)
		out, err := purse.NewClient(alone).Count(b.Context(), purse.Count{PurseID: "first"})
		must(b, out, err)
		b.wantLog("cannot take the delivery", `workflow \"payer\" of the parent payer/a is not registered`)
		if err := stop(); err != nil {
			b.Fatal(err)
		}
		b.run(b.engine(b.realConfig(), payWorkflows()...))
		b.eventually("the parent hears of it", func() bool {
			s, err := p.payers.State(b.Context(), "a")
			return err == nil && slices.Equal(s.State.Reports, []int64{10})
		})
	})
}
