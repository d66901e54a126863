package otel

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/store"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
)

// gauges are what is looked up when metrics are collected.
type gauges struct {
	deliveries, handlers, waiting, waitingLimit, entries, bytes, bytesLimit, paused metric.Int64ObservableGauge
	settled, unsettled, behind, skipped, status, problems                           metric.Int64ObservableGauge
	oldest, limit, blocker, replica, delay                                          metric.Float64ObservableGauge
	lookups                                                                         metric.Int64ObservableCounter
}

func newGauges(meter metric.Meter) (g gauges, all []metric.Observable, err error) {
	var errs []error
	gauge := func(name, unit, description string) metric.Int64ObservableGauge {
		i, err := meter.Int64ObservableGauge(name, metric.WithUnit(unit), metric.WithDescription(description))
		errs, all = append(errs, err), append(all, i)
		return i
	}
	float := func(name, unit, description string) metric.Float64ObservableGauge {
		i, err := meter.Float64ObservableGauge(name, metric.WithUnit(unit), metric.WithDescription(description))
		errs, all = append(errs, err), append(all, i)
		return i
	}
	g.deliveries = gauge(QueueDeliveries, "{delivery}", "Deliveries in the store by state; counts stop at 10,000.")
	g.oldest = float(QueueOldestDue, "s", "How long the oldest due delivery has been due.")
	g.limit = float(QueueLimit, "1", "Declared limit of an effect: attempts at once, or per second.")
	g.handlers = gauge(QueueHandlers, "{handler}", "Handlers that may run in this process at the same time.")
	g.waiting = gauge(InputsWaiting, "{input}", "Inputs of clients that wait for a decision or its commit in this process.")
	g.waitingLimit = gauge(InputsLimit, "{input}", "Inputs of clients that may wait in this process; further calls block.")
	g.entries = gauge(CacheEntries, "{instance}", "Instances whose state is in memory.")
	g.bytes = gauge(CacheBytes, "By", "Memory for states of instances.")
	g.bytesLimit = gauge(CacheLimit, "By", "Memory that states of instances may take.")
	g.paused = gauge(WorkflowPaused, "1", "1 for a workflow that is paused.")
	g.settled = gauge(FeedSettled, "{event}", "Number of the event up to which the feed can be read.")
	g.unsettled = gauge(FeedUnsettled, "{event}", "Numbers of events that were issued and cannot be read yet.")
	g.blocker = float(FeedBlockerAge, "s", "Age of the oldest transaction that the feed waits for.")
	g.replica = float(ReplicaLag, "s", "Age of the newest commit that the read replica has; 0 if it has all.")
	g.behind = gauge(ProjectionBehind, "{event}", "Events that a projection has not read yet, at most.")
	g.delay = float(ProjectionDelay, "s", "Age of the oldest event that a projection has not read yet.")
	g.skipped = gauge(ProjectionSkipped, "{event}", "Events that were skipped since the projection began.")
	g.status = gauge(ProjectionStatus, "1", "1 for the state that a projection is in, 0 for the others.")
	g.problems = gauge(Problems, "{problem}", "What needs an operator, by reason.")
	g.lookups, err = meter.Int64ObservableCounter(CacheLookups, metric.WithUnit("{lookup}"),
		metric.WithDescription("Decisions by whether the state of their instance was in memory."))
	return g, append(all, g.lookups), errors.Join(append(errs, err)...)
}

// Observe makes each collection of metrics read the health of an engine, until stop is called. The metrics of handlers, inputs
// and cache are about this process; all others are the same for all processes on one store.
func (t *Telemetry) Observe(engine *runtime.Engine) (stop func() error, err error) {
	g, all, err := newGauges(t.meter)
	if err != nil {
		return nil, err
	}
	registration, err := t.meter.RegisterCallback(func(ctx context.Context, o metric.Observer) error {
		h, err := engine.Health(ctx)
		g.observe(o, h) // figures that could not be read are left out
		if err == nil || h.Feed.Issued > 0 {
			g.observeFeed(o, h)
		}
		return err
	}, all...)
	if err != nil {
		return nil, err
	}
	return registration.Unregister, nil
}

