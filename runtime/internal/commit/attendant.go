package commit

import (
	"time"

	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
)

// A batch is read, decided and stored on one goroutine, because a lone caller pays for each hand-over to another. User code may end that
// goroutine, or not return. So a timer attends to all batches under way. When user code has not returned for Config.DecideTimeout, another goroutine goes on with the batch, and with the batches after it. The one that was given up ends as soon as
// user code returns.

// work serves one batch after the other, while there is something to do. It begins with b, which the goroutine that before watches could not go
// on with after err; all are nil for a new batch.
func (d *dispatcher) work(b *batch, before *watch, err error) {
	roomy(0)
	w := &watch{}
	var failed *failedCall
	if b != nil {
		w = b.watch
		failed = d.goOn(b, before, err)
	} else {
		b = d.next(nil, w)
	}
	defer func() {
		if b != nil { // user code has ended this goroutine; or the attendant had given it up, and user code has returned
			d.mu.Lock()
			d.takeOver(b, w, usererr.ErrGoexit)
			d.mu.Unlock()
			w.end()
			d.x.stuck.remove(&w.call)
		}
	}()
	for b != nil {
		if err := d.serve(b, failed); err != nil {
			d.fail(b, err)
		}
		failed = nil
		b = d.next(b, w)
	}
}

// roomy makes the stack of a new goroutine as large as a batch needs, while there is almost nothing on it to copy. Otherwise it would be copied each
// time that it doubles, which takes longer than the decision of a small batch.
//
//go:noinline
func roomy(at int) byte {
	var frame [6 << 10]byte
	return frame[at]
}

// attend gives up goroutines that user code does not return to, until no batch is under way.
func (d *dispatcher) attend() {
	if d.attended {
		return
	}
	d.attended = true
	time.AfterFunc(d.x.stuck.tick(), func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		for _, b := range d.underWay {
			if w := b.watch; w.stuck() {
				d.takeOver(b, w, d.x.stuck.error(&w.call))
			}
		}
		d.attended = false
		if len(d.underWay) > 0 {
			d.attend()
		}
	})
}

// takeOver has another goroutine go on with a batch, unless one does already. d.mu is locked.
func (d *dispatcher) takeOver(b *batch, w *watch, err error) {
	if b.watch == w {
		b.watch = &watch{}
		go d.work(b, w, err)
	}
}

// goOn says which call of user code a batch goes on after, without the goroutine that made it.
func (d *dispatcher) goOn(b *batch, before *watch, err error) *failedCall {
	if err != usererr.ErrGoexit {
		d.x.stuck.add(&before.call)
		if before.ended() { // just now, and its goroutine has forgotten the call before it was added
			d.x.stuck.remove(&before.call)
		}
	}
	b.left = true
	b.leave(before.task)
	return &failedCall{before.task, err}
}
