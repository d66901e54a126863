package usererr

import "errors"

// ErrGoexit says that user code has ended the goroutine that called it.
var ErrGoexit = errors.New("user code ended its goroutine (runtime.Goexit; t.FailNow does that)")

// Call calls f and then end with what f returned. When f ends its goroutine, end gets ErrGoexit, and is the last that runs on it. A
// panic goes on after end, which gets ErrGoexit too.
func Call(f func() error, end func(error)) (err error) {
	err = ErrGoexit
	defer func() { end(err) }()
	err = f()
	return err
}

// Watch calls f. When f does not return, because it ends its goroutine or panics, Watch calls ended on the way out.
func Watch(f, ended func()) {
	returned := false
	defer func() {
		if !returned {
			ended()
		}
	}()
	f()
	returned = true
}
