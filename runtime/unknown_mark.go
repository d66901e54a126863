package runtime

import "github.com/ironflow-gen/ironflow/runtime/internal/usererr"

// unknownError marks what this program does not know of a delivery, or of the instance that it is for: an event type, the shape of a
// payload, the name of an input. A newer program may know it, or an older one. So the delivery waits for another process, up to
// Config.BlockedTimeout, and its attempts do not count.
type unknownError struct{ err error }

func (e *unknownError) Error() string { return e.err.Error() }
func (e *unknownError) Unwrap() error { return e.err }

// unknown marks err, unless it is nil.
func unknown(err error) error {
	if err == nil {
		return nil
	}
	return &unknownError{err}
}

// cannotTake reports whether the engine itself, and not user code, found something that this program does not know.
func cannotTake(err error) bool {
	_, is := usererr.OwnAs[*unknownError](err)
	return is
}
