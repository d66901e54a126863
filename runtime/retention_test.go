package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ledger"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// archive is an archive in memory.
type archive struct {
	mu    sync.Mutex
	calls [][]runtime.ArchivedInstance
	keep  func([]runtime.ArchivedInstance) ([]runtime.InstanceKey, error)
}

func (a *archive) take(_ context.Context, instances []runtime.ArchivedInstance) ([]runtime.InstanceKey, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls = append(a.calls, slices.Clone(instances))
	if a.keep != nil {
		return a.keep(instances)
	}
	return nil, nil
}

// ids are the instances of each call.
func (a *archive) ids() (calls [][]string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, call := range a.calls {
		var ids []string
		for _, i := range call {
			ids = append(ids, i.Key.ID)
		}
		calls = append(calls, ids)
	}
	return calls
}

// close makes ledgers that are completed, a second after each other.
func closeLedgers(b *bed, c *clock, engine *runtime.Engine, ids ...string) {
	b.Helper()
	client := ledger.NewClient(engine)
	for _, id := range ids {
		added, err := client.Add(b.Context(), ledger.Add{Account: id, Amount: 1})
		must(b, added, err)
		closed, err := client.Close(b.Context(), ledger.Close{Account: id})
		must(b, closed, err)
		c.advance(time.Second)
	}
}

