package delivery

import (
	"testing"
	"time"
)

func TestAlarm(t *testing.T) {
	t.Parallel()
	at := func(n int) time.Time { return time.Unix(int64(n), 0) }
	a := alarm{ring: make(chan struct{}, 1)}
	rings := func() bool {
		select {
		case <-a.ring:
			return true
		default:
			return false
		}
	}
	wantNext := func(n int) {
		t.Helper()
		if got, ok := a.next(); ok != (n > 0) || ok && !got.Equal(at(n)) {
			t.Errorf("next: got %v, %v, want %d", got, ok, n)
		}
	}
	wantNext(0)
	a.set(at(20))
	if !rings() {
		t.Error("the first time does not ring")
	}
	a.set(at(30))
	a.set(at(20))
	if rings() {
		t.Error("a later time rings")
	}
	a.set(at(10))
	if !rings() {
		t.Error("an earlier time does not ring")
	}
	for _, n := range []int{10, 20, 30} {
		a.clear(at(n).Add(-1))
		wantNext(n)
		a.clear(at(n))
	}
	wantNext(0)

	// However many are set, the earliest are kept.
	for n := 10 * maxAlarms; n > 0; n-- {
		a.set(at(n))
	}
	for n := 1; n <= maxAlarms; n++ {
		wantNext(n)
		a.clear(at(n))
	}
	wantNext(0)
}
