package commit

import (
	"cmp"
	"context"
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

// setApart lets instances be served alone, beginning with tasks that were taken.
func (d *dispatcher) setApart(groups []*group) {
	for _, g := range groups {
		d.x.cache.remove(g.key)
		d.mu.Lock()
		g.waitAgain()
		g.line.batch, g.line.apart = nil, true
		d.mu.Unlock()
		go d.serveApart(g.line)
	}
}

// serveApart serves an instance until none of its inputs waits. The context of a caller may be user code: if it panics or ends this goroutine,
// its input fails, and those behind it are served.
func (d *dispatcher) serveApart(l *line) {
	for t := d.nextApart(l); t != nil; t = d.nextApart(l) {
		_ = usererr.Call(func() (err error) {
			defer usererr.RecoverTo(&err, "the engine, or the context of an input,", "")
			d.x.alone(t)
			return nil
		}, func(err error) {
			if err != nil && !t.answered() {
				t.answer(Result{}, err)
			}
			if err == usererr.ErrGoexit {
				go d.serveApart(l)
			}
		})
	}
}

func (d *dispatcher) nextApart(l *line) *task {
	d.mu.Lock()
	defer d.mu.Unlock()
	for len(l.waiting) > 0 {
		t := l.waiting[0]
		l.waiting = l.waiting[1:]
		if t.take() {
			return t
		}
	}
	d.leave(l)
	return nil
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
			case <-time.After(backoff.Conflict.PauseOf(t.key.String(), round)):
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
