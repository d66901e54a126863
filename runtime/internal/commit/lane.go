package commit

import (
	"context"
	"slices"
	"sync"

	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// apartBytes is the size of a change that is kept out of batches: it would hold the others up.
const apartBytes = 256 << 10

// distrustedBatches is for how many batches a lane checks its cache first, after it lost a race to another process.
const distrustedBatches = 64

// lane serves a share of the instances, a batch at a time. It has a goroutine while there is something to do.
type lane struct {
	x     *Executor
	cache *stateCache // of the goroutine that runs

	// distrust counts the batches to come that check what is cached before they decide, instead of when they store:
	// another process works on the same instances.
	distrust int

	mu      sync.Mutex
	waiting []*task
	running bool

	// apart are the instances that are served alone, with their inputs in order. They stay apart until they have none.
	apart map[store.InstanceKey][]*task
}

func newLane(x *Executor, cacheBytes int) *lane {
	return &lane{x: x, cache: newStateCache(cacheBytes), apart: make(map[store.InstanceKey][]*task)}
}

// add lets a task wait for its turn.
func (l *lane) add(t *task) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if queue, ok := l.apart[t.key]; ok {
		l.apart[t.key] = append(queue, t)
		return
	}
	l.waiting = append(l.waiting, t)
	if !l.running {
		l.running = true
		go l.run()
	}
}

func (l *lane) run() {
	for tasks, ok := l.next(); ok; tasks, ok = l.next() {
		if len(tasks) == 0 {
			continue
		}
		b := newBatch(l.x, unlocked{l.x}, tasks...)
		b.cache = l.cache
		if err := l.serve(b); err != nil {
			l.fail(b, err)
		}
	}
}

// fail answers what has no answer yet.
func (l *lane) fail(b *batch, err error) {
	b.groups, b.large = append(b.groups, b.large...), nil
	l.forget(b)
	b.answerAll(err)
}

// serve answers every task of a batch, or hands it over to be served alone. One input's failure is never another's: what the batch fails
// of leaves it, and when that is not known, its instances are served one by one. An error is a panic, and so a mistake of the engine, as
// user code has a recover of its own; callers must not wait for ever.
func (l *lane) serve(b *batch) (err error) {
	defer usererr.RecoverTo(&err, "a batch of the engine", "")
	defer func() { b.giveBack(nil) }() // after a panic, too
	ctx := context.Background()        // no caller's: what was sent is waited for, for as long as the store's limit
	all := func(*group) bool { return true }
	l.setApart(b.takeOut(l.x.contended.has))
	for lost := 0; len(b.groups) > 0; {
		b.doubts = l.distrust > 0
		l.distrust = max(l.distrust-1, 0)
		err := b.run(ctx, ctx)
		l.setApart(b.large)
		b.large = nil
		if err == nil {
			l.x.stored(b)
			l.putBack(b.rest)
			return nil
		}
		l.forget(b) // evolvers may have changed what is cached, and what they made of it is not stored
		if call, is := err.(*failedCall); is {
			b.answerFailed(call)
			continue
		}
		_, keyTaken := usererr.OwnAs[*store.UniqueKeyConflict](err)
		conflict := usererr.OwnIs(err, store.ErrConflict)
		switch {
		case err == errCallerGone:
			b.dropAnswered()
		case b.isOne() && !conflict, usererr.OwnIs(err, store.ErrOutcomeUnknown), bound.IsUnavailable(err): // alone, each would fail in the same way
			b.answerAll(err)
			return nil
		case !conflict && !keyTaken || lost > 1:
			l.setApart(b.takeOut(all))
		case lost > 0:
			// Keys are what batches wait for most. The others need not.
			if keyed := b.takeOut((*group).wantsKey); len(keyed) > 0 {
				l.setApart(keyed)
			} else {
				l.setApart(b.takeOut(all))
			}
			lost++
		default:
			// Somebody was faster on one of the instances or keys. What is there now is read, so this seldom happens twice.
			if _, paused := usererr.OwnAs[*store.PausedLease](err); conflict && !paused {
				l.distrust = distrustedBatches
			}
			lost++
		}
	}
	return nil
}

// forget drops what is cached of the batch's instances.
func (l *lane) forget(b *batch) {
	for _, g := range b.groups {
		l.cache.remove(g.key)
	}
}

// next takes the tasks of the next batch. It gives the lane's goroutine back when nothing waits.
func (l *lane) next() (tasks []*task, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) == 0 {
		l.running = false
		l.waiting = nil
		return nil, false
	}
	n := min(len(l.waiting), l.x.config.BatchSize)
	for _, t := range l.waiting[:n] {
		if queue, ok := l.apart[t.key]; ok {
			l.apart[t.key] = append(queue, t)
		} else if t.take() {
			tasks = append(tasks, t)
		}
	}
	l.waiting = slices.Delete(l.waiting, 0, n)
	return tasks, true
}

// putBack lets tasks that were taken wait again, before all others.
func (l *lane) putBack(tasks []*task) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = slices.Concat(waitAgain(tasks), l.waiting)
}

// waitAgain lets tasks wait that were taken, and of which nothing is stored. Those whose callers have gone are answered.
func waitAgain(tasks []*task) (rest []*task) {
	for _, t := range tasks {
		if err := t.ctx.Err(); err != nil {
			t.answer(Result{}, err)
		} else if t.wait() {
			rest = append(rest, t)
		}
	}
	return rest
}

// drop forgets a task that was withdrawn.
func (l *lane) drop(t *task) {
	l.mu.Lock()
	defer l.mu.Unlock()
	is := func(other *task) bool { return other == t }
	if queue, ok := l.apart[t.key]; ok {
		l.apart[t.key] = slices.DeleteFunc(queue, is)
	}
	l.waiting = slices.DeleteFunc(l.waiting, is)
}
