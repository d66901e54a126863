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

// Apart calls f on a goroutine of its own, and returns what f returned, or ErrGoexit when f ended that goroutine. The goroutine of the
// caller goes on. f must not panic: nothing recovers it.
func Apart(f func() error) error {
	ended := make(chan error, 1)
	go func() { _ = Call(f, func(err error) { ended <- err }) }()
	return <-ended
}
