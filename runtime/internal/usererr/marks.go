package usererr

import (
	"fmt"
	"time"
)

// Permanent is an error of user code that no further attempt can fix.
type Permanent struct{ Err error }

func (e *Permanent) Error() string { return markedText("Permanent", e.Err) }

// Unwrap returns the error that was marked.
func (e *Permanent) Unwrap() error { return e.Err }

// RetryAfter is an error of user code that says when to try again.
type RetryAfter struct {
	Err   error
	Pause time.Duration
}

func (e *RetryAfter) Error() string { return markedText("RetryAfter", e.Err) }

// Unwrap returns the error that was marked.
func (e *RetryAfter) Unwrap() error { return e.Err }

// Snooze says that user code was called too early: the attempt does not count.
type Snooze struct{ Pause time.Duration }

func (e *Snooze) Error() string { return fmt.Sprintf("snoozed for %v", e.Pause) }

// markedText is the text of an error that a function of package runtime has marked.
func markedText(by string, err error) string {
	if err == nil {
		return "runtime." + by + " was called without an error; return nil when the attempt succeeded"
	}
	return Text(err)
}
