package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	goruntime "runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ledger"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
)

// hostile is an error whose methods do what they are told.
type hostile struct{ onError, onUnwrap, onIs, onAs func() }

func call(f func()) {
	if f != nil {
		f()
	}
}
func (h hostile) Error() string { call(h.onError); return "hostile" }
func (h hostile) Unwrap() error { call(h.onUnwrap); return nil }
func (h hostile) Is(error) bool { call(h.onIs); return false }
func (h hostile) As(any) bool   { call(h.onAs); return false }

type endless struct{}

func (e endless) Error() string { return "endless" }
func (e endless) Unwrap() error { return e }

// agrees says that it is every error.
type agrees struct{}

func (agrees) Error() string { return "agrees" }
func (agrees) Is(error) bool { return true }
func (agrees) As(target any) bool {
	to := reflect.ValueOf(target).Elem()
	if to.Kind() == reflect.Pointer {
		to.Set(reflect.New(to.Type().Elem()))
	}
	return true
}

// tangle wraps nothing, itself and others, many times.
type tangle struct{}

func (t tangle) Error() string   { return "tangle" }
func (t tangle) Unwrap() []error { return []error{nil, t, (*fs.PathError)(nil), t, nil} }

// hostileErrors are errors of user code, with what is said of them.
func hostileErrors() map[string]struct {
	err  error
	says string
} {
	panics, exits := func() { panic("no") }, func() { goruntime.Goexit() }
	var typedNil *fs.PathError
	return map[string]struct {
		err  error
		says string
	}{
		"typed nil":            {typedNil, "a nil *fs.PathError was returned as an error"},
		"wrapped typed nil":    {errors.Join(errors.New("first"), hostile{onUnwrap: panics}), "first\nhostile"},
		"Error panics":         {hostile{onError: panics}, "whose method Error panicked"},
		"Error exits":          {hostile{onError: exits}, "whose method Error ended its goroutine"},
		"Is panics":            {hostile{onIs: panics}, "hostile"},
		"As panics":            {hostile{onAs: panics}, "hostile"},
		"Unwrap exits":         {hostile{onUnwrap: exits}, "hostile"},
		"Unwrap never ends":    {endless{}, "endless"},
		"Permanent(nil)":       {runtime.Permanent(nil), "runtime.Permanent was called without an error"},
		"Permanent(typed nil)": {runtime.Permanent(typedNil), "a nil *fs.PathError was returned as an error"},
		"RetryAfter(nil)":      {runtime.RetryAfter(nil, time.Millisecond), "runtime.RetryAfter was called without an error"},
		"a lease of others":    {&store.LeaseLost{}, "is no longer leased to this worker"},
		"agrees":               {agrees{}, "agrees"},
		"wrapped agrees":       {fmt.Errorf("sending: %w", errors.Join(nil, agrees{})), "sending: agrees"},
		"a conflict":           {fmt.Errorf("mine: %w", store.ErrConflict), "mine: "},
		"an unknown outcome":   {fmt.Errorf("mine: %w", runtime.ErrOutcomeUnknown), "mine: "},
		"unavailable":          {fmt.Errorf("mine: %w", &runtime.Unavailable{}), "mine: "},
		"a set back feed":      {fmt.Errorf("mine: %w", &runtime.FeedSetBack{}), "mine: "},
		"an unknown event":     {fmt.Errorf("mine: %w", &runtime.UnknownEvent{}), "mine: "},
		"canceled":             {fmt.Errorf("mine: %w", context.Canceled), "mine: "},
		"tangle":               {tangle{}, "tangle"},
		"NUL and no UTF-8":     {errors.New("a\x00\xffb"), "a\uFFFD\uFFFDb"},
		"5 MiB":                {errors.New(strings.Repeat("é", 5<<19)), "bytes were cut)"},
	}
}

