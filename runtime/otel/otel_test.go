package otel_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace/noop"
	"go.uber.org/goleak"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
	"github.com/ironflow-gen/ironflow/runtime/otel"
	"github.com/ironflow-gen/ironflow/runtime/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// desk is an engine whose spans and metrics are kept in memory.
type desk struct {
	*testing.T
	engine  *runtime.Engine
	client  *ticket.Client
	spans   *tracetest.InMemoryExporter
	tracers *trace.TracerProvider
	reader  *metric.ManualReader
}

func newDesk(t *testing.T, decider ticket.Decider, handler ticket.Handler) *desk {
	d := &desk{T: t, spans: tracetest.NewInMemoryExporter(), reader: metric.NewManualReader()}
	d.tracers = trace.NewTracerProvider(trace.WithSyncer(d.spans))
	telemetry, err := otel.New(otel.WithTracerProvider(d.tracers),
		otel.WithMeterProvider(metric.NewMeterProvider(metric.WithReader(d.reader))))
	if err != nil {
		t.Fatal(err)
	}
	store, err := sqlite.OpenMemory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	d.engine, err = runtime.NewEngine(store, runtime.Config{
		Telemetry: telemetry, Logger: slog.New(slog.DiscardHandler), PollInterval: 5 * time.Millisecond,
		EffectRetry: runtime.RetryPolicy{MaxAttempts: 2, Base: time.Millisecond, Max: time.Millisecond},
	}, ticket.NewWorkflow(decider, ticket.Evolver{}, handler))
	if err != nil {
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
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	// What runs the engine may have a span of its own, which is not that of what the engine delivers.
	ctx, span := d.tracers.Tracer("test").Start(ctx, "run")
	go func() { done <- d.engine.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		span.End()
	})
	return d
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
	if out, err := d.client.Open(ctx, ticket.Open{ID: "a", Subject: "s"}, runtime.WithInputID("mail-7")); err != nil || !out.Accepted() {
		t.Fatalf("got %v, %v", out, err)
	}
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
	if out, err := d.client.Open(t.Context(), ticket.Open{ID: "a", Subject: "s"}); err != nil || !out.Accepted() {
		t.Fatalf("got %v, %v", out, err)
	}
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
	telemetry, err := otel.New(otel.WithTracerProvider(noop.NewTracerProvider()), otel.WithMeterProvider(metric.NewMeterProvider()))
	if err != nil {
		t.Fatal(err)
	}
	ctx, span := trace.NewTracerProvider().Tracer("test").Start(t.Context(), "caller")
	defer span.End()
	kept, _ := telemetry.StartInput(ctx, runtime.InputStart{Input: "Open"})
	if !strings.Contains(kept, span.SpanContext().SpanID().String()) {
		t.Errorf("got %q", kept)
	}
}

