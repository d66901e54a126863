package otel_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"regexp"
	"sync/atomic"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/ticket"
	"github.com/ironflow-gen/ironflow/runtime/otel"
	"github.com/ironflow-gen/ironflow/runtime/sqlite"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

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
			values[m.Name], units[m.Name] = make(map[string]float64), m.Unit
			note := func(of attribute.Set, value float64) { values[m.Name][of.Encoded(attribute.DefaultEncoder())] = value }
			switch d := m.Data.(type) {
			case metricdata.Histogram[float64]:
				noteCounts(note, d.DataPoints)
			case metricdata.Histogram[int64]:
				noteCounts(note, d.DataPoints)
			case metricdata.Sum[int64]:
				noteValues(note, d.DataPoints)
			case metricdata.Gauge[int64]:
				noteValues(note, d.DataPoints)
			case metricdata.Gauge[float64]:
				noteValues(note, d.DataPoints)
			default:
				t.Errorf("%s is a %T", m.Name, d)
			}
		}
	}
	return values, units
}

func noteCounts[N int64 | float64](note func(attribute.Set, float64), points []metricdata.HistogramDataPoint[N]) {
	for _, p := range points {
		note(p.Attributes, float64(p.Count))
	}
}

func noteValues[N int64 | float64](note func(attribute.Set, float64), points []metricdata.DataPoint[N]) {
	for _, p := range points {
		note(p.Attributes, float64(p.Value))
	}
}

// reading is a value that a metric has.
type reading struct {
	metric, attributes string
	value              float64
}