// Whatever an error does that user code returns or panics with, the process goes on, and the work that failed says why.
func TestHostileErrorsOfHandlers(t *testing.T) {
	onStores(t, func(b *bed) {
		all := hostileErrors()
		config := b.realConfig()
		config.EffectRetry.MaxAttempts = 2
		engine := b.engine(config, notify(func(_ context.Context, _ ticket.Notify, call runtime.EffectCall) error {
			name, panics := strings.CutPrefix(call.Instance.ID, "panicked ")
			if panics {
				panic(all[name].err)
			}
			return all[name].err
		}))
		for name := range all {
			b.open(engine, name)
			b.open(engine, "panicked "+name)
		}
		b.run(engine)
		b.eventually("dead letters", func() bool {
			return len(b.table("kind", "effects", "WHERE died_at IS NOT NULL")) == 2*len(all)
		})
		for name, test := range all {
			for _, id := range []string{name, "panicked " + name} {
				got := b.table("last_error", "effects", "WHERE instance = '"+id+"'")[0]
				if !strings.Contains(got, test.says) || strings.Contains(got, "%!") || len(got) > 9<<10 {
					b.Errorf("%s: got %d bytes: %.300q, want %q", id, len(got), got, test.says)
				}
			}
		}
		b.wantLog("dead letter", "workflow=ticket", "effect=Notify")
		b.log.mu.Lock()
		defer b.log.mu.Unlock()
		for _, line := range b.log.lines {
			if len(line) > 32<<10 || strings.Contains(line, "%!") {
				b.Errorf("a log line of %d bytes: %.300q", len(line), line)
			}
		}
	})
}

func TestHostileErrorsOfProjections(t *testing.T) {
	onStores(t, func(b *bed) {
		all := hostileErrors()
		delete(all, "an unknown event") // is left to newer programs
		var journals []journal
		for name, test := range all {
			journals = append(journals, journal{name: name, before: func(context.Context, runtime.StoredEvent) error { return test.err }})
		}
		engine, client := b.projecting(b.projectionConfig(), journals...)
		add(b, client, "a")
		b.run(engine)
		b.eventually("all have stopped", func() bool {
			return len(b.table("name", "projections", "WHERE status = 'stopped'")) == len(all)
		})
		for name, test := range all {
			got := b.table("last_error", "projections", "WHERE name = '"+name+"'")[0]
			if !strings.Contains(got, test.says) || strings.Contains(got, "%!") || len(got) > 9<<10 {
				b.Errorf("%s: got %d bytes: %.300q, want %q", name, len(got), got, test.says)
			}
		}
	})
}

func TestHostilePanicsOfDeciders(t *testing.T) {
	onStores(t, func(b *bed) {
		all := hostileErrors()
		engine := b.engine(b.config(newClock()), ledgers(ledger.Decider{
			OnAdd: func(_ time.Time, _ ledger.State, in ledger.Add) ledger.AddDecision { panic(all[in.Account].err) },
		}, ledger.Handler{}))
		for name, test := range all {
			_, err := ledger.NewClient(engine).Add(b.Context(), ledger.Add{Account: name, Amount: 1})
			wantError(b, err, test.says)
			if panicked, is := errors.AsType[*runtime.PanicError](err); !is || panicked.Value == nil {
				b.Errorf("%s: got %T, want a *runtime.PanicError", name, err)
			}
			if errors.Is(err, context.Canceled) && !errors.Is(test.err, context.Canceled) {
				b.Errorf("%s: it is said to be context.Canceled", name)
			}
		}
	})
}

// An input that is served apart is decided once, whatever the error of its decider says that it is.
func TestHostilePanicsOfDecidersApart(t *testing.T) {
	onStores(t, func(b *bed) {
		all := hostileErrors()
		var called atomic.Int64
		engine := b.engineOn(apart{Store: b.store}, b.config(newClock()), tickets(ticket.Decider{
			OnOpen: func(_ time.Time, _ ticket.State, in ticket.Open) ticket.OpenDecision {
				called.Add(1)
				panic(all[in.ID].err)
			},
		}, ticket.Handler{}))
		for name, test := range all {
			ctx, cancel := context.WithTimeout(b.Context(), 10*time.Second)
			called.Store(0)
			_, err := ticket.NewClient(engine).Open(ctx, ticket.Open{ID: name, Subject: name})
			cancel()
			wantError(b, err, test.says)
			if n := called.Load(); n != 1 {
				b.Errorf("%s: the decider was called %d times", name, n)
			}
		}
	})
}

