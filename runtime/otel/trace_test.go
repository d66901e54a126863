package otel_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	oteltrace "go.opentelemetry.io/otel/trace"

	"github.com/ironflow-gen/ironflow/examples/subscription/subscription"
	"github.com/ironflow-gen/ironflow/examples/travel/booking"
	"github.com/ironflow-gen/ironflow/examples/travel/refund"
	"github.com/ironflow-gen/ironflow/examples/travel/trip"
	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/httpapi"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
	"github.com/ironflow-gen/ironflow/runtime/otel"
	"github.com/ironflow-gen/ironflow/runtime/sqlite"
)

// finder opens tickets for which an agent is looked for.
var (
	finder = ticket.Decider{
		OnOpen: func(_ time.Time, _ ticket.State, in ticket.Open) ticket.OpenDecision {
			return ticket.AcceptOpen(ticket.Opened{Subject: in.Subject}).Effect(ticket.FindAgent{})
		},
	}
	found = ticket.Handler{
		OnFindAgent: func(context.Context, ticket.FindAgent, runtime.EffectCall) (ticket.FindAgentResult, error) {
			return ticket.Assigned{Agent: "Ann"}, nil
		},
	}
)

// One process takes the input, another one carries out what follows, and both report to the same trace: all that they share is the
// database.
func TestTwoProcesses(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "tickets.db")
	process := func() *desk {
		store, err := sqlite.Open(t.Context(), file)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { store.Close() })
		return makeDesk(t, store, runtime.Config{}, ticket.NewWorkflow(finder, ticket.Evolver{}, found))
	}
	front, back := process(), process()
	front.open(t.Context(), ticket.Open{ID: "a", Subject: "s"})
	back.run()
	back.until("the result is there", has("ticket Assigned", 1))
	theirs := back.until("the attempt has ended", has("ticket FindAgent", 1))
	open := front.find(front.spans.GetSpans(), "ticket Open")
	attempt, result := back.find(theirs, "ticket FindAgent"), back.find(theirs, "ticket Assigned")
	if attempt.Parent.SpanID() != open.SpanContext.SpanID() || !attempt.Parent.IsRemote() || result.Parent.SpanID() != attempt.SpanContext.SpanID() {
		t.Errorf("got %+v and %+v", attempt, result)
	}
	for _, span := range []tracetest.SpanStub{attempt, result} {
		if span.SpanContext.TraceID() != open.SpanContext.TraceID() {
			t.Errorf("%s is of another trace", span.Name)
		}
	}
}

// provider books and refunds everything but hotels.
type provider struct{}

func (provider) Book(_ context.Context, what, _, key string) (reference, refusal string, err error) {
	if what == "hotel" {
		return "", "full", nil
	}
	return key, "", nil
}

func (provider) Refund(context.Context, string, string) error { return nil }

// A saga is one trace, from the plan through its children and their ends to the compensation.
func TestChildrenAreOfTheTrace(t *testing.T) {
	t.Parallel()
	d := makeDesk(t, memory(t), runtime.Config{},
		trip.NewWorkflow(trip.Decider{}, trip.Evolver{}),
		booking.NewWorkflow(booking.Decider{}, booking.Evolver{}, booking.Handler{Provider: provider{}}),
		refund.NewWorkflow(refund.Decider{}, refund.Evolver{}, refund.Handler{Provider: provider{}}))
	d.run()
	if out, err := trip.NewClient(d.engine).Plan(t.Context(), trip.Plan{TripID: "rome"}); err != nil || !out.Accepted() {
		t.Fatalf("got %v, %v", out, err)
	}
	d.until("the trip has ended", has("trip RefundEnded", 1))
	spans := d.until("all attempts have ended", has("refund ended:trip", 1))
	under := map[oteltrace.SpanID]tracetest.SpanStub{}
	for _, s := range spans {
		under[s.SpanContext.SpanID()] = s
	}
	var path []string
	for s := d.find(spans, "trip RefundEnded"); s.Name != ""; s = under[s.Parent.SpanID()] {
		path = append(path, s.Name)
	}
	want := []string{
		"trip RefundEnded", "refund ended:trip", "refund Repaid", "refund Repay", "refund Start", "trip RefundFlight",
		"trip HotelEnded", "booking ended:trip", "booking Refused", "booking AskProvider", "booking Reserve", "trip BookHotel",
		"trip FlightEnded", "booking ended:trip", "booking Confirmed", "booking AskProvider", "booking Reserve", "trip BookFlight",
		"trip Plan",
	}
	if got := strings.Join(path, " < "); got != strings.Join(want, " < ") {
		t.Errorf("got %s", got)
	}
}

// subscribed runs a subscription that nobody pays for.
func subscribed(t *testing.T, at subscription.Bank) *desk {
	d := makeDesk(t, memory(t), runtime.Config{},
		subscription.NewWorkflow(subscription.Decider{}, subscription.Evolver{}, subscription.Handler{Bank: at}))
	d.run()
	out, err := subscription.NewClient(d.engine).Subscribe(t.Context(), subscription.Subscribe{SubscriptionID: "s"})
	if err != nil || !out.Accepted() {
		t.Fatalf("got %v, %v", out, err)
	}
	return d
}

