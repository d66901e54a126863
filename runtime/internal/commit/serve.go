package commit

import (
	"context"

	"github.com/ironflow-gen/ironflow/runtime/internal/bound"
	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
	"github.com/ironflow-gen/ironflow/runtime/store"
)

// apartBytes is the size of a change that is kept out of batches: it would hold the others up.
const apartBytes = 256 << 10

// serve answers every task of a batch, lets it wait for the next, or hands it over to be served alone. One input's failure is never
// another's: what the batch fails of leaves it, and when that is not known, its instances are served one by one. An error is a panic, and so
// a mistake of the engine, as user code has a recover of its own; callers must not wait for ever.
//
// failed is what another goroutine could not go on after that served the batch before; nil when none did.
func (d *dispatcher) serve(b *batch, failed *failedCall) (err error) {
	defer usererr.RecoverTo(&err, "a batch of the engine", "")
	ctx := context.Background() // no caller's: what was sent is waited for, for as long as the store's limit
	if failed != nil {
		b.report(failed)
		d.forget(b)
		b.answerFailed(failed)
	} else {
		d.setApart(b.takeOut(d.x.contended.has))
	}
	for len(b.groups) > 0 {
		err := b.attempt(ctx, ctx)
		b.report(err)
		d.setApart(b.large)
		b.large = nil
		if err == nil {
			d.x.stored(b)
			return nil
		}
		if done := d.settle(b, err); done {
			return nil
		}
	}
	return nil
}

// settle answers or takes out those tasks of a batch that an attempt has failed of. It reports whether that is all there is to do.
func (d *dispatcher) settle(b *batch, err error) (done bool) {
	d.forget(b) // evolvers may have changed what is cached, and what they made of it is not stored
	if call, is := err.(*failedCall); is {
		b.answerFailed(call)
		return false
	}
	_, keyTaken := usererr.OwnAs[*store.UniqueKeyConflict](err)
	conflict := usererr.OwnIs(err, store.ErrConflict)
	switch {
	case err == errCallerGone:
		b.dropAnswered()
	case b.isOne() && !conflict, usererr.OwnIs(err, store.ErrOutcomeUnknown), bound.IsUnavailable(err): // alone, each would fail in the same way
		b.answerAll(err)
		return true
	case !conflict && !keyTaken || b.lost > 1:
		d.setApart(b.takeOut(func(*group) bool { return true }))
	case b.lost > 0:
		// Keys are what batches wait for most. The others need not.
		if keyed := b.takeOut((*group).wantsKey); len(keyed) > 0 {
			d.setApart(keyed)
		} else {
			d.setApart(b.takeOut(func(*group) bool { return true }))
		}
		b.lost++
	default:
		// Somebody was faster on one of the instances or keys. What is there now is read, so this seldom happens twice.
		if _, paused := usererr.OwnAs[*store.PausedLease](err); conflict && !paused {
			d.doubt()
		}
		b.lost++
	}
	return false
}

// doubt lets the next batches check what is cached before they decide.
func (d *dispatcher) doubt() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.distrust = distrustedBatches
}

// fail answers what has no answer yet.
func (d *dispatcher) fail(b *batch, err error) {
	b.groups, b.large = append(b.groups, b.large...), nil
	b.giveBack(nil)
	d.forget(b)
	b.answerAll(err)
}

// forget drops what is cached of the batch's instances.
func (d *dispatcher) forget(b *batch) {
	for _, g := range b.groups {
		b.cache.remove(g.key)
	}
}