// What a handler's error wraps is found by those who hear of it.
func TestErrorsOfHandlersStayWhatTheyAre(t *testing.T) {
	cause := errors.New("cause")
	onStores(t, func(b *bed) {
		var ended atomic.Value
		config := b.realConfig()
		config.Telemetry = &endListener{ended: func(err error) { ended.CompareAndSwap(nil, err) }}
		engine := b.engine(config, notify(func(context.Context, ticket.Notify, runtime.EffectCall) error {
			return fmt.Errorf("sending: %w", cause)
		}))
		b.open(engine, "a")
		b.run(engine)
		b.eventually("the report of an attempt", func() bool { return ended.Load() != nil })
		if err := ended.Load().(error); !errors.Is(err, cause) || err.Error() != "effect Notify: sending: cause" {
			b.Errorf("got %v", err)
		}
	})
}

type endListener struct {
	telemetry.NoTelemetry
	ended func(error)
}

func (l *endListener) StartDelivery(ctx context.Context, _ telemetry.DeliveryStart) (context.Context, func(telemetry.DeliveryEnd)) {
	return ctx, func(end telemetry.DeliveryEnd) { l.ended(end.Err) }
}

// A Telemetry that panics is logged, and costs nothing else.
func TestPanicsOfTelemetry(t *testing.T) {
	onStores(t, func(b *bed) {
		config := b.realConfig()
		config.Telemetry = panickingTelemetry{}
		done := make(chan struct{}, 16)
		engine := b.engine(config, notify(func(ctx context.Context, _ ticket.Notify, _ runtime.EffectCall) error {
			if ctx == nil {
				return errors.New("no context")
			}
			done <- struct{}{}
			return nil
		}))
		b.open(engine, "a")
		b.run(engine)
		wait(b, "the effect", done)
		b.eventuallyTable("kind", "effects", "")
		b.wantLog("Config.Telemetry panicked", "method=StartInput")
		b.wantLog("Config.Telemetry panicked", "method=StartDelivery")
		b.wantLog("Config.Telemetry panicked", "method=Committed")
	})
}

type panickingTelemetry struct{}

func (panickingTelemetry) StartInput(context.Context, telemetry.InputStart) (string, func(telemetry.InputEnd)) {
	panic(hostile{})
}
func (panickingTelemetry) StartDelivery(context.Context, telemetry.DeliveryStart) (context.Context, func(telemetry.DeliveryEnd)) {
	panic(hostile{})
}
func (panickingTelemetry) StartProjection(context.Context, telemetry.ProjectionStart) (context.Context, func(telemetry.ProjectionEnd)) {
	panic(hostile{})
}
func (panickingTelemetry) Committed(telemetry.CommitReport)             { panic(hostile{}) }
func (panickingTelemetry) Claimed(telemetry.ClaimReport)                { panic(hostile{}) }
func (panickingTelemetry) Settled(telemetry.SettlementReport)           { panic(hostile{}) }
func (panickingTelemetry) DeadLettersEnded(telemetry.DeadLettersReport) { panic(hostile{}) }
func (panickingTelemetry) Deleted(telemetry.DeletionReport)             { panic(hostile{}) }

// exitingTelemetry ends the goroutines that tell it of something, of each method the first times.
type exitingTelemetry struct {
	exits int
	mu    sync.Mutex
	calls map[string]int // by method
}

func (t *exitingTelemetry) exit(method string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.calls[method]++
	if t.calls[method] <= t.exits {
		goruntime.Goexit()
	}
}

func (t *exitingTelemetry) StartInput(context.Context, telemetry.InputStart) (string, func(telemetry.InputEnd)) {
	t.exit("StartInput")
	return "", func(telemetry.InputEnd) { t.exit("the end of StartInput") }
}

