package usererr_test

import (
	"errors"
	"runtime"
	"testing"

	"github.com/ironflow-gen/ironflow/runtime/internal/usererr"
)

// waysOut are the ways in which a function ends, with what Call's end gets.
var waysOut = map[string]struct {
	f    func() error
	want error
}{
	"return": {func() error { return nil }, nil},
	"error":  {func() error { return errBroken }, errBroken},
	"Goexit": {func() error { runtime.Goexit(); return nil }, usererr.ErrGoexit},
	"panic":  {func() error { panic("no") }, usererr.ErrGoexit},
}

var errBroken = errors.New("broken")

func TestCall(t *testing.T) {
	t.Parallel()
	for name, way := range waysOut {
		got := make(chan error, 2)
		onGoroutine(func() { _ = usererr.Call(way.f, func(err error) { got <- err }) })
		if err := <-got; err != way.want {
			t.Errorf("%s: end got %v, want %v", name, err, way.want)
		}
		if len(got) > 0 {
			t.Errorf("%s: end was called twice", name)
		}
	}
	if err := usererr.Call(func() error { return errBroken }, func(error) {}); err != errBroken {
		t.Errorf("returned %v", err)
	}
}

func TestApart(t *testing.T) {
	t.Parallel()
	for name, way := range waysOut {
		if name == "panic" {
			continue // ends the process
		}
		if err := usererr.Apart(way.f); err != way.want {
			t.Errorf("%s: got %v, want %v", name, err, way.want)
		}
	}
}

func BenchmarkApart(b *testing.B) {
	for b.Loop() {
		_ = usererr.Apart(func() error { return nil })
	}
}

// onGoroutine returns when f has ended its goroutine, or was recovered.
func onGoroutine(f func()) {
	done := make(chan bool)
	go func() {
		defer close(done)
		defer func() { _ = recover() }()
		f()
	}()
	<-done
}