func wantReport(b *bed, engine *runtime.Engine, want runtime.RetentionReport) {
	b.Helper()
	got, err := engine.ApplyRetention(b.Context())
	if err != nil || got != want {
		b.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}

func TestRetentionOfInstances(t *testing.T) {
	onStores(t, func(b *bed) {
		c := newClock()
		a := &archive{}
		config := b.config(c)
		config.Retention = runtime.Retention{Completed: 2 * time.Hour, Archive: a.take, BatchSize: 2}
		engine := b.engine(config, ledgers(ledger.Decider{}, ledger.Handler{}), tickets(ticket.Decider{}, ticket.Handler{}))
		closeLedgers(b, c, engine, "0", "1", "2", "3", "4")
		out, err := ledger.NewClient(engine).Add(b.Context(), ledger.Add{Account: "active"})
		must(b, out, err)
		wantReport(b, engine, runtime.RetentionReport{}) // none is old enough

		history, err := ledger.NewClient(engine).History(b.Context(), "0")
		if err != nil {
			b.Fatal(err)
		}
		c.advance(2*time.Hour - 3*time.Second)
		wantReport(b, engine, runtime.RetentionReport{Instances: 2})
		c.advance(time.Hour)
		closeLedgers(b, c, engine, "young")
		wantReport(b, engine, runtime.RetentionReport{Instances: 3})
		wantReport(b, engine, runtime.RetentionReport{})
		if got, want := a.ids(), [][]string{{"0", "1"}, {"2", "3"}, {"4"}}; fmt.Sprint(got) != fmt.Sprint(want) {
			b.Errorf("archived %v, want %v", got, want)
		}
		b.wantTable("instance, version", "instances", "", "active 1", "young 2")
		b.wantTable("instance, version", "events", "", "active 1", "young 1", "young 2")

		first := a.calls[0][0]
		if first.Version != 2 || !first.Completed() || first.CreatedAt != epoch.Truncate(time.Microsecond) || len(first.Events) != 2 {
			b.Fatalf("archived %+v", first)
		}
		for i, event := range first.Events {
			if event.Type != history[i].Type || event.GlobalSequence != history[i].GlobalSequence || event.Instance.ID != "0" || len(event.Payload) == 0 {
				b.Errorf("archived %+v", event)
			}
		}
	})
}

// What a process remembers of an instance that was deleted is not taken for a later one of the same id and version.
func TestLaterInstanceOfTheSameID(t *testing.T) {
	onStores(t, func(b *bed) {
		ctx := b.Context()
		c := newClock()
		config := b.config(c)
		config.Retention = runtime.Retention{Completed: 2 * time.Hour}
		decider := ledger.Decider{OnAdd: func(_ time.Time, s ledger.State, in ledger.Add) ledger.AddDecision {
			return ledger.AcceptAdd(ledger.Added{Amount: s.Total + in.Amount})
		}}
		engine, other := b.engine(config, ledgers(decider, ledger.Handler{})), b.engine(config, ledgers(decider, ledger.Handler{}))
		client, elsewhere := ledger.NewClient(engine), ledger.NewClient(other)
		add := func(client *ledger.Client, account string, amount int64) ledger.AddOutcome {
			b.Helper()
			out, err := client.Add(ctx, ledger.Add{Account: account, Amount: amount})
			return must(b, out, err)
		}
		add(client, "active", 100) // remembered as active at version 1
		add(client, "done", 100)
		for _, id := range []string{"done", "active"} {
			closer := map[string]*ledger.Client{"done": client, "active": elsewhere}[id]
			closed, err := closer.Close(ctx, ledger.Close{Account: id})
			must(b, closed, err)
		}
		late, err := client.Add(ctx, ledger.Add{Account: "done"}) // remembered as completed
		if err != nil || !late.AlreadyCompleted() {
			b.Fatalf("got %v, %v", late, err)
		}
		for range 4 { // somebody asks now and then
			c.advance(31 * time.Minute)
			if late, err := client.Add(ctx, ledger.Add{Account: "done"}); err != nil || !late.AlreadyCompleted() {
				b.Fatalf("got %v, %v", late, err)
			}
		}
		wantReport(b, other, runtime.RetentionReport{Instances: 2})
		for _, id := range []string{"done", "active"} {
			add(elsewhere, id, 1)
		}
		c.advance(time.Hour)
		for _, id := range []string{"done", "active"} {
			out := add(client, id, 1)
			if out.Version != 2 || out.Events[0] != (ledger.Added{Amount: 2}) {
				b.Errorf("%s: got %v, which is not what follows from its only event", id, out)
			}
		}
	})
}

// What the archive wants to keep stays, is in nobody's way, and is offered again.
func TestRetentionKeepsWhatTheArchiveRefuses(t *testing.T) {
	onStores(t, func(b *bed) {
		c := newClock()
		a := &archive{}
		config := b.config(c)
		config.Retention = runtime.Retention{Completed: 2 * time.Hour, Archive: a.take, BatchSize: 2}
		engine := b.engine(config, ledgers(ledger.Decider{}, ledger.Handler{}))
		closeLedgers(b, c, engine, "0", "1", "2", "3", "4", "5")
		c.advance(3 * time.Hour)

		full := errors.New("the disk is full")
		a.keep = func([]runtime.ArchivedInstance) ([]runtime.InstanceKey, error) { return nil, full }
		b.unchanged(func() {
			report, err := engine.ApplyRetention(b.Context())
			if !errors.Is(err, full) || report != (runtime.RetentionReport{Kept: 2}) {
				b.Errorf("got %+v, %v", report, err)
			}
			wantError(b, err, "retention of workflow ledger", "ledger/0")
		})
		a.keep = func([]runtime.ArchivedInstance) ([]runtime.InstanceKey, error) { panic("no archive") }
		b.unchanged(func() {
			_, err := engine.ApplyRetention(b.Context())
			if _, panicked := errors.AsType[*runtime.PanicError](err); !panicked {
				b.Errorf("got error %v", err)
			}
		})
		a.calls = nil
		a.keep = func(instances []runtime.ArchivedInstance) (keep []runtime.InstanceKey, err error) {
			for _, i := range instances {
				if i.Key.ID == "0" || i.Key.ID == "1" || i.Key.ID == "4" {
					keep = append(keep, i.Key)
				}
			}
			return keep, nil
		}
		wantReport(b, engine, runtime.RetentionReport{Instances: 3, Kept: 3})
		b.wantTable("instance", "instances", "", "0", "1", "4")
		wantReport(b, engine, runtime.RetentionReport{Kept: 3})
		if got, want := a.ids(), [][]string{{"0", "1"}, {"2", "3"}, {"4", "5"}, {"0", "1"}, {"4"}}; fmt.Sprint(got) != fmt.Sprint(want) {
			b.Errorf("archived %v, want %v", got, want)
		}
		a.keep = nil
		wantReport(b, engine, runtime.RetentionReport{Instances: 3})
		b.wantTable("instance", "events", "")
	})
}

// Without an archive nothing is read before it is deleted. Effects, dead ones too, keep their instance.
func TestRetentionWaitsForEffects(t *testing.T) {
	onStores(t, func(b *bed) {
		c := newClock()
		config := b.config(c)
		config.EffectRetry.MaxAttempts = 1
		config.Retention = runtime.Retention{CompletedOf: map[string]time.Duration{"ledger": 2 * time.Hour}, Completed: 1000 * time.Hour}
		engine := b.engine(config, ledgers(ledger.Decider{
			OnClose: func(time.Time, ledger.State, ledger.Close) ledger.CloseDecision {
				return ledger.AcceptClose(ledger.LedgerClosed{})
			},
			OnAdd: func(_ time.Time, _ ledger.State, in ledger.Add) ledger.AddDecision {
				return ledger.AcceptAdd(ledger.Added{}).Effect(ledger.Audit{})
			},
		}, ledger.Handler{OnAudit: func(context.Context, ledger.Audit, runtime.EffectCall) (ledger.AuditResult, error) {
			return nil, errors.New("no")
		}}))
		closeLedgers(b, c, engine, "a")
		c.advance(3 * time.Hour)
		wantReport(b, engine, runtime.RetentionReport{})
		b.run(engine)
		b.eventually("the effect is dead", func() bool { return b.health(engine).Effects.Total().Dead == 1 })
		wantReport(b, engine, runtime.RetentionReport{})
		n, err := engine.DiscardDeadLettersWhere(b.Context(), runtime.Discard{Reason: "r"}, runtime.DeadLetterFilter{Workflow: "ledger"})
		if n != 1 || err != nil {
			b.Fatal(n, err)
		}
		if _, err := engine.ApplyRetention(b.Context()); err != nil { // what Run does may be faster
			b.Fatal(err)
		}
		b.eventuallyTable("instance", "instances", "")
		b.wantTable("reason", "discarded_letters", "", "r")
	})
}

// Run does it once for all processes, and again after each interval.
func TestRetentionInTheBackground(t *testing.T) {
	onStores(t, func(b *bed) {
		c := newClock()
		a := &archive{}
		config := b.config(c)
		config.Retention = runtime.Retention{Completed: 2 * time.Hour, Archive: a.take, Interval: 10 * time.Minute}
		var engines []*runtime.Engine
		for range 3 {
			engines = append(engines, b.engine(config, ledgers(ledger.Decider{}, ledger.Handler{})))
		}
		closeLedgers(b, c, engines[0], "0", "1", "2")
		c.advance(2 * time.Hour)
		var stops []func() error
		for _, engine := range engines {
			stops = append(stops, b.run(engine))
		}
		b.eventuallyTable("instance", "instances", "")
		b.wantLog("retention of workflow ledger", "deleted=3", "kept=0")
		closeLedgers(b, c, engines[1], "3")
		b.eventually("all wait", func() bool { return c.sleepers(10*time.Minute) == 3 })
		c.advance(2 * time.Hour)
		b.eventuallyTable("instance", "instances", "")
		for _, stop := range stops {
			if err := stop(); err != nil {
				b.Error(err)
			}
		}
		if got, want := a.ids(), [][]string{{"0", "1", "2"}, {"3"}}; fmt.Sprint(got) != fmt.Sprint(want) {
			b.Errorf("archived %v, want %v", got, want)
		}
		b.wantTable("name, token", "chores", "", "retention of workflow ledger 2")
	})
}

// An event that a projection has not read yet stays.
func TestRetentionWaitsForProjections(t *testing.T) {
	onStores(t, func(b *bed) {
		c := newClock()
		config := b.config(c)
		config.Retention = runtime.Retention{Completed: 2 * time.Hour}
		closing := b.engine(config, ledgers(ledger.Decider{}, ledger.Handler{}))
		closeLedgers(b, c, closing, "a", "b")
		c.advance(3 * time.Hour)
		err := b.store.UpdateProjection(b.Context(), "report", func(s *store.ProjectionState) error {
			s.Position = 3 // of four events
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
		wantReport(b, closing, runtime.RetentionReport{Instances: 1})
		b.wantTable("instance", "instances", "", "b")
		err = b.store.UpdateProjection(b.Context(), "report", func(s *store.ProjectionState) error {
			s.Position = 4
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
		wantReport(b, closing, runtime.RetentionReport{Instances: 1})
	})
}

func TestRetentionOfRecords(t *testing.T) {
	onStores(t, func(b *bed) {
		ctx := b.Context()
		c := newClock()
		config := b.config(c)
		config.Observe = func(runtime.InstanceKey, string) bool { return true }
		config.Retention = runtime.Retention{Observations: time.Hour, InputOutcomes: 2 * time.Hour, Discarded: 3 * time.Hour, BatchSize: 1}
		engine := b.engine(config, ledgers(ledger.Decider{}, ledger.Handler{}))
		client := ledger.NewClient(engine)
		for n := range 25 {
			out, err := client.Add(ctx, ledger.Add{Account: "a"}, runtime.WithInputID(fmt.Sprint(n)))
			must(b, out, err)
		}
		wantReport(b, engine, runtime.RetentionReport{})
		c.advance(time.Hour + time.Second)
		wantReport(b, engine, runtime.RetentionReport{Observations: 25})
		out, err := client.Add(ctx, ledger.Add{Account: "a"}, runtime.WithInputID("0"))
		if err != nil || out.Version != 1 {
			b.Errorf("got %v, %v, want the outcome of before", out, err)
		}
		c.advance(time.Hour)
		report, err := engine.ApplyRetention(ctx)
		if err != nil || report.InputOutcomes != 25 {
			b.Errorf("got %+v, %v", report, err)
		}
		out, err = client.Add(ctx, ledger.Add{Account: "a"}, runtime.WithInputID("0"))
		if must(b, out, err); out.Version != 26 {
			b.Errorf("got %v, want a decision of its own", out)
		}
	})
}

func TestRetentionConfig(t *testing.T) {
	t.Parallel()
	b := openFile(t)
	for want, retention := range map[string]runtime.Retention{
		"Retention.Completed":            {Completed: -1},
		`Retention.CompletedOf["a"]`:     {CompletedOf: map[string]time.Duration{"a": -1}},
		"Retention.BatchSize":            {BatchSize: -1},
		"Retention.Interval":             {Interval: -1},
		`workflow "a" is not registered`: {CompletedOf: map[string]time.Duration{"a": 0}},
	} {
		_, err := runtime.NewEngine(b.store, runtime.Config{Retention: retention}, ledgers(ledger.Decider{}, ledger.Handler{}))
		wantError(t, err, want)
	}
}

// Tests need not wait for two hours, if they say that they are tests.
func TestRetentionForTests(t *testing.T) {
	t.Parallel()
	b := openFile(t)
	config := b.realConfig()
	config.Retention.Completed = time.Millisecond
	_, err := runtime.NewEngine(b.store, config, tickets(ticket.Decider{}, ticket.Handler{}))
	wantError(t, err, "Config.Retention.Completed is 1ms", "Config.Retention.ForTests")
	config.Retention.ForTests = true
	engine := b.engine(config, tickets(ticket.Decider{}, ticket.Handler{}))
	b.open(engine, "a")
	solved, err := ticket.NewClient(engine).Solve(b.Context(), ticket.Solve{ID: "a"})
	must(b, solved, err)
	b.eventually("it is deleted", func() bool {
		report, err := engine.ApplyRetention(b.Context())
		return err == nil && report.Instances == 1
	})
}