type bank struct{}

func (bank) Charge(context.Context, string, string, string) error {
	return runtime.Permanent(context.Canceled)
}

// busyBank answers when the test is over.
type busyBank chan struct{}

func (b busyBank) Charge(context.Context, string, string, string) error {
	<-b
	return nil
}

// What recurs does not make one trace that never ends: each firing has one, with a link to the decision that made it due.
func TestRecurringTimerLinks(t *testing.T) {
	t.Parallel()
	d := subscribed(t, bank{})
	// The first charge that fails leads to nothing, with the second the subscription ends.
	d.until("it has ended", has("subscription ChargeFailed", 2))
	spans := d.until("the last attempt has ended", has("subscription Charge", 2))
	byStart := func(name string, delivered bool) (of []tracetest.SpanStub) {
		for _, s := range spans {
			if s.Name == name && delivered == (s.SpanKind == oteltrace.SpanKindConsumer) {
				of = append(of, s)
			}
		}
		return of
	}
	firings, inputs := byStart("subscription Renew", true), byStart("subscription Renew", false)
	trial := byStart("subscription TrialOver", false)
	if len(firings) != 2 || len(inputs) != 2 || len(trial) != 1 {
		t.Fatalf("got %v", names(spans))
	}
	for i, by := range []tracetest.SpanStub{trial[0], inputs[0]} {
		if f := firings[i]; f.Parent.IsValid() || len(f.Links) != 1 || f.Links[0].SpanContext.SpanID() != by.SpanContext.SpanID() {
			t.Errorf("got %+v, want a link to %v", f, by.SpanContext.SpanID())
		}
	}
	if firings[0].SpanContext.TraceID() == firings[1].SpanContext.TraceID() {
		t.Error("two firings are one trace")
	}
	for _, count := range byStart("subscription schedule:count", true) {
		if count.Parent.IsValid() || len(count.Links) > 0 {
			t.Errorf("got %+v", count)
		}
	}
}

// What the caller has not sampled is not sampled in what follows, and its trace goes on all the same.
func TestNotSampled(t *testing.T) {
	t.Parallel()
	d := newDesk(t, finder, found)
	never := trace.NewTracerProvider(trace.WithSampler(trace.NeverSample()))
	ctx, caller := never.Tracer("test").Start(t.Context(), "caller")
	defer caller.End()
	d.open(ctx, ticket.Open{ID: "a", Subject: "s"})
	key := runtime.InstanceKey{Workflow: "ticket", ID: "a"}
	for d.Context().Err() == nil {
		if why, err := d.engine.Why(t.Context(), key, 2); err == nil {
			for _, link := range why.Chain {
				if id := caller.SpanContext().TraceID().String(); !strings.Contains(link.Cause.Trace, id) || !strings.HasSuffix(link.Cause.Trace, "-00") {
					t.Errorf("got %q, want the trace %s", link.Cause.Trace, id)
				}
			}
			break
		}
		time.Sleep(time.Millisecond)
	}
	if spans := d.spans.GetSpans(); len(spans) > 0 {
		t.Errorf("got %v", names(spans))
	}
}

// The header of a request is where its trace begins, unless a middleware has made a span of it.
func TestOverHTTP(t *testing.T) {
	t.Parallel()
	d := newDesk(t, ticket.Decider{}, ticket.Handler{})
	plain := httpapi.NewHandler(d.engine, httpapi.Workflow{Name: "ticket", Inputs: []httpapi.Input{{Name: "Open", ID: "id", Unique: "subject"}}})
	traced := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
		ctx, span := d.tracers.Tracer("test").Start(ctx, "server")
		defer span.End()
		plain.ServeHTTP(w, r.WithContext(ctx))
	})
	for id, handler := range map[string]http.Handler{"plain": plain, "traced": traced} {
		ctx, caller := d.tracers.Tracer("test").Start(t.Context(), "caller of "+id)
		body := strings.NewReader(`{"id":"` + id + `","subject":"` + id + `"}`)
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/ticket/inputs/Open", body)
		req.Header.Set("Content-Type", "application/json")
		propagation.TraceContext{}.Inject(ctx, propagation.HeaderCarrier(req.Header))
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, req)
		caller.End()
		if answer.Code != http.StatusOK {
			t.Fatalf("got %d: %s", answer.Code, answer.Body)
		}
		spans := d.spans.GetSpans()
		parent := d.find(spans, "caller of "+id)
		if id == "traced" {
			server := d.find(spans, "server")
			if server.Parent.SpanID() != parent.SpanContext.SpanID() {
				t.Errorf("got %+v", server)
			}
			parent = server
		}
		input := d.find(spans, "ticket Open", attribute.String(otel.Instance, id))
		if input.Parent.SpanID() != parent.SpanContext.SpanID() || input.SpanContext.TraceID() != caller.SpanContext().TraceID() {
			t.Errorf("%s: got %+v, want it below %s", id, input, parent.Name)
		}
	}
}