// wants waits until the metrics have these values.
func (d *desk) wants(want ...reading) {
	d.Helper()
	var got map[string]map[string]float64
	missing := want
	for deadline := time.Now().Add(20 * time.Second); len(missing) > 0 && time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		got, _ = points(d.T, d.reader)
		missing = nil
		for _, w := range want {
			if value, ok := got[w.metric][w.attributes]; !ok || value != w.value {
				missing = append(missing, w)
			}
		}
	}
	for _, w := range missing {
		value, ok := got[w.metric][w.attributes]
		d.Errorf("%s{%s} is %v (%v), want %v, among %v", w.metric, w.attributes, value, ok, w.value, got[w.metric])
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	store := memory(t)
	handler := ticket.Handler{OnNotify: func(_ context.Context, e ticket.Notify, call runtime.EffectCall) error {
		if e.Text == "dies" {
			return errors.New("no")
		}
		return nil
	}}
	poison := errors.New("poison")
	d := makeDesk(t, store, runtime.Config{
		Observe: func(_ runtime.InstanceKey, input string) bool { return input == "Open" },
		Projections: []runtime.AnyProjection{runtime.Projection[*sql.Tx]{
			Name: "board", Filters: []runtime.EventFilter{{Workflow: "ticket", Types: []string{"Opened", "Noted"}}},
			Apply: func(_ context.Context, _ *sql.Tx, e runtime.StoredEvent) error {
				if e.Type == "Noted" {
					return runtime.Permanent(poison)
				}
				return nil
			},
			BatchSize: 1,
		}},
	}, ticket.NewWorkflow(ticket.Decider{
		OnOpen: func(_ time.Time, _ ticket.State, in ticket.Open) ticket.OpenDecision {
			return ticket.AcceptOpen(ticket.Opened{Subject: in.Subject}).Effect(ticket.Notify{Text: in.Subject})
		},
	}, ticket.Evolver{}, handler))
	d.run()
	for _, in := range []ticket.Open{{ID: "a", Subject: "works"}, {ID: "b", Subject: "dies"}, {ID: "a", Subject: "again"}, {ID: "a", Subject: "again"}} {
		if _, err := d.client.Open(t.Context(), in, runtime.WithInputID(in.Subject)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := d.client.Open(t.Context(), ticket.Open{ID: "c", Subject: "dies"}); err == nil {
		t.Fatal("two have the unique key")
	}
	if out, err := d.client.Note(t.Context(), ticket.Note{ID: "a"}); err != nil || !out.Accepted() {
		t.Fatalf("got %v, %v", out, err)
	}
	const (
		open   = "ironflow.input=Open,"
		notify = "ironflow.kind=Notify,ironflow.queue=effects,"
		of     = "ironflow.workflow=ticket"
		board  = "ironflow.projection=board"
	)
	d.wants(reading{otel.QueueDeliveries, notify + "ironflow.state=dead," + of, 1}) // before the pause keeps it waiting
	if err := d.engine.PauseWorkflow(t.Context(), runtime.Pause{Workflow: "ticket", RefuseInputs: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.client.Note(t.Context(), ticket.Note{ID: "a"}); err == nil {
		t.Fatal("a paused workflow takes an input")
	}
	d.wants([]reading{
		{otel.InputDuration, open + "ironflow.outcome=accepted," + of, 2},
		{otel.InputDuration, open + "ironflow.outcome=rejected," + of, 2},
		{otel.InputDuration, "error.type=unique_key_conflict," + open + "ironflow.outcome=error," + of, 1},
		{otel.InputDuration, "error.type=workflow_paused,ironflow.input=Note,ironflow.outcome=error," + of, 1},
		{otel.InputRepeats, open + of, 1},
		{otel.CommitEvents, "", 3},
		{otel.CommitObservations, "", 3},
		{otel.DeliveryDuration, notify + "ironflow.result=done," + of, 1},
		{otel.DeliveryDuration, "error.type=_OTHER," + notify + "ironflow.result=retry," + of, 1},
		{otel.DeliveryDuration, "error.type=_OTHER," + notify + "ironflow.result=dead," + of, 1},
		{otel.DeliveryDelay, notify + of, 2},
		{otel.DeliveryActive, notify + of, 0},
		{otel.SettlementSettled, "ironflow.queue=effects", 3},
		{otel.SettlementLost, "ironflow.queue=effects", 0},
		{otel.QueueDeliveries, notify + "ironflow.state=dead," + of, 1},
		{otel.QueueDeliveries, notify + "ironflow.state=due," + of, 0},
		{otel.QueueOldestDue, notify + of, 0},
		{otel.QueueHandlers, "ironflow.queue=effects", 256},
		{otel.InputsWaiting, "", 0},
		{otel.InputsLimit, "", 4096},
		{otel.WorkflowPaused, of, 1},
		{otel.FeedSettled, "", 3},
		{otel.FeedUnsettled, "", 0},
		{otel.FeedBlockerAge, "", 0},
		{otel.ProjectionDuration, "ironflow.outcome=stored," + board, 2},
		{otel.ProjectionDuration, "error.type=_OTHER,ironflow.outcome=error," + board, 2}, // as a batch, and by itself
		{otel.ProjectionEvents, board, 2},
		{otel.ProjectionStatus, board + ",ironflow.state=stopped", 1},
		{otel.ProjectionStatus, board + ",ironflow.state=running", 0},
		{otel.ProjectionStatus, board + ",ironflow.state=paused", 0},
		{otel.ProjectionBehind, board, 1},
		{otel.Problems, "ironflow.reason=dead", 1},
		{otel.Problems, "ironflow.reason=projection", 1},
		{otel.Problems, "ironflow.reason=paused", 1},
		{otel.Problems, "ironflow.reason=abandoned", 0},
		{otel.ProjectionSkipped, board, 0},
	}...)

	// The commits have leased first attempts when a handler was free by then. The second attempt was claimed.
	got, _ := points(t, d.reader)
	claimed, leased := got[otel.ClaimDeliveries]["ironflow.queue=effects"], got[otel.CommitLeased]["ironflow.queue=effects"]
	if claimed < 1 || claimed+leased != 3 {
		t.Errorf("%v deliveries were claimed, and %v leased by commits, want 3 together", claimed, leased)
	}

	// What somebody does about it is seen, too.
	dead, err := d.engine.DeadLetters(t.Context(), runtime.DeadLetterQuery{})
	if err != nil || len(dead.Items) != 1 {
		t.Fatalf("got %v, %v", dead, err)
	}
	if _, err := d.engine.DiscardDeadLetters(t.Context(), runtime.Discard{Reason: "test"}, dead.Items[0].Lease); err != nil {
		t.Fatal(err)
	}
	if err := d.engine.SkipProjectionEvent(t.Context(), "board", 3); err != nil {
		t.Fatal(err)
	}
	if err := d.engine.ResumeWorkflow(t.Context(), "ticket"); err != nil {
		t.Fatal(err)
	}
	d.wants([]reading{
		{otel.DeadLettersDiscarded, "", 1},
		{otel.DeadLettersRetried, "", 0},
		{otel.ProjectionSkipped, board, 1},
		{otel.ProjectionBehind, board, 0},
		{otel.Problems, "ironflow.reason=dead", 0},
		{otel.ProjectionDelay, board, 0},
		{otel.ProjectionStatus, board + ",ironflow.state=running", 1},
	}...)
	got, _ = points(t, d.reader)
	if _, still := got[otel.WorkflowPaused]; still {
		t.Error("a workflow that was resumed is paused")
	}
	d.wantsDocumented()
}

// wantsDocumented says that docs/operate/telemetry.md has the metrics that there are, with their units, and those in other tests.
func (d *desk) wantsDocumented() {
	d.Helper()
	page, err := os.ReadFile("../../docs/operate/telemetry.md")
	if err != nil {
		d.Fatal(err)
	}
	documented := make(map[string]string)
	for _, row := range regexp.MustCompile("(?m)^\\| `(ironflow\\.[a-z_.]+)` \\| ([^|]*) \\|").FindAllStringSubmatch(string(page), -1) {
		documented[row[1]] = row[2]
	}
	_, units := points(d.T, d.reader)
	for _, elsewhere := range []struct{ name, unit string }{
		{otel.WorkflowPaused, "1"}, {otel.QueueLimit, "1"}, {otel.RetentionDuration, "s"}, {otel.RetentionDeleted, "{record}"},
		{otel.RetentionKept, "{instance}"}, {otel.ReplicaLag, "s"},
	} {
		units[elsewhere.name] = elsewhere.unit
	}
	for name, unit := range units {
		if documented[name] != unit {
			d.Errorf("docs/operate/telemetry.md says %q of the unit of %s, want %q", documented[name], name, unit)
		}
	}
	for name := range documented {
		if _, ok := units[name]; !ok {
			d.Errorf("docs/operate/telemetry.md has %s, which there is not", name)
		}
	}
}

func TestMetricsOfRetention(t *testing.T) {
	t.Parallel()
	clock := &laterClock{}
	d := makeDesk(t, memory(t), runtime.Config{
		Clock:   clock,
		Observe: func(runtime.InstanceKey, string) bool { return true },
		Retention: runtime.Retention{
			Completed: 2 * time.Hour, Observations: time.Hour,
			Archive: func(_ context.Context, all []runtime.ArchivedInstance) ([]runtime.InstanceKey, error) {
				return []runtime.InstanceKey{all[0].Key}, nil
			},
		},
	}, ticket.NewWorkflow(ticket.Decider{}, ticket.Evolver{}, ticket.Handler{}))
	for _, id := range []string{"a", "b"} {
		d.open(t.Context(), ticket.Open{ID: id, Subject: id})
		if out, err := d.client.Solve(t.Context(), ticket.Solve{ID: id}); err != nil || !out.Accepted() {
			t.Fatalf("got %v, %v", out, err)
		}
	}
	clock.by = 3 * time.Hour
	if _, err := d.engine.ApplyRetention(t.Context()); err != nil {
		t.Fatal(err)
	}
	const instances = "ironflow.records=instances,ironflow.workflow=ticket"
	d.wants([]reading{
		{otel.RetentionDeleted, instances, 1},
		{otel.RetentionKept, "ironflow.workflow=ticket", 1},
		{otel.RetentionDeleted, "ironflow.records=observations", 2}, // of the instance that stays
		{otel.RetentionDuration, "ironflow.outcome=stored," + instances, 1},
	}...)
}

// laterClock is ahead of the system's.
type laterClock struct{ by time.Duration }

func (c *laterClock) Now() time.Time                         { return time.Now().Add(c.by) }
func (c *laterClock) After(d time.Duration) <-chan time.Time { return time.After(d) }

// A limit is there as long as there is something that it may hold back.
func TestMetricsOfLimits(t *testing.T) {
	t.Parallel()
	bank := make(busyBank)
	d := subscribed(t, bank)
	t.Cleanup(func() { close(bank) })
	const charge = "ironflow.kind=Charge,"
	const of = "ironflow.queue=effects,ironflow.workflow=subscription"
	d.wants([]reading{
		{otel.QueueLimit, charge + "ironflow.limit=global," + of, 2},
		{otel.QueueLimit, charge + "ironflow.limit=rate," + of, 200},
	}...)
	got, _ := points(t, d.reader)
	if len(got[otel.QueueLimit]) != 2 {
		t.Errorf("got %v", got[otel.QueueLimit])
	}
}

// replicated is a store with a read replica.
type replicated struct {
	*sqlite.Store
	status atomic.Pointer[store.ReplicaStatus]
}

func (s *replicated) ReplicaStatus(context.Context) (*store.ReplicaStatus, error) {
	return s.status.Load(), nil
}

// The lag of a replica is there while it is known.
func TestMetricsOfReplica(t *testing.T) {
	t.Parallel()
	st := &replicated{Store: memory(t)}
	d := makeDesk(t, st, runtime.Config{}, ticket.NewWorkflow(ticket.Decider{}, ticket.Evolver{}, ticket.Handler{}))
	lags := func() map[string]float64 {
		got, _ := points(t, d.reader)
		return got[otel.ReplicaLag]
	}
	if got := lags(); len(got) > 0 {
		t.Errorf("without a replica: %v", got)
	}
	st.status.Store(&store.ReplicaStatus{Lag: 90 * time.Second})
	d.wants(reading{otel.ReplicaLag, "", 90}, reading{otel.Problems, "ironflow.reason=replica", 1})
	st.status.Store(&store.ReplicaStatus{Problem: "it is of another cluster"})
	if got := lags(); len(got) > 0 {
		t.Errorf("with a replica that cannot be used: %v", got)
	}
	d.wants(reading{otel.Problems, "ironflow.reason=replica", 1})
}

// Two engines of one process do not overwrite each other's gauges.
func TestTwoEngines(t *testing.T) {
	t.Parallel()
	reader := metric.NewManualReader()
	provider := metric.NewMeterProvider(metric.WithReader(reader))
	for i, name := range []string{"shop", "bank"} {
		telemetry, err := otel.New(otel.WithTracerProvider(noop.NewTracerProvider()), otel.WithMeterProvider(provider),
			otel.WithAttributes(attribute.String("engine", name)))
		if err != nil {
			t.Fatal(err)
		}
		config := runtime.Config{Telemetry: telemetry, MaxWaiting: 10 + i}
		engine, err := runtime.NewEngine(memory(t), config, ticket.NewWorkflow(ticket.Decider{}, ticket.Evolver{}, ticket.Handler{}))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := telemetry.Observe(engine); err != nil {
			t.Fatal(err)
		}
	}
	var data metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &data); err != nil {
		t.Fatal(err)
	}
	limits := make(map[string]int64)
	for _, s := range data.ScopeMetrics {
		engine, _ := s.Scope.Attributes.Value("engine")
		for _, m := range s.Metrics {
			if m.Name == otel.InputsLimit {
				limits[engine.AsString()] = m.Data.(metricdata.Gauge[int64]).DataPoints[0].Value
			}
		}
	}
	if len(limits) != 2 || limits["shop"] != 10 || limits["bank"] != 11 {
		t.Errorf("got %v", limits)
	}
}
