package otel_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace/noop"
	"go.uber.org/goleak"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
	"github.com/ironflow-gen/ironflow/runtime/otel"
	"github.com/ironflow-gen/ironflow/runtime/sqlite"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// desk is an engine whose spans and metrics are kept in memory.
type desk struct {
	*testing.T
	engine  *runtime.Engine
	client  *ticket.Client // of the workflow ticket
	spans   *tracetest.InMemoryExporter
	tracers *trace.TracerProvider
	reader  *metric.ManualReader
}

// newDesk runs an engine with the workflow ticket.
func newDesk(t *testing.T, decider ticket.Decider, handler ticket.Handler) *desk {
	d := makeDesk(t, memory(t), runtime.Config{}, ticket.NewWorkflow(decider, ticket.Evolver{}, handler))
	d.run()
	return d
}

func memory(t *testing.T) *sqlite.Store {
	store, err := sqlite.OpenMemory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

// makeDesk makes an engine that does not run yet.
func makeDesk(t *testing.T, store runtime.Store, config runtime.Config, workflows ...*runtime.Workflow) *desk {
	d := &desk{T: t, spans: tracetest.NewInMemoryExporter(), reader: metric.NewManualReader()}
	d.tracers = trace.NewTracerProvider(trace.WithSyncer(d.spans))
	telemetry, err := otel.New(otel.WithTracerProvider(d.tracers),
		otel.WithMeterProvider(metric.NewMeterProvider(metric.WithReader(d.reader))))
	if err != nil {
		t.Fatal(err)
	}
	config.Telemetry, config.Logger, config.PollInterval = telemetry, slog.New(slog.DiscardHandler), 5*time.Millisecond
	config.EffectRetry = runtime.RetryPolicy{MaxAttempts: 2, Base: time.Millisecond, Max: time.Millisecond}
	if d.engine, err = runtime.NewEngine(store, config, workflows...); err != nil {
		t.Fatal(err)
	}
	stop, err := telemetry.Observe(d.engine)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	d.client = ticket.NewClient(d.engine)
	return d
}

// run runs the engine until the test ends.
func (d *desk) run() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	// What runs the engine may have a span of its own, which is not that of what the engine delivers.
	ctx, span := d.tracers.Tracer("test").Start(ctx, "run")
	go func() { done <- d.engine.Run(ctx) }()
	d.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			d.Error(err)
		}
		span.End()
	})
}

// open opens a ticket.
func (d *desk) open(ctx context.Context, in ticket.Open, options ...runtime.ExecuteOption) {
	d.Helper()
	if out, err := d.client.Open(ctx, in, options...); err != nil || !out.Accepted() {
		d.Fatalf("got %v, %v", out, err)
	}
}

// until waits for a condition on the spans that have ended.
func (d *desk) until(what string, condition func(tracetest.SpanStubs) bool) tracetest.SpanStubs {
	d.Helper()
	for range 10_000 {
		if spans := d.spans.GetSpans(); condition(spans) {
			return spans
		}
		time.Sleep(time.Millisecond)
	}
	d.Fatalf("it does not happen: %s\n%s", what, names(d.spans.GetSpans()))
	return nil
}

func names(spans tracetest.SpanStubs) (all []string) {
	for _, s := range spans {
		all = append(all, s.Name)
	}
	return all
}

// find returns the only span of a name with an attribute.
func (d *desk) find(spans tracetest.SpanStubs, name string, with ...attribute.KeyValue) tracetest.SpanStub {
	d.Helper()
	var found []tracetest.SpanStub
	for _, s := range spans {
		if s.Name == name && !slices.ContainsFunc(with, func(kv attribute.KeyValue) bool { return !slices.Contains(s.Attributes, kv) }) {
			found = append(found, s)
		}
	}
	if len(found) != 1 {
		d.Fatalf("%d spans %s with %v among %v", len(found), name, with, names(spans))
	}
	return found[0]
}

func has(name string, n int) func(tracetest.SpanStubs) bool {
	return func(spans tracetest.SpanStubs) bool {
		return n == len(slices.DeleteFunc(names(spans), func(s string) bool { return s != name }))
	}
}

