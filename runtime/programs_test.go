package runtime_test

import (
	"slices"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/ledger"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// programs are what the store knows of programs, once the condition holds for them.
func (b *bed) programs(what string, condition func([]store.Program) bool) (found []store.Program) {
	b.Helper()
	b.eventually(what, func() bool {
		var err error
		if found, err = b.store.(store.Programs).Programs(b.Context()); err != nil {
			b.Fatal(err)
		}
		return condition(found)
	})
	return found
}

// An engine tells the store what it is, that it is still there, and that it stops.
func TestProgramIsRecorded(t *testing.T) {
	onStores(t, func(b *bed) {
		c := newClock()
		config := b.config(c)
		config.Name, config.Version = "web-1/7", "v1.2.3"
		begin := store.StoredTime(c.Now())
		stop := b.run(b.engine(config, tickets(ticket.Decider{}, ticket.Handler{}), ledgers(ledger.Decider{}, ledger.Handler{})))

		p := b.programs("the program is recorded", func(p []store.Program) bool { return len(p) == 1 })[0]
		if p.Process != "web-1/7" || p.Version != "v1.2.3" || !p.StartedAt.Equal(begin) || !p.SeenAt.Equal(begin) || !p.StoppedAt.IsZero() {
			t.Errorf("got %+v", p)
		}
		text, err := b.store.(store.Programs).Manifest(b.Context(), p.Digest)
		if err != nil {
			t.Fatal(err)
		}
		m, err := workflow.ReadManifest(text)
		if err != nil {
			t.Fatal(err)
		}
		machine := m.Workflow("ticket").Machine
		if len(m.Workflows) != 2 || m.Workflow("cart") != nil || machine == nil || machine.Mermaid() != ticket.Machine().Mermaid() {
			t.Errorf("got %s", text)
		}
		for queue, kinds := range map[store.QueueName][]string{store.EffectQueue: {"FindAgent", "Notify"}, store.TimerQueue: {"Remind", "Expire"}} {
			for _, name := range kinds {
				if !m.Delivers(queue, store.Kind{Workflow: "ticket", Name: name}) {
					t.Errorf("%s are delivered: %v %v, without %s", queue, m.Effects, m.Timers, name)
				}
			}
		}
		if m.Delivers(store.EffectQueue, store.Kind{Workflow: "ticket", Name: "Remind"}) {
			t.Errorf("effects have a timer: %v", m.Effects)
		}
		if again, digest := m.Encode(); digest != p.Digest {
			t.Errorf("written again it has the digest %s in place of %s: %s", digest, p.Digest, again)
		}

		b.eventually("it is seen again", func() bool {
			c.advance(10 * time.Second)
			p = b.programs("it is there", func(p []store.Program) bool { return len(p) == 1 })[0]
			return !p.SeenAt.Before(begin.Add(30 * time.Second))
		})
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		p = b.programs("it has stopped", func(p []store.Program) bool { return !p[0].StoppedAt.IsZero() })[0]
		if !p.StoppedAt.Equal(store.StoredTime(c.Now())) || !p.StartedAt.Equal(begin) {
			t.Errorf("got %+v", p)
		}

		// A process that begins after a month forgets it.
		c.advance(31 * 24 * time.Hour)
		config.Name = "web-2/8"
		b.run(b.engine(config, tickets(ticket.Decider{}, ticket.Handler{})))
		b.programs("the old program is forgotten", func(p []store.Program) bool {
			return slices.IndexFunc(p, func(p store.Program) bool { return p.Process == "web-2/8" }) == 0 && len(p) == 1
		})
		b.wantTable("digest", "manifests", "", b.table("digest", "programs", "")...)
	})
}
