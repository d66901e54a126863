package relay

import (
	"context"
	"errors"
	"fmt"

	"github.com/ironflow-gen/ironflow/runtime"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// publisher publishes while this process has the relay.
type publisher struct {
	sink     Sink
	feed     store.Feed
	renderer renderer

	opened bool
	last   store.FeedPosition // of the last event that the broker has; 0 if there is none, or all later ones are to be published
}

// publish is project.Publish.
func (p *publisher) publish(ctx context.Context, events []store.StoredEvent) (stored int, err error) {
	if !p.opened {
		if err := p.open(ctx, events[0].Position()); err != nil {
			return 0, err
		}
	}
	for stored < len(events) && events[stored].Position() <= p.last {
		stored++
	}
	messages, unfit := p.renderer.messages(events[stored:])
	if len(messages) > 0 {
		p.opened = false // until it is known what the broker has
		n, err := p.sink.Publish(ctx, messages)
		stored += n
		if err != nil {
			return stored, err
		}
		p.opened = true
	}
	return stored, unfit
}

// open finds out which events the broker has. It fails if the broker has events that the store has not: these were lost by a failover or a
// restore, and later events have their numbers.
func (p *publisher) open(ctx context.Context, next store.FeedPosition) error {
	id, err := p.sink.Open(ctx)
	if err != nil {
		return err
	}
	last, is := positionOf(id)
	switch {
	case id == "" || is && last < next:
		p.opened, p.last = true, 0
		return nil
	case !is:
		return runtime.Permanent(fmt.Errorf("the last message that the broker has, %q, is not of this relay; nothing else may publish there", id))
	}
	page, err := p.feed.EventsSince(ctx, last-1, 1)
	if back, is := errors.AsType[*store.FeedSetBack](err); is {
		return runtime.Permanent(&store.FeedSetBack{Position: last, Issued: back.Issued, Event: last, Repair: back.Repair})
	}
	if err != nil {
		return err
	}
	if len(page.Events) > 0 && messageID(&page.Events[0]) == id {
		p.opened, p.last = true, last
		return nil
	}
	if page.Looked < last {
		return fmt.Errorf("the broker has event %d, and the feed can be read up to %d only", last, page.Looked)
	}
	return runtime.Permanent(&store.FeedSetBack{Position: last, Issued: page.Settled, Event: last})
}