func (g *gauges) observe(o metric.Observer, h runtime.Health) {
	g.observeQueue(o, h, store.EffectQueue, h.Effects)
	g.observeQueue(o, h, store.TimerQueue, h.Timers)
	o.ObserveInt64(g.waiting, int64(h.Inputs.Waiting))
	o.ObserveInt64(g.waitingLimit, int64(h.Inputs.Limit))
	o.ObserveInt64(g.entries, h.Cache.Entries)
	o.ObserveInt64(g.bytes, h.Cache.Bytes)
	o.ObserveInt64(g.bytesLimit, h.Cache.Limit)
	o.ObserveInt64(g.lookups, h.Cache.Hits, metric.WithAttributes(attribute.String(Outcome, "hit")))
	o.ObserveInt64(g.lookups, h.Cache.Misses, metric.WithAttributes(attribute.String(Outcome, "miss")))
	problems := make(map[telemetry.ProblemReason]int64)
	for _, p := range h.Problems() {
		problems[p.Reason]++
	}
	for _, reason := range telemetry.ProblemReasons {
		o.ObserveInt64(g.problems, problems[reason], metric.WithAttributes(attribute.String(Reason, string(reason))))
	}
	if h.Replica != nil && h.Replica.Problem == "" { // otherwise its lag is not known
		o.ObserveFloat64(g.replica, h.Replica.Lag.Seconds())
	}
	for _, p := range h.Paused {
		o.ObserveInt64(g.paused, 1, metric.WithAttributes(attribute.String(Workflow, p.Workflow)))
	}
	for _, p := range h.Projections {
		name := attribute.String(Projection, p.Name)
		of := metric.WithAttributes(name)
		o.ObserveInt64(g.behind, p.Behind, of)
		o.ObserveFloat64(g.delay, p.Delay.Seconds(), of)
		o.ObserveInt64(g.skipped, p.Skipped, of)
		for _, status := range []store.ProjectionStatus{store.ProjectionRunning, store.ProjectionPaused, store.ProjectionStopped} {
			o.ObserveInt64(g.status, one(p.Status == status), metric.WithAttributes(name, attribute.String(State, string(status))))
		}
	}
}

func (g *gauges) observeQueue(o metric.Observer, h runtime.Health, name store.QueueName, queue telemetry.QueueHealth) {
	of := attribute.String(Queue, string(name))
	o.ObserveInt64(g.handlers, int64(queue.Handlers), metric.WithAttributes(of))
	for _, k := range queue.Kinds {
		kind := attribute.NewSet(of, attribute.String(Workflow, k.Kind.Workflow), attribute.String(Kind, k.Kind.Name))
		for _, s := range []struct {
			state store.DeliveryState
			n     int64
		}{
			{store.DeliveryDue, k.Due}, {store.DeliveryLeased, k.Leased}, {store.DeliveryDelayed, k.Delayed}, {store.DeliveryDead, k.Dead},
		} {
			o.ObserveInt64(g.deliveries, s.n, metric.WithAttributeSet(kind), metric.WithAttributes(attribute.String(State, string(s.state))))
		}
		age := 0.0
		if !k.OldestDue.IsZero() {
			age = max(h.At.Sub(k.OldestDue).Seconds(), 0)
		}
		o.ObserveFloat64(g.oldest, age, metric.WithAttributeSet(kind))
		if k.Limit == nil {
			continue
		}
		for _, l := range []struct {
			name string
			most float64
		}{
			{"concurrency", float64(k.Limit.Concurrency)}, {"global", float64(k.Limit.Global)}, {"rate", k.Limit.Rate},
			{"per_key", float64(k.Limit.PerKey)},
		} {
			if l.most > 0 {
				o.ObserveFloat64(g.limit, l.most, metric.WithAttributeSet(kind), metric.WithAttributes(attribute.String(Limit, l.name)))
			}
		}
	}
}

func (g *gauges) observeFeed(o metric.Observer, h runtime.Health) {
	o.ObserveInt64(g.settled, int64(h.Feed.Settled))
	o.ObserveInt64(g.unsettled, int64(h.Feed.Issued-h.Feed.Settled))
	age := 0.0
	if len(h.Feed.Blockers) > 0 {
		age = h.Feed.Blockers[0].Age(h.At).Seconds()
	}
	o.ObserveFloat64(g.blocker, age)
}

func one(yes bool) int64 {
	if yes {
		return 1
	}
	return 0
}
