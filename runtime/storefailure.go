package runtime

import "github.com/ironflow-gen/ironflow/runtime/internal/usererr"

// storeError marks a failure of the store, which may pass; what the store says by contract is none.
type storeError struct{ err error }

func (e *storeError) Error() string { return e.err.Error() }
func (e *storeError) Unwrap() error { return e.err }

// fromStore marks err unless it is one of the contract's.
func fromStore(err error) error {
	_, conflict := usererr.OwnAs[*UniqueKeyConflict](err)
	_, lost := usererr.OwnAs[*LeaseLost](err)
	if err == nil || conflict || lost || usererr.OwnIs(err, ErrConflict) {
		return err
	}
	return &storeError{err}
}
