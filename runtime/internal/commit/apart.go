package commit

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/backoff"
	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// maxAlone is how many instances may be served apart from the batches at the same time. Each of them may wait for a lock
// with a connection in its hand.
const maxAlone = 8

// maxAloneClients is how many of these may be for inputs of clients.
const maxAloneClients = 6

// setApart lets instances be served alone, beginning with tasks that were taken. Only the lane's goroutine calls it.
func (l *lane) setApart(groups []*group) {
	for _, g := range groups {
		l.cache.remove(g.key)
		l.queueApart(g.key, g.tasks)
		go l.serveApart(g.key)
	}
}

func (l *lane) queueApart(key store.InstanceKey, tasks []*task) {
	l.mu.Lock()
	defer l.mu.Unlock()
	// Those that came meanwhile are older than what comes next.
	l.waiting = slices.DeleteFunc(l.waiting, func(t *task) bool {
		if t.key == key {
			tasks = append(tasks, t)
		}
		return t.key == key
	})
	l.apart[key] = waitAgain(tasks)
}

// serveApart serves an instance until none of its inputs waits.
func (l *lane) serveApart(key store.InstanceKey) {
	for t, ok := l.nextApart(key); ok; t, ok = l.nextApart(key) {
		if t.take() {
			l.x.alone(t)
		}
	}
}

func (l *lane) nextApart(key store.InstanceKey) (t *task, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	queue := l.apart[key]
	if len(queue) == 0 {
		delete(l.apart, key)
		return nil, false
	}
	l.apart[key] = queue[1:]
	return queue[0], true
}

// alone answers an input that must not hold up a batch, under its instance's lock. It is decided again while it loses races against
// others; each lost race is another's progress.
func (x *Executor) alone(t *task) {
	defer x.contended.want(t.request.uniqueKey())()
	for round := 1; ; round++ {
		err := x.runAlone(t)
		switch {
		case t.answered():
			return
		case err == errCallerGone:
			err = cmp.Or(t.ctx.Err(), context.Canceled)
		case err == nil, usererr.OwnIs(err, store.ErrConflict):
			t.unstored()
			select {
			case <-t.ctx.Done():
				err = t.ctx.Err()
			case <-time.After(backoff.Conflict.Pause(round)):
				continue
			}
		}
		t.answer(Result{}, err)
		return
	}
}

// runAlone takes one input through a commit of its own.
func (x *Executor) runAlone(t *task) error {
	if t.request.ofClient() {
		select {
		case x.apartClients <- struct{}{}:
		case <-t.ctx.Done():
			return t.ctx.Err()
		}
		defer func() { <-x.apartClients }()
	}
	select {
	case x.apart <- struct{}{}:
	case <-t.ctx.Done():
		return t.ctx.Err()
	}
	defer func() { <-x.apart }()
	b := newBatch(x, &locked{beginner: x.store, resolve: x.resolve, log: x.config.Logger}, t)
	defer func() { b.giveBack(nil) }() // after a panic, too
	// The caller of Submit has gone when its context ends; what user code does is watched for a while longer.
	err := b.run(t.ctx, context.WithoutCancel(t.ctx))
	if call, is := err.(*failedCall); is {
		return call.err
	}
	if err == nil {
		x.stored(b)
	}
	return err
}
