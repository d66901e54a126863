package cells

import (
	"context"
	"iter"
	"maps"
	"sync"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// Position is a place in the feed of all cells: the position in the feed of each, by its name. A cell that it lacks is read from the beginning, so
// nil is the beginning, and a position stays valid when cells are added.
type Position map[string]store.FeedPosition

// Event is an event of the feed of all cells.
type Event struct {
	store.StoredEvent
	Cell string // GlobalSequence is a number of its store

	// Position is the place right after the event. Each event has a copy of its own.
	Position Position
}

// Subscribe returns the events of all cells after a position, and waits for more until ctx ends or the loop does. With filters, it returns only
// events that one of them accepts. Store the Position of the last event that was handled, to go on after it.
//
// No event is missed. The events of an instance come in the order of their versions. Events of different cells come in any order.
//
// After an error of a cell, the event has only the Cell. If the loop continues, the cell is tried again, and the others go on meanwhile. After
// *store.FeedSetBack, the cell has ended.
func (r *Router) Subscribe(ctx context.Context, after Position, filters ...store.EventFilter) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		own, cancel := context.WithCancel(ctx)
		var all sync.WaitGroup
		defer all.Wait()
		defer cancel()
		type read struct {
			event Event
			err   error
		}
		reads := make(chan read)
		for _, c := range r.cells {
			all.Go(func() {
				for event, err := range c.engine.Subscribe(own, after[c.name], filters...) {
					if own.Err() != nil {
						return
					}
					select {
					case reads <- read{Event{StoredEvent: event, Cell: c.name}, err}:
					case <-own.Done():
						return
					}
				}
			})
		}
		ended := make(chan struct{})
		go func() {
			all.Wait()
			close(ended)
		}()
		at := maps.Clone(after)
		if at == nil {
			at = make(Position)
		}
		for {
			var next read
			select {
			case next = <-reads:
			case <-ended:
				if ctx.Err() != nil {
					yield(Event{}, ctx.Err())
				}
				return
			}
			if next.err == nil {
				at[next.event.Cell] = next.event.StoredEvent.Position()
				next.event.Position = maps.Clone(at)
			}
			if !yield(next.event, next.err) {
				return
			}
		}
	}
}
