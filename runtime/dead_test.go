package runtime_test

import (
	"context"
	"errors"
	"log/slog"
	goruntime "runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
	"github.com/ironflow-gen/ironflow/runtime/workflow"
)

// The workflow is told that its effect is dead although that fails at first. The handler, which has said its last word, is not
// called again for it, and what it said is what the workflow and the dead letter say.
func TestTellingOfADeadEffectFails(t *testing.T) {
	for name, failure := range map[string]struct {
		fail  func() error
		calls int32
		says  string
	}{
		"permanent": {func() error { return runtime.Permanent(errors.New("no such subject")) }, 1, "effect FindAgent: no such subject"},
		"used up":   {func() error { return errors.New("nobody answers") }, 3, "attempt 3 of 3: effect FindAgent: nobody answers"},
		"goexit": {func() error { goruntime.Goexit(); return nil }, 3,
			"attempt 3 of 3: user code ended its goroutine (runtime.Goexit; t.FailNow does that)"},
	} {
		t.Run(name, func(t *testing.T) {
			onStores(t, func(b *bed) {
				var calls, told atomic.Int32
				var reason atomic.Value
				workflow := withOptions(tickets(ticket.Decider{
					OnOpen: opened(ticket.FindAgent{Subject: "s"}),
					OnNobodyFree: func(_ time.Time, _ ticket.State, in ticket.NobodyFree) ticket.NobodyFreeDecision {
						if told.Add(1) <= 5 {
							panic("not now")
						}
						reason.Store(in.Reason)
						return ticket.AcceptNobodyFree(ticket.Closed{Reason: in.Reason})
					},
				}, ticket.Handler{
					OnFindAgent: func(context.Context, ticket.FindAgent, runtime.EffectCall) (ticket.FindAgentResult, error) {
						calls.Add(1)
						return nil, failure.fail()
					},
				}), "FindAgent", func(o *workflow.EffectOptions) {
					o.Dead = &workflow.DeadInput{Input: "NobodyFree", Error: "reason"}
				})
				engine := b.engine(b.realConfig(), workflow)
				b.open(engine, "a")
				b.run(engine)
				b.eventuallyTable("last_error", "effects", "WHERE died_at IS NOT NULL", failure.says)
				if n := calls.Load(); n != failure.calls {
					b.Errorf("the handler was called %d times, want %d", n, failure.calls)
				}
				if got := reason.Load(); got != failure.says {
					b.Errorf("the workflow was told %q, want %q", got, failure.says)
				}
			})
		})
	}
}

// User code that ends its goroutine while the workflow is told that its effect is dead costs that attempt at telling, and no lease: the
// workflow is told by the next attempt.
func TestGoexitWhileADeadEffectIsTold(t *testing.T) {
	const says = "effect FindAgent: nobody there"
	for where, hook := range map[string]func(*runtime.Config, *runtime.Workflow, func(input string)){
		"codec": func(_ *runtime.Config, w *runtime.Workflow, exit func(string)) {
			w.Erased = hookedCodec{w.Erased, exit}
		},
		"telemetry": func(c *runtime.Config, _ *runtime.Workflow, exit func(string)) {
			c.Telemetry = inputHook{started: exit}
		},
		"the end of telemetry": func(c *runtime.Config, _ *runtime.Workflow, exit func(string)) {
			c.Telemetry = inputHook{ended: exit}
		},
		"log": func(c *runtime.Config, _ *runtime.Workflow, exit func(string)) {
			c.Logger = slog.New(logHook{c.Logger.Handler(), func() { exit("NobodyFree") }})
		},
	} {
		t.Run(where, func(t *testing.T) {
			onStores(t, func(b *bed) {
				workflow := withOptions(tickets(ticket.Decider{OnOpen: opened(ticket.FindAgent{Subject: "s"})}, ticket.Handler{
					OnFindAgent: func(context.Context, ticket.FindAgent, runtime.EffectCall) (ticket.FindAgentResult, error) {
						return nil, runtime.Permanent(errors.New("nobody there"))
					},
				}), "FindAgent", func(o *workflow.EffectOptions) {
					o.Dead = &workflow.DeadInput{Input: "NobodyFree", Error: "reason"}
				})
				config := b.realConfig()
				var asked atomic.Int32
				hook(&config, workflow, func(input string) {
					if input == "NobodyFree" && asked.Add(1) <= 2 {
						goruntime.Goexit()
					}
				})
				engine := b.engine(config, workflow)
				b.open(engine, "a")
				b.run(engine)
				b.eventuallyTable("last_error", "effects", "WHERE died_at IS NOT NULL", says)
				b.eventually("the leases are let go", func() bool {
					health, err := engine.Health(b.Context())
					return err == nil && health.Effects.Busy == 0
				})
				b.wantTable("type", "events", "", "Closed", "Opened")
				if asked.Load() == 0 {
					b.Error("the hook was not called")
				}
			})
		})
	}
}

// hookedCodec tells of the inputs that are made of the fields of dead effects.
type hookedCodec struct {
	workflow.Erased
	decoding func(input string)
}

func (c hookedCodec) InputOf(name string, fields []byte) (any, error) {
	c.decoding(name)
	return c.Erased.InputOf(name, fields)
}

// inputHook tells of the inputs that a Telemetry is told of.
type inputHook struct {
	telemetry.NoTelemetry
	started, ended func(input string)
}

func (h inputHook) StartInput(_ context.Context, start telemetry.InputStart) (string, func(telemetry.InputEnd)) {
	if h.started != nil {
		h.started(start.Input)
	}
	return "", func(telemetry.InputEnd) {
		if h.ended != nil {
			h.ended(start.Input)
		}
	}
}

