// Package broker is a recipe: all events are published to a message broker.
package broker

import (
	"context"

	"github.com/ironflow-gen/ironflow/runtime"
)

// Broker takes messages. Those with one key stay in order.
type Broker interface {
	Publish(ctx context.Context, key, kind string, payload []byte) error
}

// Positions keeps how far a publisher has come, in a table or a file.
type Positions interface {
	Load(ctx context.Context) (runtime.FeedPosition, error)
	Save(ctx context.Context, position runtime.FeedPosition) error
}

// PublishAll publishes the events of all instances, each at least once and those of an instance in order, until ctx ends. If it
// fails, call it again: it goes on after the last position that was saved. Let one process at a time call it.
func PublishAll(ctx context.Context, engine *runtime.Engine, broker Broker, positions Positions) error {
	position, err := positions.Load(ctx)
	if err != nil {
		return err
	}
	for event, err := range engine.Subscribe(ctx, position) {
		if err != nil {
			return err
		}
		if err := broker.Publish(ctx, event.Instance.String(), event.Type, event.Payload); err != nil {
			return err
		}
		if err := positions.Save(ctx, event.Position()); err != nil {
			return err
		}
	}
	return ctx.Err()
}
