package runtime_test

import (
	"context"
	"errors"
	"fmt"
	goruntime "runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ledger"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// witness is a Telemetry that notes what it is told, a line each.
type witness struct {
	telemetry.NoTelemetry
	mu     sync.Mutex
	lines  []string
	leased telemetry.Leased // by all commits
}

func (w *witness) note(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lines = append(w.lines, fmt.Sprintf(format, args...))
}

func (w *witness) noted(line string) (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, l := range w.lines {
		if l == line {
			n++
		}
	}
	return n
}

// wants says that these lines are noted, each as often as it stands there.
func (w *witness) wants(b *bed, lines ...string) {
	b.Helper()
	for _, line := range lines {
		want := len(slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return l != line }))
		b.eventually(fmt.Sprintf("%q is reported", line), func() bool { return w.noted(line) >= want })
		if got := w.noted(line); got != want {
			b.Errorf("%q is reported %d times, want %d", line, got, want)
		}
	}
}

func (w *witness) StartInput(_ context.Context, in telemetry.InputStart) (string, func(telemetry.InputEnd)) {
	return "", func(end telemetry.InputEnd) {
		var typed any
		if end.Err != nil {
			typed = errorOf(end.Err)
		}
		w.note("input %s %s %q version %d events %d repeated %v error %v", in.Instance, in.Input, end.Outcome, end.Version, end.Events,
			end.Repeated, typed)
	}
}

// errorOf is the type of an error's cause.
func errorOf(err error) string {
	for next := err; next != nil; next = errors.Unwrap(err) {
		err = next
	}
	return fmt.Sprintf("%T", err)
}

func (w *witness) StartDelivery(ctx context.Context, d telemetry.DeliveryStart) (context.Context, func(telemetry.DeliveryEnd)) {
	return ctx, func(end telemetry.DeliveryEnd) {
		w.note("delivery %s %s attempt %d %s again %v error %v", d.Lease.Queue, d.Kind.Name, d.Attempt, end.Result, !end.Again.IsZero(),
			end.Err != nil)
	}
}

type projectionKey struct{}

func (w *witness) StartProjection(ctx context.Context, p telemetry.ProjectionStart) (context.Context, func(telemetry.ProjectionEnd)) {
	return context.WithValue(ctx, projectionKey{}, p.Projection), func(end telemetry.ProjectionEnd) {
		w.note("projection %s events %d reset %v error %v lost %v", p.Projection, p.Events, p.Reset, end.Err != nil, end.Lost)
	}
}

func (w *witness) Committed(c telemetry.CommitReport) {
	w.mu.Lock()
	w.leased.Effects += c.Leased.Effects
	w.leased.Timers += c.Leased.Timers
	w.mu.Unlock()
	w.note("commit inputs %d instances %d events %d observations %d apart %v error %v", c.Inputs, c.Instances, c.Events, c.Observations,
		c.Apart, c.Err)
}

// wantLeased checks what the commits say that they have leased.
func (w *witness) wantLeased(b *bed, effects, timers int) {
	b.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if want := (telemetry.Leased{Effects: effects, Timers: timers}); w.leased != want {
		b.Errorf("the commits have leased %+v, want %+v", w.leased, want)
	}
}

func (w *witness) DeadLettersEnded(d telemetry.DeadLettersReport) {
	w.note("dead letters retried %d discarded %d", d.Retried, d.Discarded)
}

func (w *witness) Deleted(d telemetry.DeletionReport) {
	w.note("deleted %s of %q: %d, kept %d, error %v", d.Records, d.Workflow, d.Deleted, d.Kept, d.Err)
}