// One trace leads from the caller through an input, two attempts at its effect and the result to the effect of that.
func TestOneTrace(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	var d *desk
	d = newDesk(t, ticket.Decider{
		OnOpen: func(_ time.Time, _ ticket.State, in ticket.Open) ticket.OpenDecision {
			return ticket.AcceptOpen(ticket.Opened{Subject: in.Subject}).Effect(ticket.FindAgent{})
		},
		OnAssigned: func(_ time.Time, _ ticket.State, in ticket.Assigned) ticket.AssignedDecision {
			return ticket.AcceptAssigned(ticket.AgentAssigned{Agent: in.Agent}).Effect(ticket.Notify{})
		},
	}, ticket.Handler{
		OnFindAgent: func(ctx context.Context, _ ticket.FindAgent, _ runtime.EffectCall) (ticket.FindAgentResult, error) {
			if asked.Add(1) == 1 {
				return nil, errors.New("all are at lunch")
			}
			_, span := d.tracers.Tracer("test").Start(ctx, "in the handler")
			span.End()
			return ticket.Assigned{Agent: "Ann"}, nil
		},
	})
	ctx, caller := d.tracers.Tracer("test").Start(t.Context(), "caller")
	d.open(ctx, ticket.Open{ID: "a", Subject: "s"}, runtime.WithInputID("mail-7"))
	caller.End()
	d.until("the last effect is done", has("ticket Notify", 1))
	// The attempt whose result led to it may end later.
	spans := d.until("both attempts have ended", has("ticket FindAgent", 2))

	open := d.find(spans, "ticket Open", attribute.String(otel.InputID, "mail-7"), attribute.String(otel.Outcome, "accepted"),
		attribute.String(otel.Workflow, "ticket"), attribute.String(otel.Instance, "a"), attribute.Int64(otel.Version, 1))
	first := d.find(spans, "ticket FindAgent", attribute.Int(otel.Attempt, 1), attribute.String(otel.Result, "retry"))
	second := d.find(spans, "ticket FindAgent", attribute.Int(otel.Attempt, 2), attribute.String(otel.Result, "done"))
	inside := d.find(spans, "in the handler")
	assigned := d.find(spans, "ticket Assigned", attribute.Int64(otel.Version, 2))
	last := d.find(spans, "ticket Notify", attribute.String(otel.Queue, "effects"))
	for _, test := range []struct {
		child  tracetest.SpanStub
		parent tracetest.SpanStub
	}{{open, d.find(spans, "caller")}, {first, open}, {second, open}, {inside, second}, {assigned, second}, {last, assigned}} {
		if test.child.SpanContext.TraceID() != caller.SpanContext().TraceID() || test.child.Parent.SpanID() != test.parent.SpanContext.SpanID() {
			t.Errorf("%s is not below %s", test.child.Name, test.parent.Name)
		}
	}
	if first.Status.Code != codes.Error || !strings.Contains(first.Status.Description, "all are at lunch") || second.Status.Code == codes.Error {
		t.Errorf("got %+v and %+v", first.Status, second.Status)
	}
	why, err := d.engine.Why(t.Context(), runtime.InstanceKey{Workflow: "ticket", ID: "a"}, 2)
	if err != nil || !strings.Contains(why.Chain[1].Cause.Trace, assigned.SpanContext.SpanID().String()) {
		t.Errorf("got %+v, %v", why, err)
	}
}

// A timer has a trace of its own that links to the decision which started it.
func TestTimerLinks(t *testing.T) {
	t.Parallel()
	d := newDesk(t, ticket.Decider{
		OnOpen: func(_ time.Time, _ ticket.State, in ticket.Open) ticket.OpenDecision {
			return ticket.AcceptOpen(ticket.Opened{Subject: in.Subject}).StartTimer(ticket.TimerReminder{}.In(time.Millisecond))
		},
	}, ticket.Handler{})
	d.open(t.Context(), ticket.Open{ID: "a", Subject: "s"})
	spans := d.until("the timer has fired", has("ticket Remind", 2)) // its delivery and its input
	open := d.find(spans, "ticket Open")
	timer := d.find(spans, "ticket Remind", attribute.String(otel.Queue, "timers"), attribute.String(otel.Timer, "reminder"))
	input := d.find(spans, "ticket Remind", attribute.String(otel.Input, "Remind"))
	if timer.Parent.IsValid() || timer.SpanContext.TraceID() == open.SpanContext.TraceID() || len(timer.Links) != 1 ||
		timer.Links[0].SpanContext.SpanID() != open.SpanContext.SpanID() {
		t.Errorf("got %+v", timer)
	}
	if input.Parent.SpanID() != timer.SpanContext.SpanID() {
		t.Errorf("got %+v", input)
	}
}

// Without a tracer the trace context of the caller is handed on all the same.
func TestOnlyMetrics(t *testing.T) {
	t.Parallel()
	tel, err := otel.New(otel.WithTracerProvider(noop.NewTracerProvider()), otel.WithMeterProvider(metric.NewMeterProvider()))
	if err != nil {
		t.Fatal(err)
	}
	ctx, span := trace.NewTracerProvider().Tracer("test").Start(t.Context(), "caller")
	defer span.End()
	kept, _ := tel.StartInput(ctx, telemetry.InputStart{Input: "Open"})
	if !strings.Contains(kept, span.SpanContext().SpanID().String()) {
		t.Errorf("got %q", kept)
	}
}
