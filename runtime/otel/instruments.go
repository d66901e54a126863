package otel

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/ironflow-gen/ironflow/runtime"
)

// instruments are what is counted as it happens.
type instruments struct {
	inputDuration, commitDuration, deliveryDuration, deliveryDelay, claimDuration, settlementDuration metric.Float64Histogram

	commitInputs                                                     metric.Int64Histogram
	commitEvents, claimDeliveries, settlementSettled, settlementLost metric.Int64Counter
	deliveryActive                                                   metric.Int64UpDownCounter
}

func newInstruments(meter metric.Meter) (i instruments, err error) {
	var errs []error
	seconds := func(name, description string) metric.Float64Histogram {
		// From half a millisecond, a commit on a good disk, to minutes, a handler that waits for somebody.
		buckets := metric.WithExplicitBucketBoundaries(.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300)
		h, err := meter.Float64Histogram(name, metric.WithUnit("s"), metric.WithDescription(description), buckets)
		errs = append(errs, err)
		return h
	}
	count := func(name, unit, description string) metric.Int64Counter {
		c, err := meter.Int64Counter(name, metric.WithUnit(unit), metric.WithDescription(description))
		errs = append(errs, err)
		return c
	}
	i.inputDuration = seconds(InputDuration, "From the call of an input to its answer.")
	i.commitDuration = seconds(CommitDuration, "One attempt to read, decide and commit.")
	i.deliveryDuration = seconds(DeliveryDuration, "One attempt at an effect or timer.")
	i.deliveryDelay = seconds(DeliveryDelay, "From when a delivery was due to the begin of its first attempt.")
	i.claimDuration = seconds(ClaimDuration, "One look for due deliveries.")
	i.settlementDuration = seconds(SettlementDuration, "One call that ends leases.")
	i.commitEvents = count(CommitEvents, "{event}", "Events that were stored.")
	i.claimDeliveries = count(ClaimDeliveries, "{delivery}", "Deliveries that were claimed.")
	i.settlementSettled = count(SettlementSettled, "{delivery}", "Leases that were ended without an input.")
	i.settlementLost = count(SettlementLost, "{delivery}", "Leases that were lost when they were to be ended.")
	i.commitInputs, err = meter.Int64Histogram(CommitInputs, metric.WithUnit("{input}"),
		metric.WithDescription("Inputs that were decided in one commit."),
		metric.WithExplicitBucketBoundaries(1, 2, 4, 8, 16, 32, 64, 128, 256, 512))
	errs = append(errs, err)
	i.deliveryActive, err = meter.Int64UpDownCounter(DeliveryActive, metric.WithUnit("{delivery}"),
		metric.WithDescription("Attempts under way in this process."))
	return i, errors.Join(append(errs, err)...)
}

// Observe lets each collection of metrics look at the health of an engine, once, until stop is called. Of several processes on one
// store one is enough: backlogs and projections are the same for all of them.
func (t *Telemetry) Observe(engine *runtime.Engine) (stop func() error, err error) {
	var errs []error
	var all []metric.Observable
	gauge := func(name, unit, description string) metric.Int64ObservableGauge {
		g, err := t.meter.Int64ObservableGauge(name, metric.WithUnit(unit), metric.WithDescription(description))
		errs, all = append(errs, err), append(all, g)
		return g
	}
	seconds := func(name, description string) metric.Float64ObservableGauge {
		g, err := t.meter.Float64ObservableGauge(name, metric.WithUnit("s"), metric.WithDescription(description))
		errs, all = append(errs, err), append(all, g)
		return g
	}
	deliveries := gauge(QueueDeliveries, "{delivery}", "Deliveries in the store by what they wait for; counts stop at 10,000.")
	oldest := seconds(QueueOldestDue, "How long the oldest due delivery has been due.")
	handlers := gauge(QueueHandlers, "{handler}", "Handlers that may be at work in this process at the same time.")
	waiting := gauge(InputsWaiting, "{input}", "Inputs on their way through this process.")
	bytes := gauge(CacheBytes, "By", "Memory for states of instances.")
	unsettled := gauge(FeedUnsettled, "{event}", "Numbers of events that were issued and cannot be read yet.")
	behind := gauge(ProjectionBehind, "{event}", "Events that a projection has still to look at, at most.")
	delay := seconds(ProjectionDelay, "Age of the oldest event that a projection has still to look at.")
	lookups, err := t.meter.Int64ObservableCounter(CacheLookups, metric.WithUnit("{lookup}"),
		metric.WithDescription("Decisions by whether their instance's state was in memory."))
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, err
	}
	registration, err := t.meter.RegisterCallback(func(ctx context.Context, o metric.Observer) error {
		h, err := engine.Health(ctx) // what cannot be found out is left out
		for name, queue := range map[runtime.QueueName]*runtime.QueueHealth{runtime.EffectQueue: &h.Effects, runtime.TimerQueue: &h.Timers} {
			of := attribute.String(Queue, string(name))
			o.ObserveInt64(handlers, int64(queue.Handlers), metric.WithAttributes(of))
			for _, k := range queue.Kinds {
				kind := attribute.NewSet(of, attribute.String(Workflow, k.Kind.Workflow), attribute.String(Kind, k.Kind.Name))
				for state, n := range map[runtime.DeliveryState]int64{runtime.DeliveryDue: k.Due, runtime.DeliveryLeased: k.Leased,
					runtime.DeliveryDelayed: k.Delayed, runtime.DeliveryDead: k.Dead} {
					o.ObserveInt64(deliveries, n, metric.WithAttributeSet(kind), metric.WithAttributes(attribute.String(State, string(state))))
				}
				age := 0.0
				if !k.OldestDue.IsZero() {
					age = h.At.Sub(k.OldestDue).Seconds()
				}
				o.ObserveFloat64(oldest, age, metric.WithAttributeSet(kind))
			}
		}
		o.ObserveInt64(waiting, int64(h.Inputs.Waiting))
		o.ObserveInt64(bytes, h.Cache.Bytes)
		o.ObserveInt64(lookups, h.Cache.Hits, metric.WithAttributes(attribute.String(Outcome, "hit")))
		o.ObserveInt64(lookups, h.Cache.Misses, metric.WithAttributes(attribute.String(Outcome, "miss")))
		o.ObserveInt64(unsettled, int64(h.Feed.Issued-h.Feed.Settled))
		for _, p := range h.Projections {
			of := metric.WithAttributes(attribute.String(Projection, p.Name))
			o.ObserveInt64(behind, p.Behind, of)
			o.ObserveFloat64(delay, p.Delay.Seconds(), of)
		}
		return err
	}, append(all, lookups)...)
	if err != nil {
		return nil, err
	}
	return registration.Unregister, nil
}
