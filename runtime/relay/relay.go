package relay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/internal/project"
	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Relay publishes the events of a store through a Sink. Pass it to an engine in Config.Projections, and run the engine:
//
//	config.Projections = []runtime.AnyProjection{relay.Relay{Name: "broker", Sink: sink}}
//
// Each event is published at least once, and the events of an instance in their order; see Sink for when it is exactly once. While the
// broker is out of reach or refuses messages, the relay waits: Health shows the error as the projection's LastError, and nothing is lost.
// It stops at an event that the broker can never accept; resume the relay after the cause is fixed, or skip the event.
//
// Personal fields are left out of every message, because a broker does not forget.
type Relay struct {
	// Name is the name of the projection. The position is stored under it.
	Name string

	// Sink publishes the messages.
	Sink Sink

	// Filters select the events. Default: all events.
	Filters []store.EventFilter

	// Subject is the template for the subject or topic of a message. {workflow}, {id} and {event} stand for the names of the workflow,
	// of the instance and of the event's type, as Escape writes them. Default: "ironflow.{workflow}.{id}".
	Subject string

	// Format is the form of the messages. Default: Structured.
	Format Format

	// Source is the attribute "source" of CloudEvents, a URI reference that names this store. Default: "ironflow".
	Source string

	// DataSchema is the template for the attribute "dataschema" of CloudEvents, an absolute URI of the schema of an event's fields.
	// {workflow}, {event} and {version} stand for the names of the workflow and of the event's type, and for the version of the event's
	// fields, as the lock lists them. Example: "https://schemas.example.com/{workflow}/{event}/{version}". Default: no such attribute.
	DataSchema string

	// BatchSize is how many events are handed to the sink at once. The next ones are read meanwhile. Default: 5000.
	BatchSize int

	// Timeout limits the publication of a batch. Default: 1 min.
	Timeout time.Duration

	// Retry is the pause after a failure: Base after the first, twice as much after each further one, at most Max. MaxAttempts is
	// not used: a relay tries until it succeeds. Default: pauses from 100 ms to 5 s.
	Retry runtime.RetryPolicy
}

var defaultRetry = runtime.RetryPolicy{MaxAttempts: 1, Base: 100 * time.Millisecond, Max: 5 * time.Second}

func (r Relay) withDefaults() Relay {
	if r.Subject == "" {
		r.Subject = "ironflow.{workflow}.{id}"
	}
	if r.Source == "" {
		r.Source = "ironflow"
	}
	if r.BatchSize == 0 {
		r.BatchSize = 5000
	}
	if r.Timeout == 0 {
		r.Timeout = time.Minute
	}
	r.Retry = r.Retry.WithDefaults(defaultRetry)
	return r
}

// On implements runtime.AnyProjection.
func (r Relay) On(st runtime.Store) (project.Spec, error) {
	if err := store.CheckIdentifier("name of a relay", r.Name); err != nil {
		return project.Spec{}, err
	}
	r = r.withDefaults()
	feed, err := r.check(st)
	if err != nil {
		return project.Spec{}, fmt.Errorf("relay %q: %w", r.Name, err)
	}
	renderer := renderer{format: r.Format, source: r.Source}
	if renderer.subject, err = parseSubject(r.Subject); err == nil {
		renderer.schema, err = parseDataSchema(r.DataSchema)
	}
	if err != nil {
		return project.Spec{}, fmt.Errorf("relay %q: %w", r.Name, err)
	}
	spec := project.Spec{
		Name: r.Name, Filters: r.Filters, BatchSize: r.BatchSize, Retry: r.Retry, Timeout: r.Timeout,
		Publisher: func() project.Publish {
			p := &publisher{sink: guarded{r.Sink, r.Name}, feed: feed, renderer: renderer}
			return p.publish
		},
	}
	if resetter, is := r.Sink.(Resetter); is {
		states, is := st.(store.Projections)
		if !is {
			return project.Spec{}, fmt.Errorf("relay %q: %T stores no states of projections", r.Name, st)
		}
		spec.Reset = func(ctx context.Context, update store.ProjectionUpdate) error {
			if err := reset(ctx, resetter, r.Name); err != nil {
				return err
			}
			return states.UpdateProjection(ctx, r.Name, update)
		}
	}
	return spec, nil
}

// check fails if the relay cannot work.
func (r *Relay) check(st runtime.Store) (feed store.Feed, err error) {
	feed, is := st.(store.Feed)
	switch {
	case !is:
		err = fmt.Errorf("%T has no feed", st)
	case r.Sink == nil:
		err = errors.New("it has no Sink")
	case r.Format != Structured && r.Format != Binary:
		err = fmt.Errorf("unknown Format %d", r.Format)
	case r.BatchSize < 0 || r.Timeout < 0 || r.Retry.Base < 0 || r.Retry.Max < r.Retry.Base:
		err = errors.New("BatchSize, Timeout and the pauses of Retry must not be negative, and Max must be at least Base")
	default:
		for _, f := range r.Filters {
			if f.Workflow == "" {
				err = errors.New("an EventFilter has no Workflow; leave the filter out to get the events of all")
			}
		}
	}
	return feed, err
}

// reset calls code of the sink.
func reset(ctx context.Context, sink Resetter, name string) (err error) {
	defer usererr.RecoverTo(&err, "the sink of relay ", name)
	return usererr.Wrap(sink.Reset(ctx))
}

// guarded is a sink whose panics are errors.
type guarded struct {
	sink Sink
	name string
}

func (g guarded) Open(ctx context.Context) (lastID string, err error) {
	defer usererr.RecoverTo(&err, "the sink of relay ", g.name)
	lastID, err = g.sink.Open(ctx)
	return lastID, usererr.Wrap(err)
}

func (g guarded) Publish(ctx context.Context, messages []Message) (acknowledged int, err error) {
	defer usererr.RecoverTo(&err, "the sink of relay ", g.name)
	acknowledged, err = g.sink.Publish(ctx, messages)
	if acknowledged < 0 || acknowledged > len(messages) || err == nil && acknowledged < len(messages) {
		acknowledged, err = 0, errors.Join(err, fmt.Errorf("the sink acknowledged %d of %d messages and named no error", acknowledged, len(messages)))
	}
	return acknowledged, usererr.Wrap(err)
}