// logHook tells of the records that are logged.
type logHook struct {
	slog.Handler
	logged func()
}

func (h logHook) Handle(ctx context.Context, record slog.Record) error {
	h.logged()
	return h.Handler.Handle(ctx, record)
}

func (h logHook) WithAttrs(attrs []slog.Attr) slog.Handler {
	return logHook{h.Handler.WithAttrs(attrs), h.logged}
}

// A dead letter whose instance accepted the input that tells of it is settled: it is not counted, not retried with the others, and
// does not keep its instance. Whoever asks for it finds it, and can retry it by its name.
func TestDeadLetterThatTheInstanceWasToldOf(t *testing.T) {
	onStores(t, func(b *bed) {
		c := newClock()
		var charged atomic.Int32
		workflow := withOptions(tickets(ticket.Decider{
			OnOpen: opened(ticket.FindAgent{Subject: "s"}),
			OnNobodyFree: func(_ time.Time, _ ticket.State, in ticket.NobodyFree) ticket.NobodyFreeDecision {
				if in.ID == "busy" {
					return ticket.RejectNobodyFree(ticket.Busy{})
				}
				return ticket.AcceptNobodyFree(ticket.Closed{Reason: in.Reason})
			},
		}, ticket.Handler{
			OnFindAgent: func(context.Context, ticket.FindAgent, runtime.EffectCall) (ticket.FindAgentResult, error) {
				charged.Add(1)
				return nil, runtime.Permanent(errors.New("nobody there"))
			},
		}), "FindAgent", func(o *workflow.EffectOptions) {
			o.Dead = &workflow.DeadInput{Input: "NobodyFree", Error: "reason"}
		})
		config := b.config(c)
		config.Retention.Completed = 3 * time.Hour
		engine := b.engine(config, workflow)
		stop := b.run(engine)
		b.open(engine, "told")
		b.open(engine, "busy")
		b.eventually("both effects are dead", func() bool { return len(b.table("*", "effects", "WHERE died_at IS NOT NULL")) == 2 })

		ctx := b.Context()
		list := func(told store.ToldFilter) (ids []string, letters []runtime.Lease) {
			b.Helper()
			filter := runtime.DeadLetterFilter{Told: told}
			page, err := engine.DeadLetters(ctx, runtime.DeadLetterQuery{DeadLetterFilter: filter})
			if err != nil {
				b.Fatal(err)
			}
			counts, err := engine.CountDeadLetters(ctx, filter)
			if err != nil || len(counts) != 1 || int(counts[0].Count) != len(page.Items) {
				b.Errorf("%q: counted %v, error %v, listed %v", told, counts, err, page.Items)
			}
			for _, d := range page.Items {
				ids, letters = append(ids, d.Lease.Instance.ID), append(letters, d.Lease)
				if d.ToldAt.IsZero() != (d.Lease.Instance.ID == "busy") {
					b.Errorf("got %+v", d)
				}
			}
			return slices.Sorted(slices.Values(ids)), letters
		}
		for told, want := range map[store.ToldFilter][]string{
			store.NotTold: {"busy"}, runtime.OnlyTold: {"told"}, runtime.ToldOrNot: {"busy", "told"},
		} {
			if got, _ := list(told); !slices.Equal(got, want) {
				b.Errorf("%q: got %v, want %v", told, got, want)
			}
		}
		if _, err := engine.DeadLetters(ctx, runtime.DeadLetterQuery{DeadLetterFilter: runtime.DeadLetterFilter{Told: "perhaps"}}); err == nil {
			b.Error("an unknown filter was taken")
		}
		health, err := engine.Health(ctx)
		if err != nil || health.Effects.Total().Dead != 1 {
			b.Errorf("got %+v, error %v", health.Effects, err)
		}
		why, err := engine.Why(ctx, ticketKey("told"), 1)
		if err != nil || !strings.Contains(why.String(), "the instance was told") {
			b.Errorf("got %v, error %v", why, err)
		}

		// A retry of all, and a discard of all, leave it alone.
		if n, err := engine.RetryDeadLettersWhere(ctx, runtime.DeadLetterFilter{}); n != 1 || err != nil {
			b.Errorf("retried %d, error %v", n, err)
		}
		b.eventually("the other one is dead again", func() bool {
			return charged.Load() == 3 && len(b.table("*", "effects", "WHERE died_at IS NOT NULL")) == 2
		})
		discard := runtime.Discard{Reason: "enough"}
		if n, err := engine.DiscardDeadLettersWhere(ctx, discard, runtime.DeadLetterFilter{Workflow: "ticket"}); n != 1 || err != nil {
			b.Errorf("discarded %d, error %v", n, err)
		}
		if _, err := engine.DiscardDeadLettersWhere(ctx, discard, runtime.DeadLetterFilter{Told: runtime.ToldOrNot}); err == nil {
			b.Error("a filter that names nothing would discard every dead letter")
		}

		// It does not keep its instance.
		_, letters := list(runtime.OnlyTold)
		if err := stop(); err != nil {
			b.Fatal(err)
		}
		c.advance(4 * time.Hour)
		report, err := engine.ApplyRetention(ctx)
		if err != nil || report.Instances != 1 {
			b.Errorf("got %+v, error %v", report, err)
		}
		if gone, err := engine.RetryDeadLetters(ctx, letters...); err != nil || len(gone) != 1 {
			b.Errorf("gone %v, error %v", gone, err)
		}
	})
}
