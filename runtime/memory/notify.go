package memory

import (
	"context"
	"sync"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// listeners are those who wait for news, with the news that each has not heard.
type listeners struct {
	mu    sync.Mutex
	rings map[chan struct{}]store.News
}

// Notify implements [store.Notifier].
func (s *Store) Notify(ctx context.Context, what store.News) error {
	s.listeners.mu.Lock()
	defer s.listeners.mu.Unlock()
	for ring := range s.listeners.rings {
		s.listeners.rings[ring] |= what
		select {
		case ring <- struct{}{}:
		default:
		}
	}
	return ctx.Err()
}

// Listen implements [store.Notifier].
func (s *Store) Listen(ctx context.Context, wake func(what store.News)) error {
	l, ring := &s.listeners, make(chan struct{}, 1)
	l.mu.Lock()
	if l.rings == nil {
		l.rings = make(map[chan struct{}]store.News)
	}
	l.rings[ring] = 0
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.rings, ring)
	}()
	wake(store.AllNews)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ring:
		}
		l.mu.Lock()
		what := l.rings[ring]
		l.rings[ring] = 0
		l.mu.Unlock()
		wake(what)
	}
}