func TestTelemetryOfInputs(t *testing.T) {
	onStores(t, func(b *bed) {
		w := &witness{}
		config := b.config(newClock())
		config.Telemetry = w
		config.Observe = func(_ runtime.InstanceKey, input string) bool { return input != "Note" }
		alone := runtime.InstanceKey{Workflow: "ticket", ID: "alone"}
		engine := b.engineOn(apart{b.store, map[runtime.InstanceKey]bool{alone: true}}, config, tickets(ticket.Decider{
			OnNote: func(_ time.Time, _ ticket.State, in ticket.Note) ticket.NoteDecision { panic("no notes") },
			OnResume: func(time.Time, ticket.State, ticket.Resume) ticket.ResumeDecision {
				goruntime.Goexit()
				return ticket.ResumeDecision{}
			},
		}, ticket.Handler{}))
		client := ticket.NewClient(engine)
		open := ticket.Open{ID: "a", Subject: "s"}
		for range 2 {
			out, err := client.Open(b.Context(), open, runtime.WithInputID("first"))
			must(b, out, err)
		}
		if out, err := client.Open(b.Context(), open); err != nil || !out.Rejected() {
			b.Fatalf("got %v, %v", out, err)
		}
		if out, err := client.Open(b.Context(), ticket.Open{ID: alone.ID, Subject: alone.ID}); err != nil || !out.Accepted() {
			b.Fatalf("got %v, %v", out, err)
		}
		if _, err := client.Open(b.Context(), ticket.Open{ID: "b", Subject: "s"}); err == nil {
			b.Fatal("the key is taken twice")
		}
		if _, err := client.Note(b.Context(), ticket.Note{ID: "a"}); err == nil {
			b.Fatal("the panic is no error")
		}
		out, err := client.Hold(b.Context(), ticket.Hold{ID: "a"})
		must(b, out, err)
		if out, err := client.Hold(b.Context(), ticket.Hold{ID: "a"}); err != nil || !out.Rejected() { // it waits already
			b.Fatalf("got %v, %v", out, err)
		}
		if _, err := client.Resume(b.Context(), ticket.Resume{ID: "a"}); err == nil {
			b.Fatal("the end of the goroutine is no error")
		}
		if err := engine.PauseWorkflow(b.Context(), runtime.Pause{Workflow: "ticket", RefuseInputs: true}); err != nil {
			b.Fatal(err)
		}
		if _, err := client.Solve(b.Context(), ticket.Solve{ID: "a"}); err == nil {
			b.Fatal("it is not paused")
		}
		w.wants(b,
			`input ticket/a Open "accepted" version 1 events 1 repeated false error <nil>`,
			`input ticket/a Open "accepted" version 1 events 1 repeated true error <nil>`,
			`input ticket/a Open "rejected" version 1 events 0 repeated false error <nil>`,
			`input ticket/alone Open "accepted" version 1 events 1 repeated false error <nil>`,
			`input ticket/b Open "" version 0 events 0 repeated false error *store.UniqueKeyConflict`,
			`input ticket/a Note "" version 0 events 0 repeated false error *store.PanicError`,
			`input ticket/a Hold "accepted" version 2 events 1 repeated false error <nil>`,
			`input ticket/a Hold "rejected" version 2 events 0 repeated false error <nil>`,
			`input ticket/a Resume "" version 0 events 0 repeated false error *errors.errorString`,
			`input ticket/a Solve "" version 0 events 0 repeated false error *store.WorkflowPaused`,

			`commit inputs 1 instances 1 events 1 observations 1 apart false error <nil>`, // Open, which is repeated without one
			`commit inputs 1 instances 1 events 0 observations 1 apart false error <nil>`, // its rejection
			`commit inputs 1 instances 1 events 1 observations 1 apart true error <nil>`,
			`commit inputs 1 instances 1 events 0 observations 0 apart false error <nil>`, // the key that is taken
			`commit inputs 1 instances 1 events 1 observations 1 apart false error <nil>`, // Hold
			`commit inputs 1 instances 1 events 0 observations 1 apart false error <nil>`,
			`commit inputs 1 instances 1 events 0 observations 0 apart false error <nil>`, // the panic
			`commit inputs 0 instances 0 events 0 observations 0 apart false error user code ended its goroutine (runtime.Goexit; t.FailNow does that)`,
		)
	})
}

func TestTelemetryOfDeliveries(t *testing.T) {
	onStores(t, func(b *bed) {
		w := &witness{}
		config := b.realConfig()
		config.Telemetry = w
		config.EffectRetry.MaxAttempts = 3
		failures := map[int]error{1: errors.New("once"), 2: runtime.Snooze(time.Millisecond)}
		var mu sync.Mutex
		calls := 0
		engine := b.engine(config, tickets(ticket.Decider{OnOpen: opened(ticket.Notify{}, ticket.FindAgent{})}, ticket.Handler{
			OnNotify: func(context.Context, ticket.Notify, runtime.EffectCall) error {
				mu.Lock()
				defer mu.Unlock()
				calls++
				return failures[calls]
			},
			OnFindAgent: func(context.Context, ticket.FindAgent, runtime.EffectCall) (ticket.FindAgentResult, error) {
				return nil, runtime.Permanent(errors.New("nobody there"))
			},
		}))
		b.run(engine)
		out, err := ticket.NewClient(engine).Open(b.Context(), ticket.Open{ID: "a", Subject: "s"})
		must(b, out, err)
		w.wants(b,
			"delivery effects Notify attempt 1 retry again true error true",
			"delivery effects Notify attempt 2 snoozed again true error true",
			"delivery effects Notify attempt 2 done again false error false",
			"delivery effects FindAgent attempt 1 dead again false error true",
		)
		b.eventually("it is a dead letter", func() bool {
			page, err := engine.DeadLetters(b.Context(), runtime.DeadLetterQuery{})
			if err != nil || len(page.Items) != 1 {
				return false
			}
			_, err = engine.DiscardDeadLetters(b.Context(), runtime.Discard{Reason: "test"}, page.Items[0].Lease)
			return err == nil
		})
		w.wants(b, "dead letters retried 0 discarded 1")
	})
}

