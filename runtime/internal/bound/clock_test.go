package bound

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/store"
)

type timekeeper struct {
	store.Store
	time func() (time.Time, error)
}

func (k timekeeper) Time(context.Context) (time.Time, error) { return k.time() }

// A store's time is counted on between its answers, and the process's own is used until there is one.
func TestStoreClock(t *testing.T) {
	t.Parallel()
	var fails atomic.Bool
	var at atomic.Pointer[time.Time]
	then := time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC)
	at.Store(&then)
	fails.Store(true)
	c := newStoreClock(timekeeper{time: func() (time.Time, error) {
		if fails.Load() {
			return time.Time{}, errors.New("no connection")
		}
		return *at.Load(), nil
	}}, slog.New(slog.DiscardHandler))
	about := func(want time.Time) func() bool {
		return func() bool { d := c.Now().Sub(want); return d >= 0 && d < time.Minute }
	}
	if now := time.Now(); !about(now)() {
		t.Errorf("without an answer it is %v", c.Now())
	}
	askAgain := func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.nextAsk = time.Now()
	}
	eventually := func(what string, condition func() bool) {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); !condition(); time.Sleep(time.Millisecond) {
			if askAgain(); time.Now().After(deadline) {
				t.Fatalf("it is %v, %s", c.Now(), what)
			}
		}
	}
	fails.Store(false)
	eventually("want the store's time", about(then))
	before := c.Now()
	time.Sleep(2 * time.Millisecond)
	if !c.Now().After(before) {
		t.Error("it stands still between answers")
	}
	fails.Store(true)
	askAgain()
	c.Now()
	if !about(then)() {
		t.Errorf("without another answer it is %v", c.Now())
	}
	fails.Store(false)
	back := then.Add(-time.Hour)
	at.Store(&back)
	eventually("want the store's time after that was set back", about(back))
}

// An answer that took long does not count: the process was suspended between question and answer, and the store told the time before that.
func TestStoreClockPassesOverLateAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newStoreClock(timekeeper{time: func() (time.Time, error) {
			told := time.Now()
			time.Sleep(3 * clockTimeout)
			return told, nil
		}}, slog.New(slog.DiscardHandler))
		if late := -time.Until(c.Now()); late.Abs() > clockTimeout/2 {
			t.Errorf("the clock is off by %v", late)
		}
	})
}
