package runtime

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

// bell counts its notifications, each of which waits until it may return.
type bell struct {
	Store
	rung  atomic.Int32
	goOn  chan bool
	began chan bool
}

func (b *bell) Notify(context.Context, store.News) error {
	b.rung.Add(1)
	b.began <- true
	<-b.goOn
	return nil
}

func (b *bell) Listen(ctx context.Context, _ func(store.News)) error {
	<-ctx.Done()
	return ctx.Err()
}

// However many commits there are, other processes are told of them in one notification at a time, and of the last one in any case.
func TestOneNotificationForManyCommits(t *testing.T) {
	t.Parallel()
	b := &bell{goOn: make(chan bool), began: make(chan bool, 9)}
	a := newAnnouncer(b, slog.Default(), store.NewWork, time.Millisecond)
	a.announce()
	<-b.began
	for range 1000 { // commits while a notification is under way
		a.announce()
	}
	if n := b.rung.Load(); n != 1 {
		t.Errorf("%d notifications, want 1", n)
	}
	b.goOn <- true
	<-b.began // of what came meanwhile
	b.goOn <- true
	time.Sleep(20 * a.interval)
	if n := b.rung.Load(); n != 2 {
		t.Errorf("%d notifications, want 2", n)
	}
	a.announce()
	<-b.began
	b.goOn <- true
}