// points are the data points of a metric, each as its attributes and its value or count.
func points(t *testing.T, reader *metric.ManualReader) (values map[string]map[string]float64, units map[string]string) {
	t.Helper()
	var data metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &data); err != nil {
		t.Fatal(err)
	}
	values, units = make(map[string]map[string]float64), make(map[string]string)
	for _, s := range data.ScopeMetrics {
		for _, m := range s.Metrics {
			at := make(map[string]float64)
			values[m.Name], units[m.Name] = at, m.Unit
			key := func(s attribute.Set) string { return s.Encoded(attribute.DefaultEncoder()) }
			switch d := m.Data.(type) {
			case metricdata.Histogram[float64]:
				for _, p := range d.DataPoints {
					at[key(p.Attributes)] = float64(p.Count)
				}
			case metricdata.Histogram[int64]:
				for _, p := range d.DataPoints {
					at[key(p.Attributes)] = float64(p.Count)
				}
			case metricdata.Sum[int64]:
				for _, p := range d.DataPoints {
					at[key(p.Attributes)] = float64(p.Value)
				}
			case metricdata.Gauge[int64]:
				for _, p := range d.DataPoints {
					at[key(p.Attributes)] = float64(p.Value)
				}
			case metricdata.Gauge[float64]:
				for _, p := range d.DataPoints {
					at[key(p.Attributes)] = p.Value
				}
			default:
				t.Errorf("%s is a %T", m.Name, d)
			}
		}
	}
	return values, units
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	d := newDesk(t, ticket.Decider{
		OnOpen: func(_ time.Time, _ ticket.State, in ticket.Open) ticket.OpenDecision {
			return ticket.AcceptOpen(ticket.Opened{Subject: in.Subject}).Effect(ticket.Notify{Text: in.Subject})
		},
	}, ticket.Handler{OnNotify: func(_ context.Context, e ticket.Notify, call runtime.EffectCall) error {
		if e.Text == "dies" {
			return errors.New("no")
		}
		return nil
	}})
	for _, in := range []ticket.Open{{ID: "a", Subject: "works"}, {ID: "b", Subject: "dies"}, {ID: "a", Subject: "again"}} {
		if _, err := d.client.Open(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	d.until("all effects are tried", has("ticket Notify", 3))
	notify := "ironflow.kind=Notify,ironflow.queue=effects,"
	var got map[string]map[string]float64
	var units map[string]string
	for range 10_000 { // the last settlement is under way
		if got, units = points(t, d.reader); got[otel.QueueDeliveries][notify+"ironflow.state=dead,ironflow.workflow=ticket"] == 1 &&
			got[otel.SettlementSettled]["ironflow.queue=effects"] == 3 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	for _, want := range []struct {
		metric, attributes string
		value              float64
	}{
		{otel.InputDuration, "ironflow.input=Open,ironflow.outcome=accepted,ironflow.workflow=ticket", 2},
		{otel.InputDuration, "ironflow.input=Open,ironflow.outcome=rejected,ironflow.workflow=ticket", 1},
		{otel.DeliveryDuration, notify + "ironflow.result=done,ironflow.workflow=ticket", 1},
		{otel.DeliveryDuration, notify + "ironflow.result=retry,ironflow.workflow=ticket", 1},
		{otel.DeliveryDuration, notify + "ironflow.result=dead,ironflow.workflow=ticket", 1},
		{otel.DeliveryDelay, notify + "ironflow.workflow=ticket", 2},
		{otel.DeliveryActive, notify + "ironflow.workflow=ticket", 0},
		{otel.CommitEvents, "", 2},
		{otel.ClaimDeliveries, "ironflow.queue=effects", 3},
		{otel.SettlementSettled, "ironflow.queue=effects", 3},
		{otel.SettlementLost, "ironflow.queue=effects", 0},
		{otel.QueueDeliveries, notify + "ironflow.state=dead,ironflow.workflow=ticket", 1},
		{otel.QueueDeliveries, notify + "ironflow.state=due,ironflow.workflow=ticket", 0},
		{otel.QueueOldestDue, notify + "ironflow.workflow=ticket", 0},
		{otel.QueueHandlers, "ironflow.queue=effects", 256},
		{otel.InputsWaiting, "", 0},
		{otel.FeedUnsettled, "", 0},
	} {
		if value, ok := got[want.metric][want.attributes]; !ok || value != want.value {
			t.Errorf("%s{%s} is %v, want %v, among %v", want.metric, want.attributes, value, want.value, got[want.metric])
		}
	}
	for _, name := range []string{otel.CommitDuration, otel.CommitInputs, otel.ClaimDuration, otel.SettlementDuration, otel.CacheBytes,
		otel.CacheLookups} {
		if len(got[name]) == 0 {
			t.Errorf("there is no %s", name)
		}
	}

	// What there is is documented, with its unit, and what is documented is there.
	page, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := make(map[string]string)
	for _, row := range regexp.MustCompile("(?m)^\\| `(ironflow\\.[a-z_]+\\.[a-z_.]+)` \\| ([^|]*) \\|").FindAllStringSubmatch(string(page), -1) {
		documented[row[1]] = row[2]
	}
	for name, unit := range units {
		if documented[name] != unit {
			t.Errorf("docs/operations.md says %q of the unit of %s, want %q", documented[name], name, unit)
		}
	}
	for name := range documented {
		if _, ok := units[name]; !ok && !strings.HasPrefix(name, "ironflow.projection.") { // there is no projection here
			t.Errorf("docs/operations.md has %s, which there is not", name)
		}
	}
}