// A firing that is left out is no dead letter, nor is it done.
func TestTelemetryOfFirings(t *testing.T) {
	onStores(t, func(b *bed) {
		for _, test := range []struct {
			input  string
			missed workflow.Missed
			want   string
		}{
			{"Tick", workflow.MissedSkip, "delivery timers schedule:count attempt 1 skipped again true error false"},
			{"Close", workflow.MissedLatest, "delivery timers schedule:count attempt 1 skipped again true error true"}, // panics
			{"Unheard", workflow.MissedLatest, "delivery timers schedule:count attempt 1 left again true error true"},
		} {
			c, w := newClock(), &witness{}
			config := b.config(c)
			config.PollInterval, config.Telemetry = time.Second, w
			config.TimerRetry.MaxAttempts = 1
			decider := ledger.Decider{OnClose: func(time.Time, ledger.State, ledger.Close) ledger.CloseDecision { panic("broken") }}
			stop := b.run(b.engine(config, scheduled(decider, workflow.ScheduledInput{
				Name: "count", Input: test.input, Instance: "a",
				Recurrence: workflow.Recurrence{Schedule: "@every 1h", Missed: test.missed},
			})))
			b.eventually("it is scheduled", func() bool { return len(b.table("*", "timers", "")) == 1 })
			c.advance(2*time.Hour + 10*time.Minute)
			b.advanceUntil(c, time.Second, test.want, func() bool { return w.noted(test.want) > 0 })
			if err := stop(); err != nil {
				b.Fatal(err)
			}
			b.exec("DELETE FROM {p}timers")
		}
	})
}

func TestTelemetryOfProjections(t *testing.T) {
	onStores(t, func(b *bed) {
		w := &witness{}
		config := b.projectionConfig()
		config.Telemetry = w
		seen := make(chan any, 100)
		engine, client := b.projecting(config, journal{before: func(ctx context.Context, e runtime.StoredEvent) error {
			seen <- ctx.Value(projectionKey{})
			if e.Version == 2 {
				return runtime.Permanent(errors.New("poison"))
			}
			return nil
		}})
		b.run(engine)
		add := func() {
			out, err := client.Add(b.Context(), ledger.Add{Account: "a", Amount: 1})
			must(b, out, err)
		}
		add()
		w.wants(b, "projection journal events 1 reset false error false lost false")
		if got := wait(b, "the projection runs", seen); got != "journal" {
			b.Errorf("the projection's context has %v", got)
		}
		add()
		w.wants(b, "projection journal events 1 reset false error true lost false", // in a batch, and by itself
			"projection journal events 1 reset false error true lost false")
		if err := engine.RebuildProjection(b.Context(), "journal"); err != nil {
			b.Fatal(err)
		}
		w.wants(b, "projection journal events 0 reset true error false lost false")
	})
}

func TestTelemetryOfRetention(t *testing.T) {
	onStores(t, func(b *bed) {
		c, w := newClock(), &witness{}
		config := b.config(c)
		config.Telemetry = w
		config.Observe = func(runtime.InstanceKey, string) bool { return true }
		archive := &archive{keep: func(all []runtime.ArchivedInstance) ([]runtime.InstanceKey, error) {
			return []runtime.InstanceKey{all[0].Key}, nil
		}}
		config.Retention = runtime.Retention{Completed: 2 * time.Hour, Observations: time.Hour, Archive: archive.take}
		engine := b.engine(config, ledgers(ledger.Decider{}, ledger.Handler{}))
		closeLedgers(b, c, engine, "0", "1", "2")
		c.advance(90 * time.Minute)
		wantReport(b, engine, runtime.RetentionReport{Observations: 6})
		c.advance(time.Hour)
		wantReport(b, engine, runtime.RetentionReport{Instances: 2, Kept: 1})
		w.wants(b,
			`deleted instances of "ledger": 0, kept 0, error <nil>`, `deleted observations of "": 6, kept 0, error <nil>`,
			`deleted instances of "ledger": 2, kept 1, error <nil>`, `deleted observations of "": 0, kept 0, error <nil>`,
		)
	})
}