func (t *exitingTelemetry) StartDelivery(ctx context.Context, _ telemetry.DeliveryStart) (context.Context, func(telemetry.DeliveryEnd)) {
	t.exit("StartDelivery")
	return ctx, func(telemetry.DeliveryEnd) { t.exit("the end of StartDelivery") }
}

func (t *exitingTelemetry) StartProjection(ctx context.Context, _ telemetry.ProjectionStart) (context.Context, func(telemetry.ProjectionEnd)) {
	t.exit("StartProjection")
	return ctx, func(telemetry.ProjectionEnd) { t.exit("the end of StartProjection") }
}

func (t *exitingTelemetry) Committed(telemetry.CommitReport)             { t.exit("Committed") }
func (t *exitingTelemetry) Claimed(telemetry.ClaimReport)                { t.exit("Claimed") }
func (t *exitingTelemetry) Settled(telemetry.SettlementReport)           { t.exit("Settled") }
func (t *exitingTelemetry) DeadLettersEnded(telemetry.DeadLettersReport) { t.exit("DeadLettersEnded") }
func (t *exitingTelemetry) Deleted(telemetry.DeletionReport)             { t.exit("Deleted") }

// A Telemetry that ends the engine's goroutines costs no input, delivery or projection, and is told of the next ones.
func TestTelemetryThatEndsItsGoroutine(t *testing.T) {
	onStores(t, func(b *bed) {
		c := newClock()
		config := b.config(c)
		b.makeJournal()
		config.Batches = 1
		config.Retention = runtime.Retention{Completed: 2 * time.Hour}
		config.Projections = []runtime.AnyProjection{journal{}.on(b)}
		told := &exitingTelemetry{exits: 1, calls: map[string]int{}}
		config.Telemetry = told
		engine := b.engine(config, tickets(ticket.Decider{OnOpen: opened(ticket.Notify{}, ticket.FindAgent{})}, ticket.Handler{
			OnFindAgent: func(context.Context, ticket.FindAgent, runtime.EffectCall) (ticket.FindAgentResult, error) {
				return nil, runtime.Permanent(errors.New("nobody there"))
			},
		}))
		b.run(engine)
		client := ticket.NewClient(engine)
		for _, id := range []string{"a", "b", "c", "d"} {
			ctx, cancel := context.WithTimeout(b.Context(), 20*time.Second)
			out, err := client.Open(ctx, ticket.Open{ID: id, Subject: id})
			if err != nil || !out.Accepted() {
				b.Errorf("%s: got %v, error %v", id, out, err)
			}
			b.eventuallyTable("kind", "effects", "WHERE instance = '"+id+"' AND died_at IS NULL") // Notify is done, FindAgent dead
			out2, err := client.Solve(ctx, ticket.Solve{ID: id})
			cancel()
			if err != nil || !out2.Accepted() {
				b.Errorf("%s: got %v, error %v", id, out2, err)
			}
			b.await(engine)
		}
		letters, err := engine.DeadLetters(b.Context(), runtime.DeadLetterQuery{})
		if err != nil || len(letters.Items) != 4 {
			b.Fatalf("got %d dead letters, %v", len(letters.Items), err)
		}
		for _, letter := range letters.Items {
			if missed, err := engine.DiscardDeadLetters(b.Context(), runtime.Discard{Reason: "test"}, letter.Lease); err != nil || len(missed) > 0 {
				b.Errorf("%v was not discarded, error %v", letter.Lease, err)
			}
		}
		c.advance(3 * time.Hour)
		for range 3 {
			if _, err := engine.ApplyRetention(b.Context()); err != nil {
				b.Error(err)
			}
		}
		b.wantTable("instance", "instances", "")
		told.mu.Lock()
		defer told.mu.Unlock()
		for method, n := range told.calls {
			if n <= told.exits {
				b.Errorf("%s was called %d times", method, n)
			}
		}
		if len(told.calls) != 11 {
			b.Errorf("not every method was called: %v", told.calls)
		}
	})
}
