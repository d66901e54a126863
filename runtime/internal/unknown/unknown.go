// Package unknown marks what this program does not know of what is stored: an event type, the shape of a payload, the name of an input.
// A newer program may know it, or an older one. So a delivery that meets it waits for another process, and is not a failed attempt.
package unknown

import "github.com/ironflow-gen/ironflow/runtime/internal/usererr"

type unknownError struct{ err error }

func (e *unknownError) Error() string { return e.err.Error() }
func (e *unknownError) Unwrap() error { return e.err }

// Mark marks err, unless it is nil.
func Mark(err error) error {
	if err == nil {
		return nil
	}
	return &unknownError{err}
}

// Is reports whether err is marked. What user code returns never is.
func Is(err error) bool {
	_, is := usererr.OwnAs[*unknownError](err)
	return is
}
