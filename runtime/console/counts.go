package console

import (
	"context"
	"sync"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/admin"
	"github.com/ironflow-gen/ironflow/runtime/telemetry"
)

const (
	healthFor   = 2 * time.Second  // how long figures of the store are shown before they are read again, unless events were stored
	countedFor  = 10 * time.Second // the same of counts
	countWithin = time.Second      // how long counting may take
	countedMost = 2000             // instances that are counted, of those that are active and of those that have completed
)

// shared is something that many open pages show, and that is read once for all of them.
type shared[T any] struct {
	turn  chan struct{} // has room for one who reads
	value T
	at    time.Time // zero when there is no value
}

func newShared[T any]() *shared[T] { return &shared[T]{turn: make(chan struct{}, 1)} }

// get returns the value, and reads it if it is too old. Whoever comes meanwhile waits, as long as ctx lasts. An error is not kept.
func (s *shared[T]) get(ctx context.Context, lasts time.Duration, read func(context.Context) (T, error)) (T, error) {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
	if !s.at.IsZero() && time.Since(s.at) < lasts {
		return s.value, nil
	}
	began := time.Now()
	value, err := read(ctx)
	if err == nil {
		s.value, s.at = value, began
	}
	return value, err
}

// forget makes the next call of get read, unless one reads now.
func (s *shared[T]) forget() {
	select {
	case s.turn <- struct{}{}:
		s.at = time.Time{}
		<-s.turn
	default:
	}
}

// health returns figures of the store.
func (c *console) health(ctx context.Context) (telemetry.Health, error) {
	return c.figures.get(ctx, healthFor, c.admin.Health)
}

// counts keeps the numbers of instances by status.
type counts struct {
	mu    sync.Mutex
	known map[string]*shared[counted] // by workflow
}

type counted struct {
	admin.NewestCounts
	Failed bool
}

// of returns the counts of a workflow that a program has described: there are few of those.
func (n *counts) of(ctx context.Context, a *admin.Admin, workflow string) counted {
	n.mu.Lock()
	if n.known == nil {
		n.known = make(map[string]*shared[counted])
	}
	s := n.known[workflow]
	if s == nil {
		s = newShared[counted]()
		n.known[workflow] = s
	}
	n.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, countWithin)
	defer cancel()
	c, err := s.get(ctx, countedFor, func(ctx context.Context) (counted, error) {
		found, err := a.CountNewest(ctx, workflow, countedMost)
		return counted{NewestCounts: found}, err
	})
	c.Failed = err != nil
	return c
}
